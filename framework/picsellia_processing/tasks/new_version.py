"""What tasks that fill a new DatasetVersion share: their options, their check, their decorator."""

from __future__ import annotations

from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, Union, get_args, get_origin, overload

from picsellia_processing.decorator import TaskDecorator
from picsellia_processing.hints import is_iterable, written
from picsellia_processing.image import Image, Sample
from picsellia_processing.parameters import Field, StreamParameters
from picsellia_processing.task import Task

if TYPE_CHECKING:
    from collections.abc import Callable

    from picsellia_processing.context import JobContext
    from picsellia_processing.parameters import Parameters
    from picsellia_processing.processing import Processing
    from picsellia_processing.signature import Signature
    from picsellia_processing.task import Declaration, Output

P = ParamSpec("P")
R = TypeVar("R")

ASKS = "ask for the images (`image: Image`, `samples: list[Sample]`), or for `context: JobContext` to drive"


class NewVersionParameters(StreamParameters):
    """Parameters of every processing that fills a DatasetVersion. Inherit from it to receive them."""

    allow_existing: bool = Field(
        False,  # noqa: FBT003 - the default, as of every field
        description="Whether the output may be a DatasetVersion of the given name that exists already.",
    )


class NewVersionDecorator(TaskDecorator):
    """Makes a Processing of a function, with the author's defaults for the options of the task as keywords."""

    @overload
    def __call__(self, function: Callable[P, R], /) -> Processing[P, R]: ...

    @overload
    def __call__(
        self, /, *, name: str | None = None, **defaults: bool | float | None
    ) -> Callable[[Callable[P, R]], Processing[P, R]]: ...

    def __call__(
        self, function: Callable[P, R] | None = None, /, *, name: str | None = None, **defaults: Any
    ) -> Processing[P, R] | Callable[[Callable[P, R]], Processing[P, R]]:
        """Decorate `function`, or make a decorator with these defaults."""
        return self.decorate(function, name, defaults)


def new_version_task(name: str, options: type[NewVersionParameters]) -> Task:
    """The declaration of a task type whose results fill a DatasetVersion."""

    def prepare(context: JobContext, options: Parameters, _: Signature, __: Declaration) -> tuple[JobContext, Output]:
        from picsellia_processing.tasks.output_version import prepare_output  # noqa: PLC0415 - only Jobs load the SDK

        assert isinstance(options, NewVersionParameters)
        return prepare_output(
            context,
            allow_existing=options.allow_existing,
            keep_originals=bool(getattr(options, "keep_originals", False)),
            not_in_names=task.options.model_fields,
        )

    task = Task(
        name=name,
        type=name.upper(),
        target="DATASET_VERSION",
        options=options,
        check=check_signature,
        prepare=prepare,
        inputs=("target_version_name",),
    )
    return task


def check_signature(signature: Signature, _: Declaration) -> list[str]:
    """The mistakes of a signature: that it asks for no images, or returns what no DatasetVersion is made of."""
    items, hint = signature.items, signature.returns
    if items is None:
        return [] if signature.can_drive else [f"{signature.place}: no images to work on; {ASKS}"]
    if hint is None:
        return []
    wanted = "what becomes of each image: a Sample, several, or None"
    if items.batched:
        if is_iterable(hint):
            hint = get_args(hint)[0] if get_args(hint) else Any
        elif hint is not Any:
            return [f"{signature.place}: it returns {written(hint)}; expected a list with {wanted}"]
    wrong = [leaf for leaf in _leaves(hint) if leaf not in {Sample, Image, NoneType, Any}]
    if wrong:
        return [f"{signature.place}: it returns {written(wrong[0])}; expected {wanted}"]
    return []


def _leaves(hint: Any) -> list[Any]:
    if get_origin(hint) in (Union, UnionType) or (is_iterable(hint) and get_args(hint)):
        return [leaf for argument in get_args(hint) if argument is not ... for leaf in _leaves(argument)]
    return [Any] if is_iterable(hint) else [hint]
