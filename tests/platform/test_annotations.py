"""Annotations and shapes: one by one, in bulk, from files, and the ways to read them back."""

from __future__ import annotations

import json
import random
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from picsellia.exceptions import BadRequestError, ResourceConflictError, ResourceNotFoundError
from picsellia.types.enums import AnnotationStatus, ImportAnnotationMode, InferenceType

if TYPE_CHECKING:
    from pathlib import Path

    from picsellia import Client
    from picsellia.sdk.asset import Asset
    from picsellia.sdk.dataset_version import DatasetVersion
    from picsellia.sdk.label import Label

SQUARE = [[1, 1], [11, 1], [11, 11], [1, 11]]


@pytest.fixture
def cat(version: DatasetVersion) -> Label:
    return version.create_label("cat")


@pytest.fixture
def dog(version: DatasetVersion) -> Label:
    return version.create_label("dog")


def encode(pixels: list[list[int]]) -> str:
    """Rows of zeros and ones as a COCO counts string, written here from its definition."""
    runs, value = [0], 0
    for pixel in [row[x] for x in range(len(pixels[0])) for row in pixels]:
        if pixel != value:
            runs.append(0)
            value = pixel
        runs[-1] += 1
    text = ""
    for position, run in enumerate(runs):
        rest = run - runs[position - 2] if position > 2 else run
        more = True
        while more:
            bits = rest & 31
            rest >>= 5
            more = rest != (-1 if bits & 16 else 0)
            text += chr((bits | 32 if more else bits) + 48)
    return text


def test_asset_has_one_annotation(assets: list[Asset]) -> None:
    asset = assets[0]
    assert asset.list_annotations() == []
    with pytest.raises(ResourceNotFoundError):
        asset.get_annotation()
    annotation = asset.create_annotation(1.5)
    assert (annotation.duration, annotation.status) == (1.5, AnnotationStatus.PENDING)
    assert asset.get_annotation() == annotation
    assert asset.list_annotations() == [annotation]
    with pytest.raises(ResourceConflictError):
        asset.create_annotation()
    annotation.update(duration=2, status="ACCEPTED")
    assert annotation.sync()["status"] == "ACCEPTED"
    assert annotation.duration == 2.0
    annotation.delete()
    assert asset.list_annotations() == []


def test_every_kind_of_shape_comes_back_as_it_was_sent(assets: list[Asset], cat: Label, dog: Label) -> None:
    annotation = assets[2].create_annotation()
    pixels = [[1 if 3 <= x < 8 and 10 <= y < 20 else 0 for x in range(32)] for y in range(32)]
    rectangle = annotation.create_rectangle(1, 2, 3, 4, cat)
    polygon = annotation.create_polygon(SQUARE, dog)
    classification = annotation.create_classification(cat)
    line = annotation.create_line([[0, 0], [5, 5]], dog)
    point = annotation.create_point([7, 8], cat)
    mask = annotation.create_mask(encode(pixels), dog)
    assert (rectangle.x, rectangle.y, rectangle.w, rectangle.h, rectangle.label) == (1, 2, 3, 4, cat)
    assert (polygon.coords, polygon.label) == (SQUARE, dog)
    assert (line.coords, point.coords) == ([[0, 0], [5, 5]], [7, 8])
    assert (mask.mask, mask.area, mask.bbox) == (encode(pixels), 50.0, [3, 10, 5, 10])
    assert annotation.list_rectangles() == [rectangle]
    assert annotation.list_polygons() == [polygon]
    assert annotation.list_classifications() == [classification]
    assert annotation.list_lines() == [line]
    assert annotation.list_points() == [point]
    assert annotation.list_masks() == [mask]


def test_bulk_keeps_the_order(assets: list[Asset], cat: Label) -> None:
    annotation = assets[0].create_annotation()
    made = annotation.create_multiple_rectangles([(x, 0, 1, 1, cat) for x in range(50)])
    assert [rectangle.x for rectangle in made] == list(range(50))
    assert [rectangle.x for rectangle in annotation.list_rectangles()] == list(range(50))


@pytest.mark.parametrize("seed", range(8))
def test_area_and_box_of_random_masks(assets: list[Asset], cat: Label, seed: int) -> None:
    source = random.Random(seed)
    width, height = assets[0].width, assets[0].height
    left, top = source.randrange(width), source.randrange(height)
    right, bottom = source.randrange(left, width) + 1, source.randrange(top, height) + 1
    pixels = [
        [int(left <= x < right and top <= y < bottom and source.random() < 0.7) for x in range(width)]
        for y in range(height)
    ]
    inside = [(x, y) for y in range(height) for x in range(width) if pixels[y][x]]
    mask = assets[0].create_annotation().create_mask(encode(pixels), cat)
    assert mask.area == len(inside)
    if inside:
        xs, ys = zip(*inside, strict=True)
        assert mask.bbox == [min(xs), min(ys), max(xs) - min(xs) + 1, max(ys) - min(ys) + 1]


