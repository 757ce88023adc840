from __future__ import annotations

import json
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from picsellia_processing import Classification, Image, Labels, Polygon, Rectangle
from picsellia_processing.errors import JobError, ParameterError, UsageError
from picsellia_processing.parameters import resolve
from PIL import Image as Pillow
from PIL import ImageDraw, ImageOps

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

FIXTURE = Path(__file__).parents[1] / "fixture"
ORIENTATION_TAG = 0x0112
TASKS = ["detect", "segment", "classify"]


@pytest.fixture(scope="session")
def annotate(processing: ModuleType, version: Callable[[str], Any]) -> Callable[..., list[list[Any]]]:
    """`annotate(images, model)` with the default parameters, or with others."""

    def call(images: list[Image], model: Any, holds: str | None = None, **parameters: object) -> list[list[Any]]:
        given = processing.YoloParameters(**parameters), version(holds or model.task)
        found: list[list[Any]] = processing.annotate(images, model, *given)
        return found

    return call


@pytest.fixture(scope="session")
def scenes(shapes: ModuleType) -> list[Any]:
    rng = np.random.default_rng(99)
    return [shapes.draw_scene(rng, (256, 192), 4) for _ in range(12)]


def image_of(scene: Any) -> Image:
    return Image(np.asarray(scene.image).copy())


def upright_truth() -> dict[str, Any]:
    """The ground truth as it lies on the pictures with EXIF applied, which Pillow does here, not we."""
    truth: dict[str, Any] = json.loads((FIXTURE / "ground_truth.json").read_text())
    images = {image["id"]: image for image in truth["images"]}
    for annotation in truth["annotations"]:
        image = images[annotation["image_id"]]
        x, y, width, height = annotation["bbox"]
        stain = Pillow.new("L", (image["width"], image["height"]))
        ImageDraw.Draw(stain).rectangle((round(x), round(y), round(x + width) - 1, round(y + height) - 1), fill=255)
        with Pillow.open(FIXTURE / "images" / image["file_name"]) as file:
            stain.getexif()[ORIENTATION_TAG] = file.getexif().get(ORIENTATION_TAG, 1)
        left, top, right, bottom = ImageOps.exif_transpose(stain).getbbox() or (0, 0, 0, 0)
        annotation["bbox"] = [left, top, right - left, bottom - top]
    return truth


def coco_of(found: dict[str, list[Rectangle]]) -> dict[str, Any]:
    names = ["Circle", "square", "triangle"]
    boxes = [(index, box) for index, shapes in enumerate(found.values()) for box in shapes]
    return {
        "images": [{"id": index, "file_name": name} for index, name in enumerate(found)],
        "categories": [{"id": index, "name": name} for index, name in enumerate(names)],
        "annotations": [
            {
                "image_id": index,
                "category_id": [name.lower() for name in names].index(box.label),
                "bbox": [box.x, box.y, box.width, box.height],
                "score": box.confidence,
            }
            for index, box in boxes
        ],
    }


def test_it_finds_the_shapes_of_the_fixture(
    annotate: Any, model: Any, metrics: ModuleType, fixture_images: dict[str, Image]
) -> None:
    truth = upright_truth()
    detector = model("detect", labels=("Circle", "square", "triangle"))

    found = dict(zip(fixture_images, annotate(list(fixture_images.values()), detector), strict=True))

    assert len(found) == len(truth["images"]) == 59
    assert metrics.map50(truth, coco_of(found)) >= 0.9
    assert found["empty.jpg"] == []
    for name, objects in found.items():
        inside = (0 <= box.x <= box.x + box.width <= fixture_images[name].width for box in objects)
        assert all(inside)


def test_the_fixture_shows_it_when_orientations_are_ignored(
    annotate: Any, model: Any, metrics: ModuleType, fixture_images: dict[str, Image]
) -> None:
    truth = upright_truth()
    turned = {name for name in fixture_images if name.startswith("exif-")}
    truth["images"] = [image for image in truth["images"] if image["file_name"] in turned]
    kept = {image["id"] for image in truth["images"]}
    truth["annotations"] = [annotation for annotation in truth["annotations"] if annotation["image_id"] in kept]
    as_stored = []
    for name in sorted(turned):
        with Pillow.open(FIXTURE / "images" / name) as file:
            as_stored.append(Image(np.asarray(file)))

    found = dict(zip(sorted(turned), annotate(as_stored, model("detect")), strict=True))

    assert metrics.map50(truth, coco_of(found)) < 0.3


@pytest.mark.parametrize("task", TASKS)
def test_batch_mates_and_order_do_not_matter(annotate: Any, model: Any, scenes: list[Any], task: str) -> None:
    ready = model(task)
    images = [image_of(scene) for scene in scenes]
    images[3] = Image(np.ascontiguousarray(images[3].pixels[:100]))  # another size

    together = annotate(images, ready)

    assert [annotate([image], ready)[0] for image in images] == together
    assert annotate(images[::-1], ready) == together[::-1]
    assert annotate(images[3:8], ready) == together[3:8]


