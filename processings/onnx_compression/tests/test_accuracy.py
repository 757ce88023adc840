"""The measure itself: what a network's output says, and how right that is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from picsellia_processing import Classification, Rectangle

CLASSES = ("cat", "dog")


@pytest.fixture(scope="session")
def suppression(accuracy: Any) -> Any:
    return accuracy.NonMaximumSuppression()


def output(*anchors: tuple[float, ...]) -> Any:
    """A detector's output of these anchors: centre x, centre y, width, height, a score for each class."""
    return np.array([anchors], np.float32).transpose(0, 2, 1)


def test_boxes_are_read_from_their_centres_with_the_score_of_their_class(accuracy: Any, suppression: Any) -> None:
    found = accuracy.objects(output((10, 20, 4, 6, 0.25, 0), (50, 60, 10, 20, 0, 0.5)), CLASSES, suppression)
    assert found == (Rectangle("cat", 8, 17, 4, 6, 0.25), Rectangle("dog", 45, 50, 10, 20, 0.5))


def test_of_boxes_on_one_object_the_best_is_left_in_each_class(accuracy: Any, suppression: Any) -> None:
    near = [(50, 50, 20, 20, 0.5, 0.3), (51, 50, 20, 20, 0.75, 0), (65, 50, 20, 20, 0.25, 0), (9, 9, 2, 2, 0.0005, 0)]
    found = accuracy.objects(output(*near), CLASSES, suppression)
    assert sorted((each.label, each.confidence) for each in found) == [
        ("cat", 0.25),
        ("cat", 0.75),
        ("dog", pytest.approx(0.3)),
    ]


def test_top1_is_the_share_of_pictures_whose_best_class_is_annotated(accuracy: Any, pictures: Any) -> None:
    truths = [Classification("cat"), Classification("dog"), Classification("dog"), Classification("cat")]
    annotated = [pictures.Picture(Path(), (each,), pictures.Normalisation()) for each in truths]
    scores = [(0.9, 0.1), (0.2, 0.8), (0.7, 0.3), (float("nan"), 0.1)]
    outputs = [np.array([each], np.float32) for each in scores]
    assert accuracy.top1(CLASSES, outputs, annotated) == 0.5


def read(pictures: Any, model: Any, samples: Any, context: Any) -> Any:
    known = {name: name for name in model.classes}
    return pictures.read_pictures(context(samples), model, known, pictures.Normalisation())


def test_the_detector_is_good_and_damage_to_it_shows(
    accuracy: Any, pictures: Any, models: Any, samples: Any, context: Any, tmp_path: Path
) -> None:
    model = models["detection"]
    annotated = read(pictures, model, samples["detection"][:40], context)
    assert accuracy.accuracy_of(model.path, model, annotated) > 0.9
    damaged = onnx.load(model.path)
    first = next(each for each in damaged.graph.initializer if list(each.dims)[1:] == [3, 3, 3])
    first.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(first) * np.float32(0.05), first.name))
    onnx.save(damaged, tmp_path / "damaged.onnx")
    assert accuracy.accuracy_of(tmp_path / "damaged.onnx", model, annotated) < 0.7


def test_the_classifier_is_good_and_labels_in_another_order_show(
    accuracy: Any, pictures: Any, model_file: Any, models: Any, samples: Any, context: Any
) -> None:
    model = models["classification"]
    annotated = read(pictures, model, samples["classification"], context)
    assert accuracy.accuracy_of(model.path, model, annotated) > 0.9
    turned = model_file.read_model(model.path, {"0": "square", "1": "triangle", "2": "circle"})
    assert accuracy.accuracy_of(model.path, turned, annotated) < 0.1
