"""What tells that shapes were given in another form than the one asked for: pixels, sides, a confidence of 0 to 1.

Each of these is possible, so nothing is refused; where many shapes of a Job are like that, a person should look.
"""

from __future__ import annotations

from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING

from picsellia_processing.annotation import Keypoints, Line, Point, Polygon, Rectangle
from picsellia_processing.geometry.coordinates import UnreadableShape, each, number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from picsellia_processing.annotation import Shape

_CLOSE = 1.05
"""Above the largest share, and above a side of the picture: boxes of models end a little outside."""
_FAR = 0.1
_POINTS = 3
"""Points of an outline that are looked at: the first ones."""
_ROUNDING = 1e-3
"""By how much a score may be outside 0 to 1: that of floats of 16 bits."""


class Doubt(StrEnum):
    """What is odd about a shape, as `12 of 34 shapes` goes on."""

    SHARES = "lie within the first pixel of their picture: coordinates are in pixels, not shares from 0 to 1"
    CORNERS = (
        "reach far beyond the right or bottom edge of their picture: "
        "a Rectangle takes x, y, width and height, not two corners"
    )
    SCORE = "have a confidence that is no number from 0 to 1: it is cut to that, or left out"


def doubts(shape: Shape, width: int, height: int) -> list[Doubt]:
    """What is odd about `shape`, as an author gave it, in a picture of `width` x `height`."""
    found = [Doubt.SCORE] if shape.confidence is not None and not _is_score(shape.confidence) else []
    try:
        place = _of_place(shape, width, height)
    except UnreadableShape:
        return found
    return found if place is None else [*found, place]


def _is_score(confidence: object) -> bool:
    try:
        return -_ROUNDING <= number(confidence, "confidence") <= 1 + _ROUNDING
    except UnreadableShape:
        return False


def _of_place(shape: Shape, width: int, height: int) -> Doubt | None:
    match shape:
        case Rectangle():
            x, y, w, h = (number(value, "a coordinate") for value in (shape.x, shape.y, shape.width, shape.height))
            if _are_shares((x, y, w, h)):
                return Doubt.SHARES
            return Doubt.CORNERS if _are_two_corners(x, y, w, h, width, height) else None
        case Point():
            places = [shape.x, shape.y]
        case Polygon() | Line() | Keypoints():
            places = [value for point in islice(each(shape.points), _POINTS) for value in islice(each(point), 2)]
        case _:
            return None
    return Doubt.SHARES if _are_shares([number(value, "a coordinate") for value in places]) else None


def _are_shares(places: Sequence[float]) -> bool:
    return any(places) and all(-_FAR <= place <= _CLOSE for place in places)


def _are_two_corners(x: float, y: float, w: float, h: float, width: int, height: int) -> bool:
    """Whether a box is implausible as it stands, and plausible with width and height read as its other corner."""
    if not (x < w <= _CLOSE * width and y < h <= _CLOSE * height):
        return False
    return x + w > width + _FAR * w or y + h > height + _FAR * h
