"""Reading Pascal VOC data sets: an XML file per image, beside it or in `Annotations/`, the images in `JPEGImages/`.

Each `object` has a `bndbox` of xmin, ymin, xmax, ymax in pixels, taken as they are (nothing is subtracted for a first
pixel numbered 1, as the vendor's SDK does not either), or a `polygon` of x1, y1, x2, y2, ... The type is SEGMENTATION
when every object has a polygon, else OBJECT_DETECTION. An image without a file has not been annotated.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from picsellia_processing.platform.dataset_geometry import rectangle, rectangle_around, vertices
from picsellia_processing.platform.dataset_images import ENDINGS, find_files, find_images, read_images
from picsellia_processing.platform.fixture_types import Dataset, FixtureShape

if TYPE_CHECKING:
    from pathlib import Path

    from picsellia_processing.platform.fixture_mistakes import Mistakes

_FOLDER = "Annotations/"
_SIDES = ("xmin", "ymin", "xmax", "ymax")
_POINTS_AT_LEAST = 3
_START = 4096


@dataclass(frozen=True, slots=True)
class VocObject:
    """One `object`: its label, its rectangle and, where it has one, its polygon."""

    label: str
    rectangle: dict[str, Any]
    polygon: list[list[int]] | None

    def shape(self, dataset_type: str) -> FixtureShape:
        """The shape it is in a data set of `dataset_type`."""
        if self.polygon is not None and dataset_type != "OBJECT_DETECTION":
            return FixtureShape("polygon", self.label, {"polygon": self.polygon})
        return FixtureShape("rectangle", self.label, self.rectangle)


def find_voc(folder: Path, mistakes: Mistakes) -> list[str]:
    """The XML files, relative to `folder`, of the Pascal VOC data set there; none when it is no such data set."""
    if (folder / _FOLDER).is_dir():
        return [_FOLDER + name for name in find_files(folder / _FOLDER, (".xml",), mistakes)]
    return [name for name in find_files(folder, (".xml",), mistakes) if _is_voc(folder / name)]


def voc_dataset(folder: Path, files: list[str], mistakes: Mistakes, *, prefer: str) -> Dataset:
    """The data set of the XML `files` in `folder`, as `find_voc` gives them."""
    root = folder / "JPEGImages" if (folder / "JPEGImages").is_dir() else folder
    images = read_images(root, find_images(root, mistakes), mistakes)
    if not images:
        mistakes.add(str(root), expected=f"images ({ENDINGS})", found="none", todo="put them into JPEGImages/")
    paths = _Paths(list(images))
    objects: dict[str, list[VocObject]] = {}
    for name in files:
        filename, found = _read(folder / name, mistakes)
        relative = paths.find(name.removeprefix(_FOLDER), filename)
        if relative is None:
            mistakes.add_unknown(str(folder / name), f"image in {root}", filename or name, images)
        elif relative in objects:
            expected, found_twice = "one XML file per image", f"another one of {relative!r}"
            mistakes.add(
                str(folder / name), expected=expected, found=found_twice, todo="remove one", alike="same image"
            )
        else:
            objects[relative] = found
    dataset_type = _type(objects, prefer)
    return Dataset(
        source="Pascal VOC data set",
        type=dataset_type,
        labels=tuple(sorted({entry.label for found in objects.values() for entry in found})),
        images=images,
        shapes={relative: tuple(entry.shape(dataset_type) for entry in found) for relative, found in objects.items()},
    )


class _Paths:
    """Finds the image that an XML file is about, by the path of either without its ending, or by name where unique."""

    def __init__(self, relatives: list[str]) -> None:
        self._by_path = {relative.rpartition(".")[0]: relative for relative in relatives}
        self._by_name = _unique({relative: relative.rpartition("/")[2] for relative in relatives})
        self._by_stem = _unique({relative: path.rpartition("/")[2] for path, relative in self._by_path.items()})

    def find(self, xml: str, filename: str) -> str | None:
        path = xml.rpartition(".")[0]
        return (
            self._by_path.get(path)
            or self._by_name.get(filename.rpartition("/")[2])
            or self._by_stem.get(path.rpartition("/")[2])
        )


def _unique(names: dict[str, str]) -> dict[str, str]:
    count = Counter(names.values())
    return {name: relative for relative, name in names.items() if count[name] == 1}


class _WrongXmlError(ValueError):
    def __init__(self, expected: str, found: str) -> None:
        self.expected = expected
        self.found = found
        super().__init__(found)


class _Builder(ET.TreeBuilder):
    """Refuses a document type, which could declare entities that expand without bounds or read other files."""

    def doctype(self, name: str, *_: str | None) -> None:
        raise _WrongXmlError("XML without a document type", f"<!DOCTYPE {name}>")


def _read(path: Path, mistakes: Mistakes) -> tuple[str, list[VocObject]]:
    """The file name and the objects in an XML file; what is wrong is noted and left out."""
    root = _parse(path, mistakes)
    if root is None:
        return "", []
    objects = []
    for position, element in enumerate(root.iter("object"), start=1):
        try:
            objects.append(_object(element))
        except _WrongXmlError as wrong:
            where, todo = f"{path}: object {position}", "correct or remove the object"
            mistakes.add(where, expected=wrong.expected, found=wrong.found, todo=todo, alike="wrong objects")
    return (root.findtext("filename") or "").strip(), objects


def _parse(path: Path, mistakes: Mistakes) -> ET.Element | None:
    parser = ET.XMLParser(target=_Builder())  # noqa: S314 - see _Builder
    where, expected, todo = str(path), "XML", "write the file again"
    try:
        parser.feed(path.read_bytes())
        root: ET.Element = parser.close()
    except _WrongXmlError as wrong:
        expected, found, todo = wrong.expected, wrong.found, "remove the document type"
    except ET.ParseError as error:
        line, column = error.position
        where, found = f"{path}:{line}:{column + 1}", str(error).partition(":")[0]
    except (OSError, LookupError, ValueError) as error:
        found = str(error)
    else:
        if root.tag == "annotation":
            return root
        expected, found, todo = "<annotation>", f"<{root.tag}>", "remove the file, it is not Pascal VOC"
    mistakes.add(where, expected=expected, found=found, todo=todo, alike="XML files")
    return None


def _object(element: ET.Element) -> VocObject:
    label = (element.findtext("name") or "").strip()
    if not label:
        raise _WrongXmlError("<name>, the label", "none")
    polygon = element.find("polygon")
    points = None if polygon is None else _points(polygon)
    box = element.find("bndbox")
    if box is not None:
        return VocObject(label, _rectangle(box), points)
    if points is None:
        raise _WrongXmlError("<bndbox> or <polygon>", "neither")
    return VocObject(label, rectangle_around(points), points)


def _rectangle(box: ET.Element) -> dict[str, Any]:
    left, top, right, bottom = (_number(box, side) for side in _SIDES)
    if right < left or bottom < top:
        raise _WrongXmlError("xmax and ymax no less than xmin and ymin", f"{left:g}, {top:g} to {right:g}, {bottom:g}")
    return rectangle(left, top, right, bottom)


def _points(polygon: ET.Element) -> list[list[int]]:
    count = len(polygon) // 2
    if count < _POINTS_AT_LEAST:
        raise _WrongXmlError("<polygon> of x1, y1, x2, y2, x3, y3 and so on", f"{len(polygon)} coordinates")
    return vertices([_number(polygon, f"{axis}{point}") for point in range(1, count + 1) for axis in "xy"])


def _number(parent: ET.Element, tag: str) -> float:
    text = parent.findtext(tag)
    try:
        number = float(text or "")
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise _WrongXmlError(f"<{tag}> with a number in <{parent.tag}>", "none" if text is None else repr(text))
    return number


def _type(objects: dict[str, list[VocObject]], prefer: str) -> str:
    polygons = {entry.polygon is not None for found in objects.values() for entry in found}
    if not polygons:
        return prefer
    if polygons == {True} and prefer != "OBJECT_DETECTION":
        return "SEGMENTATION"
    return "OBJECT_DETECTION"


def _is_voc(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return b"<annotation" in file.read(_START)
    except OSError:
        return False
