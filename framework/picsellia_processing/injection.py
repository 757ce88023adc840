"""Injection: turning a Processing and a resolved Job into a plain callable of images."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from picsellia_processing.errors import JobError
from picsellia_processing.inputs import ModelFile
from picsellia_processing.inspection import is_generator
from picsellia_processing.signature import (
    ContextArgument,
    InputArgument,
    Items,
    LabelsArgument,
    ParametersArgument,
    Provider,
    ServerArgument,
    is_server_class,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import ExitStack
    from pathlib import Path

    from picsellia_processing.context import JobContext
    from picsellia_processing.parameters import Parameters
    from picsellia_processing.processing import Processing
    from picsellia_processing.signature import Signature


class Injector:
    """Makes the arguments a signature asks for; what providers make is made once and torn down with `resources`."""

    def __init__(
        self,
        context: JobContext,
        parameters: Sequence[Parameters],
        files: Mapping[ModelFile, Path],
        resources: ExitStack,
    ) -> None:
        self._context = context
        self._parameters = parameters
        self._files = files
        self._resources = resources
        self._made: dict[Callable[..., Any], Any] = {}

    def arguments(self, signature: Signature) -> dict[str, Any]:
        """Every argument, by name, but the streamed one and those that keep their default."""
        return {
            name: self._value(argument)
            for name, argument in signature.arguments.items()
            if not isinstance(argument, Items) and not self._keeps_default(argument)
        }

    def parameters(self, model: type[Parameters]) -> Parameters:
        """The Job's parameters as an instance of `model`."""
        return next(instance for instance in self._parameters if type(instance) is model)

    def _keeps_default(self, argument: Any) -> bool:
        match argument:
            case InputArgument(required=False):
                return argument.input.name not in self._context.inputs
            case ServerArgument(required=False):
                return _resource(self._context, argument.class_name) is None
            case ModelFile(required=False):
                return argument not in self._files
        return False

    def _value(self, argument: Any) -> Any:
        match argument:
            case ParametersArgument(model):
                return self.parameters(model)
            case ModelFile():
                return self._files[argument]
            case ContextArgument():
                return self._context
            case LabelsArgument():
                return self._context.labels
            case ServerArgument(class_name):
                return server_object(self._context, class_name)
            case InputArgument():
                return read_input(self._context, argument)
            case Provider():
                return self._provide(argument)
            case _:
                raise TypeError(f"nothing is known about {argument!r}")

    def _provide(self, provider: Provider) -> Any:
        if provider.function not in self._made:
            made = provider.function(**self.arguments(provider.signature))
            if is_generator(provider.function):
                self._resources.callback(_tear_down, made)
                made = _first(made)
            self._made[provider.function] = made
        return self._made[provider.function]


def _first(generator: Iterator[Any]) -> Any:
    for made in generator:
        return made
    raise RuntimeError(f"{generator!r} yields nothing: a function depended on yields one value")


def _tear_down(generator: Iterator[Any]) -> None:
    """Run what a provider does after its `yield`. It does not see how the Job went, so it cannot hide a failure."""
    for _ in generator:
        raise RuntimeError(f"{generator!r} yields more than once: a function depended on yields one value")


def read_input(context: JobContext, argument: InputArgument) -> Any:
    """An input of the Job, converted to the annotated type.

    Raises:
        JobError: the Job has no such input, or it is of another type.
    """
    name = argument.input.name
    if name not in context.inputs:
        given = ", ".join(sorted(context.inputs)) or "none"
        raise JobError(f"the Job has no input {name!r}, which the processing asks for; it has: {given}")
    if is_server_class(argument.type):
        return context.inputs[name]  # the task has found what the id stands for
    try:
        return TypeAdapter(argument.type).validate_python(context.inputs[name])
    except ValidationError as error:
        wrong = error.errors()[0]
        raise JobError(f"the Job's input {name!r} does not fit: {wrong['msg']}; found {wrong['input']!r}") from error


def server_object(context: JobContext, class_name: str) -> Any:
    """The object of the vendor's SDK that stands for the Job's own resource of that class.

    Raises:
        JobError: the Job has none.
    """
    found = _resource(context, class_name)
    if found is None:
        raise JobError(f"the processing asks for the Job's {class_name}, but the Job on {context.target_name} has none")
    return found


def _resource(context: JobContext, class_name: str) -> Any:
    return {
        "Client": context.client,
        "Job": context.job,
        "DatasetVersion": context.dataset_version,
        "ModelVersion": context.model_version,
        "Datalake": context.datalake,
    }[class_name]


@contextmanager
def bound(processing: Processing[..., Any], injector: Injector, resources: ExitStack) -> Iterator[Callable[..., Any]]:
    """The author's function with all but the images injected: `call(items)`, or `call()` where the author drives.

    What the author's `setup`, and the functions depended on, acquired is released on the way out.
    """
    with resources:
        function: Callable[..., Any] = processing.function
        if processing.owner is not None:
            function = _instance(processing, injector, resources)
        fixed = injector.arguments(processing.signature)
        streamed = next((n for n, each in processing.signature.arguments.items() if isinstance(each, Items)), None)

        def call(*items: Any) -> Any:
            return function(**fixed, **({streamed: items[0]} if streamed is not None else {}))

        yield call


def _instance(processing: Processing[..., Any], injector: Injector, resources: ExitStack) -> Callable[..., Any]:
    assert processing.owner is not None
    instance = processing.owner()
    instance.parameters = injector.parameters(processing.parameter_models[0])
    if processing.setup_signature is not None:
        instance.setup(**injector.arguments(processing.setup_signature))  # type: ignore[attr-defined]  # it has a signature
    resources.callback(instance.teardown)
    process: Callable[..., Any] = instance.process  # type: ignore[attr-defined]  # checked when the Processing was made
    return process
