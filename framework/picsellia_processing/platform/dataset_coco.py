"""Reading COCO files: which images and labels they list, and the shapes they say were drawn.

What an annotation is read as depends on the type of the data set, as when the vendor's SDK imports it: its `bbox` for
OBJECT_DETECTION, each ring of its `segmentation` for SEGMENTATION, the run lengths there for MASK, its `keypoints` for
KEYPOINT, its category alone for CLASSIFICATION; besides, its only keypoint for POINT, its keypoints in turn for LINE.

Where no type is declared it is the first of KEYPOINT, MASK, SEGMENTATION, OBJECT_DETECTION that every annotation can be
read as, CLASSIFICATION where none has a geometry, else MULTI, where each is read as the most it says. Regions marked
`iscrowd` are not objects: they are left out, but for MASK and MULTI. So are masks of images that cannot be read.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from picsellia_processing.platform.dataset_coco_shapes import (
    KIND_OF_TYPE,
    WrongGeometryError,
    richest_kind,
    says,
    shape_data,
)
from picsellia_processing.platform.dataset_images import CONTENT_TYPES, ENDINGS, ending, find_images, read_images
from picsellia_processing.platform.fixture_mistakes import shown
from picsellia_processing.platform.fixture_types import NOT_CONFIGURED, Dataset, FixtureImage, FixtureShape

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from picsellia_processing.platform.fixture_mistakes import Mistakes

CocoId = int | str

_LISTS = ("images", "categories", "annotations")
_INFERRED = ("KEYPOINT", "MASK", "SEGMENTATION", "OBJECT_DETECTION", "CLASSIFICATION")
_CROWDS_BELONG = ("MASK", "MULTI")


@dataclass(frozen=True, slots=True)
class CocoFile:
    """A COCO file whose references hold: every annotation is a table that names one of `images` and of `categories`."""

    path: Path
    images: dict[CocoId, str]
    categories: dict[CocoId, str]
    annotations: list[dict[str, Any]]


def read_json(path: Path, mistakes: Mistakes) -> Any:
    """The content of a JSON file; None, and a mistake, when it cannot be read."""
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        mistakes.add(str(path), expected="a file that can be read", found=str(error.strerror), todo="correct the name")
    except json.JSONDecodeError as error:
        where = f"{path}:{error.lineno}:{error.colno}"
        mistakes.add(where, expected="JSON", found=error.msg[:1].lower() + error.msg[1:], todo="write the file again")
    except (UnicodeDecodeError, RecursionError) as error:
        mistakes.add(str(path), expected="JSON", found=str(error), todo="write the file again")
    return None


def is_coco(document: Any) -> bool:
    """Whether a JSON document has the three lists of a COCO file."""
    return isinstance(document, dict) and all(isinstance(document.get(name), list) for name in _LISTS)


def read_coco(path: Path, document: Any, mistakes: Mistakes) -> CocoFile:
    """Check the `document` read from `path` for its structure and references; what is wrong is noted and left out."""
    if not is_coco(document):
        found = f"keys {', '.join(map(repr, document)) or 'none'}" if isinstance(document, dict) else shown(document)
        expected = "COCO, with the lists images, categories and annotations"
        mistakes.add(str(path), expected=expected, found=found, todo="export the annotations as COCO")
        return CocoFile(path, {}, {}, [])
    images = _by_id(path, document, "images", "file_name", mistakes)
    categories = _by_id(path, document, "categories", "name", mistakes)
    annotations = [
        annotation
        for position, annotation in enumerate(document["annotations"])
        if _refers(path, position, annotation, {"image_id": images, "category_id": categories}, mistakes)
    ]
    return CocoFile(path, images, categories, annotations)


def coco_type(coco: CocoFile, prefer: str = NOT_CONFIGURED) -> str:
    """`prefer` when every annotation can be read as that type, else the type as this module's docstring infers it."""
    objects = [annotation for annotation in coco.annotations if not annotation.get("iscrowd")]
    if not objects:
        return prefer
    if prefer == "MULTI":
        return prefer
    for candidate in (prefer, *_INFERRED):
        kind = KIND_OF_TYPE.get(candidate)
        if kind is not None and all(says(annotation, kind) for annotation in objects):
            return candidate
    return "MULTI"


