"""Where tiles lie, and what of an image and of a shape is in one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np
from picsellia_processing import Classification, Keypoints, Line, Mask, Point, Polygon, Rectangle, Shape
from visible import area, clipped, length

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

ROUNDING = 1e-9
Edge = Literal["pad", "drop", "shift"]


@dataclass(frozen=True, slots=True)
class Window:
    """A part of an image, which may reach out of it to the right and below."""

    x: int
    y: int
    width: int
    height: int

    def holds(self, x: float, y: float) -> bool:
        """Whether a position is in it, its border included."""
        return self.x <= x <= self.x + self.width and self.y <= y <= self.y + self.height


@dataclass(frozen=True, slots=True)
class Grid:
    """Tiles of one size, `overlap` pixels of which neighbours share; `edge` says what becomes of the rest.

    An image smaller than a tile is padded, also where `edge` is "shift": there is nothing to shift it into.
    """

    tile_width: int
    tile_height: int
    overlap: int
    edge: Edge

    def windows(self, width: int, height: int) -> Iterator[Window]:
        """The tiles of an image of this size, row by row.

        Raises:
            ValueError: the image is smaller than a tile, and edges are dropped.
        """
        if self.edge == "drop" and (width < self.tile_width or height < self.tile_height):
            raise ValueError(
                f"the image is {width} x {height}, smaller than a tile of {self.tile_width} x {self.tile_height}, and "
                "with edge = drop nothing is left of it; use smaller tiles, or edge = pad"
            )
        for y in self._starts(height, self.tile_height):
            for x in self._starts(width, self.tile_width):
                yield Window(x, y, self.tile_width, self.tile_height)

    def _starts(self, size: int, tile: int) -> list[int]:
        step = tile - self.overlap
        starts = list(range(0, max(size - tile, 0) + 1, step))
        if starts[-1] + tile < size and self.edge != "drop":
            starts.append(starts[-1] + step if self.edge == "pad" else size - tile)
        return starts


def cut(pixels: NDArray[np.uint8], window: Window) -> NDArray[np.uint8]:
    """The pixels of a window; black where it reaches out of the image."""
    inside = pixels[window.y : window.y + window.height, window.x : window.x + window.width]
    if inside.shape[:2] == (window.height, window.width):
        return inside
    padded = np.zeros((window.height, window.width, *pixels.shape[2:]), pixels.dtype)
    padded[: inside.shape[0], : inside.shape[1]] = inside
    return padded


def moved(shape: Shape, window: Window, min_visible: float) -> Shape | None:
    """The shape in the coordinates of the window, or None where less than `min_visible` of it, or nothing, is there.

    What reaches out of the window is cut off when it is written. The share is that of the area; of a Line's length; of
    the labelled points of Keypoints. A Classification says something of the whole image, and so of each tile.
    """
    share = _visible_share(shape, window)
    if share <= 0 or share < min_visible - ROUNDING:
        return None
    x, y = window.x, window.y
    match shape:
        case Rectangle() | Point():
            return replace(shape, x=shape.x - x, y=shape.y - y)
        case Polygon() | Line():
            return replace(shape, points=[(px - x, py - y) for px, py in shape.points])
        case Keypoints():
            return replace(shape, points=[(px - x, py - y, v) if v else (0, 0, 0) for px, py, v in shape.points])
        case Mask():
            return replace(shape, pixels=_cut_mask(shape.pixels, window))
        case Classification():
            return shape


def _visible_share(shape: Shape, window: Window) -> float:
    match shape:
        case Rectangle():
            x, y, w, h = shape.x, shape.y, shape.width, shape.height
            outline = [(x, y), (x + w, y), (x + w, y + h), (x, y + h)]
            return _share(area(clipped(outline, window)), area(outline))
        case Polygon():
            return _share(area(clipped(shape.points, window)), area(shape.points))
        case Line():
            pieces = list(pairwise(shape.points))
            return _share(sum(length(*piece, window) for piece in pieces), sum(length(*piece) for piece in pieces))
        case Point():
            return float(window.holds(shape.x, shape.y))
        case Keypoints():
            labelled = [(px, py) for px, py, visibility in shape.points if visibility]
            return _share(sum(window.holds(px, py) for px, py in labelled), len(labelled))
        case Mask():
            return _share(int(_cut_mask(shape.pixels, window).sum()), int(shape.pixels.sum()))
        case Classification():
            return 1.0


def _cut_mask(pixels: NDArray[np.bool_], window: Window) -> NDArray[np.bool_]:
    return cut(pixels.view(np.uint8), window).view(np.bool_)


def _share(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 0.0