def test_pictures_are_rgb_as_ultralytics_reads_the_same_file(
    annotate: Any, model: Any, weights: ModuleType, scenes: list[Any], tmp_path: Path
) -> None:
    scenes[0].image.save(tmp_path / "scene.png")
    own = weights.load_weights(FIXTURE / "model.pt").predict(tmp_path / "scene.png", rect=False, device="cpu")[0]

    found = annotate([image_of(scenes[0])], model("detect"))[0]

    assert [box.confidence for box in found] == own.boxes.conf.tolist()
    assert found[0].x + found[0].width == pytest.approx(own.boxes.xyxy[0, 2].item())
    swapped = Image(np.ascontiguousarray(image_of(scenes[0]).pixels[..., ::-1]))
    assert annotate([swapped], model("detect"))[0] != found


def test_a_segmenter_gives_outlines(annotate: Any, model: Any, scenes: list[Any]) -> None:
    found = annotate([image_of(scene) for scene in scenes], model("segment"))

    overlaps = []
    for scene, polygons in zip(scenes, found, strict=True):
        assert all(isinstance(polygon, Polygon) and 0 < (polygon.confidence or 0) <= 1 for polygon in polygons)
        for shape in scene.shapes:
            same = [polygon.points for polygon in polygons if polygon.label == shape.label]
            overlaps.append(max((iou(shape.outline, points, scene.image.size) for points in same), default=0.0))
    assert len(overlaps) > 30
    assert np.mean(np.array(overlaps) > 0.75) > 0.8


def iou(one: Any, other: Any, size: tuple[int, int]) -> float:
    stains = []
    for outline in (one, other):
        stain = Pillow.new("1", size)
        ImageDraw.Draw(stain).polygon([(float(x), float(y)) for x, y in outline], fill=1)
        stains.append(np.asarray(stain))
    return float((stains[0] & stains[1]).sum() / (stains[0] | stains[1]).sum())


def test_a_segmenter_gives_boxes_where_the_data_set_holds_boxes(annotate: Any, model: Any, scenes: list[Any]) -> None:
    segmenter, images = model("segment", holds="OBJECT_DETECTION"), [image_of(scene) for scene in scenes[:4]]

    boxes = annotate(images, segmenter, holds="OBJECT_DETECTION")

    outlines = annotate(images, segmenter, holds="MULTI")
    for box, outline in zip(chain(*boxes), chain(*outlines), strict=True):
        assert (type(box), type(outline)) == (Rectangle, Polygon)
        assert (box.label, box.confidence) == (outline.label, outline.confidence)
        corners = np.min(outline.points, axis=0), np.max(outline.points, axis=0)
        assert np.abs(np.array(corners) - [(box.x, box.y), (box.x + box.width, box.y + box.height)]).max() < 8


@pytest.mark.parametrize(
    ("task", "holds", "fitting"),
    [
        ("detect", "SEGMENTATION", "OBJECT_DETECTION or MULTI"),
        ("segment", "CLASSIFICATION", "SEGMENTATION or OBJECT_DETECTION or MULTI"),
        ("classify", "OBJECT_DETECTION", "CLASSIFICATION or MULTI"),
    ],
)
def test_a_data_set_that_does_not_hold_what_the_model_finds_is_refused(
    model: Any, task: str, holds: str, fitting: str
) -> None:
    with pytest.raises(JobError, match=f"is of type {holds}, but '.*' is a model for '{task}'; .* of type {fitting}$"):
        model(task, holds=holds)


def test_a_segmenter_that_finds_nothing_says_so(annotate: Any, model: Any) -> None:
    grey = Image(np.full((120, 160, 3), 128, np.uint8))

    assert annotate([grey], model("segment", confidence=0.9), confidence=0.9) == [[]]


def test_a_classifier_names_the_picture_if_it_is_sure(annotate: Any, model: Any, shapes: ModuleType) -> None:
    rng = np.random.default_rng(5)
    scenes = [shapes.draw_scene(rng, (128, 128), 1) for _ in range(20)]
    images = []
    for scene in scenes:
        left, top, right, bottom = (round(side) for side in scene.shapes[0].box)
        images.append(Image(np.asarray(scene.image.crop((left - 8, top - 8, right + 8, bottom + 8)))))

    found = annotate(images, model("classify"))

    assert all(len(classes) == 1 and isinstance(classes[0], Classification) for classes in found)
    right_ones = sum(classes[0].label == scene.shapes[0].label for classes, scene in zip(found, scenes, strict=True))
    assert right_ones >= 17
    assert annotate([Image(np.full((64, 64, 3), 128, np.uint8))], model("classify"), confidence=1.0) == [[]]