def test_shapes_change_one_by_one(assets: list[Asset], cat: Label, dog: Label) -> None:
    annotation = assets[0].create_annotation()
    rectangle = annotation.create_rectangle(1, 2, 3, 4, cat)
    rectangle.update(x=9, label=dog, text="seen")
    assert rectangle.sync()["x"] == 9
    assert (rectangle.y, rectangle.label, rectangle.text) == (2, dog, "seen")
    polygon = annotation.create_polygon(SQUARE, cat)
    polygon.update(coords=SQUARE[:3])
    assert polygon.sync()["polygon"] == SQUARE[:3]
    for shape in (
        annotation.create_line([[0, 0], [1, 1]], cat),
        annotation.create_point([1, 1], cat),
        annotation.create_classification(cat),
    ):
        shape.update(text="x")
        assert shape.sync()["text"] == "x"
        shape.delete()
        with pytest.raises(ResourceNotFoundError):
            shape.sync()
    mask = annotation.create_mask(encode([[0] * 64] * 48), cat)
    assert mask.sync()["bbox"] == [0, 0, 0, 0]
    mask.delete()
    rectangle.delete()
    assert annotation.list_rectangles() == []


def test_overwrite_replaces_everything(assets: list[Asset], cat: Label, dog: Label) -> None:
    annotation = assets[0].create_annotation()
    annotation.create_multiple_rectangles([(1, 1, 1, 1, cat), (2, 2, 2, 2, cat)])
    annotation.create_line([[0, 0], [1, 1]], cat)
    annotation.overwrite(rectangles=[(5, 5, 5, 5, dog)], classifications=[cat], points=[([1, 2], dog)], duration=4)
    assert [rectangle.x for rectangle in annotation.list_rectangles()] == [5]
    assert annotation.list_lines() == []
    assert len(annotation.list_classifications()) == 1
    assert annotation.list_points()[0].coords == [1, 2]
    assert annotation.duration == 4.0
    annotation.overwrite()
    assert annotation.list_rectangles() == []


def bulk(
    version: DatasetVersion, mode: str, annotations: list[dict[str, Any]], status: AnnotationStatus | None = None
) -> dict[str, int]:
    return version._bulk_create_annotations(ImportAnnotationMode(mode), status, annotations)


def box(label: Label, x: int = 1) -> dict[str, Any]:
    return {"x": x, "y": 1, "w": 2, "h": 2, "label_id": label.id}


def test_bulk_annotations_of_every_kind_load_back(version: DatasetVersion, assets: list[Asset], cat: Label) -> None:
    counts = encode([[1] * 32] * 32)
    written = bulk(
        version,
        "REPLACE",
        [
            {
                "asset_id": assets[2].id,
                "duration": 3.0,
                "attributes": {"weather": "rain"},
                "rectangles": [{**box(cat), "text": "t", "attributes": {"a": 1}}],
                "polygons": [{"polygon": SQUARE, "label_id": cat.id}],
                "classifications": [{"label_id": cat.id}],
                "keypoints": [{"keypoints": [[1, 2, 2], [3, 4, 0]], "label_id": cat.id}],
                "lines": [{"line": [[0, 0], [1, 1]], "label_id": cat.id}],
                "points": [{"point": [1, 2], "label_id": cat.id}],
                "masks": [{"mask": counts, "label_id": cat.id}],
            }
        ],
        AnnotationStatus.ACCEPTED,
    )
    assert list(written.values()) == [7]
    (loaded,) = version.load_annotations(status=AnnotationStatus.ACCEPTED)[str(assets[2].id)]
    assert loaded["id"] in written
    assert (loaded["duration"], loaded["status"], loaded["attributes"]) == (3.0, "ACCEPTED", {"weather": "rain"})
    shapes = {plural: [without_id(shape) for shape in loaded[plural]] for plural in KINDS}
    plain = {"label": "cat", "text": None, "attributes": None}
    assert shapes == {
        "rectangles": [{"label": "cat", "text": "t", "attributes": {"a": 1}, "x": 1, "y": 1, "w": 2, "h": 2}],
        "polygons": [{**plain, "polygon": SQUARE, "area": 100.0}],
        "classifications": [plain],
        "keypoints": [{**plain, "keypoints": [[1, 2, 2], [3, 4, 0]]}],
        "lines": [{**plain, "line": [[0, 0], [1, 1]]}],
        "points": [{**plain, "point": [1, 2]}],
        "masks": [{**plain, "mask": counts, "area": 1024.0, "bbox": [0, 0, 32, 32]}],
    }