def coco_shapes(
    coco: CocoFile, dataset_type: str, images: Mapping[CocoId, FixtureImage], mistakes: Mistakes
) -> dict[CocoId, tuple[FixtureShape, ...]]:
    """The shapes of a data set of `dataset_type`, by id of the image; annotations of other `images` are left out."""
    shapes: dict[CocoId, list[FixtureShape]] = {}
    declared = KIND_OF_TYPE.get(dataset_type)
    for annotation in coco.annotations:
        image = images.get(annotation["image_id"])
        if image is None or (annotation.get("iscrowd") and dataset_type not in _CROWDS_BELONG):
            continue
        kind = declared or richest_kind(annotation)
        if kind == "mask" and not image.width:
            continue  # its image cannot be read: there is no size for the run lengths to fill
        label = coco.categories[annotation["category_id"]]
        try:
            read = shape_data(annotation, kind, (image.width, image.height))
        except WrongGeometryError as wrong:
            mistakes.add(
                f"{coco.path}: annotation {annotation.get('id')} of {image.filename!r}",
                expected=f"{wrong.expected} for a {kind}",
                found=wrong.found,
                todo="correct or remove the annotation, or declare another type",
                alike=f"wrong geometries in {coco.path.name}",
            )
            continue
        shapes.setdefault(annotation["image_id"], []).extend(FixtureShape(kind, label, data) for data in read)
    return {image_id: tuple(drawn) for image_id, drawn in shapes.items()}


def coco_dataset(path: Path, document: Any, mistakes: Mistakes, *, prefer: str) -> Dataset:
    """The data set that the COCO file at `path` lists. Images that it does not list are left out.

    The images lie beside the file, in `images/`, in the folder above, in `images/` there or, as in COCO's own
    layout, in the folder that `annotations/instances_val2017.json` is named after: `val2017/`.
    """
    coco = read_coco(path, document, mistakes)
    if is_coco(document) and not document["images"]:
        mistakes.add(f"{path}: images", expected="at least one image", found="none", todo="export some")
    root, present = _locate(coco, mistakes)
    images = read_images(root, sorted(set(present.values())), mistakes)
    dataset_type = coco_type(coco, prefer)
    by_id = {image_id: images[relative] for image_id, relative in present.items() if relative in images}
    shapes = coco_shapes(coco, dataset_type, by_id, mistakes)
    return Dataset(
        source=f"COCO data set ({path.name})",
        type=dataset_type,
        labels=tuple(coco.categories.values()),
        images=images,
        shapes={present[image_id]: drawn for image_id, drawn in shapes.items()},
    )


def annotate(dataset: Dataset, folder: str, path: Path, document: Any, mistakes: Mistakes) -> Dataset:
    """`dataset` with the shapes that the COCO file at `path` says were drawn on its images.

    The file names them by their paths, below or together with the name of their `folder`, or by their file names. Its
    type and labels are taken where the data set has none, and must fit them where it has.
    """
    coco = read_coco(path, document, mistakes)
    used = {annotation["category_id"] for annotation in coco.annotations}
    labels = dataset.labels or tuple(coco.categories.values())
    for category_id, name in coco.categories.items():
        if name not in labels and category_id in used:
            mistakes.add_unknown(f"{path}: category {category_id}", "label", name, labels)
    relative_of = {image.filename: relative for relative, image in dataset.images.items()}
    relative_of |= {relative: relative for relative in dataset.images}
    present = {}
    for image_id, name in coco.images.items():
        relative = relative_of.get(name) or relative_of.get(name.removeprefix(f"{folder}/"))
        if relative is None:
            mistakes.add_unknown(f"{path}: image {image_id}", "image file", name, relative_of)
        else:
            present[image_id] = relative
    dataset_type = coco_type(coco) if dataset.type == NOT_CONFIGURED else dataset.type
    by_id = {image_id: dataset.images[relative] for image_id, relative in present.items()}
    shapes = coco_shapes(coco, dataset_type, by_id, mistakes)
    drawn = {present[image_id]: found for image_id, found in shapes.items()}
    return replace(dataset, type=dataset_type, labels=labels, shapes=drawn)


