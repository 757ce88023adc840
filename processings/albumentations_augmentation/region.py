"""The part of an image that shows something of its source, and what of an outline or of a line is in it."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

XY = tuple[float, float]
Side = tuple[float, float, float]
ROUNDING = 1e-3
"""Pixels: the library computes in single precision."""


class Region:
    """What the convex hulls of some outlines have in common; all of the plane where there are none."""

    def __init__(self, outlines: Iterable[NDArray[np.float64]]) -> None:
        self._sides = [side for outline in outlines for side in _sides(outline)]

    def holds(self, x: float, y: float) -> bool:
        """Whether a position is in it, its border included."""
        return all(a * x + b * y >= c - ROUNDING for a, b, c in self._sides)

    def part(self, outline: Sequence[XY]) -> list[XY]:
        """What of a closed outline is in it (Sutherland-Hodgman); nothing where only its border is."""
        points = list(outline)
        for side in self._sides:
            edges = pairwise([*points[-1:], *points])
            points = [point for start, end in edges for point in _piece(start, end, side) if point is not start]
        return points

    def path(self, line: Sequence[XY]) -> list[XY]:
        """What of an open line is in it; where it leaves and comes back, the two places are joined."""
        points: list[XY] = []
        for segment in pairwise(line):
            piece = list(segment)
            for side in self._sides:
                piece = _piece(piece[0], piece[1], side) if piece else []
            points += piece[1:] if points[-1:] == piece[:1] else piece
        return points


def _sides(outline: NDArray[np.float64]) -> list[Side]:
    """The sides of the convex hull as (a, b, c): a * x + b * y is at least c within."""
    hull = cv2.convexHull(outline.astype(np.float32), clockwise=False).reshape(-1, 2).astype(np.float64)
    steps = np.roll(hull, -1, axis=0) - hull
    a, b = steps[:, 1], -steps[:, 0]
    c = a * hull[:, 0] + b * hull[:, 1]
    if (a * hull[:, 0].mean() + b * hull[:, 1].mean() < c).any():
        a, b, c = -a, -b, -c
    norm = np.hypot(a, b)
    return list(zip((a / norm).tolist(), (b / norm).tolist(), (c / norm).tolist(), strict=True))


def _piece(start: XY, end: XY, side: Side) -> list[XY]:
    """The two ends of that part of a segment that is on the inner side; nothing where there is none."""
    a, b, c = side
    before, after = a * start[0] + b * start[1] - c, a * end[0] + b * end[1] - c
    if before < 0 and after < 0:
        return []
    if (before < 0) != (after < 0):
        share = before / (before - after)
        border = start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])
        return [border, end] if before < 0 else [start, border]
    return [start, end]


def area(outline: Sequence[XY] | NDArray[np.float64]) -> float:
    """The area of a closed outline."""
    return float(cv2.contourArea(np.array(outline, np.float32).reshape(-1, 1, 2)))


def length(line: Sequence[XY]) -> float:
    """The length of an open line."""
    return math.fsum(math.dist(start, end) for start, end in pairwise(line))
