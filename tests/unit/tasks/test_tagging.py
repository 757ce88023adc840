from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from picsellia_processing import DataTags, Image, JobContext, Labels, Rectangle, Sample, auto_tagging, data_auto_tagging
from picsellia_processing.errors import DefinitionError, ResultError
from picsellia_processing.tasks.tags import COUNTED, Tagged, TagNames, read_result


class Weather(enum.StrEnum):
    SUNNY = "sunny"


NAMES = st.text(min_size=1).filter(str.strip)
SCALARS = st.one_of(
    st.text(), st.booleans(), st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False)
)


@given(st.lists(NAMES))
def test_tags_are_kept_in_order_without_repetition(names: list[str]) -> None:
    assert read_result(names, takes_metadata=False).tags == tuple(dict.fromkeys(names))


@given(st.dictionaries(NAMES, SCALARS | st.lists(SCALARS)))
def test_metadata_come_through_as_json(metadata: dict[str, Any]) -> None:
    assert read_result(DataTags(metadata=metadata), takes_metadata=True).metadata == metadata


@pytest.mark.parametrize(
    ("result", "tags"),
    [
        (None, ()),
        ("a", ("a",)),
        ([], ()),
        (("a", "b", "a"), ("a", "b")),
        (iter(["a"]), ("a",)),
        (Weather.SUNNY, ("sunny",)),
        (np.array(["a", "b"]), ("a", "b")),
        (DataTags("whole"), ("whole",)),
        ({"a": 1}.keys(), ("a",)),
    ],
)
def test_what_counts_as_tags(result: Any, tags: tuple[str, ...]) -> None:
    read = read_result(result, takes_metadata=False)
    assert read.tags == tags
    assert orjson.loads(orjson.dumps(read.tags)) == list(tags)
    assert all(type(tag) is str for tag in read.tags)


@pytest.mark.parametrize(
    "result", [1, 0.5, b"a", {"a": 0.9}, [""], ["  "], [None], [["a"]], [Rectangle("a", 0, 0, 1, 1)]]
)
def test_what_is_no_tag_is_refused_with_what_was_found(result: Any) -> None:
    with pytest.raises(ResultError, match="found"):
        read_result(result, takes_metadata=True)


@pytest.mark.parametrize(
    "metadata",
    [
        {"a": None},
        {"a": {"b": 1}},
        {"": 1},
        {1: 2},
        {"a": float("inf")},
        {"a": [float("nan")]},
        {"a": np.zeros(3)},
        ["a"],
    ],
)
def test_metadata_that_cannot_be_written_are_refused(metadata: Any) -> None:
    with pytest.raises(ResultError, match="found"):
        read_result(DataTags(metadata=metadata), takes_metadata=True)


def test_numpy_scalars_become_plain() -> None:
    given = DataTags(metadata={"f": np.float32(0.5), "i": np.int64(3), "b": np.bool_(True), "s": np.str_("x")})
    metadata = read_result(given, takes_metadata=True).metadata
    assert metadata == {"f": 0.5, "i": 3, "b": True, "s": "x"}
    assert [type(value) for value in metadata.values()] == [float, int, bool, str]


def test_metadata_need_a_task_that_takes_them() -> None:
    assert read_result(DataTags(["a"]), takes_metadata=False) == Tagged(("a",))
    with pytest.raises(ResultError, match="data_auto_tagging"):
        read_result(DataTags(["a"], {"b": 1}), takes_metadata=False)


def test_names_match_exactly() -> None:
    names = TagNames(["Cat"], adds=False)
    assert names.split(Tagged(("Cat", "cat"))) == Tagged(("Cat",), left_out=("cat",))
    assert TagNames(["Cat"], adds=True).split(Tagged(("cat",))) == Tagged(("cat",))


def test_a_name_for_every_image_does_not_fill_the_report() -> None:
    names = TagNames([], adds=True)
    counted = [names.counts(Tagged((f"image {number}",))) for number in range(COUNTED + 50)]
    assert counted[0] == {"tags": 1, "tag 'image 0'": 1}
    assert counted[-1] == {"tags": 1, "other tags": 1}
    assert len({name for counts in counted for name in counts}) == COUNTED + 2


def check(function: Any, task: Any = auto_tagging) -> list[str]:
    try:
        task(function).check()
    except DefinitionError as error:
        return error.mistakes
    return []


@pytest.mark.parametrize(
    "returned",
    [str, str | None, list[str], set[str], tuple[str, ...], Iterator[str], Literal["a", "b"] | None, Weather, None, Any,
     Annotated[str, "x"], Sequence[Weather]],
)  # fmt: skip
@pytest.mark.parametrize("batched", [False, True])
def test_return_types_that_are_tags(returned: Any, batched: bool) -> None:
    assert check(asks_for(list[Image] if batched else Image, list[returned] if batched else returned)) == []


@pytest.mark.parametrize(
    "returned", [int, list[list[str]], dict[str, float], DataTags, list[Rectangle], Rectangle, Literal["a", 1]]
)
@pytest.mark.parametrize("batched", [False, True])
def test_return_types_that_are_no_tags(returned: Any, batched: bool) -> None:
    (mistake,) = check(asks_for(list[Image] if batched else Image, list[returned] if batched else returned))
    assert "expected list[...], for each image str or list[str]" in mistake or "expected str or list[str]" in mistake


def test_one_tag_for_a_whole_batch_is_a_mistake() -> None:
    (mistake,) = check(asks_for(list[Image], str))
    assert "it returns str; expected list[...]" in mistake


def test_data_may_get_metadata_and_have_no_annotations() -> None:
    assert check(asks_for(list[Image], list[DataTags | None]), data_auto_tagging) == []
    (mistake,) = check(asks_for(Sample, str), data_auto_tagging)
    assert "ask for Image" in mistake


def test_labels_and_nothing_at_all_are_mistakes() -> None:
    def labels(image: Image, labels: Labels) -> str:
        return ""

    def nothing() -> None: ...

    def drives(context: JobContext) -> None: ...

    assert "leave out `Labels`" in check(labels)[0]
    assert "nothing to tag" in check(nothing)[0]
    assert check(drives) == []


def asks_for(items: Any, returned: Any) -> Any:
    def tag(images):
        return None

    tag.__annotations__ = {"images": items, "return": returned}
    return tag
