"""Annotation files that the platform builds: COCO as the SDK's own reader takes it, YOLO as a zip."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from picsellia.exceptions import BadRequestError, PicselliaError
from picsellia.types.enums import AnnotationStatus, ImportAnnotationMode
from picsellia_annotations.utils import read_coco_file

if TYPE_CHECKING:
    from picsellia.sdk.asset import Asset
    from picsellia.sdk.dataset_version import DatasetVersion


@pytest.fixture
def drawn(version: DatasetVersion, assets: list[Asset]) -> DatasetVersion:
    """Every kind of shape on a.jpg, one rectangle on b.jpg, nothing on c.png."""
    cat, dog = version.create_label("cat"), version.create_label("dog")
    version._bulk_create_annotations(
        ImportAnnotationMode.REPLACE,
        AnnotationStatus.ACCEPTED,
        [
            {
                "asset_id": assets[0].id,
                "attributes": {"weather": "rain"},
                "rectangles": [{"x": 16, "y": 12, "w": 32, "h": 24, "label_id": dog.id, "text": "t"}],
                "polygons": [{"polygon": [[0, 0], [32, 0], [32, 48]], "label_id": cat.id}],
                "classifications": [{"label_id": dog.id}],
                "keypoints": [{"keypoints": [[1, 2, 2], [5, 9, 1], [0, 0, 0]], "label_id": cat.id}],
                "masks": [{"mask": "PP3", "label_id": cat.id}],
                "lines": [{"line": [[0, 0], [1, 1]], "label_id": cat.id}],
                "points": [{"point": [0, 0], "label_id": cat.id}],
            },
        ],
    )
    assets[1].create_annotation().create_rectangle(0, 0, 64, 48, cat)
    return version


def test_coco_holds_images_categories_and_shapes(drawn: DatasetVersion, assets: list[Asset], tmp_path: Path) -> None:
    path = drawn.export_annotation_file("COCO", tmp_path)
    coco = read_coco_file(file_path=path)
    assert [(category.id, category.name) for category in coco.categories] == [(0, "cat"), (1, "dog")]
    names = {image.id: image.file_name for image in coco.images}
    assert sorted(names.values()) == ["a.jpg", "b.jpg", "c.png"]
    sizes = {image.file_name: (image.width, image.height) for image in coco.images}
    assert sizes == {"a.jpg": (64, 48), "b.jpg": (64, 48), "c.png": (32, 32)}
    on_a = [annotation for annotation in coco.annotations if names[annotation.image_id] == "a.jpg"]
    rectangle, polygon, classification, keypoints, mask = on_a
    assert (rectangle.bbox, rectangle.category_id, rectangle.area) == ([16, 12, 32, 24], 1, 768.0)
    assert rectangle.utf8_string == "t"
    assert (polygon.segmentation, polygon.bbox, polygon.area) == ([[0, 0, 32, 0, 32, 48]], [0, 0, 32, 48], 768.0)
    assert (classification.bbox, classification.category_id) == ([], 1)
    assert (keypoints.keypoints, keypoints.num_keypoints) == ([1, 2, 2, 5, 9, 1, 0, 0, 0], 2)
    assert keypoints.bbox == [1, 2, 4, 7]
    assert (mask.segmentation.size, mask.segmentation.counts) == ([48, 64], "PP3")
    assert len(coco.annotations) == 6


@pytest.mark.parametrize("key", ["FILENAME", "OBJECT_NAME", "ASSET_ID", "DATA_ID"])
def test_coco_names_images_by_the_export_key(
    drawn: DatasetVersion, assets: list[Asset], tmp_path: Path, key: str
) -> None:
    coco = read_coco_file(file_path=drawn.export_annotation_file("COCO", tmp_path, export_key=key))
    expected = {
        "FILENAME": [asset.filename for asset in assets],
        "OBJECT_NAME": [asset.object_name for asset in assets],
        "ASSET_ID": [f"{asset.id}{Path(asset.filename).suffix}" for asset in assets],
        "DATA_ID": [f"{asset.data_id}{Path(asset.filename).suffix}" for asset in assets],
    }[key]
    assert {image.file_name for image in coco.images} == set(expected)


def test_coco_of_chosen_assets_and_of_a_status(drawn: DatasetVersion, assets: list[Asset], tmp_path: Path) -> None:
    some = read_coco_file(file_path=drawn.export_annotation_file("COCO", tmp_path, assets=assets[1:]))
    assert {image.file_name for image in some.images} == {"b.jpg", "c.png"}
    assert len(some.annotations) == 1
    accepted = read_coco_file(file_path=drawn.export_annotation_file("COCO", tmp_path, status="ACCEPTED"))
    assert [image.file_name for image in accepted.images] == ["a.jpg"]


def test_exported_coco_can_be_imported_again(drawn: DatasetVersion, assets: list[Asset], tmp_path: Path) -> None:
    path = drawn.export_annotation_file("COCO", tmp_path, assets=[assets[1]])
    drawn.delete_all_annotations()
    drawn.import_annotations_coco_file(path)
    (rectangle,) = assets[1].get_annotation().list_rectangles()
    assert (rectangle.x, rectangle.y, rectangle.w, rectangle.h, rectangle.label.name) == (0, 0, 64, 48, "cat")


def read_zip(path: str) -> dict[str, str]:
    with zipfile.ZipFile(path) as files:
        return {name: files.read(name).decode() for name in files.namelist()}


@pytest.mark.parametrize(
    ("type_", "lines"),
    [
        ("OBJECT_DETECTION", "1 0.500000 0.500000 0.500000 0.500000\n"),
        ("SEGMENTATION", "0 0.000000 0.000000 0.500000 0.000000 0.500000 1.000000\n"),
        ("CLASSIFICATION", "1\n"),
    ],
)
def test_yolo_has_a_file_per_annotated_image(drawn: DatasetVersion, tmp_path: Path, type_: str, lines: str) -> None:
    drawn.set_type(type_)
    files = read_zip(drawn.export_annotation_file("YOLO", tmp_path))
    assert yaml.safe_load(files.pop("data.yaml")) == {"nc": 2, "names": ["cat", "dog"]}
    assert set(files) == {"a.txt", "b.txt"}
    assert files["a.txt"] == lines


def test_exported_yolo_can_be_imported_again(drawn: DatasetVersion, assets: list[Asset], tmp_path: Path) -> None:
    with zipfile.ZipFile(drawn.export_annotation_file("YOLO", tmp_path)) as files:
        files.extractall(tmp_path / "yolo")
    drawn.delete_all_annotations()
    drawn.import_annotations_yolo_files(tmp_path / "yolo" / "data.yaml", [tmp_path / "yolo" / "a.txt"])
    (rectangle,) = assets[0].get_annotation().list_rectangles()
    assert (rectangle.x, rectangle.y, rectangle.w, rectangle.h) == (16, 12, 32, 24)


def test_exports_that_cannot_be_are_refused(drawn: DatasetVersion, tmp_path: Path) -> None:
    drawn.set_type("NOT_CONFIGURED")
    with pytest.raises(BadRequestError, match="NOT_CONFIGURED"):
        drawn.export_annotation_file("YOLO", tmp_path)
    with pytest.raises(PicselliaError, match="501"):
        drawn.export_annotation_file("PASCAL_VOC", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_empty_version_exports_an_empty_file(version: DatasetVersion, tmp_path: Path) -> None:
    version.list_assets().delete()
    coco = read_coco_file(file_path=version.export_annotation_file("COCO", tmp_path))
    assert (coco.images, coco.annotations, coco.categories) == ([], [], [])
    files = read_zip(version.export_annotation_file("YOLO", tmp_path))
    assert yaml.safe_load(files["data.yaml"]) == {"nc": 0, "names": []}
