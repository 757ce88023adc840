"""Shapes as authors return them: odd ones that must fit, degenerate ones that must be refused with a reason."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from picsellia_processing.annotation import Classification, Keypoints, Line, Mask, Point, Polygon, Rectangle, Shape

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class BadShape:
    """`outcome` is the fitted shape, or what the reason for refusing it says."""

    name: str
    shape: Shape
    outcome: Shape | str


def bad_shapes() -> tuple[BadShape, ...]:
    """Every kind of shape, for a picture of 100 x 80, under a name that is unique."""
    sources = (_rectangles, _polygons, _lines, _points, _keypoints, _masks, _classifications)
    return tuple(BadShape(name, shape, outcome) for source in sources for name, shape, outcome in source())


def _box(*values: object, confidence: object = None) -> Rectangle:
    return Rectangle("a", *values, confidence=confidence)  # type: ignore[arg-type] - odd values are the point


def _rectangles() -> Iterator[tuple[str, Shape, Shape | str]]:
    outside = "wholly outside the picture"
    yield "rectangle", _box(1, 2, 3, 4), _box(1, 2, 3, 4)
    yield "rectangle of the whole picture", _box(0, 0, 100, 80), _box(0, 0, 100, 80)
    yield "rectangle larger than the picture", _box(-10, -10, 1000, 1000), _box(0, 0, 100, 80)
    yield "rectangle over the left edge", _box(-5, 10, 10, 10), _box(0, 10, 5, 10)
    yield "rectangle over the lower right corner", _box(95, 75, 10, 10), _box(95, 75, 5, 5)
    yield "rectangle on fractions", _box(1.4, 2.5, 3.2, 4.0), _box(1, 3, 4, 4)
    yield "rectangle thinner than a pixel", _box(10.3, 10, 0.1, 5), _box(10, 10, 1, 5)
    yield "rectangle thinner than a pixel at the right edge", _box(99.9, 0, 0.05, 5), _box(99, 0, 1, 5)
    yield "rectangle thinner than a float", _box(50, 0, 1e-300, 5), _box(50, 0, 1, 5)
    yield "rectangle of numpy", _box(*np.array([1, 2, 3, 4], np.float32)), _box(1, 2, 3, 4)
    yield "rectangle of arrays of one", _box(*np.array([[1], [2], [3], [4]])), _box(1, 2, 3, 4)
    yield "rectangle to the left", _box(-20, 0, 10, 10), outside
    yield "rectangle below", _box(0, 80, 10, 10), outside
    yield "rectangle touching from the left", _box(-10, 0, 10, 10), outside
    yield "rectangle without width", _box(10, 10, 0, 10), "no area: 0 x 10"
    yield "rectangle of negative height", _box(10, 10, 5, -3), "no area: 5 x -3"
    yield "rectangle with nan", _box(math.nan, 0, 1, 1), "x is nan: expected a finite number"
    yield "rectangle with infinity", _box(0, 0, math.inf, 1), "width is inf"
    yield "rectangle astronomically large", _box(0, 0, 1e300, 1), "width is 1e+300"
    yield "rectangle of text", _box("1", 0, 1, 1), "x is '1'"
    yield "rectangle of nothing", _box(0, None, 1, 1), "y is None"
    yield "rectangle of a truth", _box(0, 0, True, 1), "width is True"
    yield "rectangle of a list", _box(0, 0, [1, 2], 1), "width is [1, 2]"
    yield "rectangle of an array of two", _box(0, 0, np.array([1, 2]), 1), "width is array([1, 2])"
    yield "rectangle of an enormous int", _box(0, 0, 10**400, 1), "width is 1000000"
    yield "confidence above 1", _box(1, 2, 3, 4, confidence=1.0000001), _box(1, 2, 3, 4, confidence=1.0)
    yield "confidence below 0", _box(1, 2, 3, 4, confidence=-0.5), _box(1, 2, 3, 4, confidence=0.0)
    yield "confidence of nan", _box(1, 2, 3, 4, confidence=math.nan), _box(1, 2, 3, 4)
    yield "confidence of numpy", _box(1, 2, 3, 4, confidence=np.float32(0.5)), _box(1, 2, 3, 4, confidence=0.5)


def _polygons() -> Iterator[tuple[str, Shape, Shape | str]]:
    def polygon(*points: object) -> Polygon:
        return Polygon("a", list(points))  # type: ignore[arg-type]

    triangle = polygon((10, 10), (20, 10), (10, 20))
    yield "polygon", triangle, triangle
    yield "polygon of an array", Polygon("a", np.array(triangle.points, np.float32)), triangle  # type: ignore[arg-type]
    yield (
        "polygon over the left edge",
        polygon((-10, 10), (10, 10), (10, 20), (-10, 20)),
        (polygon((0, 10), (10, 10), (10, 20), (0, 20))),
    )
    yield (
        "polygon around the picture",
        polygon((-9, -9), (200, -9), (200, 200), (-9, 200)),
        (polygon((0, 80), (0, 0), (100, 0), (100, 80))),
    )
    yield "polygon closed by hand, points twice", polygon((10, 10), (10, 10), (20, 10), (10, 20), (10, 10)), triangle
    yield "polygon with a spike", polygon((10, 10), (20, 10), (30, 10), (20, 10), (10, 20)), triangle
    yield (
        "polygon that starts at the tip of a spike",
        polygon((30, 10), (20, 10), (10, 20), (10, 10), (20, 10)),
        polygon((20, 10), (10, 20), (10, 10)),
    )
    yield "polygon on fractions", polygon((9.6, 10.4), (20.4, 9.5), (10, 20)), triangle
    yield "polygon outside", polygon((-10, -10), (-5, -10), (-5, -5)), "wholly outside the picture"
    yield (
        "polygon that bends round the picture",
        polygon((-5, -5), (120, -5), (120, -3), (-3, -3), (-3, 120), (-5, 120)),
        "wholly outside the picture",
    )
    yield "polygon on one line", polygon((0, 0), (10, 10), (20, 20)), "no area"
    yield "polygon smaller than a pixel", polygon((5.1, 5.1), (5.2, 5.1), (5.2, 5.2)), "no area"
    yield "polygon of two points", polygon((0, 0), (10, 10)), "too few points: 2, expected at least 3"
    yield "polygon of none", polygon(), "too few points: 0"
    yield "polygon of flat numbers", polygon(1, 2, 3, 4, 5, 6), "1 where points are expected"
    yield (
        "polygon of three values a point",
        polygon((1, 2, 3), (4, 5, 6), (7, 8, 9)),
        "point 0 has 3 values: expected x, y",
    )
    yield "polygon with nan", polygon((0, 0), (10, math.nan), (10, 20)), "y of point 1 is nan"
    yield "polygon of none at all", Polygon("a", None), "None where points are expected"  # type: ignore[arg-type]


def _lines() -> Iterator[tuple[str, Shape, Shape | str]]:
    def line(*points: tuple[float, float]) -> Line:
        return Line("a", list(points))

    yield "line", line((1, 1), (5, 9), (1, 1)), line((1, 1), (5, 9), (1, 1))
    yield "line across the picture", line((-10, 40), (110, 40)), line((0, 40), (100, 40))
    yield (
        "line that leaves and comes back",
        line((90, 10), (110, 10), (110, 20), (90, 20)),
        (line((90, 10), (100, 10), (100, 20), (90, 20))),
    )
    yield "line passing a corner outside", line((-5, 3), (3, -5)), "wholly outside the picture"
    yield "line around the picture", line((-5, 90), (-5, -5), (105, -5)), "wholly outside the picture"
    yield "line touching a corner", line((-5, 5), (5, -5)), "no length"
    yield "line shorter than a pixel", line((5.1, 5.1), (5.2, 5.1)), "no length"
    yield "line of one point", line((5, 5)), "too few points: 1, expected at least 2"
    yield "line with infinity", line((5, 5), (math.inf, 5)), "x of point 1 is inf"


def _points() -> Iterator[tuple[str, Shape, Shape | str]]:
    yield "point", Point("a", 3, 4), Point("a", 3, 4)
    yield "point on fractions", Point("a", 3.5, 4.4), Point("a", 4, 4)
    yield "point on the far corner", Point("a", 100, 80), Point("a", 100, 80)
    yield "point outside", Point("a", 100.1, 0), "outside the picture"
    yield "point with nan", Point("a", 0, math.nan), "y is nan"


def _keypoints() -> Iterator[tuple[str, Shape, Shape | str]]:
    def keypoints(*points: object) -> Keypoints:
        return Keypoints("a", list(points))  # type: ignore[arg-type]

    yield "keypoints", keypoints((1, 2, 2), (3, 4, 1), (0, 0, 0)), keypoints((1, 2, 2), (3, 4, 1), (0, 0, 0))
    yield "keypoints, one outside", keypoints((1, 2, 2), (-3, 4, 2)), keypoints((1, 2, 2), (0, 0, 0))
    yield "keypoints, one not labelled and nan", keypoints((1, 2, 2), (math.nan, 4, 0)), keypoints((1, 2, 2), (0, 0, 0))
    yield "keypoints, visibility as float", keypoints((1.2, 2.6, 2.0)), keypoints((1, 3, 2))
    yield "keypoints, all outside", keypoints((-1, 2, 2), (101, 4, 1)), "no labelled point inside the picture"
    yield "keypoints, none labelled", keypoints((1, 2, 0), (3, 4, 0)), "no labelled point inside the picture"
    yield "keypoints, labelled and nan", keypoints((1, 2, 2), (math.nan, 4, 2)), "x of point 1 is nan"
    yield (
        "keypoints, a score as visibility",
        keypoints((1, 2, 0.87)),
        "visibility of point 0 is 0.87: expected 0, 1 or 2",
    )
    yield "keypoints, no visibility", keypoints((1, 2), (3, 4)), "point 0 has 2 values: expected x, y, visibility"
    yield "keypoints, none", keypoints(), "too few points: 0, expected at least 1"


def _masks() -> Iterator[tuple[str, Shape, Shape | str]]:
    pixels = np.zeros((80, 100), bool)
    pixels[10:20, 30:40] = True
    yield "mask", Mask("a", pixels), Mask("a", pixels)
    yield "mask of 0 and 255", Mask("a", pixels.astype(np.uint8) * 255), Mask("a", pixels)  # type: ignore[arg-type]
    yield "mask of another size", Mask("a", pixels[:40]), "40 x 100: expected 80 x 100"
    yield "mask transposed", Mask("a", pixels.T), "100 x 80: expected 80 x 100"
    yield "mask with channels", Mask("a", pixels[..., None]), "80 x 100 x 1: expected 80 x 100"
    yield "mask of scores", Mask("a", pixels * 0.5), "float64: expected bool"  # type: ignore[arg-type]
    yield "mask empty", Mask("a", np.zeros((80, 100), bool)), "an empty mask"
    yield "mask of nothing", Mask("a", None), "a scalar: expected 80 x 100"  # type: ignore[arg-type]
    yield "mask of uneven lists", Mask("a", [[1], [1, 2]]), "not an array"  # type: ignore[arg-type]


def _classifications() -> Iterator[tuple[str, Shape, Shape | str]]:
    yield "classification", Classification("a", 0.5), Classification("a", 0.5)
    yield "classification of nan", Classification("a", math.nan), Classification("a")
    yield "classification of text", Classification("a", "high"), Classification("a")  # type: ignore[arg-type]
