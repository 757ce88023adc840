from __future__ import annotations

import json

import numpy as np
import pytest
from picsellia_processing.annotation import Classification, Keypoints, Line, Mask, Point, Polygon, Rectangle
from picsellia_processing.cli.end_state import GEOMETRY, read_confidences

from tests.unit.cli.states import HEIGHT, SHAPES, WIDTH, mask

VALUES = (
    Rectangle("cat", 1, 2, 10, 5, 0.75),
    Polygon("dog", [(0, 0), (10, 0), (10, 10), (0, 10)]),
    Mask("cat", mask(), 0.5),
    Line("dog", [(0, 5), (20, 25)]),
    Point("dog", 7, 8),
    Keypoints("cat", [(1, 2, 2), (9, 8, 1), (0, 0, 0)]),
    Classification("cat", 0.25),
)


@pytest.mark.parametrize(("stored", "value"), list(zip(SHAPES, VALUES, strict=True)), ids=GEOMETRY)
def test_a_stored_shape_is_a_value(stored, value):
    found = stored.value(WIDTH, HEIGHT)
    if isinstance(value, Mask):
        assert isinstance(found, Mask)
        assert np.array_equal(found.pixels, value.pixels)
        assert (found.label, found.confidence) == (value.label, value.confidence)
    else:
        assert found == value


def line(asset_id: str, *shapes: dict) -> str:
    return json.dumps({"asset_id": asset_id, "filename": "a.jpg", "annotations": list(shapes)}) + "\n"


def test_confidences_are_found_by_asset_kind_label_and_place(tmp_path):
    box = {"type": "rectangle", "label": "cat", "confidence": 0.5, "x": 1, "y": 2, "w": 3, "h": 4}
    path = tmp_path / "predictions.jsonl"
    path.write_text(line("1", box, {**box, "x": 9, "confidence": None}) + line("2", {**box, "confidence": 0.75}))
    assert read_confidences([tmp_path / "missing.jsonl", path]) == {
        ("1", "rectangle", "cat", "[1, 2, 3, 4]"): 0.5,
        ("2", "rectangle", "cat", "[1, 2, 3, 4]"): 0.75,
    }


def test_a_line_that_was_cut_off_is_left_out(tmp_path):
    box = {"type": "rectangle", "label": "cat", "confidence": 0.5, "x": 1, "y": 2, "w": 3, "h": 4}
    path = tmp_path / "predictions.jsonl"
    path.write_text(line("1", box) + line("2", box)[:-20])
    assert [asset_id for asset_id, *_ in read_confidences([path])] == ["1"]
