"""Reading what a function asks for, once, into an immutable Signature. The only user of `inspect`."""

from __future__ import annotations

import inspect
from dataclasses import replace
from pathlib import Path
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin, get_type_hints

from picsellia_processing.context import JobContext
from picsellia_processing.errors import DefinitionError
from picsellia_processing.hints import written
from picsellia_processing.image import Image, Sample
from picsellia_processing.inputs import Depends, Input, ModelFile
from picsellia_processing.labels import Labels
from picsellia_processing.parameters import Parameters
from picsellia_processing.signature import (
    SERVER_OBJECTS,
    ContextArgument,
    InputArgument,
    Items,
    LabelsArgument,
    ParametersArgument,
    Provider,
    ServerArgument,
    Signature,
    is_server_class,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from picsellia_processing.signature import Argument

EXPECTED = (
    "expected one of: Image, list[Image], Sample, list[Sample], JobContext, Labels, a subclass of Parameters, "
    "Annotated[Path, ModelFile(...)], Annotated[..., Input(...)], Annotated[..., Depends(...)], "
    f"or the SDK's {', '.join(SERVER_OBJECTS)}"
)


OURS = {each.__name__: each for each in (Image, Sample, JobContext, Labels, Parameters)}


def read_signature(function: Callable[..., Any], *, skip: tuple[str, ...] = (), streams: bool = True) -> Signature:
    """Read the signature of a function, of the functions it depends on, and of theirs.

    `skip` names arguments that are filled by somebody else (`self`); `streams` says whether images may be asked for.

    Raises:
        DefinitionError: something cannot be injected. Holds all mistakes, each with file and line.
    """
    reader = _Reader()
    signature = reader.read(function, skip=skip, streams=streams)
    if reader.mistakes:
        raise DefinitionError(_name(function), reader.mistakes)
    return signature


class _Reader:
    """One reading: collects mistakes, and reads each provider once even when several functions depend on it."""

    def __init__(self) -> None:
        self.mistakes: list[str] = []
        self._reading: list[Callable[..., Any]] = []
        self._provided: dict[Callable[..., Any], Signature] = {}

    def read(self, function: Callable[..., Any], *, skip: tuple[str, ...], streams: bool) -> Signature:
        place = place_of(function)
        self._reading.append(function)
        hints: dict[str, Any] = {}
        parameters: list[inspect.Parameter] = []
        try:
            annotated: Any = function.__init__ if isinstance(function, type) else function  # type: ignore[misc]  # a class is its own provider
            hints = get_type_hints(annotated, include_extras=True)
            parameters = [each for each in inspect.signature(function).parameters.values() if each.name not in skip]
        except Exception as error:  # noqa: BLE001 - evaluating the author's annotations can raise anything
            self._mistake(place, f"its annotations cannot be evaluated: {error}")
        if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
            self._mistake(place, "it is async, and nobody awaits it; make it a plain function")
        arguments = {}
        for parameter in parameters:
            argument = self._argument(place, parameter, hints, streams=streams)
            if argument is not None:
                arguments[parameter.name] = argument
        self._one_stream(place, arguments)
        self._reading.pop()
        return Signature(place=place, arguments=arguments, returns=hints.get("return"))

    def _argument(
        self, place: str, parameter: inspect.Parameter, hints: dict[str, Any], *, streams: bool
    ) -> Argument | None:
        name = parameter.name
        if parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY}:
            self._mistake(place, f"argument {parameter}: only plain arguments can be injected")
            return None
        if bare := _bare_mark(parameter.default, hints.get(name)):
            self._mistake(
                place, f"argument {name!r}: {bare}(...) stands by itself; write {name}: Annotated[..., {bare}(...)]"
            )
            return None
        if name not in hints:
            if parameter.default is parameter.empty:
                self._mistake(place, f"argument {name!r} has no annotation, so nobody knows what to inject; {EXPECTED}")
            return None
        hint = hints[name]
        optional = parameter.default is not parameter.empty
        argument = self._read_hint(place, name, _without_none(hint) if optional else hint)
        if argument is None and optional:
            return None
        if optional and isinstance(argument, (InputArgument, ServerArgument, ModelFile)):
            argument = replace(argument, required=False)
        if argument is None:
            self._mistake(place, f"argument {name!r}: cannot inject {written(hint)}{_namesake(hint)}; {EXPECTED}")
        if isinstance(argument, Items) and not streams:
            self._mistake(place, f"argument {name!r}: images go to the processing's own function, not to this one")
        return argument

    def _read_hint(self, place: str, name: str, hint: Any) -> Argument | None:
        if get_origin(hint) is Annotated:
            return self._marked(place, name, *get_args(hint))
        if get_origin(hint) is list and get_args(hint) in ((Image,), (Sample,)):
            return Items(get_args(hint)[0], batched=True)
        if hint is Image or hint is Sample:
            return Items(hint, batched=False)
        if not isinstance(hint, type):
            return None
        if issubclass(hint, Parameters):
            return ParametersArgument(hint)
        if hint is JobContext:
            return ContextArgument()
        if hint is Labels:
            return LabelsArgument()
        if is_server_class(hint):
            return ServerArgument(hint.__name__)
        return None

    def _marked(self, place: str, name: str, hint: Any, *marks: Any) -> Argument | None:
        for mark in marks:
            if isinstance(mark, ModelFile):
                if hint is not Path:
                    self._mistake(place, f"argument {name!r}: a ModelFile is a pathlib.Path, not {written(hint)}")
                return mark
            if isinstance(mark, Input):
                return InputArgument(mark, hint)
            if isinstance(mark, Depends):
                return self._provider(place, name, mark)
            if any(mark is each for each in (ModelFile, Input, Depends)):
                self._mistake(
                    place, f"argument {name!r}: {mark.__name__} is missing its parentheses: {mark.__name__}(...)"
                )
                return ContextArgument()
        return self._read_hint(place, name, hint)

    def _provider(self, place: str, name: str, mark: Depends) -> Argument | None:
        provider: Any = mark.provider
        if not callable(provider):
            self._mistake(place, f"argument {name!r}: Depends needs a function, found {provider!r}")
            return ContextArgument()
        if provider in self._reading:
            chain = " -> ".join(_name(each) for each in (*self._reading, provider))
            self._mistake(place, f"argument {name!r}: functions depend on each other in a circle: {chain}")
            return ContextArgument()
        if provider not in self._provided:
            self._provided[provider] = self.read(provider, skip=(), streams=False)
        return Provider(provider, self._provided[provider])

    def _one_stream(self, place: str, arguments: dict[str, Argument]) -> None:
        streamed = [name for name, argument in arguments.items() if isinstance(argument, Items)]
        if len(streamed) > 1:
            self._mistake(place, f"arguments {' and '.join(map(repr, streamed))} both ask for the images; keep one")

    def _mistake(self, place: str, text: str) -> None:
        if f"{place}: {text}" not in self.mistakes:
            self.mistakes.append(f"{place}: {text}")