KINDS = ("rectangles", "polygons", "classifications", "keypoints", "lines", "points", "masks")


def without_id(shape: dict[str, Any]) -> dict[str, Any]:
    assert uuid.UUID(shape.pop("id"))
    return shape


def test_bulk_modes(version: DatasetVersion, assets: list[Asset], cat: Label) -> None:
    first, second = assets[0], assets[1]
    (original,) = bulk(version, "REPLACE", [{"asset_id": first.id, "rectangles": [box(cat)]}])
    both = [{"asset_id": asset.id, "rectangles": [box(cat, 7)]} for asset in (first, second)]

    kept = bulk(version, "KEEP", both)
    assert kept[original] == 0
    assert xs(first) == [1]
    assert xs(second) == [7]

    added = bulk(version, "CONCATENATE", both, AnnotationStatus.REFUSED)
    assert added[original] == 1
    assert xs(first) == [1, 7]
    assert first.get_annotation().status == AnnotationStatus.REFUSED

    replaced = bulk(version, "REPLACE", both)
    assert original not in replaced
    assert xs(first) == [7]
    assert xs(second) == [7]
    assert first.get_annotation().status == AnnotationStatus.PENDING
    assert bulk(version, "REPLACE", []) == {}


def test_bulk_of_the_same_asset_twice_has_one_annotation(
    version: DatasetVersion, assets: list[Asset], cat: Label
) -> None:
    written = bulk(version, "REPLACE", [{"asset_id": assets[0].id, "rectangles": [box(cat, x)]} for x in (1, 2)])
    assert list(written.values()) == [2]
    assert xs(assets[0]) == [1, 2]


def xs(asset: Asset) -> list[int]:
    return [rectangle.x for rectangle in asset.get_annotation().list_rectangles()]


BAD_SHAPES = [
    ("rectangles", {"x": 1.5, "y": 1, "w": 1, "h": 1}, "whole numbers"),
    ("rectangles", {"x": 1, "y": 1, "w": -1, "h": 1}, ">= 0"),
    ("rectangles", {"x": 1, "y": 1, "w": 1}, "whole numbers"),
    ("polygons", {"polygon": [[1, 1], [2, 2]]}, "at least 3 points"),
    ("polygons", {"polygon": [[1, 1], [2, 2], [3]]}, "points of 2 numbers"),
    ("polygons", {"polygon": [[1, 1], [2, 2], [3, None]]}, "points of 2 numbers"),
    ("lines", {"line": [[1, 1]]}, "at least 2 points"),
    ("points", {"point": 3}, "points of 2 numbers"),
    ("keypoints", {"keypoints": [[1, 1, 5]]}, "v 0, 1 or 2"),
    ("masks", {"mask": "1"}, "3072 pixels"),
    ("masks", {"mask": "\x7f"}, "characters"),
    ("masks", {"mask": 5}, "counts string"),
    ("classifications", {"label_id": str(uuid.uuid4())}, "not a label"),
    ("classifications", {"text": 4}, "text: expected"),
    ("classifications", {"attributes": 4}, "attributes: expected"),
]


@pytest.mark.parametrize(("plural", "shape", "expected"), BAD_SHAPES)
def test_one_bad_shape_refuses_the_request_as_a_whole(
    version: DatasetVersion, assets: list[Asset], cat: Label, plural: str, shape: dict[str, Any], expected: str
) -> None:
    good = {"asset_id": assets[1].id, "rectangles": [box(cat)]}
    bad = {"asset_id": assets[0].id, plural: [{"label_id": cat.id, **shape}]}
    with pytest.raises(BadRequestError, match=expected) as caught:
        bulk(version, "REPLACE", [good, bad])
    assert f"annotations[1].{plural}[0]" in str(caught.value)
    assert assets[1].list_annotations() == []


def test_bulk_refuses_assets_of_another_version(
    client: Client, version: DatasetVersion, assets: list[Asset], cat: Label
) -> None:
    other = client.get_dataset_by_id(version.origin_id).create_version("other")
    with pytest.raises(BadRequestError, match="not an asset of this dataset version"):
        bulk(other, "REPLACE", [{"asset_id": assets[0].id}])
    with pytest.raises(BadRequestError, match="not an asset"):
        bulk(version, "REPLACE", [{"asset_id": uuid.uuid4()}, {"rectangles": []}])


def test_annotations_are_deleted_by_asset_by_id_and_all(
    version: DatasetVersion, assets: list[Asset], cat: Label
) -> None:
    everything = [{"asset_id": asset.id, "rectangles": [box(cat)]} for asset in assets]
    bulk(version, "REPLACE", everything)
    assets[0].delete_annotations()
    assert set(version.load_annotations()) == {str(asset.id) for asset in assets[1:]}
    version.list_annotations()[:1].delete()
    assert len(version.list_annotations()) == 1
    bulk(version, "REPLACE", everything)
    version.list_assets(ids=[assets[0].id, assets[1].id]).delete_annotations()
    assert set(version.load_annotations()) == {str(assets[2].id)}
    version.delete_all_annotations()
    assert version.load_annotations() == {}
    assert version.retrieve_stats().nb_objects == 0


