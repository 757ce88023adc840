"""A shape reduced to what the platform can store of it: inside the picture, on whole pixels."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any, assert_never

from picsellia_processing.annotation import Classification, Keypoints, Line, Mask, Point, Polygon, Rectangle, Shape
from picsellia_processing.geometry.coordinates import DegenerateShape, UnreadableShape, each, number, row

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray

    XY = tuple[float, float]
    GridXY = tuple[int, int]

_LABELLED = (1, 2)  # hidden, visible


def fit(shape: Shape, width: int, height: int) -> Shape:
    """The part of `shape` inside a picture of `width` x `height`, on the integer grid the platform stores.

    - Rectangle: its edges clamped, then rounded; one thinner than a pixel keeps one pixel.
    - Polygon: clipped (Sutherland-Hodgman), then rounded; repeated points and spikes without area are removed.
    - Line: each segment clipped, then rounded; where it leaves and comes back, the two places are joined.
    - Point: rounded. Keypoints: rounded; a point outside becomes (0, 0, 0), not labelled.
    - Mask: `pixels` as bool; integers count as True where they are not 0. Classification: as it is.

    Halves round up. Coordinates may be any real scalar (Python, numpy, torch); those returned are int. The confidence
    becomes a float within 0..1, or None where it is not a finite number. `fit` of its own result changes nothing.

    Raises:
        DegenerateShape: nothing is left (outside, no area, too few points).
        UnreadableShape: a coordinate is not a finite number, a visibility is not 0, 1 or 2, or a mask is not a
            picture-sized array of bool or int.
    """
    confidence = _confidence(shape.confidence)
    match shape:
        case Rectangle():
            x, y, w, h = _rectangle(shape, width, height)
            return Rectangle(shape.label, x, y, w, h, confidence)
        case Polygon():
            return Polygon(shape.label, _outline(_points(shape.points, 3), width, height), confidence)
        case Line():
            return Line(shape.label, _path(_points(shape.points, 2), width, height), confidence)
        case Point():
            position = number(shape.x, "x"), number(shape.y, "y")
            if not _inside(position, width, height):
                raise DegenerateShape("wholly outside the picture")
            return Point(shape.label, *_on_grid(position), confidence)
        case Keypoints():
            return Keypoints(shape.label, _skeleton(shape.points, width, height), confidence)
        case Mask():
            return Mask(shape.label, _mask(shape.pixels, width, height), confidence)
        case Classification():
            return Classification(shape.label, confidence)
        case _:
            assert_never(shape)


def _confidence(value: object) -> float | None:
    try:
        return min(max(number(value, "confidence"), 0.0), 1.0)
    except DegenerateShape:
        return None


def _points(points: Iterable[Any], least: int) -> list[XY]:
    rows = [row(point, ("x", "y"), index) for index, point in enumerate(each(points))]
    if len(rows) < least:
        raise DegenerateShape(f"too few points: {len(rows)}, expected at least {least}")
    return [(x, y) for x, y in rows]


def _round(value: float) -> int:
    return math.floor(value + 0.5)


def _on_grid(point: XY) -> GridXY:
    return _round(point[0]), _round(point[1])


def _inside(point: XY, width: int, height: int) -> bool:
    return 0 <= point[0] <= width and 0 <= point[1] <= height


def _rectangle(shape: Rectangle, width: int, height: int) -> tuple[int, int, int, int]:
    x, y, w, h = (number(getattr(shape, name), name) for name in ("x", "y", "width", "height"))
    if w <= 0 or h <= 0:
        raise DegenerateShape(f"no area: {w:g} x {h:g}")
    left, right = _span(x, x + w, width)
    top, bottom = _span(y, y + h, height)
    return left, top, right - left, bottom - top


def _span(low: float, high: float, size: int) -> GridXY:
    if high <= 0 or low >= size:
        raise DegenerateShape("wholly outside the picture")
    low = max(low, 0.0)
    start, stop = _round(low), _round(min(high, float(size)))
    return (start, stop) if start < stop else (math.floor(low), math.floor(low) + 1)


def _outline(points: list[XY], width: int, height: int) -> list[GridXY]:
    if not all(_inside(point, width, height) for point in points):
        points = _clipped(points, width, height, closed=True)
        if not points:
            raise DegenerateShape("wholly outside the picture")
    outline = _without_spikes([_on_grid(point) for point in points])
    if not outline:
        raise DegenerateShape("no area inside the picture")
    return outline


def _path(points: list[XY], width: int, height: int) -> list[GridXY]:
    path: list[GridXY] = []
    for segment in itertools.pairwise(points):
        for point in _clipped(list(segment), width, height, closed=False):
            if path[-1:] != [_on_grid(point)]:
                path.append(_on_grid(point))
    if not path:
        raise DegenerateShape("wholly outside the picture")
    if len(path) == 1:
        raise DegenerateShape("no length inside the picture")
    return path


def _clipped(points: list[XY], width: int, height: int, *, closed: bool) -> list[XY]:
    """Sutherland-Hodgman: what is left of `points` after each edge of the picture in turn."""
    for axis, sign, limit in ((0, 1, 0), (0, -1, width), (1, 1, 0), (1, -1, height)):
        kept: list[XY] = []
        first = points[-1:] if closed else points[:1]
        for previous, point in zip([*first, *points], points, strict=False):
            depth_before, depth = sign * (previous[axis] - limit), sign * (point[axis] - limit)
            if (depth_before < 0) != (depth < 0):
                share = depth_before / (depth_before - depth)
                other = previous[1 - axis] + share * (point[1 - axis] - previous[1 - axis])
                kept.append((limit, other) if axis == 0 else (other, limit))
            if depth >= 0:
                kept.append(point)
        points = kept
    return points


def _without_spikes(points: list[GridXY]) -> list[GridXY]:
    """The closed outline without repeated points and without tips from which it returns the way it came."""
    kept: list[GridXY] = []
    for point in points:
        while len(kept) > 1 and _is_spike(kept[-2], kept[-1], point):
            kept.pop()
        if kept[-1:] != [point]:
            kept.append(point)
    while len(kept) > 2:  # noqa: PLR2004 - fewer enclose nothing
        if _is_spike(kept[-2], kept[-1], kept[0]):
            kept.pop()
        elif _is_spike(kept[-1], kept[0], kept[1]):
            kept.pop(0)
        else:
            return kept
    return []


def _is_spike(before: GridXY, tip: GridXY, after: GridXY) -> bool:
    x1, y1, x2, y2 = tip[0] - before[0], tip[1] - before[1], after[0] - tip[0], after[1] - tip[1]
    return x1 * y2 == y1 * x2 and x1 * x2 + y1 * y2 <= 0


def _skeleton(points: Iterable[Any], width: int, height: int) -> list[tuple[int, int, int]]:
    skeleton = [_keypoint(point, index, width, height) for index, point in enumerate(each(points))]
    if not skeleton:
        raise DegenerateShape("too few points: 0, expected at least 1")
    if not any(visibility for *_, visibility in skeleton):
        raise DegenerateShape("no labelled point inside the picture")
    return skeleton


def _keypoint(point: Any, index: int, width: int, height: int) -> tuple[int, int, int]:
    values = list(each(point))
    if len(values) == 3 and number(values[2], f"visibility of point {index}") == 0:  # noqa: PLR2004 - x, y, visibility
        return 0, 0, 0  # whatever x and y are: models give nan for a point they do not see
    x, y, visibility = row(values, ("x", "y", "visibility"), index)
    if visibility not in _LABELLED:
        raise UnreadableShape(f"visibility of point {index} is {visibility:g}: expected 0, 1 or 2")
    return (*_on_grid((x, y)), int(visibility)) if _inside((x, y), width, height) else (0, 0, 0)


def _mask(pixels: Any, width: int, height: int) -> NDArray[np.bool_]:
    import numpy as np  # noqa: PLC0415 - importing the package stays light

    try:
        array = np.asarray(pixels)
    except (TypeError, ValueError, RuntimeError) as error:
        raise UnreadableShape(f"the mask is not an array: {error}") from error
    if array.shape != (height, width):
        found = " x ".join(map(str, array.shape)) or "a scalar"
        raise UnreadableShape(f"the mask is {found}: expected {height} x {width}, the height and width of the picture")
    if array.dtype.kind not in "bui":
        raise UnreadableShape(f"the mask holds {array.dtype}: expected bool (compare it with a threshold)")
    if not array.any():
        raise DegenerateShape("an empty mask")
    return array.astype(bool, copy=False)
