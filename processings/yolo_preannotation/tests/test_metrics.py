from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from types import ModuleType

Box = tuple[float, float, float, float]
SCRIPT = Path(__file__).with_name("metrics.py")


def coco(*objects: tuple[str, str, Box] | tuple[str, str, Box, float], images: tuple[str, ...] = ()) -> dict[str, Any]:
    files = sorted({file for file, *_ in objects} | set(images))
    names = sorted({name for _, name, *_ in objects})
    return {
        "images": [{"id": index, "file_name": file} for index, file in enumerate(files)],
        "categories": [{"id": index, "name": name} for index, name in enumerate(names)],
        "annotations": [
            {
                "id": index,
                "image_id": files.index(file),
                "category_id": names.index(name),
                "bbox": list(box),
                **({"score": score[0]} if score else {}),
            }
            for index, (file, name, box, *score) in enumerate(objects)
        ],
    }


CAT, DOG = (0.0, 0.0, 10.0, 10.0), (20.0, 20.0, 10.0, 10.0)
ELSEWHERE = (50.0, 50.0, 10.0, 10.0)


def test_what_equals_the_truth_is_perfect(metrics: ModuleType) -> None:
    truth = coco(("a", "cat", CAT), ("b", "dog", DOG))

    assert metrics.map50(truth, truth) == 1


def test_nothing_predicted_is_worth_nothing(metrics: ModuleType) -> None:
    assert metrics.map50(coco(("a", "cat", CAT)), coco(images=("a",))) == 0


def test_ids_need_not_agree_since_names_are_matched(metrics: ModuleType) -> None:
    truth = coco(("b", "dog", DOG), ("c", "cat", CAT))
    predicted = coco(("a", "ant", CAT), ("b", "dog", DOG), ("c", "cat", CAT))

    with pytest.raises(ValueError, match="not in the ground truth: a"):
        metrics.map50(truth, predicted)
    assert metrics.map50(coco(("b", "dog", DOG), ("c", "cat", CAT), images=("a",)), predicted) == 1


@pytest.mark.parametrize(("shift", "expected"), [(0, 1), (3.3, 1), (3.4, 0)])
def test_a_hit_overlaps_by_half(metrics: ModuleType, shift: float, expected: float) -> None:
    # two 10 px boxes shifted by s overlap by (10 - s) / (10 + s), which is 0.5 at s = 3.33
    assert metrics.map50(coco(("a", "cat", CAT)), coco(("a", "cat", (shift, 0, 10, 10), 0.9))) == expected


def test_an_object_is_found_only_once(metrics: ModuleType) -> None:
    truth = coco(("a", "cat", CAT), ("a", "cat", DOG))
    twice = coco(("a", "cat", CAT, 0.9), ("a", "cat", CAT, 0.8))

    # precision 1 up to recall 0.5, which is 51 of the 101 recalls, and nothing beyond
    assert metrics.map50(truth, twice) == pytest.approx(51 / 101)


def test_mistakes_count_where_their_score_puts_them(metrics: ModuleType) -> None:
    truth = coco(("a", "cat", CAT), images=("b",))

    assert metrics.map50(truth, coco(("a", "cat", CAT, 0.9), ("b", "cat", CAT, 0.1))) == 1
    assert metrics.map50(truth, coco(("a", "cat", CAT, 0.1), ("b", "cat", CAT, 0.9))) == 0.5


def test_a_better_box_takes_the_object_first(metrics: ModuleType) -> None:
    truth = coco(("a", "cat", CAT), ("a", "cat", DOG))
    predicted = coco(("a", "cat", (1, 0, 10, 10), 0.5), ("a", "cat", CAT, 0.9), ("a", "cat", DOG, 0.8))

    assert metrics.map50(truth, predicted) == 1


def test_classes_are_averaged_and_unknown_ones_ignored(metrics: ModuleType) -> None:
    truth = coco(("a", "cat", CAT), ("a", "dog", DOG))

    assert metrics.map50(truth, coco(("a", "cat", CAT, 0.9), ("a", "fox", DOG, 0.9))) == 0.5


def test_without_scores_the_order_of_the_file_does_not_matter(metrics: ModuleType) -> None:
    truth = coco(("a", "cat", CAT), images=("b",))
    hit, mistake = ("a", "cat", CAT), ("b", "cat", ELSEWHERE)

    assert metrics.map50(truth, coco(hit, mistake)) == metrics.map50(truth, coco(mistake, hit)) == 0.5


def test_a_truth_without_objects_is_refused(metrics: ModuleType) -> None:
    with pytest.raises(ValueError, match="no object"):
        metrics.map50(coco(images=("a",)), coco(images=("a",)))


boxes = st.tuples(*[st.floats(0, 100)] * 2, *[st.floats(1, 50)] * 2)
objects = st.tuples(st.sampled_from("ab"), st.sampled_from(["cat", "dog"]), boxes, st.floats(0, 1))


@settings(deadline=None)
@given(truth=st.lists(objects, min_size=1, max_size=6), predicted=st.lists(objects, max_size=8), data=st.data())
def test_it_is_a_share_and_the_order_of_predictions_does_not_matter(
    metrics: ModuleType, truth: list[Any], predicted: list[Any], data: st.DataObject
) -> None:
    scores = data.draw(st.lists(st.floats(0, 1), min_size=len(predicted), max_size=len(predicted), unique=True))
    predicted = [(*found[:3], score) for found, score in zip(predicted, scores, strict=True)]
    shuffled = data.draw(st.permutations(predicted))
    known = coco(*truth, images=("a", "b"))

    value = metrics.map50(known, coco(*predicted, images=("a", "b")))

    assert 0 <= value <= 1
    assert value == metrics.map50(known, coco(*shuffled, images=("a", "b")))


def test_the_command_prints_it(tmp_path: Path) -> None:
    paths = [tmp_path / "truth.json", tmp_path / "predicted.json"]
    for path in paths:
        path.write_text(json.dumps(coco(("a", "cat", CAT))))

    done = subprocess.run([sys.executable, SCRIPT, *paths], capture_output=True, text=True, check=True)

    assert done.stdout == "1.0000\n"
    assert subprocess.run([sys.executable, SCRIPT], capture_output=True, check=False).returncode == 2
