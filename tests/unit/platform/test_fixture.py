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


def test_values_that_are_wrong_are_all_told_at_once(shapes):
    write(
        shapes,
        """
        taks = "pre_annotation"
        task = 3
        [dataset_version]
        name = ""
        version = 1
        type = "OBJECT_DETECTOIN"
        labels = ["circle", "square", "circle"]
        annotation_status = "DONE"
        lables = []
        [model_version]
        version = -1
        type = ["MASK"]
        framework = "TORCH"
        labels = { 0 = 1 }
        parameters = { when = 2024-01-01, rates = [0.5, inf] }
        files = "model.pt"
        [inputs]
        since = 10:00:00
        """,
    )
    expected = {
        "fixture.toml: expected a known key, found 'taks'; did you mean 'task'?",
        'fixture.toml task: expected a text, found int 3; write it in quotes, as in "shapes"',
        "fixture.toml [dataset_version] name: expected a text, found str ''; write it in quotes, as in \"shapes\"",
        'fixture.toml [dataset_version] version: expected a text, found int 1; write it in quotes, as in "shapes"',
        (
            "fixture.toml [dataset_version] type: expected a known type, found 'OBJECT_DETECTOIN'; "
            "did you mean 'OBJECT_DETECTION'?"
        ),
        "fixture.toml [dataset_version] labels: expected each name once, found 'circle' twice; remove one",
        (
            "fixture.toml [dataset_version] annotation_status: expected a known annotation_status, found 'DONE'; "
            "use one of 'PENDING', 'SKIPPED', 'ACCEPTED', 'REFUSED'"
        ),
        "fixture.toml [dataset_version]: expected a known key, found 'lables'; did you mean 'labels'?",
        (
            "fixture.toml [model_version] version: expected a whole number, 0 or more, found int -1; "
            "write it without quotes, as in 3"
        ),
        "fixture.toml [model_version] type: expected a text, found list ['MASK']; write it in quotes, as in \"shapes\"",
        "fixture.toml [model_version] framework: expected a known framework, found 'TORCH'; did you mean 'PYTORCH'?",
        "fixture.toml [model_version] labels.0: expected a text, found int 1; write it in quotes",
        "fixture.toml [model_version] files: expected a table, found str 'model.pt'; write it as { name = value }",
    }
    found = mistakes(shapes)
    assert expected <= set(found)
    assert [text.partition(":")[0] for text in found if text not in expected] == [
        "fixture.toml [model_version] parameters.when",
        "fixture.toml [model_version] parameters.rates[1]",
        "fixture.toml inputs.since",
    ]


@pytest.mark.parametrize(
    ("toml", "told"),
    [
        ("labels = 3", "labels: expected a list of texts, found int 3"),
        ('labels = ["a", 3]', "labels: expected a list of texts"),
        ('labels = ["a", " "]', "labels: expected a list of texts"),
        ("version = true", "version: expected a text, found bool True"),
        ("images = 3", "images: expected a text, found int 3"),
        ('images = "picturse"', "images: expected the folder"),
        ('images = "fixture.toml"', "found a file"),
        ('images = "../shapes/images/../../outside"', "which leads out of it; put a copy into the fixture"),
        ('images = "/etc"', "which leads out of it"),
        ('images = "away"', "which leads out of it"),
        ('images = "a\\u0000b"', "expected a path inside the fixture's folder"),
        ('images = "empty"', "expected images in"),
        ('annotations = "../annotations.json"', "which leads out of it"),
        ('annotations = "no.json"', "no.json: expected a file that can be read, found No such file or directory"),
    ],
)
def test_a_wrong_dataset_version_is_told(shapes, toml, told):
    (shapes / "empty").mkdir()
    (shapes.parent / "outside").mkdir()
    (shapes / "away").symlink_to(shapes.parent / "outside")
    assert told in mistake(write(shapes, f"[dataset_version]\n{toml}\n"))