def place_of(function: Callable[..., Any]) -> str:
    """`file.py:12 function` for messages."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is None:
        return _name(function)
    return f"{Path(code.co_filename).name}:{code.co_firstlineno} {_name(function)}"


def summary_of(documented: Any) -> str:
    """The docstring of a function or class, cleaned; empty where there is none of its own."""
    return inspect.cleandoc(documented.__doc__) if isinstance(getattr(documented, "__doc__", None), str) else ""


def is_generator(function: Callable[..., Any]) -> bool:
    """Whether calling the function makes a generator, whose second half is teardown."""
    return inspect.isgeneratorfunction(inspect.unwrap(function))


def _without_none(hint: Any) -> Any:
    """`X` for `X | None`; any other hint as it is."""
    if get_origin(hint) not in (Union, UnionType):
        return hint
    others = [each for each in get_args(hint) if each is not NoneType]
    return others[0] if len(others) == 1 else hint


def _namesake(hint: Any) -> str:
    """What is to be said of a class, or a module, that is named as one of ours and is another's."""
    for each in (hint, *get_args(hint)):
        name = str(getattr(each, "__name__", "")).rpartition(".")[2]
        if name in OURS and each is not OURS[name]:
            whose = each.__name__ if inspect.ismodule(each) else f"{each.__module__}.{name}"
            return f", which is {whose}: `from picsellia_processing import {name}`"
    return ""


def _bare_mark(*written_as: Any) -> str:
    """What is not within `Annotated`, of a default value and an annotation: "Depends", or another mark, or nothing."""
    return next((type(each).__name__ for each in written_as if isinstance(each, (ModelFile, Input, Depends))), "")


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__qualname__", repr(function)).replace("<locals>.", "")
