from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from picsellia_processing import Image
from picsellia_processing.errors import JobError, ParameterError
from picsellia_processing.parameters import resolve
from PIL import Image as Pillow

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from picsellia_processing.pytest_plugin import RunsDry

FOLDER = Path(__file__).parents[1]
FIXTURE = FOLDER / "fixture"
MODEL = FIXTURE / "model.onnx"
LABELMAP = {"0": "circle", "1": "square", "2": "triangle"}
TRUTH = json.loads((FIXTURE / "ground_truth.json").read_text())


@pytest.fixture(scope="session")
def annotate(processing: ModuleType) -> Callable[..., list[list[Any]]]:
    """`annotate(images, file)` with the default parameters, or with others."""

    def call(images: list[Image], file: Path = MODEL, **values: object) -> list[list[Any]]:
        parameters = processing.YoloxParameters(**values)
        model = processing.yolox(file, SimpleNamespace(labels=LABELMAP), parameters)
        found: list[list[Any]] = processing.annotate(images, model, parameters)
        return found

    return call


@pytest.fixture
def pictures(fixture_images: dict[str, Image]) -> list[Image]:
    """Of several sizes and shapes."""
    return [image for name, image in fixture_images.items() if name.startswith("shapes-")][:8]


def upright_map50(metrics: ModuleType, found: dict[str, list[Any]]) -> float:
    """mAP50 on the pictures that EXIF does not turn."""
    names = [name.lower() for name in ("Circle", "square", "triangle")]
    images = [image for image in TRUTH["images"] if not image["file_name"].startswith("exif-")]
    ids = {image["file_name"]: image["id"] for image in images}
    truth = TRUTH | {
        "images": images,
        "annotations": [each for each in TRUTH["annotations"] if each["image_id"] in ids.values()],
    }
    annotations = [
        {
            "image_id": ids[name],
            "category_id": names.index(box.label) + 1,
            "bbox": [box.x, box.y, box.width, box.height],
            "score": box.confidence,
        }
        for name, boxes in found.items()
        for box in boxes
    ]
    value: float = metrics.map50(truth, truth | {"annotations": annotations})
    return value


def test_a_dry_run_finds_the_shapes_of_the_fixture_whatever_their_orientation(
    dry_run: RunsDry, metrics: ModuleType
) -> None:
    run = dry_run(FOLDER)

    assert run.exit_code == 0, run.log
    assert run.annotations is not None
    assert run.report["status"] == "succeeded"
    assert metrics.map50(TRUTH, run.annotations) >= 0.85
    turned = {image["id"] for image in TRUTH["images"] if image["file_name"].startswith("exif-")}
    truth = TRUTH | {"annotations": [each for each in TRUTH["annotations"] if each["image_id"] in turned]}
    names = {image["id"]: image["file_name"] for image in run.annotations["images"]}
    found = [each for each in run.annotations["annotations"] if names[each["image_id"]].startswith("exif-")]
    assert metrics.map50(truth, dict(run.annotations) | {"annotations": found}) >= 0.85
    assert "computes on CPUExecutionProvider" in run.log
    assert run.report["assets"]["failed"] == 1
    assert "truncated.jpg" in run.log


def test_colours_reach_the_model_in_the_order_of_its_training(
    annotate: Any, metrics: ModuleType, fixture_images: dict[str, Image], variants: ModuleType, tmp_path: Path
) -> None:
    upright = {name: image for name, image in fixture_images.items() if not name.startswith("exif-")}

    def quality(file: Path) -> float:
        return upright_map50(metrics, dict(zip(upright, annotate(list(upright.values()), file), strict=True)))

    rgb = variants.variant(MODEL, tmp_path / "rgb.onnx", variants.rgb)
    mistaken = variants.variant(MODEL, tmp_path / "mistaken.onnx", variants.says_rgb)

    assert quality(MODEL) >= 0.85
    assert quality(rgb) == quality(MODEL)
    assert quality(mistaken) < 0.3, "red fed for blue goes unnoticed"


