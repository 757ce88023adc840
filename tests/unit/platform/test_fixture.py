from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from picsellia_processing.errors import ExitCode, FixtureError
from picsellia_processing.platform.fixture import FixtureModelFile, FixtureModelVersion, load_fixture
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path


def draw(path: Path, size: tuple[int, int] = (20, 10)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size).save(path)
    return path


def write(directory: Path, toml: str) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "fixture.toml").write_text(toml, encoding="utf-8")
    return directory


def mistakes(directory: Path | None, **arguments: object) -> tuple[str, ...]:
    with pytest.raises(FixtureError) as raised:
        load_fixture(directory, **arguments)
    assert raised.value.exit_code == ExitCode.USAGE
    return raised.value.mistakes


def mistake(directory: Path | None, **arguments: object) -> str:
    (text,) = mistakes(directory, **arguments)
    return text


@pytest.fixture
def shapes(tmp_path: Path) -> Path:
    """A folder with two images, for a fixture.toml to be written into."""
    draw(tmp_path / "shapes/images/a.jpg", (20, 10))
    draw(tmp_path / "shapes/images/b.png", (30, 40))
    return tmp_path / "shapes"


COMPLETE = """
task = "pre_annotation"
selection = ["b.png"]

[dataset_version]
name = "forms"
version = "v7"
type = "OBJECT_DETECTION"
labels = ["circle", "square"]
images = "images"
annotations = "annotations.json"
annotation_status = "REFUSED"

[model_version]
name = "detector"
version = 3
type = "OBJECT_DETECTION"
framework = "PYTORCH"
labels = { 0 = "circle", 7 = "square" }
parameters = { image_size = 640, nested = { rates = [0.5, 1] } }
files = { pretrained-weights = "weights/model.pt" }

[inputs]
target_version_name = "out"

[parameters]
confidence = 0.5
names = ["a", "b"]
"""


def test_everything_a_fixture_can_hold(shapes):
    write(shapes, COMPLETE)
    (shapes / "weights").mkdir()
    (shapes / "weights/model.pt").write_bytes(b"weights")
    coco = {
        "images": [{"id": 1, "file_name": "a.jpg"}],
        "categories": [{"id": 5, "name": "square"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 5, "bbox": [1, 2, 3, 4]}],
    }
    (shapes / "annotations.json").write_text(json.dumps(coco), encoding="utf-8")

    fixture = load_fixture(shapes)

    assert (fixture.name, fixture.task, fixture.selection) == ("shapes", "pre_annotation", ("b.png",))
    assert fixture.inputs == {"target_version_name": "out"}
    assert fixture.parameters == {"confidence": 0.5, "names": ["a", "b"]}
    assert fixture.model_version == FixtureModelVersion(
        "detector",
        3,
        "OBJECT_DETECTION",
        "PYTORCH",
        {"0": "circle", "7": "square"},
        {"image_size": 640, "nested": {"rates": [0.5, 1]}},
        (FixtureModelFile("pretrained-weights", shapes / "weights/model.pt"),),
    )
    version = fixture.dataset_version
    assert version is not None
    assert (version.name, version.version, version.type) == ("forms", "v7", "OBJECT_DETECTION")
    assert version.labels == ("circle", "square")
    a, b = version.images
    assert (a.filename, a.path, a.width, a.height, a.content_type) == (
        "a.jpg",
        shapes / "images/a.jpg",
        20,
        10,
        "image/jpeg",
    )
    assert a.annotation is not None
    assert a.annotation.status == "REFUSED"
    assert [(shape.kind, shape.label, shape.data) for shape in a.annotation.shapes] == [
        ("rectangle", "square", {"x": 1, "y": 2, "w": 3, "h": 4})
    ]
    assert (b.filename, b.width, b.height, b.content_type, b.annotation) == ("b.png", 30, 40, "image/png", None)


def test_what_is_left_out_has_defaults(shapes):
    fixture = load_fixture(write(shapes, "[dataset_version]\n[model_version]\n"))

    assert (fixture.inputs, fixture.parameters, fixture.task, fixture.selection) == ({}, {}, None, None)
    version = fixture.dataset_version
    assert version is not None
    assert (version.name, version.version, version.type, version.labels) == ("shapes", "v1", "NOT_CONFIGURED", ())
    assert [image.filename for image in version.images] == ["a.jpg", "b.png"]
    assert fixture.model_version == FixtureModelVersion("shapes", 0, "NOT_CONFIGURED", "NOT_CONFIGURED", {}, {}, ())


def test_a_model_conversion_has_no_dataset_version(tmp_path):
    fixture = load_fixture(write(tmp_path, '[model_version]\nlabels = ["cat", "dog"]\n'))

    assert fixture.dataset_version is None
    assert fixture.model_version is not None
    assert fixture.model_version.labels == {"0": "cat", "1": "dog"}
