"""How much of an outline, or of a segment, is within a window."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

XY = tuple[float, float]


class Bounds(Protocol):
    """A rectangle on the pixel grid."""

    @property
    def x(self) -> int: ...  # noqa: D102 - the upper-left corner
    @property
    def y(self) -> int: ...  # noqa: D102
    @property
    def width(self) -> int: ...  # noqa: D102 - and the size
    @property
    def height(self) -> int: ...  # noqa: D102


def area(points: Sequence[XY]) -> float:
    """The area of a closed outline (the shoelace formula); 0 where there is none."""
    if not points:
        return 0.0
    ring = [*points, points[0]]
    return abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairwise(ring))) / 2


def clipped(points: Sequence[XY], window: Bounds) -> list[XY]:
    """The part of a closed outline inside the window (Sutherland-Hodgman)."""
    outline = list(points)
    for axis, bound, sign in _sides(window):
        ring = [*outline[-1:], *outline]
        outline = []
        for start, end in pairwise(ring):
            before, after = sign * (start[axis] - bound), sign * (end[axis] - bound)
            if (before < 0) != (after < 0):
                share = before / (before - after)
                outline.append((start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])))
            if after >= 0:
                outline.append(end)
    return outline


def length(start: XY, end: XY, window: Bounds | None = None) -> float:
    """The length of a segment, or of its part inside the window (Liang-Barsky)."""
    first, last = 0.0, 1.0
    for axis, bound, sign in _sides(window) if window is not None else ():
        before, after = sign * (start[axis] - bound), sign * (end[axis] - bound)
        if before < 0 and after < 0:
            return 0.0
        if before < 0:
            first = max(first, before / (before - after))
        elif after < 0:
            last = min(last, before / (before - after))
    return max(0.0, last - first) * math.dist(start, end)


def _sides(window: Bounds) -> tuple[tuple[int, int, int], ...]:
    """Each side as (axis, position, direction to the inside)."""
    right, bottom = window.x + window.width, window.y + window.height
    return (0, window.x, 1), (0, right, -1), (1, window.y, 1), (1, bottom, -1)
