"""From the mask of an object, which covers its box, to the picture."""

from __future__ import annotations

from math import ceil, floor
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def on_picture(
    mask: NDArray[np.float32], box: tuple[float, float, float, float], width: int, height: int
) -> NDArray[np.bool_]:
    """Where an object is on a picture: height x width.

    Args:
        mask: How likely it is there, 0 to 1, stretched over the box.
        box: Left, top, right and bottom of the object in pixels of the picture; may reach out of it.
        width: Of the picture, in pixels.
        height: Of the picture, in pixels.
    """
    whole = np.zeros((height, width), np.bool_)
    left, top, right, bottom = box
    if right <= left or bottom <= top:
        return whole
    columns = np.arange(max(floor(left), 0), min(ceil(right), width))
    rows = np.arange(max(floor(top), 0), min(ceil(bottom), height))
    if not (columns.size and rows.size):
        return whole
    x = _at(columns, left, right, mask.shape[1])
    y = _at(rows, top, bottom, mask.shape[0])
    part = cv2.remap(mask, *np.meshgrid(x, y), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    whole[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = part > 0.5  # noqa: PLR2004 - more likely than not
    return whole


def _at(pixels: NDArray[np.int_], start: float, end: float, cells: int) -> NDArray[np.float32]:
    """Where the middles of pixels between `start` and `end` lie among so many cells, whose middles are 0, 1, 2 ...

    Beyond the outer cells, where those go on, -1 and `cells` stand for all that is further away: in a box far smaller
    than a pixel, that is more than a float holds.
    """
    return np.clip((pixels + 0.5 - start) / (end - start) * cells - 0.5, -1, cells).astype(np.float32)


def largest_outline(mask: NDArray[np.bool_]) -> list[tuple[float, float]]:
    """The outline of the largest part of a mask: (x, y) of the middles of its outer pixels; none if it is empty."""
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    largest = max(outlines, key=cv2.contourArea, default=np.empty((0, 1, 2)))
    return [(float(x) + 0.5, float(y) + 0.5) for x, y in largest[:, 0]]
