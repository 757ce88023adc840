"""Annotating the assets of a DatasetVersion: what pre-annotation and auto-annotation share."""

from __future__ import annotations

from collections.abc import Mapping
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypeVar, Union, get_args, get_origin, overload

from picsellia_processing.annotation import SHAPE_TYPES
from picsellia_processing.decorator import TaskDecorator
from picsellia_processing.hints import is_iterable, written
from picsellia_processing.parameters import Field, Parameters, StreamParameters, suggestion
from picsellia_processing.task import Task

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from picsellia_processing.context import JobContext
    from picsellia_processing.processing import Processing
    from picsellia_processing.signature import Signature
    from picsellia_processing.task import Declaration, Output

P = ParamSpec("P")
R = TypeVar("R")

SHAPES_OF_TYPE: dict[str, tuple[str, ...]] = {
    "CLASSIFICATION": ("Classification",),
    "OBJECT_DETECTION": ("Rectangle",),
    "SEGMENTATION": ("Polygon",),
    "MASK": ("Mask",),
    "KEYPOINT": ("Keypoints",),
    "LINE": ("Line",),
    "POINT": ("Point",),
    "MULTI": tuple(kind.__name__ for kind in SHAPE_TYPES),
}
"""Which shapes a DatasetVersion of each type holds."""


class AnnotationParameters(StreamParameters):
    """Parameters of every processing that annotates. Inherit from it to receive them, or to change a default."""

    existing: Literal["keep", "replace"] = Field(
        "keep",
        description="What becomes of annotations that are there: keep them and skip their assets, or replace them.",
    )
    label_matching: Literal["existing", "add"] = Field(
        "existing",
        description="Whether a class of the model without a label is left out, or gets its label added.",
    )


class AnnotatingDecorator(TaskDecorator):
    """Makes a Processing of a function: `@pre_annotation`, or `@pre_annotation(batch_size=16)`.

    `labels` are the classes it finds and `type` what it annotates (such as "OBJECT_DETECTION"; where the function says
    what it returns, that tells): to be given where the Job has no ModelVersion that says it. The other
    keywords are the author's defaults for the parameters every annotating processing has. A Job may override them.
    """

    @overload
    def __call__(self, function: Callable[P, R], /) -> Processing[P, R]: ...

    @overload
    def __call__(
        self,
        /,
        *,
        name: str | None = None,
        labels: Sequence[str] = (),
        type: str | None = None,
        batch_size: int | None = None,
        existing: Literal["keep", "replace"] | None = None,
        label_matching: Literal["existing", "add"] | None = None,
        max_failure_rate: float | None = None,
    ) -> Callable[[Callable[P, R]], Processing[P, R]]: ...

    def __call__(
        self,
        function: Callable[P, R] | None = None,
        /,
        *,
        name: str | None = None,
        labels: Sequence[str] = (),
        type: str | None = None,  # noqa: A002 - the vendor's word
        **defaults: Any,
    ) -> Processing[P, R] | Callable[[Callable[P, R]], Processing[P, R]]:
        """Decorate `function`, or make a decorator with these defaults."""
        return self.decorate(function, name, defaults, labels=labels, inference_type=type)


def annotating_task(name: str, status: str) -> Task:
    """The declaration of a task type whose annotations get `status`."""

    def prepare(
        context: JobContext, options: Parameters, signature: Signature, declaration: Declaration
    ) -> tuple[JobContext, Output]:
        from picsellia_processing.tasks.annotated_version import prepare_output  # noqa: PLC0415 - only Jobs load the SDK

        assert isinstance(options, AnnotationParameters)
        return prepare_output(
            context,
            status=status,
            existing=options.existing,
            label_matching=options.label_matching,
            declaration=declaration,
            shapes_of_type=SHAPES_OF_TYPE,
            returned=returned_shapes(signature.returns),
        )

    return Task(
        name=name,
        type=name.upper(),
        target="DATASET_VERSION",
        options=AnnotationParameters,
        check=check,
        prepare=prepare,
        keywords=("labels", "type"),
    )


def check(signature: Signature, declaration: Declaration) -> list[str]:
    """The mistakes that only an annotating task can know: of the declared type, and of what the function returns."""
    if declaration.type in {None, *SHAPES_OF_TYPE}:
        return check_signature(signature)
    hint = suggestion(str(declaration.type), SHAPES_OF_TYPE)
    return [
        f"{signature.place}: there is no type {declaration.type!r}{hint}; expected one of {', '.join(SHAPES_OF_TYPE)}"
    ]


def check_signature(signature: Signature) -> list[str]:
    """The mistakes of a signature: that it asks for nothing to annotate, or returns what cannot be written."""
    items = signature.items
    if items is None:
        asks = "ask for the images (`images: list[Image]`), or for `context: JobContext` to drive"
        return [] if signature.can_drive else [f"{signature.place}: nothing to annotate; {asks}"]
    hint = signature.returns
    if hint is None:
        return []
    foreign = _vendor_shape(hint)
    if foreign:
        ours = f"`from picsellia_processing import {foreign}`"
        return [f"{signature.place}: it returns the SDK's server object {foreign}; return the value instead: {ours}"]
    depth = _depth(hint)
    expected = 2 if items.batched else 1
    if hint is NoneType or depth not in {None, expected} or (depth is None and _is_no_shape(hint)):
        wanted = "list[list[...]], one list for each image" if items.batched else "list[...], the shapes of the image"
        return [f"{signature.place}: it returns {written(hint)}; expected {wanted}"]
    return []


def returned_shapes(hint: Any) -> tuple[str, ...]:
    """The names of the shape classes in a return annotation; empty where it does not say."""
    if isinstance(hint, type) and hint in SHAPE_TYPES:
        return (hint.__name__,)
    return tuple(dict.fromkeys(name for argument in get_args(hint) for name in returned_shapes(argument)))


def _vendor_shape(hint: Any) -> str | None:
    names = {kind.__name__ for kind in SHAPE_TYPES}
    if isinstance(hint, type) and hint.__module__.startswith("picsellia.") and hint.__name__ in names:
        return hint.__name__
    return next((found for argument in get_args(hint) if (found := _vendor_shape(argument))), None)


def _is_no_shape(hint: Any) -> bool:
    """Whether it is, or is a list of, what can be no shape: a text, a number, a mapping."""
    kind = get_origin(hint) or hint
    if isinstance(kind, type) and issubclass(kind, (str, bytes, complex, float, int, Mapping)):
        return True
    arguments = get_args(hint)
    return bool(arguments) and is_iterable(hint) and _is_no_shape(arguments[0])


def _depth(hint: Any) -> int | None:
    """How many lists (or other iterables) are around the shapes in a return annotation; None where it does not say."""
    origin, arguments = get_origin(hint), get_args(hint)
    if hint in SHAPE_TYPES:
        return 0
    if origin in (Union, UnionType):
        depths = {depth for each in arguments if (depth := _depth(each)) is not None}
        return depths.pop() if len(depths) == 1 else None
    if arguments and is_iterable(hint):
        inner = _depth(arguments[0])
        return None if inner is None else inner + 1
    return None