def coco(version_labels: list[str], annotations: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "images": [{"id": 5, "file_name": "a.jpg"}, {"id": 6, "file_name": "c.png"}],
        "categories": [{"id": number + 1, "name": name} for number, name in enumerate(version_labels)],
        "annotations": [{"id": number, "image_id": 5, "area": 1, **a} for number, a in enumerate(annotations)],
    }


@pytest.mark.parametrize(
    ("type_", "annotation", "plural"),
    [
        ("OBJECT_DETECTION", {"bbox": [1, 2, 3, 4], "segmentation": []}, "rectangles"),
        ("SEGMENTATION", {"bbox": [], "segmentation": [[1, 1, 9, 1, 9, 9]]}, "polygons"),
        ("CLASSIFICATION", {"bbox": [], "segmentation": []}, "classifications"),
        ("MASK", {"bbox": [], "segmentation": {"size": [48, 64], "counts": encode([[1] * 64] * 48)}}, "masks"),
        ("KEYPOINT", {"bbox": [], "keypoints": [1, 2, 2, 3, 4, 1]}, "keypoints"),
    ],
)
def test_coco_files_are_imported(
    version: DatasetVersion, assets: list[Asset], tmp_path: Path, type_: str, annotation: dict[str, Any], plural: str
) -> None:
    version.set_type(type_)
    content = coco(["cat", "dog"], [{"category_id": 2, **annotation}])
    if type_ == "KEYPOINT":
        content["categories"] = [{"id": 2, "name": "dog", "keypoints": ["n", "t"], "skeleton": [[0, 1]]}]
    path = tmp_path / "coco.json"
    path.write_text(json.dumps(content))
    written = version.import_annotations_coco_file(path, status=AnnotationStatus.ACCEPTED)
    assert list(written.values()) == [1]
    (loaded,) = version.load_annotations()[str(assets[0].id)]
    assert [shape["label"] for shape in loaded[plural]] == ["dog"]
    built = version.build_coco_file_locally()
    assert [image.file_name for image in built.images] == ["a.jpg"]
    assert len(built.annotations) == (0 if plural == "masks" else 1)  # the SDK's builder leaves masks out


def test_yolo_files_are_imported(version: DatasetVersion, assets: list[Asset], tmp_path: Path) -> None:
    (tmp_path / "data.yaml").write_text("nc: 2\nnames: ['cat', 'dog']\n")
    (tmp_path / "a.txt").write_text("1 0.5 0.5 0.25 0.5\n")
    version.import_annotations_yolo_files(tmp_path / "data.yaml", [tmp_path / "a.txt"])
    (rectangle,) = assets[0].get_annotation().list_rectangles()
    assert (rectangle.x, rectangle.y, rectangle.w, rectangle.h) == (24, 12, 16, 24)
    assert rectangle.label.name == "dog"


def test_voc_file_is_imported(version: DatasetVersion, assets: list[Asset], tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(
        "<annotation><folder/><filename>a.jpg</filename><object><name>cat</name><bndbox><xmin>1</xmin><ymin>2</ymin>"
        "<xmax>11</xmax><ymax>22</ymax></bndbox></object></annotation>"
    )
    version.import_annotation_voc_file(tmp_path / "a.xml")
    (rectangle,) = assets[0].get_annotation().list_rectangles()
    assert (rectangle.x, rectangle.y, rectangle.w, rectangle.h) == (1, 2, 10, 20)


def test_split_reads_annotations_of_every_asset(version: DatasetVersion, assets: list[Asset], cat: Label) -> None:
    bulk(version, "REPLACE", [{"asset_id": asset.id, "rectangles": [box(cat)]} for asset in assets[:2]])
    train, test, train_labels, test_labels, labels = version.train_test_split(0.5, random_seed=1)
    assert {*train.ids, *test.ids} == {assets[0].id, assets[1].id}
    assert train_labels == test_labels == {"x": ["cat"], "y": [1]}
    assert labels == [cat]


def test_many_threads_write_at_once(version: DatasetVersion, assets: list[Asset], cat: Label) -> None:
    annotation = assets[0].create_annotation()
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda x: annotation.create_rectangle(x, 0, 1, 1, cat), range(64)))
    assert len({rectangle.id for rectangle in made}) == 64
    assert sorted(rectangle.x for rectangle in annotation.list_rectangles()) == list(range(64))
    assert version.type == InferenceType.OBJECT_DETECTION
