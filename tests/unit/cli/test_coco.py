from __future__ import annotations

import json

from picsellia_processing.cli.coco import to_coco
from picsellia_processing.cli.end_state import EndState

from tests.unit.cli.states import HEIGHT, SHAPES, WIDTH, asset


def test_images_and_categories_are_all_there_in_their_order():
    coco = to_coco(EndState(("cat", "dog"), (asset("b.jpg"), asset("a.jpg"))))
    assert coco == {
        "images": [
            {"id": 1, "file_name": "b.jpg", "width": WIDTH, "height": HEIGHT},
            {"id": 2, "file_name": "a.jpg", "width": WIDTH, "height": HEIGHT},
        ],
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
        "annotations": [],
    }


def test_every_kind_of_shape():
    state = EndState(("cat", "dog"), (asset("empty.jpg"), asset("a.jpg", *SHAPES)))
    annotations = to_coco(state)["annotations"]
    assert [each["id"] for each in annotations] == list(range(1, 8))
    assert {each["image_id"] for each in annotations} == {2}
    assert [each["category_id"] for each in annotations] == [1, 2, 1, 2, 2, 1, 1]
    assert [each.get("score") for each in annotations] == [0.75, None, 0.5, None, None, None, 0.25]
    rectangle, polygon, mask, line, point, keypoints, classification = annotations
    assert (rectangle["bbox"], rectangle["area"], rectangle["segmentation"]) == ([1, 2, 10, 5], 50, [])
    assert (polygon["bbox"], polygon["area"]) == ([0, 0, 10, 10], 100)
    assert polygon["segmentation"] == [[0, 0, 10, 0, 10, 10, 0, 10]]
    assert mask["segmentation"] == {"size": [HEIGHT, WIDTH], "counts": SHAPES[2].data["mask"]}
    assert (mask["bbox"], mask["area"]) == ([5, 10, 10, 10], 100)
    assert (line["bbox"], line["line"]) == ([0, 5, 20, 20], [[0, 5], [20, 25]])
    assert (point["bbox"], point["point"]) == ([7, 8, 0, 0], [7, 8])
    assert (keypoints["bbox"], keypoints["num_keypoints"]) == ([1, 2, 8, 6], 2)
    assert keypoints["keypoints"] == [1, 2, 2, 9, 8, 1, 0, 0, 0]
    assert (classification["bbox"], classification["segmentation"]) == ([], [])
    json.dumps(annotations)
