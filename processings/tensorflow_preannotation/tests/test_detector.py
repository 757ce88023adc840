"""The model gets pictures as its signature says, and what it finds is where it is, whatever the batch."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from picsellia_processing import Image, Mask, Polygon, Rectangle
from picsellia_processing.errors import JobError, ParameterError, UsageError
from picsellia_processing.parameters import resolve
from picsellia_processing.tasks.packing import packed

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

FIXTURE = Path(__file__).parents[1] / "fixture"
NAMES = {1: "one", 2: "two"}
SIGNATURES = [
    ((None, 32, 32, 3), "uint8", 4),
    ((None, 32, 32, 3), "float32", 4),
    ((1, None, None, 3), "uint8", 1),
    ((None, None, None, 3), "uint8", 1),
    ((3, 32, 32, 3), "uint8", 3),
]


@pytest.fixture
def ready(saved_model: ModuleType, detector: ModuleType) -> Callable[..., Any]:
    def make(folder: Path, names: dict[int, str] = NAMES, batch_size: int = 4) -> Any:
        return detector.Detector(saved_model.load(folder, "/CPU:0"), "/CPU:0", names, batch_size)

    return make


def reds(*levels: int, height: int = 48, width: int = 80) -> list[np.ndarray]:
    """Pictures of one red each."""
    pictures = [np.zeros((height, width, 3), np.uint8) for _ in levels]
    for picture, level in zip(pictures, levels, strict=True):
        picture[..., 0] = level
    return pictures


def of_type(kind: str) -> Any:
    return SimpleNamespace(type=SimpleNamespace(value=kind))


@pytest.mark.parametrize(("shape", "dtype", "at_once"), SIGNATURES, ids=str)
def test_pictures_go_in_as_the_signature_says(
    ready: Any, export: Any, red_finder: Any, shape: tuple[int | None, ...], dtype: str, at_once: int
) -> None:
    model = ready(export(red_finder, shape, dtype))
    sizes = []
    run = model._run_on

    def counted(input_tensor: Any) -> Any:
        sizes.append(len(input_tensor))
        return run(input_tensor=input_tensor)

    model._run_on = counted
    found = model.detect([*reds(0, 51, 102, 255), *reds(204, height=90, width=20)])
    assert [[each.score for each in objects] for objects in found] == [
        pytest.approx([level / 2, level]) for level in (0, 0.2, 0.4, 1, 0.8)
    ]
    assert set(sizes) == {at_once}
    assert len(sizes) == -(-5 // at_once)


def test_what_is_found_does_not_depend_on_the_batch(processing: ModuleType, ready: Any, tmp_path: Path) -> None:
    model = ready(processing.unpack(FIXTURE / "model.zip", tmp_path / "model"))
    rng = np.random.default_rng(3)
    pictures = [rng.integers(0, 256, (rng.integers(40, 200), 100, 3), dtype=np.uint8) for _ in range(7)]
    together = model.detect(pictures)
    alone = [model.detect([picture])[0] for picture in pictures]
    assert [[(*each[:2], *each.box) for each in found] for found in together] == [
        [(*each[:2], *each.box) for each in found] for found in alone
    ]
    assert any(together)


def test_boxes_are_where_they_are_on_the_picture(
    processing: ModuleType, ready: Any, export: Any, red_finder: Any
) -> None:
    model = ready(export(red_finder, (None, 32, 32, 3)))
    parameters = processing.TensorflowParameters(confidence=0.4)
    images = [Image(picture) for picture in reds(255, 127, 0)]
    found = processing.annotate(images, model, parameters, of_type("OBJECT_DETECTION"))
    assert found[0] == [Rectangle("two", 40, 12, 40, 24, 1.0), Rectangle("one", 0, 0, 40, 48, 0.5)]
    assert [len(each) for each in found] == [2, 1, 0]
    assert found[1][0].label == "two"


def test_masks_take_the_form_of_the_dataset_version(
    processing: ModuleType, ready: Any, export: Any, mask_finder: Any
) -> None:
    model = ready(export(mask_finder, (None, 32, 32, 3)))
    assert model.gives_masks
    parameters = processing.TensorflowParameters(max_detections=1)
    (image,) = map(Image, reds(255))

    ((mask,),) = processing.annotate([image], model, parameters, of_type("MASK"))
    assert isinstance(mask, Mask)
    expected = np.zeros((48, 80), bool)
    expected[12:24, 40:] = True
    assert (mask.pixels == expected).all()
    assert mask.label == "two"
    ((polygon,),) = processing.annotate([image], model, parameters, of_type("SEGMENTATION"))
    assert isinstance(polygon, Polygon)
    assert np.min(polygon.points, axis=0) == pytest.approx((40, 12), abs=0.5)
    assert np.max(polygon.points, axis=0) == pytest.approx((80, 24), abs=0.5)
    ((box,),) = processing.annotate([image], model, parameters, of_type("OBJECT_DETECTION"))
    assert isinstance(box, Rectangle)


def test_a_model_without_masks_is_refused_where_they_are_needed(
    processing: ModuleType, export: Any, red_finder: Any, tmp_path: Path
) -> None:
    path = packed(export(red_finder, (None, 32, 32, 3)), tmp_path / "zip", "boxes")
    given_model = SimpleNamespace(labels={"1": "one", "2": "two"})
    parameters = processing.TensorflowParameters()
    for kind in ("SEGMENTATION", "MASK"):
        context = SimpleNamespace(folder=tmp_path / kind)
        with pytest.raises(JobError, match=f"of type {kind}, but the model finds boxes alone"):
            processing.detector(path, given_model, of_type(kind), context, parameters)


def test_a_class_without_a_name_stops_the_job(processing: ModuleType, ready: Any, export: Any, red_finder: Any) -> None:
    model = ready(export(red_finder, (None, 32, 32, 3)), {1: "one"})
    images = [Image(picture) for picture in reds(255)]
    with pytest.raises(JobError, match="found class 2, which the labels of the ModelVersion do not name: 1: one"):
        processing.annotate(images, model, processing.TensorflowParameters(), of_type("OBJECT_DETECTION"))


def test_boxes_in_pixels_stop_the_job(
    processing: ModuleType, ready: Any, export: Any, red_finder: Any, tensorflow: Any
) -> None:
    def in_pixels(input_tensor: Any) -> dict[str, Any]:
        found: dict[str, Any] = red_finder(input_tensor)
        return found | {"detection_boxes": found["detection_boxes"] * 32}

    model = ready(export(in_pixels, (None, 32, 32, 3)))
    (image,) = map(Image, reds(255))
    with pytest.raises(JobError, match=r"the model's boxes are in pixels, such as \[8\.0, 16\.0, 24\.0, 32\.0\]"):
        processing.annotate([image], model, processing.TensorflowParameters(), of_type("OBJECT_DETECTION"))


def test_labels_count_from_one_unless_there_is_a_zero(detector: ModuleType) -> None:
    assert detector.class_names({"1": "a", "2": "b"}) == {1: "a", 2: "b"}
    assert detector.class_names({"0": "a", "1": "b"}) == {1: "a", 2: "b"}
    assert detector.class_names({"1": "a", "90": "z"}) == {1: "a", 90: "z"}
    assert detector.class_names({"0": "Background", "1": "a"}) == {0: "Background", 1: "a"}
    for wrong in ({}, {"car": "1"}):
        with pytest.raises(JobError, match="do not name the classes of its model"):
            detector.class_names(wrong)


@pytest.mark.parametrize(
    ("shape", "dtype", "found"),
    [((None, 32, 32, 1), "uint8", r"uint8 \(None, 32, 32, 1\)"), ((None,), "string", r"string \(None,\)")],
    ids=["grey", "encoded"],
)
def test_a_model_that_takes_no_pictures_is_refused(
    ready: Any, export: Any, tensorflow: Any, shape: tuple[int | None, ...], dtype: str, found: str
) -> None:
    folder = export(lambda input_tensor: {"out": tensorflow.identity(input_tensor)}, shape, dtype)
    with pytest.raises(UsageError, match=f"found the inputs input_tensor: {found}; expected a single one"):
        ready(folder)


def test_a_model_that_is_no_detector_is_refused(ready: Any, export: Any, red_finder: Any) -> None:
    def classify(input_tensor: Any) -> dict[str, Any]:
        found: dict[str, Any] = red_finder(input_tensor)
        return {"detection_scores": found["detection_scores"], "logits": found["detection_classes"]}

    missing = "detection_boxes, detection_classes, num_detections; found detection_scores, logits"
    with pytest.raises(UsageError, match=f"it has no output {missing}"):
        ready(export(classify, (None, 32, 32, 3)))


@given(
    scores=st.lists(st.floats(0, 1), max_size=20),
    confidence=st.floats(0, 1),
    most=st.integers(1, 25),
)
def test_the_best_ones_are_kept(detector: ModuleType, scores: list[float], confidence: float, most: int) -> None:
    found = [detector.Detection(number, score, np.zeros(4)) for number, score in enumerate(scores)]
    best = detector.best(found, confidence, most)
    assert [each.score for each in best] == sorted((s for s in scores if s >= confidence), reverse=True)[:most]
    assert all(scores[each.number] == each.score for each in best)


def test_a_gpu_that_is_not_there_is_an_error(processing: ModuleType, tensorflow: Any) -> None:
    gpus = len(tensorflow.config.list_physical_devices("GPU"))
    assert processing.available_device("cpu") == "/CPU:0"
    assert processing.available_device("auto") == ("/GPU:0" if gpus else "/CPU:0")
    with pytest.raises(UsageError, match=rf"device=cuda:{gpus} cannot be used: TensorFlow .* here; give the container"):
        processing.available_device(f"cuda:{gpus}")


@pytest.mark.parametrize("wrong", [{"confidence": 2}, {"device": "tpu"}, {"max_detections": 0}, {"iou": 0.5}])
def test_bad_parameters_are_refused(processing: ModuleType, wrong: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match=next(iter(wrong))):
        resolve([processing.TensorflowParameters], wrong, {})