@pytest.mark.parametrize(
    ("toml", "told"),
    [
        ("version = true", "version: expected a whole number, 0 or more, found bool True"),
        ('labels = ["a", "a"]', "labels: expected each name once, found 'a' twice"),
        ("parameters = 3", "parameters: expected a table, found int 3"),
        ("files = { weights = 3 }", "files.weights: expected a text, found int 3"),
        ('files = { weights = "modle.pt" }', "files.weights: expected a known file in"),
        ('files = { weights = "modle.pt" }', "found 'modle.pt'; did you mean 'model.pt'?"),
        ('files = { weights = "images" }', "files.weights: expected a file, found the folder"),
        ('files = { weights = "../model.pt" }', "files.weights: expected a path inside the fixture's folder"),
        ('files = { " " = "model.pt" }', "expected a name for the model file"),
    ],
)
def test_a_wrong_model_version_is_told(shapes, toml, told):
    (shapes / "model.pt").touch()
    assert told in mistake(write(shapes, f"[model_version]\n{toml}\n"))


@pytest.mark.parametrize(
    ("toml", "told"),
    [
        ("a = [1,\n\n] b\n", "fixture.toml:3:3: expected TOML, found a mistake (Expected newline or end of document"),
        ("a = [1,\n", "fixture.toml, at its end: expected TOML, found"),
        ("a = 1\na = 2\n", "fixture.toml:2:6: expected TOML, found a mistake (Cannot overwrite a value"),
    ],
)
def test_what_is_not_toml_is_told_with_its_line(tmp_path, toml, told):
    assert told in mistake(write(tmp_path, toml))


def test_what_is_not_utf8_is_told_with_its_line(tmp_path):
    (tmp_path / "fixture.toml").write_bytes(b'task = "a"\n# caf\xe9\n')
    assert "fixture.toml:2: expected UTF-8, found byte 0xe9; save as UTF-8" in mistake(tmp_path)


def test_a_byte_order_mark_is_no_mistake(shapes):
    (shapes / "fixture.toml").write_bytes("\ufeff[dataset_version]\r\n".encode())
    assert load_fixture(shapes).dataset_version is not None


def test_a_folder_without_a_fixture_is_told(shapes):
    assert "found folder without it; write one, or give a folder of images instead" in mistake(shapes)
    assert "found no such folder" in mistake(shapes / "nowhere")


def test_a_fixture_of_nothing_is_told(tmp_path):
    assert "expected a [dataset_version] or a [model_version], found neither" in mistake(write(tmp_path, ""))
    assert "found neither" in mistake(None)


@pytest.mark.parametrize(
    ("selection", "told"),
    [
        ("[]", "selection: expected at least one file name, found list []"),
        ('["a.jpg", "a.jpg"]', "selection: expected each name once, found 'a.jpg' twice"),
        ('["a.jgp"]', "selection: expected a known file name, found 'a.jgp'; did you mean 'a.jpg'?"),
        ('"a.jpg"', "selection: expected a list of texts, found str 'a.jpg'"),
    ],
)
def test_a_wrong_selection_is_told(shapes, selection, told):
    assert told in mistake(write(shapes, f"selection = {selection}\n[dataset_version]\n"))


def test_a_selection_needs_a_dataset_version(tmp_path):
    assert "without a [dataset_version]" in mistake(write(tmp_path, 'selection = ["a.jpg"]\n[model_version]\n'))


def test_damaged_images_belong_to_a_fixture(shapes):
    whole = (shapes / "images/a.jpg").read_bytes()
    (shapes / "images/cut-late.jpg").write_bytes(whole[:-4])
    (shapes / "images/cut-early.jpg").write_bytes(whole[:30])
    (shapes / "images/empty.webp").write_bytes(b"")
    (shapes / "images/text.PNG").write_bytes(b"no image at all")
    (shapes / "images/tiff.tif").write_bytes(b"II*\0\xff\xff\xff\xff")
    gif = bytearray(draw(shapes / "images/frame.gif").read_bytes())
    frame = gif.index(b",\0\0\0\0")
    gif[frame + 5 : frame + 9] = b"\xff\xff\xff\xff"  # a frame of 65535 x 65535
    (shapes / "images/frame.gif").write_bytes(gif)
    (shapes / "images/notes.txt").write_bytes(b"ignored")
    (shapes / "images/.hidden.jpg").write_bytes(whole)
    (shapes / "images/.cache").mkdir()
    (shapes / "images/.cache/c.jpg").write_bytes(whole)

    version = load_fixture(write(shapes, "[dataset_version]\n")).dataset_version

    assert version is not None
    assert {image.filename: (image.width, image.height) for image in version.images} == {
        "a.jpg": (20, 10),
        "b.png": (30, 40),
        "cut-late.jpg": (20, 10),
        "cut-early.jpg": (0, 0),
        "empty.webp": (0, 0),
        "frame.gif": (0, 0),
        "text.PNG": (0, 0),
        "tiff.tif": (0, 0),
    }