def test_only_classes_with_a_label_are_looked_for(
    annotate: Any, model: Any, scenes: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    images = [image_of(scene) for scene in scenes]
    everything = [[box for box in boxes if box.label == "circle"] for boxes in annotate(images, model("detect"))]

    found = annotate(images, model("detect", labels=("CIRCLE", "hexagon")))

    assert found == everything
    assert any(found)
    assert caplog.messages == ["not looked for, since they have no label: square, triangle"]


def test_a_data_set_with_no_label_of_the_model_is_refused(model: Any) -> None:
    with pytest.raises(JobError, match="expected one of circle, square, triangle; found the labels hexagon, star;"):
        model("detect", labels=("hexagon", "star"))


def test_labels_that_may_be_added_are_all_looked_for(
    processing: ModuleType, annotate: Any, version: Any, scenes: list[Any]
) -> None:
    labels = Labels((), open=True)
    ready = processing.yolo(FIXTURE / "model.pt", processing.YoloParameters(), labels, version("detect"))

    assert {box.label for boxes in annotate([image_of(scene) for scene in scenes], ready) for box in boxes} == {
        "circle",
        "square",
        "triangle",
    }


def test_parameters_reach_the_model(annotate: Any, model: Any, scenes: list[Any]) -> None:
    images = [image_of(scene) for scene in scenes]
    default = annotate(images, model("detect"))

    scores = [box.confidence for boxes in annotate(images, model("detect", confidence=0.001)) for box in boxes]
    assert min(scores) < 0.25
    assert all(len(boxes) == 1 for boxes in annotate(images, model("detect", max_detections=1)))
    assert annotate(images, model("detect", image_size=160)) == default
    assert annotate(images, model("detect", image_size=320)) != default
    low = {"confidence": 0.001}
    strict, loose = (annotate(images, model("detect", iou=limit, **low), **low) for limit in (0.1, 1.0))
    assert sum(map(len, strict)) < sum(map(len, loose))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("confidence", 1.1),
        ("iou", -0.1),
        ("image_size", 100),
        ("image_size", 0),
        ("max_detections", 0),
        ("batch_size", 0),
        ("device", "gpu"),
        ("device", "cuda:x"),
        ("confidance", 0.5),
    ],
)
def test_wrong_parameters_are_refused(processing: ModuleType, name: str, value: object) -> None:
    with pytest.raises(ParameterError, match=f"{name}: "):
        resolve([processing.YoloParameters], {name: value}, {})


@pytest.mark.parametrize("device", ["cuda:99", "cuda", "mps"])
def test_a_gpu_that_is_not_there_is_an_error(model: Any, device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)

    with pytest.raises(UsageError, match=f"device={device} cannot be used: torch .* finds no GPU here; .*device=auto"):
        model("detect", device=device)


def test_auto_takes_a_gpu_if_there_is_one(predictor: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)

    assert predictor.available_device("auto") == "cuda:0"
    assert predictor.available_device("cuda") == "cuda:0"
    assert predictor.available_device("cuda:1") == "cuda:1"
    assert predictor.available_device("cpu") == "cpu"
    with pytest.raises(UsageError, match="finds cuda:0, cuda:1"):
        predictor.available_device("cuda:2")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert predictor.available_device("auto") == "cpu"


@pytest.mark.parametrize(("device", "batches"), [("cuda:1", [4, 4]), ("cpu", [1] * 6)])
def test_a_gpu_gets_full_batches_and_the_cpu_single_pictures(
    predictor: ModuleType, scenes: list[Any], device: str, batches: list[int]
) -> None:
    class Recorder:
        """Stands for a model on any device, and notes the batches it gets."""

        task = "detect"

        def predict(self, picture: object, **settings: object) -> None:
            self.settings, self.batches = settings, list[int]()
            self.predictor = self

        def __call__(self, batch: list[Any]) -> list[int]:
            self.batches.append(len(batch))
            return [int(picture.sum()) for picture in batch]

    recorder = Recorder()
    pictures = [image_of(scene).pixels for scene in scenes[:6]]

    found = predictor.Predictor(recorder, device, 4, conf=0.5).predict(pictures)

    assert found == [int(picture.sum()) for picture in pictures]
    assert recorder.batches == batches
    assert recorder.settings["device"] == device


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
@pytest.mark.parametrize("task", TASKS)
def test_a_gpu_agrees_with_the_cpu_whatever_the_batch(annotate: Any, model: Any, scenes: list[Any], task: str) -> None:
    images = [image_of(scene) for scene in scenes]
    gpu = model(task, device="cuda", batch_size=5)

    together = annotate(images, gpu)

    assert [annotate([image], gpu)[0] for image in images] == together
    for found, expected in zip(together, annotate(images, model(task)), strict=True):
        assert [shape.label for shape in found] == [shape.label for shape in expected]
        scores = [shape.confidence for shape in expected]
        assert [shape.confidence for shape in found] == pytest.approx(scores, abs=0.01)
