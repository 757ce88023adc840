"""The shapes of an annotation: what each kind must look like on the wire, and the three ways they are written out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import rle
from .wire import kind_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Size = tuple[int, int]
    Reader = Callable[[Mapping[str, Any], Size], dict[str, Any]]

_POLYGON_POINTS = 3
_LINE_POINTS = 2


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of shape: its `singular` name, its `plural`, which is its key on the wire, and how its geometry is read.

    `read` takes the shape as sent and the (width, height) of its asset; it raises ValueError saying what is wrong.
    """

    singular: str
    plural: str
    read: Reader


def shape_area(points: list[list[float]]) -> float:
    """Area of a polygon in pixels."""
    following = points[1:] + points[:1]
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(points, following, strict=True))) / 2


def bounding_box(points: list[list[float]]) -> list[float]:
    """`[x, y, w, h]` around points, which may have more than two coordinates."""
    xs, ys = [point[0] for point in points], [point[1] for point in points]
    return [min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)]


def _rectangle(raw: Mapping[str, Any], _: Size) -> dict[str, Any]:
    values = [raw.get(name) for name in ("x", "y", "w", "h")]
    if any(type(value) is not int for value in values):
        raise ValueError(f"expected whole numbers x, y, w, h, found {values}")
    x, y, w, h = values
    if w < 0 or h < 0:  # type: ignore[operator] # checked above
        raise ValueError(f"expected w and h >= 0, found {w} and {h}")
    return {"x": x, "y": y, "w": w, "h": h}


def _polygon(raw: Mapping[str, Any], _: Size) -> dict[str, Any]:
    return {"polygon": _points(raw.get("polygon"), 2, _POLYGON_POINTS)}


def _line(raw: Mapping[str, Any], _: Size) -> dict[str, Any]:
    return {"line": _points(raw.get("line"), 2, _LINE_POINTS)}


def _point(raw: Mapping[str, Any], _: Size) -> dict[str, Any]:
    return {"point": _points([raw.get("point")], 2, 1)[0]}


def _keypoints(raw: Mapping[str, Any], _: Size) -> dict[str, Any]:
    points = _points(raw.get("keypoints"), 3, 1)
    if any(point[2] not in (0, 1, 2) for point in points):
        raise ValueError("expected keypoints [x, y, v] with v 0, 1 or 2")
    return {"keypoints": points}


def _mask(raw: Mapping[str, Any], size: Size) -> dict[str, Any]:
    counts = raw.get("mask")
    if not isinstance(counts, str):
        raise ValueError(f"expected the COCO counts string of a mask, found {kind_of(counts)}")  # noqa: TRY004
    area, bbox = rle.measure(counts, *size)
    return {"mask": counts, "area": area, "bbox": bbox}


def _classification(_: Mapping[str, Any], __: Size) -> dict[str, Any]:
    return {}


def _points(value: object, length: int, least: int) -> list[list[float]]:
    if not isinstance(value, list) or len(value) < least:
        raise ValueError(f"expected a list of at least {least} points, found {value!r:.200}")
    for point in value:
        if not isinstance(point, list) or len(point) != length or any(type(n) not in (int, float) for n in point):
            raise ValueError(f"expected points of {length} numbers, found {point!r:.200}")
    return value


KINDS = {
    kind.plural: kind
    for kind in (
        Kind("rectangle", "rectangles", _rectangle),
        Kind("polygon", "polygons", _polygon),
        Kind("classification", "classifications", _classification),
        Kind("line", "lines", _line),
        Kind("point", "points", _point),
        Kind("keypoints", "keypoints", _keypoints),
        Kind("mask", "masks", _mask),
    )
}
