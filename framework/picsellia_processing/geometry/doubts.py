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


class Doubt(StrEnum):
    """What is odd about a shape, as `12 of 34 shapes` goes on."""

    SHARES = "lie within the first pixel of their picture: coordinates are in pixels, not shares from 0 to 1"
    CORNERS = (
        "reach far beyond the right or bottom edge of their picture: "
        "a Rectangle takes x, y, width and height, not two corners"
    )
    SCORE = "have a confidence above 1, and are stored with 1: it is a number from 0 to 1"


def doubts(shape: Shape, width: int, height: int) -> list[Doubt]:
    """What is odd about `shape`, as an author gave it, in a picture of `width` x `height`."""
    try:
        return [each for each in (_of_score(shape), _of_place(shape, width, height)) if each is not None]
    except UnreadableShape:
        return []


def _of_score(shape: Shape) -> Doubt | None:
    score = shape.confidence
    return Doubt.SCORE if score is not None and number(score, "confidence") > _CLOSE else None


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
