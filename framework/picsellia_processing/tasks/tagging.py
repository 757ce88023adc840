"""Tagging images: what auto-tagging and data auto-tagging share."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, ParamSpec, TypeVar, Union, get_args, get_origin, overload

from picsellia_processing.decorator import TaskDecorator
from picsellia_processing.hints import is_iterable, written
from picsellia_processing.image import Sample
from picsellia_processing.parameters import Field, Parameters, StreamParameters
from picsellia_processing.signature import LabelsArgument
from picsellia_processing.task import Task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from picsellia_processing.context import JobContext
    from picsellia_processing.processing import Processing
    from picsellia_processing.signature import Signature
    from picsellia_processing.task import Declaration, Output

P = ParamSpec("P")
R = TypeVar("R")


class TaggingParameters(StreamParameters):
    """Parameters of every processing that tags. Inherit from it to receive them, or to change a default."""

    tag_matching: Literal["existing", "add"] = Field(
        "add", description="Whether a tag that is not there is left out, or made."
    )


@dataclass(frozen=True, slots=True)
class DataTags:
    """What a processing says about a data of a Datalake.

    `tags` are names. `metadata` goes to the data's custom metadata: names with a text, a number, true or false, or a
    list of these. Tags are added to those a data has, metadata takes the place of what stands under the same name;
    all else that is there stays.
    """

    tags: Iterable[str] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)


class TaggingDecorator(TaskDecorator):
    """Makes a Processing of a function: `@auto_tagging`, or `@auto_tagging(batch_size=16)`.

    The keywords are the author's defaults for the parameters every tagging processing has. A Job may override them.
    """

    @overload
    def __call__(self, function: Callable[P, R], /) -> Processing[P, R]: ...

    @overload
    def __call__(
        self,
        /,
        *,
        name: str | None = None,
        batch_size: int | None = None,
        tag_matching: Literal["existing", "add"] | None = None,
        max_failure_rate: float | None = None,
    ) -> Callable[[Callable[P, R]], Processing[P, R]]: ...

    def __call__(
        self, function: Callable[P, R] | None = None, /, *, name: str | None = None, **defaults: Any
    ) -> Processing[P, R] | Callable[[Callable[P, R]], Processing[P, R]]:
        """Decorate `function`, or make a decorator with these defaults."""
        return self.decorate(function, name, defaults)


def tagging_task(name: str, target: str, *, other_targets: tuple[str, ...] = (), metadata: bool = False) -> Task:
    """The declaration of a task type that tags; with `metadata`, what it returns may be `DataTags`."""

    def check(signature: Signature, _: Declaration) -> list[str]:
        return check_signature(signature, on_assets=target == "DATASET_VERSION", metadata=metadata)

    def prepare(
        context: JobContext, options: Parameters, signature: Signature, _: Declaration
    ) -> tuple[JobContext, Output]:
        from picsellia_processing.tasks.tag_output import prepare_output  # noqa: PLC0415 - only Jobs load the SDK

        assert isinstance(options, TaggingParameters)
        samples = signature.items is not None and signature.items.type is Sample
        return context, prepare_output(
            context, adds=options.tag_matching == "add", takes_metadata=metadata, samples=samples
        )

    return Task(
        name=name,
        type=name.upper(),
        target=target,
        options=TaggingParameters,
        check=check,
        prepare=prepare,
        other_targets=other_targets,
    )


def check_signature(signature: Signature, *, on_assets: bool, metadata: bool) -> list[str]:
    """The mistakes of a signature: that it asks for what there is not, or returns what is no tag."""
    mistakes = []
    items = signature.items
    if items is None and not signature.can_drive:
        asks = "ask for the images (`images: list[Image]`), or for `context: JobContext` to drive"
        mistakes.append(f"{signature.place}: nothing to tag; {asks}")
    if items is not None and items.type is Sample and not on_assets:
        mistakes.append(f"{signature.place}: data of a Datalake have no annotations; ask for Image in place of Sample")
    if signature.all_of(LabelsArgument):
        mistakes.append(f"{signature.place}: tagging needs no labels of a DatasetVersion; leave out `Labels`")
    hint = signature.returns
    if items is None or hint is None:
        return mistakes
    values = (str, DataTags) if metadata else (str,)
    if not (_is_batch(hint, values) if items.batched else _is_result(hint, values)):
        one = " or ".join([f"{each.__name__}" for each in values] + ["list[str]"])
        wanted = f"list[...], for each image {one}" if items.batched else one
        mistakes.append(f"{signature.place}: it returns {written(hint)}; expected {wanted}")
    return mistakes


def _is_batch(hint: Any, values: tuple[type, ...]) -> bool:
    if hint is Any or hint is list:
        return True
    own = [each for each in get_args(hint) if each is not Ellipsis]
    return bool(own) and is_iterable(hint) and all(_is_result(each, values) for each in own)


def _is_result(hint: Any, values: tuple[type, ...]) -> bool:
    """Whether a return annotation allows tags of one image, as far as it tells."""
    origin, arguments = get_origin(hint), get_args(hint)
    if hint in (Any, NoneType, None) or hint in (list, tuple, set, frozenset):
        return True
    if origin is Annotated:
        return _is_result(arguments[0], values)
    if origin is Literal:
        return all(each is None or isinstance(each, str) for each in arguments)
    if origin in (Union, UnionType):
        return all(_is_result(each, values) for each in arguments)
    if arguments and is_iterable(hint):
        own = [each for each in arguments if each not in (Ellipsis, NoneType)]
        return all(get_origin(each) is not list and _is_result(each, (str,)) for each in own[:1])
    return isinstance(hint, type) and issubclass(hint, values)
