"""The general form of a processing: on any target, of any type; the author drives, and writes with the SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypeVar, get_args

from picsellia_processing.errors import DefinitionError
from picsellia_processing.inspection import place_of
from picsellia_processing.parameters import Parameters, suggestion
from picsellia_processing.processing import Processing
from picsellia_processing.task import Task

if TYPE_CHECKING:
    from collections.abc import Callable

    from picsellia_processing.context import JobContext
    from picsellia_processing.signature import Signature
    from picsellia_processing.task import Declaration, Output

P = ParamSpec("P")
R = TypeVar("R")

Target = Literal["DATASET_VERSION", "MODEL_VERSION", "DATALAKE"]


def processing(
    *,
    target: Target,
    type: str | None = None,  # noqa: A002 - the vendor's word
    name: str | None = None,
) -> Callable[[Callable[P, R]], Processing[P, R]]:
    """Make a Processing of a function that drives: `@processing(target="DATASET_VERSION")`.

    It asks for what it needs (the context, the SDK's objects, parameters, model files, inputs), writes with the SDK,
    and returns nothing. `context.images` gives it the images of the DatasetVersion; `context.write(image, ())` counts
    one as processed. What a second run finds done is for the function to recognise: the other task types do it
    themselves.

    `type` is the platform's processing type; None fits a Job of any type.

    Raises:
        DefinitionError: there is no such target.
    """

    def decorate(function: Callable[P, R]) -> Processing[P, R]:
        if target not in get_args(Target):
            hint = suggestion(str(target), get_args(Target))
            expected = f"expected one of {', '.join(get_args(Target))}"
            mistake = f"{place_of(function)}: there is no target {target!r}{hint}; {expected}"
            raise DefinitionError(function.__qualname__, [mistake])
        task = Task("processing", type, target, options=Parameters, check=check, prepare=_prepare)
        return Processing(function, task, name=name)

    return decorate


def _prepare(
    context: JobContext, _options: Parameters, signature: Signature, _declaration: Declaration
) -> tuple[JobContext, Output]:
    from picsellia_processing.tasks.reading_output import (  # noqa: PLC0415 - only Jobs load the SDK
        ReadingOutput,
        with_dataset_versions,
    )

    context, given = with_dataset_versions(context, signature)
    if context.dataset_version is not None:
        return context, ReadingOutput(context.dataset_version, context.selection)
    return context, ReadingOutput(given[0] if given else None, None)


def check(signature: Signature, _declaration: Declaration) -> list[str]:
    """The mistakes of a signature: that it asks for images, or returns something."""
    mistakes: list[str] = []
    if signature.items is not None:
        mistakes.append(
            f"{signature.place}: the general form streams no images to a function; "
            "ask for `context: JobContext` and read `context.images()`"
        )
    returns: Any = signature.returns
    if returns not in {None, type(None)}:
        mistakes.append(f"{signature.place}: it returns {returns}; the general form returns nothing, it writes itself")
    return mistakes
