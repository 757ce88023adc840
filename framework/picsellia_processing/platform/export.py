"""Annotation files as the platform exports them: COCO as one JSON, YOLO as a zip of one text file per image.

Lines and points have no place in either format and are left out, as the vendor's own builder does.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from itertools import chain
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import orjson

from .shapes import bounding_box, shape_area

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

COCO_KINDS = ("rectangles", "polygons", "classifications", "keypoints", "masks")
YOLO_KINDS = {"OBJECT_DETECTION": "rectangles", "SEGMENTATION": "polygons", "CLASSIFICATION": "classifications"}
_EARLIEST_ZIP_TIME = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class ExportedShape:
    """One shape: its plural `kind`, the position of its label among the exported ones, and its geometry."""

    kind: str
    category: int
    geometry: dict[str, Any]
    text: str | None
    attributes: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class ExportedImage:
    """One image under the name it has in the file. `shapes` is None when the image has no annotation at all."""

    file_name: str
    width: int
    height: int
    attributes: dict[str, Any] | None
    shapes: Sequence[ExportedShape] | None


@dataclass(frozen=True, slots=True)
class ExportedLabel:
    """A label, with the skeleton of its keypoints if it has one."""

    name: str
    skeleton: dict[str, Any] | None


def coco(labels: Sequence[ExportedLabel], images: Iterable[ExportedImage]) -> bytes:
    """A COCO file. Ids of categories, images and annotations count from 0."""
    coco_images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for image_id, image in enumerate(images):
        coco_images.append(
            {
                "id": image_id,
                "file_name": image.file_name,
                "width": image.width,
                "height": image.height,
                "attributes": image.attributes,
            }
        )
        for shape in image.shapes or ():
            if shape.kind in COCO_KINDS:
                annotation = {"id": len(annotations), "image_id": image_id, "category_id": shape.category}
                annotations.append({**annotation, **_coco_geometry(shape, image)})
    categories = [_coco_category(position, label) for position, label in enumerate(labels)]
    return orjson.dumps(
        {"info": {}, "licenses": [], "categories": categories, "images": coco_images, "annotations": annotations}
    )


def _coco_category(position: int, label: ExportedLabel) -> dict[str, Any]:
    category: dict[str, Any] = {"id": position, "name": label.name}
    if label.skeleton is not None:
        category |= {"keypoints": label.skeleton["vertices"], "skeleton": label.skeleton["edges"]}
    return category


def _coco_geometry(shape: ExportedShape, image: ExportedImage) -> dict[str, Any]:
    geometry = shape.geometry
    common = {"iscrowd": 0, "utf8_string": shape.text, "attributes": shape.attributes}
    if shape.kind == "rectangles":
        box = [geometry[name] for name in ("x", "y", "w", "h")]
        return {"bbox": box, "segmentation": [], "area": float(box[2] * box[3]), **common}
    if shape.kind == "polygons":
        points = geometry["polygon"]
        flat = [coordinate for point in points for coordinate in point]
        return {"bbox": bounding_box(points), "segmentation": [flat], "area": shape_area(points), **common}
    if shape.kind == "masks":
        segmentation = {"size": [image.height, image.width], "counts": geometry["mask"]}
        return {"bbox": geometry["bbox"], "segmentation": segmentation, "area": geometry["area"], **common}
    if shape.kind == "keypoints":
        points = geometry["keypoints"]
        visible = [point for point in points if point[2]]
        box = bounding_box(visible) if visible else [0, 0, 0, 0]
        flat = list(chain.from_iterable(points))
        area = float(box[2] * box[3])
        return {"bbox": box, "keypoints": flat, "num_keypoints": len(visible), "area": area, **common}
    return {"bbox": [], "segmentation": [], "area": 0.0, **common}


def yolo(labels: Sequence[ExportedLabel], images: Iterable[ExportedImage], kind: str) -> bytes:
    """A zip of `data.yaml` and one text file for every annotated image, with the shapes of one plural `kind`."""
    archive = io.BytesIO()
    taken: set[str] = set()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as files:
        names = "".join(f"\n- {orjson.dumps(label.name).decode()}" for label in labels) or " []"
        _add(files, "data.yaml", f"nc: {len(labels)}\nnames:{names}\n")
        for image in images:
            if image.shapes is not None and image.width and image.height:
                lines = [_yolo_line(shape, image) for shape in image.shapes if shape.kind == kind]
                _add(files, _yolo_name(image.file_name, taken), "".join(f"{line}\n" for line in lines))
    return archive.getvalue()


def _yolo_line(shape: ExportedShape, image: ExportedImage) -> str:
    geometry = shape.geometry
    if shape.kind == "rectangles":
        x, y, w, h = (geometry[name] for name in ("x", "y", "w", "h"))
        numbers = [(x + w / 2) / image.width, (y + h / 2) / image.height, w / image.width, h / image.height]
    elif shape.kind == "polygons":
        numbers = [value for x, y in geometry["polygon"] for value in (x / image.width, y / image.height)]
    else:
        numbers = []
    return " ".join([str(shape.category), *(f"{min(max(number, 0.0), 1.0):.6f}" for number in numbers)])


def _yolo_name(file_name: str, taken: set[str]) -> str:
    """A name inside the zip that leads nowhere else; images that differ in their suffix only keep it."""
    path = PurePosixPath(file_name.replace("\\", "/"))
    name = f"{path.stem or 'image'}.txt"
    if name in taken:
        name = f"{path.name}.txt"
    taken.add(name)
    return name


def _add(files: zipfile.ZipFile, name: str, text: str) -> None:
    files.writestr(zipfile.ZipInfo(name, _EARLIEST_ZIP_TIME), text, zipfile.ZIP_DEFLATED)