def test_unknown_labels_of_annotations_are_told(shapes):
    coco = {
        "images": [{"id": 1, "file_name": "a.jpg"}, {"id": 2, "file_name": "b.jpg"}],
        "categories": [{"id": 0, "name": "unused"}, {"id": 1, "name": "cirlce"}],
        "annotations": [{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]}],
    }
    (shapes / "annotations.json").write_text(json.dumps(coco), encoding="utf-8")
    write(shapes, '[dataset_version]\nlabels = ["circle"]\nannotations = "annotations.json"\n')

    label, image = mistakes(shapes)
    assert "category 1: expected a known label, found 'cirlce'; did you mean 'circle'?" in label
    assert "image 2: expected a known image file, found 'b.jpg'; did you mean " in image


def test_type_and_labels_come_from_the_annotations_when_left_out(shapes):
    coco = {
        "images": [{"id": "x", "file_name": "images/a.jpg"}],
        "categories": [{"id": 1, "name": "circle"}],
        "annotations": [{"image_id": "x", "category_id": 1, "bbox": [1, 2, 3, 4]}],
    }
    (shapes / "annotations.json").write_text(json.dumps(coco), encoding="utf-8")

    version = load_fixture(write(shapes, '[dataset_version]\nannotations = "annotations.json"\n')).dataset_version

    assert version is not None
    assert (version.type, version.labels) == ("OBJECT_DETECTION", ("circle",))
    assert version.images[0].annotation is not None
    assert version.images[0].annotation.status == "ACCEPTED"


def test_given_images_replace_those_of_the_fixture(shapes, tmp_path):
    write(shapes, COMPLETE.replace("model.pt", "missing.pt"))
    draw(tmp_path / "mine/photo.bmp", (5, 6))
    weights = tmp_path / "other.pt"
    weights.touch()

    fixture = load_fixture(
        shapes, images=tmp_path / "mine", model_files={"pretrained-weights": weights, "extra": weights}
    )

    version, model = fixture.dataset_version, fixture.model_version
    assert version is not None
    assert model is not None
    assert [(image.filename, image.content_type, image.annotation) for image in version.images] == [
        ("photo.bmp", "image/bmp", None)
    ]
    assert (version.name, version.type, version.labels) == ("forms", "OBJECT_DETECTION", ("circle", "square"))
    assert fixture.selection is None
    assert fixture.parameters["confidence"] == 0.5
    assert fixture.source == "folder of images"
    assert [(file.name, file.path) for file in model.files] == [("extra", weights), ("pretrained-weights", weights)]


def test_a_fixture_from_images_and_model_files_alone(tmp_path):
    draw(tmp_path / "mine/photo.png")
    (tmp_path / "model.pt").touch()

    fixture = load_fixture(None, images=tmp_path / "mine", model_files={"weights": tmp_path / "model.pt"})

    version, model = fixture.dataset_version, fixture.model_version
    assert fixture.name == "mine"
    assert version is not None
    assert (version.name, version.version, version.type, version.labels) == ("mine", "v1", "NOT_CONFIGURED", ())
    assert model is not None
    assert [file.name for file in model.files] == ["weights"]


def test_wrong_images_and_wrong_model_files_are_told_together(tmp_path):
    found = mistakes(None, images=tmp_path / "nowhere", model_files={"weights": tmp_path / "model.pt", "": tmp_path})
    assert "nowhere: expected a folder of images or a data set, found nothing there" in found[0]
    assert "--model-file : expected a name for the model file" in found[1]
    assert "--model-file weights: expected a known file in" in found[2]


def test_of_many_mistakes_alike_the_first_are_told_and_the_others_counted(shapes):
    selection = [f"{number}.jpg" for number in range(50)]
    found = mistakes(write(shapes, f"selection = {selection}\n[dataset_version]\n"))
    assert len(found) == 21
    assert found[-1] == "unknown file name: 30 more like the 20 above"