def _by_id(path: Path, document: dict[str, Any], table: str, key: str, mistakes: Mistakes) -> dict[CocoId, str]:
    found: dict[CocoId, str] = {}
    for position, entry in enumerate(document[table]):
        where = f"{path}: {table}[{position}]"
        alike = f"wrong {table} in {path.name}"
        if not isinstance(entry, dict) or not isinstance(entry.get("id"), CocoId) or not _is_name(entry.get(key)):
            expected = f'{{"id": ..., "{key}": text}}'
            mistakes.add(where, expected=expected, found=shown(entry), todo="correct the entry", alike=alike)
        elif entry["id"] in found:
            mistakes.add(where, expected="each id once", found=f"{entry['id']} twice", todo="remove one", alike=alike)
        else:
            found[entry["id"]] = entry[key]
    names = set()
    for name in found.values():
        if name in names:
            expected, todo = f"each {key} once", "keep one and correct the ids of its annotations"
            mistakes.add(f"{path}: {table}", expected=expected, found=f"{name!r} twice", todo=todo, alike=f"same {key}")
        names.add(name)
    return found


def _is_name(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _refers(
    path: Path, position: int, annotation: Any, tables: dict[str, dict[CocoId, str]], mistakes: Mistakes
) -> bool:
    where = f"{path}: annotations[{position}]"
    if not isinstance(annotation, dict):
        expected, alike = "a table", f"wrong annotations in {path.name}"
        mistakes.add(where, expected=expected, found=shown(annotation), todo="remove it", alike=alike)
        return False
    holds = True
    for key, known in tables.items():
        reference = annotation.get(key)
        if not isinstance(reference, CocoId) or reference not in known:
            mistakes.add(
                where,
                expected=f"{key} of one of the {len(known)} {'images' if key == 'image_id' else 'categories'}",
                found=shown(reference),
                todo="correct the id, or remove the annotation",
                alike=f"unknown {key} in {path.name}",
            )
            holds = False
    return holds


def _locate(coco: CocoFile, mistakes: Mistakes) -> tuple[Path, dict[CocoId, str]]:
    """The folder that holds most of the images, and the path of each image in it, by its id."""
    wanted = {image_id: name for image_id, name in coco.images.items() if _is_usable(coco.path, name, mistakes)}
    beside, above = coco.path.parent, coco.path.parent.parent
    named = above / coco.path.stem.rpartition("_")[2]
    best, absent = beside, set(wanted)
    for root in (beside, beside / "images", above, above / "images", named):
        missing = {image_id for image_id in wanted if not (root / wanted[image_id]).is_file()}
        if len(missing) < len(absent):
            best, absent = root, missing
        if not absent:
            break
    if absent:
        there = find_images(best, mistakes)
        for image_id in absent:
            mistakes.add_unknown(f"{coco.path}: image {image_id}", f"image file in {best}", wanted[image_id], there)
    return best, {image_id: name for image_id, name in wanted.items() if image_id not in absent}


def _is_usable(path: Path, name: str, mistakes: Mistakes) -> bool:
    parts = PurePosixPath(name).parts
    where, alike = f"{path}: images", f"wrong file names in {path.name}"
    if name.startswith("/") or ".." in parts or "\0" in name:
        expected, todo = "file names inside the data set", "write names relative to the images' folder"
        mistakes.add(where, expected=expected, found=repr(name), todo=todo, alike=alike)
    elif ending(name) not in CONTENT_TYPES:
        mistakes.add(where, expected=f"images ({ENDINGS})", found=repr(name), todo="convert it", alike=alike)
    else:
        return True
    return False