def test_batch_mates_and_order_do_not_matter(annotate: Any, pictures: list[Image]) -> None:
    together = annotate(pictures)

    assert sum(map(len, together)) > len(pictures)
    assert [annotate([image])[0] for image in pictures] == together
    assert annotate(pictures[::-1]) == together[::-1]
    assert annotate(pictures[3:6]) == together[3:6]


def test_a_file_without_decoding_finds_the_same(
    annotate: Any, pictures: list[Image], variants: ModuleType, tmp_path: Path
) -> None:
    found = annotate(pictures, variants.variant(MODEL, tmp_path / "raw.onnx", variants.raw))

    for boxes, expected in zip(found, annotate(pictures), strict=True):
        assert [box.label for box in boxes] == [box.label for box in expected]
        for box, other in zip(boxes, expected, strict=True):
            corners = [(each.x, each.y, each.width, each.height) for each in (box, other)]
            assert corners[0] == pytest.approx(corners[1], abs=1e-3)


def test_parameters_reach_the_selection(annotate: Any, pictures: list[Image]) -> None:
    default = annotate(pictures)

    assert min(box.confidence for boxes in default for box in boxes) >= 0.3
    assert min(box.confidence for boxes in annotate(pictures, confidence=0.01) for box in boxes) < 0.3
    best = annotate(pictures, max_detections=1)
    assert best == [boxes[:1] for boxes in default]
    for boxes in default:
        assert boxes == sorted(boxes, key=lambda box: -box.confidence)
    strict, loose = (annotate(pictures, iou=limit, confidence=0.01) for limit in (0.0, 1.0))
    assert sum(map(len, strict)) < sum(map(len, loose))


@pytest.mark.parametrize("shape", [(1, 900), (900, 1), (1, 1), (5, 3)])
def test_a_sliver_of_a_picture_does_no_harm(annotate: Any, shape: tuple[int, int]) -> None:
    assert annotate([Image(np.zeros((*shape, 3), np.uint8))], confidence=0.9) == [[]]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("confidence", 1.1),
        ("iou", -0.1),
        ("image_size", 100),
        ("device", "gpu"),
        ("device", "cuda:x"),
        ("confidance", 1),
    ],
)
def test_wrong_parameters_are_refused(processing: ModuleType, name: str, value: object) -> None:
    with pytest.raises(ParameterError, match=f"{name}: "):
        resolve([processing.YoloxParameters], {name: value}, {})


def test_labels_that_do_not_fit_the_file_are_refused(processing: ModuleType) -> None:
    with pytest.raises(JobError, match="the network tells 3 classes apart, the ModelVersion has 2 labels"):
        processing.yolox(MODEL, SimpleNamespace(labels={"0": "circle", "1": "square"}), processing.YoloxParameters())


def test_the_images_of_the_fixture_can_be_made_again(make_fixture: ModuleType, tmp_path: Path) -> None:
    make_fixture.make_images(tmp_path)

    assert json.loads((tmp_path / "ground_truth.json").read_text()) == TRUTH
    names = {path.name for path in (FIXTURE / "images").iterdir()}
    assert {path.name for path in (tmp_path / "images").iterdir()} == names
    for name in ("shapes-01.jpg", "exif-6.jpg", "cmyk.jpg", "alpha.png"):
        with Pillow.open(FIXTURE / "images" / name) as kept, Pillow.open(tmp_path / "images" / name) as made:
            assert (made.size, made.mode) == (kept.size, kept.mode)
            pixels = [np.asarray(image.convert("RGB"), int) for image in (kept, made)]
            assert np.abs(pixels[0] - pixels[1]).mean() < 2  # another release of Pillow may compress in another way


def test_the_fixture_stays_small() -> None:
    assert sum(path.stat().st_size for path in FIXTURE.rglob("*") if path.is_file()) < 5_000_000
