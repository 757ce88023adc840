"""Reading YOLO data sets: one text file per image, one object per line, coordinates as shares of the image's size.

    data.yaml               the class names (`names`), or classes.txt, one name per line
    images/**/a.jpg         or train/images/a.jpg, or a.jpg beside its text file
    labels/**/a.txt         "class x y width height" with x, y the centre, or "class x y x y x y ..." for a polygon

All images are taken, whatever the split. The type is SEGMENTATION when every object is a polygon, else
OBJECT_DETECTION, where polygons count as the rectangle around them. An image without a text file has not been
annotated; one with an empty file has, and there was nothing on it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from picsellia_processing.platform import dataset_yaml
from picsellia_processing.platform.dataset_geometry import rectangle_around, rectangle_within
from picsellia_processing.platform.dataset_images import (
    CONTENT_TYPES,
    ENDINGS,
    ending,
    find_files,
    find_images,
    read_images,
)
from picsellia_processing.platform.fixture_types import Dataset, FixtureImage, FixtureShape

if TYPE_CHECKING:
    from pathlib import Path

    from picsellia_processing.platform.fixture_mistakes import Mistakes

YAML_ENDINGS = (".yaml", ".yml")
CLASSES = "classes.txt"

_NAMES = re.compile(r"^[\"']?names[\"']?\s*:", re.MULTILINE)
_BOX_COLUMNS = 4
_POLYGON_COLUMNS = 6
_ROUNDING = 1e-5  # what writers that keep six decimals go beyond 0 and 1


@dataclass(frozen=True, slots=True)
class YoloObject:
    """One line: the class, and 4 numbers of a box or 6 and more of a polygon, each from 0 to 1."""

    label: str
    values: tuple[float, ...]

    @property
    def is_polygon(self) -> bool:
        """Whether it is a polygon, not a box."""
        return len(self.values) > _BOX_COLUMNS


def yolo_descriptions(folder: Path) -> list[Path | None]:
    """The files that name the classes of a YOLO data set in `folder`; None where only labels/ says that it is one."""
    named = [path for path in sorted(folder.iterdir()) if path.suffix in YAML_ENDINGS and _has_names(path)]
    if named:
        return list(named)
    has_labels = (folder / "images").is_dir() and any((folder / "labels").rglob("*.txt"))
    if not has_labels and not any(path.with_suffix(".txt").is_file() for path in _images_beside(folder)):
        return []
    classes = [path for path in (folder / CLASSES, folder / "labels" / CLASSES) if path.is_file()]
    return list(classes[:1]) or ([None] if has_labels else [])


def yolo_dataset(folder: Path, description: Path | None, mistakes: Mistakes, *, prefer: str) -> Dataset:
    """The YOLO data set in `folder`, whose classes `description` names: a YAML file or a classes.txt."""
    labels: tuple[str, ...] | None = None
    if description is None:
        expected, todo = "the class names of a YOLO data set", f"write them into {CLASSES}, one per line"
        mistakes.add(str(folder), expected=expected, found=f"no data.yaml, no {CLASSES}", todo=todo)
    elif description.name == CLASSES:
        labels = read_classes(description, mistakes)
        folder = folder.parent if folder.name == "labels" else folder
    else:
        labels, folder = _read_description(description, folder, mistakes)

    relatives = find_images(folder, mistakes)
    below_images = [relative for relative in relatives if "images" in relative.split("/")[:-1]]
    images = read_images(folder, below_images or relatives, mistakes)
    if not images:
        mistakes.add(str(folder), expected=f"images ({ENDINGS})", found="none", todo="put them beside labels/")
    objects = _read_objects(folder, images, labels, mistakes)
    dataset_type = _type(objects, prefer)
    return Dataset(
        source=f"YOLO data set ({description.name if description else 'images and labels'})",
        type=dataset_type,
        labels=labels or (),
        images=images,
        shapes={
            relative: tuple(yolo_shape(entry, dataset_type, _size(images[relative])) for entry in found)
            for relative, found in objects.items()
            if images[relative].width  # without a size there are no pixels to place a share in
        },
    )


def yolo_shape(entry: YoloObject, dataset_type: str, size: tuple[int, int]) -> FixtureShape:
    """The shape that a line stands for in an image of `size`, width and height, both at least 1."""
    width, height = size
    if entry.is_polygon:
        flat = iter(entry.values)
        polygon = [[round(x * width), round(y * height)] for x, y in zip(flat, flat, strict=True)]
        if dataset_type == "OBJECT_DETECTION":
            return FixtureShape("rectangle", entry.label, rectangle_around(polygon))
        return FixtureShape("polygon", entry.label, {"polygon": polygon})
    x, y, w, h = entry.values
    left, top, right, bottom = (x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height
    return FixtureShape("rectangle", entry.label, rectangle_within(left, top, right, bottom, size))


def read_classes(path: Path, mistakes: Mistakes) -> tuple[str, ...]:
    """The class names in a file with one per line; empty lines at its end do not count."""
    names = [line.strip() for line in _read_text(path, mistakes).rstrip().splitlines()]
    for number, name in enumerate(names, start=1):
        if not name or name in names[: number - 1]:
            expected, found = "one class name per line, each once", repr(name) if name else "an empty line"
            mistakes.add(f"{path}:{number}", expected=expected, found=found, todo="correct the line")
    return tuple(dict.fromkeys(names))


def _read_description(path: Path, folder: Path, mistakes: Mistakes) -> tuple[tuple[str, ...] | None, Path]:
    """The class names in a data.yaml, None when they cannot be read, and the folder that it says its images are in."""
    values = dataset_yaml.top_level(_read_text(path, mistakes))
    if "kpt_shape" in values:
        expected, todo = "boxes or polygons", "give the data set as COCO (--images FILE.json)"
        mistakes.add(f"{path} kpt_shape", expected=expected, found="key points", todo=todo)
    try:
        root = folder / dataset_yaml.scalar(values.get("path", "."))
    except dataset_yaml.NotUnderstoodError:
        root = folder
    root = root if root.is_dir() else folder
    try:
        labels = tuple(dataset_yaml.names(values.get("names", "")).values())
    except dataset_yaml.NotUnderstoodError as error:
        expected, todo = "names, as a list or as a table from 0 up", "write names: [circle, square]"
        mistakes.add(f"{path} names", expected=expected, found=str(error), todo=todo)
        return None, root
    if not labels:
        mistakes.add(f"{path} names", expected="at least one class", found="none", todo="write names: [circle, square]")
    for name in sorted({name for name in labels if labels.count(name) > 1}):
        mistakes.add(f"{path} names", expected="each class once", found=f"{name!r} twice", todo="rename one")
    count = values.get("nc", "").partition("#")[0].strip()
    if count and count != str(len(labels)):
        mistakes.add(f"{path} nc", expected=f"{len(labels)}, as many as names", found=count, todo="correct nc or names")
    return labels, root


def _read_objects(
    folder: Path, images: dict[str, FixtureImage], labels: tuple[str, ...] | None, mistakes: Mistakes
) -> dict[str, list[YoloObject]]:
    texts = {text for text in find_files(folder, (".txt",), mistakes) if text.rpartition("/")[2] != CLASSES}
    objects: dict[str, list[YoloObject]] = {}
    for relative in images:
        text = _text_of(relative)
        if text in texts:
            objects[relative] = _read_lines(folder / text, labels, mistakes)
            texts.discard(text)
    for text in sorted(text for text in texts if "labels" in text.split("/")[:-1]):
        mistakes.add(
            str(folder / text),
            expected="an image of the same name in images/",
            found="none",
            todo="add the image, or remove this file",
            alike="missing images",
        )
    return objects


def _text_of(relative: str) -> str:
    """labels/train/a.txt of images/train/a.jpg; a.txt beside it where no folder is named images."""
    parts = relative.rpartition(".")[0].split("/")
    for position in range(len(parts) - 2, -1, -1):
        if parts[position] == "images":
            parts[position] = "labels"
            break
    return "/".join(parts) + ".txt"


def _read_lines(path: Path, labels: tuple[str, ...] | None, mistakes: Mistakes) -> list[YoloObject]:
    objects = []
    for number, line in enumerate(_read_text(path, mistakes).splitlines(), start=1):
        if not line.strip():
            continue
        try:
            objects.append(_parse(line, labels))
        except _WrongLineError as wrong:
            mistakes.add(
                f"{path}:{number}",
                expected=wrong.expected,
                found=wrong.found,
                todo="correct or remove the line",
                alike="wrong lines",
            )
    return objects


class _WrongLineError(ValueError):
    def __init__(self, expected: str, found: str) -> None:
        self.expected = expected
        self.found = found
        super().__init__(found)


def _parse(line: str, labels: tuple[str, ...] | None) -> YoloObject:
    columns = line.split()
    try:
        values = tuple(map(float, columns))
    except ValueError as error:
        raise _WrongLineError("numbers alone", repr(line[:60])) from error
    if len(values) - 1 != _BOX_COLUMNS and (len(values) - 1 < _POLYGON_COLUMNS or len(values) % 2 == 0):
        expected = "class x y width height, or class and 3 or more points of a polygon"
        raise _WrongLineError(expected, f"{len(values)} columns")
    outside = next((value for value in values[1:] if not -_ROUNDING <= value <= 1 + _ROUNDING), None)
    if outside is not None:
        raise _WrongLineError("coordinates from 0 to 1, as shares of the image's size", f"{outside:g}")
    index = values[0]
    if not index.is_integer() or index < 0 or (labels is not None and index >= len(labels)):
        known = "a class index" if labels is None else f"a class index from 0 to {len(labels) - 1}"
        raise _WrongLineError(known, columns[0])
    label = "" if labels is None else labels[int(index)]
    return YoloObject(label, tuple(min(max(value, 0.0), 1.0) for value in values[1:]))


def _size(image: FixtureImage) -> tuple[int, int]:
    return image.width, image.height


def _type(objects: dict[str, list[YoloObject]], prefer: str) -> str:
    polygons = {entry.is_polygon for found in objects.values() for entry in found}
    if not polygons:
        return prefer
    if polygons == {True} and prefer != "OBJECT_DETECTION":
        return "SEGMENTATION"
    return "OBJECT_DETECTION"


def _images_beside(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if ending(path.name) in CONTENT_TYPES]


def _has_names(path: Path) -> bool:
    try:
        return bool(_NAMES.search(path.read_text(encoding="utf-8-sig")))
    except (OSError, UnicodeDecodeError):
        return False


def _read_text(path: Path, mistakes: Mistakes) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        found = str(error.strerror)
        mistakes.add(str(path), expected="a file that can be read", found=found, todo="allow to read it", alike="files")
    except UnicodeDecodeError as error:
        where = f"{path}:{error.object[: error.start].count(10) + 1}"
        mistakes.add(
            where, expected="UTF-8", found=repr(error.object[error.start]), todo="save as UTF-8", alike="files"
        )
    return ""
