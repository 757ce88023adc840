# Without `from __future__ import annotations`: the functions below are declared with what a parameter says.

from collections.abc import Iterator, Sequence
from typing import Any, List, Optional, Tuple, Union  # noqa: UP035

import picsellia.sdk.polygon
import picsellia.sdk.rectangle
import pytest
from picsellia_processing import (
    AutoAnnotation,
    Classification,
    Image,
    JobContext,
    Labels,
    PreAnnotation,
    Processing,
    Rectangle,
    Sample,
    Shape,
    auto_annotation,
    pre_annotation,
)
from picsellia_processing.annotation import SHAPE_TYPES
from picsellia_processing.errors import DefinitionError
from picsellia_processing.tasks.annotating import SHAPES_OF_TYPE, returned_shapes


def mistakes(items: Any, returns: Any) -> tuple[str, ...]:
    def annotate(images): ...

    annotate.__annotations__ = {"images": items, "return": returns}
    try:
        pre_annotation(annotate).check()
    except DefinitionError as error:
        return error.mistakes
    return ()


ONE = [
    list[Rectangle],
    list[Shape],
    list[Rectangle | Classification],
    List[Rectangle],  # noqa: UP006
    Sequence[Rectangle],
    Iterator[Rectangle],
    tuple[Rectangle, ...],
    Optional[list[Rectangle]],  # noqa: UP045
    list[Rectangle] | list[Classification],
]
MANY = [
    list[list[Rectangle]],
    list[list[Shape]],
    List[List[Rectangle]],  # noqa: UP006
    list[Sequence[Rectangle]],
    list[tuple[Rectangle, ...]],
    list[Union[list[Rectangle], list[Classification]]],  # noqa: UP007
    Tuple[list[Rectangle], ...],  # noqa: UP006
    Iterator[list[Rectangle]],
]
UNKNOWN = [Any, list, list[Any], list[list], list[list[Any]], Sequence, object, [Rectangle], {}]


@pytest.mark.parametrize("items", [Image, Sample])
@pytest.mark.parametrize("returns", ONE + UNKNOWN, ids=str)
def test_what_may_be_returned_for_one_image(items: Any, returns: Any) -> None:
    assert mistakes(items, returns) == ()


@pytest.mark.parametrize("items", [list[Image], list[Sample]])
@pytest.mark.parametrize("returns", MANY + UNKNOWN, ids=str)
def test_what_may_be_returned_for_a_batch(items: Any, returns: Any) -> None:
    assert mistakes(items, returns) == ()


@pytest.mark.parametrize("returns", [*MANY, Rectangle, Shape, None, list[list[list[Rectangle]]]], ids=str)
def test_what_may_not_be_returned_for_one_image(returns: Any) -> None:
    (mistake,) = mistakes(Image, returns)
    assert mistake.startswith("test_annotating.py:")
    assert mistake.endswith("; expected list[...], the shapes of the image")


@pytest.mark.parametrize("returns", [*ONE, Rectangle, None, list[list[list[Rectangle]]]], ids=str)
def test_what_may_not_be_returned_for_a_batch(returns: Any) -> None:
    (mistake,) = mistakes(list[Image], returns)
    assert mistake.endswith("; expected list[list[...]], one list for each image")


@pytest.mark.parametrize(
    "returns",
    [
        picsellia.sdk.rectangle.Rectangle,
        list[picsellia.sdk.rectangle.Rectangle],
        list[list[picsellia.sdk.rectangle.Rectangle]],
        list[list[Rectangle | picsellia.sdk.rectangle.Rectangle]],
    ],
    ids=str,
)
def test_the_sdks_server_object_is_refused_with_the_right_import(returns: Any) -> None:
    (mistake,) = mistakes(list[Image], returns)
    assert "it returns the SDK's server object Rectangle; return the value instead" in mistake
    assert mistake.endswith("`from picsellia_processing import Rectangle`")


@pytest.mark.parametrize(
    "returns", [dict[str, int], str, list[str], list[dict[str, Any]], list[tuple[str, float]]], ids=str
)
def test_what_can_be_no_shapes_is_refused(returns: Any) -> None:
    (mistake,) = mistakes(Image, returns)
    assert mistake.endswith("expected list[...], the shapes of the image")


@pytest.mark.parametrize("returns", [list, list[Any], Any, Iterator[Any], list[object]], ids=str)
def test_what_may_be_shapes_is_not(returns: Any) -> None:
    assert mistakes(Image, returns) == ()


def test_options_go_by_name() -> None:
    with pytest.raises(DefinitionError, match=r"takes its options by name, .*; found \['car'\]"):
        pre_annotation(["car"])  # type: ignore[call-overload]


def test_what_is_not_said_is_not_checked() -> None:
    @pre_annotation
    def annotate(images: list[Image]): ...

    annotate.check()


def test_nothing_to_annotate() -> None:
    @pre_annotation
    def annotate(labels: Labels) -> list[Rectangle]: ...

    with pytest.raises(DefinitionError, match=r"nothing to annotate; ask for the images .*context: JobContext"):
        annotate.check()


def test_who_drives_may_return_anything() -> None:
    @pre_annotation
    def annotate(context: JobContext) -> Rectangle: ...

    annotate.check()


@pytest.mark.parametrize(
    ("hint", "names"),
    [
        (list[list[Rectangle]], ("Rectangle",)),
        (list[Rectangle | Classification], ("Rectangle", "Classification")),
        (list[Shape], tuple(kind.__name__ for kind in SHAPE_TYPES)),
        (list, ()),
        (None, ()),
        (Any, ()),
        (picsellia.sdk.polygon.Polygon, ()),
    ],
    ids=str,
)
def test_returned_shapes(hint: Any, names: tuple[str, ...]) -> None:
    assert returned_shapes(hint) == names


def test_every_type_of_a_dataset_version_holds_shapes_and_every_shape_has_one() -> None:
    from picsellia.types.enums import InferenceType

    assert set(SHAPES_OF_TYPE) == {kind.value for kind in InferenceType} - {"NOT_CONFIGURED"}
    single = [name for kind, names in SHAPES_OF_TYPE.items() if kind != "MULTI" for name in names]
    assert sorted(single) == sorted(SHAPES_OF_TYPE["MULTI"]) == sorted(kind.__name__ for kind in SHAPE_TYPES)


def test_the_two_tasks_are_those_of_the_platform() -> None:
    from picsellia.types.enums import ProcessingType

    class Propose(PreAnnotation):
        def process(self, image: Image) -> list[Rectangle]: ...

    class Decide(AutoAnnotation):
        def process(self, image: Image) -> list[Rectangle]: ...

    for owner, decorator in ((Propose, pre_annotation), (Decide, auto_annotation)):
        task = Processing.of_class(owner).task
        assert task is decorator(Propose.process).task
        assert task.type in ProcessingType.values()
        assert task.target == "DATASET_VERSION"


def test_the_decorators_say_how_they_are_used() -> None:
    assert "@pre_annotation(batch_size=16)" in (pre_annotation.__doc__ or "")
