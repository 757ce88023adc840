"""From one COCO annotation to the shapes it stands for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from picsellia_processing.platform.dataset_geometry import rectangle, vertices
from picsellia_processing.platform.fixture_mistakes import shown
from picsellia_processing.platform.rle import runs_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from picsellia_processing.platform.fixture_types import ShapeKind

KIND_OF_TYPE: dict[str, ShapeKind] = {
    "KEYPOINT": "keypoints",
    "MASK": "mask",
    "SEGMENTATION": "polygon",
    "OBJECT_DETECTION": "rectangle",
    "CLASSIFICATION": "classification",
    "POINT": "point",
    "LINE": "line",
}
_RINGS_AT_LEAST = 6
_VISIBILITIES = (0, 1, 2)


class WrongGeometryError(ValueError):
    """A geometry is not what its kind demands."""

    def __init__(self, expected: str, found: str) -> None:
        self.expected = expected
        self.found = found
        super().__init__(f"expected {expected}, found {found}")


def richest_kind(annotation: dict[str, Any]) -> ShapeKind:
    """The kind of shape that keeps the most of what an annotation says."""
    if annotation.get("keypoints"):
        return "keypoints"
    segmentation = annotation.get("segmentation")
    if segmentation:
        return "mask" if isinstance(segmentation, dict) else "polygon"
    return "rectangle" if annotation.get("bbox") else "classification"


def says(annotation: dict[str, Any], kind: ShapeKind) -> bool:
    """Whether an annotation has what a shape of `kind` is made of. A classification is one without any geometry."""
    if kind in ("keypoints", "point", "line"):
        return bool(annotation.get("keypoints"))
    if kind == "rectangle":
        return bool(annotation.get("bbox"))
    segmentation = annotation.get("segmentation")
    if kind == "mask":
        return isinstance(segmentation, dict) and bool(segmentation)
    if kind == "polygon":
        return isinstance(segmentation, list) and bool(segmentation)
    return richest_kind(annotation) == "classification"


def shape_data(annotation: dict[str, Any], kind: ShapeKind, size: tuple[int, int]) -> list[dict[str, Any]]:
    """The `data` of every shape of `kind` that an annotation stands for: one, or one per ring of a segmentation.

    `size` is the width and height of its image, (0, 0) when unknown. Raises WrongGeometryError.
    """
    return _READERS[kind](annotation, size)


def counts_of(runs: list[int]) -> str:
    """The packed form of a mask's run lengths, which `rle.runs_of` reads."""
    characters: list[str] = []
    for position, run in enumerate(runs):
        value = run - runs[position - 2] if position > 2 else run  # noqa: PLR2004 - the format's own rule
        more = True
        while more:
            bits = value & 31
            value >>= 5
            more = value != (-1 if bits & 16 else 0)
            characters.append(chr(48 + (bits | 32 if more else bits)))
    return "".join(characters)


def _rectangle(annotation: dict[str, Any], _: tuple[int, int]) -> list[dict[str, Any]]:
    expected = "bbox of [x, y, width, height]"
    values = _numbers(annotation.get("bbox"), expected)
    if len(values) != len("xywh") or values[2] < 0 or values[3] < 0:
        raise WrongGeometryError(f"{expected}, width and height 0 or more", shown(values))
    x, y, width, height = values
    return [rectangle(x, y, x + width, y + height)]


def _polygons(annotation: dict[str, Any], _: tuple[int, int]) -> list[dict[str, Any]]:
    expected = "segmentation of [[x, y, x, y, x, y, ...], ...]"
    rings = annotation.get("segmentation")
    if not isinstance(rings, list) or not rings:
        raise WrongGeometryError(expected, shown(rings))
    polygons = []
    for ring in rings:
        values = _numbers(ring, expected)
        if len(values) < _RINGS_AT_LEAST or len(values) % 2:
            raise WrongGeometryError(f"{expected}, with 3 points or more", f"{len(values)} numbers")
        polygons.append({"polygon": vertices(values)})
    return polygons


def _mask(annotation: dict[str, Any], size: tuple[int, int]) -> list[dict[str, Any]]:
    expected = 'segmentation of {"size": [height, width], "counts": run lengths}'
    lengths = annotation.get("segmentation")
    if not isinstance(lengths, dict):
        raise WrongGeometryError(expected, shown(lengths))
    height_width = [int(number) for number in _numbers(lengths.get("size"), expected)]
    if size != (0, 0) and height_width != [size[1], size[0]]:
        raise WrongGeometryError(f"size [{size[1]}, {size[0]}], as of the image file", shown(height_width))
    counts = lengths.get("counts")
    try:
        runs = runs_of(counts) if isinstance(counts, str) else [int(run) for run in _numbers(counts, expected)]
    except WrongGeometryError:
        raise
    except ValueError as error:
        raise WrongGeometryError("counts of run lengths as pycocotools writes them", str(error)) from error
    pixels = math.prod(height_width)
    if sum(runs) != pixels or min(runs, default=0) < 0:
        raise WrongGeometryError(f"counts that cover the {pixels} pixels of size {height_width}", f"{sum(runs)} pixels")
    return [{"mask": counts if isinstance(counts, str) else counts_of(runs)}]


def _keypoints(annotation: dict[str, Any], _: tuple[int, int]) -> list[dict[str, Any]]:
    expected = "keypoints of [x, y, visibility, ...], visibility 0, 1 or 2"
    values = _numbers(annotation.get("keypoints"), expected)
    if not values or len(values) % 3 or any(visibility not in _VISIBILITIES for visibility in values[2::3]):
        raise WrongGeometryError(expected, shown(annotation.get("keypoints")))
    triples = zip(values[::3], values[1::3], values[2::3], strict=True)
    return [{"keypoints": [[round(x), round(y), int(visibility)] for x, y, visibility in triples]}]


def _point(annotation: dict[str, Any], size: tuple[int, int]) -> list[dict[str, Any]]:
    points = _line(annotation, size)[0]["line"]
    if len(points) != 1:
        raise WrongGeometryError("keypoints with one point", f"{len(points)} points")
    return [{"point": points[0]}]


def _line(annotation: dict[str, Any], size: tuple[int, int]) -> list[dict[str, Any]]:
    keypoints = _keypoints(annotation, size)[0]["keypoints"]
    return [{"line": [[x, y] for x, y, _ in keypoints]}]


def _classification(_: dict[str, Any], __: tuple[int, int]) -> list[dict[str, Any]]:
    return [{}]


_READERS: dict[ShapeKind, Callable[[dict[str, Any], tuple[int, int]], list[dict[str, Any]]]] = {
    "rectangle": _rectangle,
    "polygon": _polygons,
    "mask": _mask,
    "keypoints": _keypoints,
    "point": _point,
    "line": _line,
    "classification": _classification,
}


def _numbers(values: object, expected: str) -> list[float]:
    if not isinstance(values, list):
        raise WrongGeometryError(expected, shown(values))
    for value in values:
        if type(value) not in (int, float) or not math.isfinite(value):
            raise WrongGeometryError(expected, f"{shown(value)} in it")
    return values
