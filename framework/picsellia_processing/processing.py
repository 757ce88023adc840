"""Processing: a declaration of what to run, made from a function or a class."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar

from pydantic import ValidationError

from picsellia_processing.errors import DefinitionError
from picsellia_processing.inputs import ModelFile
from picsellia_processing.inspection import place_of, read_signature, summary_of
from picsellia_processing.parameters import Parameters, suggestion, wrong_value
from picsellia_processing.signature import InputArgument, ParametersArgument, Signature
from picsellia_processing.task import Declaration

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from picsellia_processing.task import Task

P = ParamSpec("P")
R = TypeVar("R")
ParametersT = TypeVar("ParametersT", bound=Parameters)

NOTHING_DECLARED = Declaration()


class ProcessingClass(Generic[ParametersT]):
    """Base of the base classes of the task types: `setup` once per worker, `process` per image or batch.

    `parameters` is set before `setup` is called. `setup` and `process` get what their annotations ask for;
    `teardown` runs when the worker ends, whether the Job succeeded or not. Class attributes named as an option of
    the task (`batch_size = 16`) are its defaults. An instance can be made and called in a test without any Job.
    """

    task: Task
    parameters: ParametersT

    def teardown(self) -> None:
        """Release what `setup` acquired."""


class Processing(Generic[P, R]):
    """What runs as a Job: a name, a task type, and the author's callable.

    It stays callable as the function it was made from, so that a unit test needs no platform. Mistakes in its
    signature are found by `check` (and by `load`, which calls it), all of them at once.

    Attributes:
        name: the processing's name: given, or the function's with dashes.
        task: its task type.
        declaration: the classes it finds and its type, for where no ModelVersion says so.
        defaults: the author's defaults for the options of the task.
        owner: the class it was made from, or None for a function.
    """

    def __init__(
        self,
        function: Callable[P, R],
        task: Task,
        *,
        name: str | None = None,
        declaration: Declaration = NOTHING_DECLARED,
        defaults: Mapping[str, Any] | None = None,
        owner: type[ProcessingClass[Any]] | None = None,
    ) -> None:
        self.function = function
        self.task = task
        self.owner = owner
        declared = owner.__name__ if owner else getattr(function, "__name__", "processing")
        self.name: str = name or declared.replace("_", "-")
        self.declaration = declaration
        self.defaults = {key: value for key, value in (defaults or {}).items() if value is not None}
        self.__doc__ = summary_of(owner or function)
        self.__wrapped__ = function

    def __call__(self, *arguments: P.args, **keywords: P.kwargs) -> R:
        """Call the author's function as it was written."""
        return self.function(*arguments, **keywords)

    def __repr__(self) -> str:
        return f"<{self.task.name} {self.name!r}>"

    @classmethod
    def of_class(cls, owner: type[ProcessingClass[Any]]) -> Processing[..., Any]:
        """The Processing that a subclass of a task's base class declares."""
        process = getattr(owner, "process", None)
        if process is None:
            hint = suggestion("process", vars(owner))
            raise DefinitionError(owner.__qualname__, [f"{owner.__qualname__}: it has no method `process`{hint}"])
        options = owner.task.options.model_fields
        defaults = {name: getattr(owner, name) for name in options if hasattr(owner, name)}
        return cls(
            process,
            owner.task,
            name=getattr(owner, "name", None),
            declaration=declare(
                process,
                getattr(owner, "labels", ()),
                getattr(owner, "type", None),
                produces=getattr(owner, "produces", ()),
            ),
            defaults=defaults,
            owner=owner,
        )

    @cached_property
    def signature(self) -> Signature:
        """What `function` asks for and returns.

        Raises:
            DefinitionError: something cannot be injected.
        """
        return read_signature(self.function, skip=("self",) if self.owner else ())

    @cached_property
    def setup_signature(self) -> Signature | None:
        """What the class's `setup` asks for; None where there is no class or no `setup`."""
        setup = getattr(self.owner, "setup", None)
        return read_signature(setup, skip=("self",), streams=False) if setup else None

    @cached_property
    def parameter_models(self) -> list[type[Parameters]]:
        """The author's classes of parameters, and then the task's options unless one of them includes these."""
        generic = _declared_parameters(self.owner)
        arguments = [argument.model for argument in self.asked_for(ParametersArgument)]
        models = list(dict.fromkeys([generic, *arguments] if generic else arguments))
        if not any(issubclass(model, self.task.options) for model in models):
            models.append(self.task.options)
        return models

    @cached_property
    def model_files(self) -> list[ModelFile]:
        """The files of the ModelVersion that are asked for."""
        return self.asked_for(ModelFile)

    def check(self) -> None:
        """Find every mistake of the declaration.

        Raises:
            DefinitionError: with all of them.
        """
        mistakes: list[str] = []
        for part in ("signature", "setup_signature"):
            try:
                getattr(self, part)
            except DefinitionError as error:
                mistakes += error.mistakes
        mistakes += self._unknown_defaults()
        if not mistakes:
            mistakes += self._wrong_defaults() + self._unnamed_files()
            mistakes += self.task.check(self.signature, self.declaration)
        if mistakes:
            raise DefinitionError(self.name, mistakes)

    def describe(self) -> dict[str, Any]:
        """Everything known from the definition, as JSON values."""
        items = self.signature.items
        return {
            "name": self.name,
            "description": self.__doc__ or "",
            "task": self.task.name,
            "type": self.task.type,
            "target": self.task.target,
            "parameters": self._parameters_schema(),
            "labels": list(self.declaration.labels),
            "produces": list(self.declaration.produces),
            "model_files": [file.name for file in self.model_files],
            "inputs": sorted({argument.input.name for argument in self.asked_for(InputArgument)}),
            "items": None if items is None else {"type": items.type.__name__, "batched": items.batched},
        }

    def asked_for(self, kind: type[Any]) -> list[Any]:
        """Every argument of a kind that its functions ask for, without repetition."""
        signatures = [self.setup_signature, self.signature]
        return list(dict.fromkeys(each for signature in signatures if signature for each in signature.all_of(kind)))

    def _parameters_schema(self) -> dict[str, Any]:
        schemas = [model.model_json_schema() for model in self.parameter_models]
        properties: dict[str, Any] = {}
        definitions: dict[str, Any] = {}
        for schema in schemas:
            properties = {**schema.get("properties", {}), **properties}
            definitions |= schema.get("$defs", {})
        for name, default in self.defaults.items():
            properties[name] = {**properties[name], "default": default}
        required = {name for schema in schemas for name in schema.get("required", [])} - set(self.defaults)
        described = {"type": "object", "properties": properties, "required": sorted(required)}
        return {**described, "$defs": definitions} if definitions else described

    def _wrong_defaults(self) -> list[str]:
        """The author's defaults that the options they are for do not take."""
        options = next(model for model in self.parameter_models if issubclass(model, self.task.options))
        try:
            options.model_validate(self.defaults)
        except ValidationError as error:
            wrong = [each for each in error.errors() if each["loc"] and each["loc"][0] in self.defaults]
            return [f"{place_of(self.function)}: default of {wrong_value(each)}" for each in wrong]
        return []

    def _unnamed_files(self) -> list[str]:
        """Model files that are named by a parameter there is not."""
        known = {name for model in self.parameter_models for name in model.model_fields}
        return [
            f"{place_of(self.function)}: the model file {file.name!r} is named by the parameter {file.parameter!r}, "
            "which none of its Parameters declares"
            for file in self.model_files
            if file.parameter and file.parameter not in known
        ]

    def _unknown_defaults(self) -> list[str]:
        known = self.task.options.model_fields
        place, taken = place_of(self.function), (*known, *self.task.keywords, "name")
        return [
            f"{place}: {self.task.name} has no option {name!r}{suggestion(name, taken)}; it has {', '.join(taken)}"
            for name in self.defaults
            if name not in known
        ]


def declare(
    function: Callable[..., Any],
    labels: Sequence[str] = (),
    inference_type: str | None = None,
    *,
    produces: Sequence[str] = (),
) -> Declaration:
    """The declaration of an author's `labels`, `type` and `produces`.

    Raises:
        DefinitionError: `labels` or `produces` is a single text.
    """
    for keyword, names in {"labels": labels, "produces": produces}.items():
        if isinstance(names, str):
            mistake = f"{keyword} is the text {names!r}; expected a list of names: [{names!r}]"
            raise DefinitionError(function.__qualname__, [f"{place_of(function)}: {mistake}"])
    return Declaration(tuple(labels), inference_type, tuple(produces))


def _declared_parameters(owner: type[Any] | None) -> type[Parameters] | None:
    for ancestor in owner.__mro__ if owner else ():
        for base in getattr(ancestor, "__orig_bases__", ()):
            for argument in getattr(base, "__args__", ()):
                if isinstance(argument, type) and issubclass(argument, Parameters):
                    return argument
    return None
