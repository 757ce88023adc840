"""What the outputs of YOLOX mean: decoding and non-maximum suppression.

An output has one row for each cell of three grids, one after the other, whose cells are 8, 16 and 32 pixels wide: the
centre and the size of a box, how likely there is an object, and how likely it is of each class.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

STRIDES = (8, 16, 32)


@dataclass(frozen=True, slots=True)
class Boxes:
    """The objects on one picture, best first.

    Attributes:
        corners: (K, 4) left, top, right, bottom in pixels.
        scores: (K,) from 0 to 1.
        classes: (K,) the numbers of their classes.
    """

    corners: NDArray[np.float64]
    scores: NDArray[np.float64]
    classes: NDArray[np.int64]


def cells(size: tuple[int, int]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(A, 2) column and row, and (A, 1) width in pixels, of each cell for pictures of `size` (height, width)."""
    places, widths = [], []
    for stride in STRIDES:
        rows, columns = np.mgrid[: size[0] // stride, : size[1] // stride]
        places.append(np.stack([columns.ravel(), rows.ravel()], axis=1))
        widths.append(np.full((rows.size, 1), stride))
    return np.concatenate(places).astype(np.float32), np.concatenate(widths).astype(np.float32)


def is_decoded(output: NDArray[np.float32], size: tuple[int, int]) -> bool:
    """Whether the boxes of a network's (N, A, 5 + C) output are in pixels, or relative to their cells.

    Exports come both ways (`--decode_in_inference`), and do not say which. But the centre of a box is never far from
    its cell: read in the wrong way, it is off by as much as its cell is from the corner of the picture.
    """
    places, widths = cells(size)
    relative, absolute = output[..., :2], output[..., :2] / widths - places
    return bool(np.median(np.abs(absolute)) < np.median(np.abs(relative)))


def decode(output: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """An output relative to its cells, in pixels; equal to `YOLOXHead.decode_outputs`."""
    places, widths = cells(size)
    with np.errstate(over="ignore"):  # `select` drops what is infinite
        sides = np.exp(output[..., 2:4]) * widths
    return np.concatenate([(output[..., :2] + places) * widths, sides, output[..., 4:]], axis=-1)


def select(rows: NDArray[np.float32], confidence: float, iou: float) -> Boxes:
    """The objects of one picture: the best of the boxes that overlap, for each class by itself.

    Equal to `yolox.utils.postprocess`: a box is of its likeliest class, its score is that likelihood times that of an
    object, and it is dropped where a better box of its class overlaps it by more than `iou`.

    Args:
        rows: (A, 5 + C) one picture's decoded output.
        confidence: The least score of an object.
        iou: The most that two objects of one class overlap, from 0 to 1.
    """
    classes = rows[:, 5:].argmax(axis=1)
    scores = rows[:, 4] * rows[:, 5:].max(axis=1)
    likely = (scores >= confidence) & np.isfinite(rows[:, :4]).all(axis=1)
    centres, sizes = rows[likely, :2], rows[likely, 2:4]
    corners = np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=1)
    kept = _best(corners, scores[likely], classes[likely], iou)
    return Boxes(corners[kept].astype(np.float64), scores[likely][kept].astype(np.float64), classes[likely][kept])


def _best(corners: NDArray[np.float32], scores: NDArray[Any], classes: NDArray[Any], iou: float) -> NDArray[np.int64]:
    """Indices of the boxes that non-maximum suppression keeps, best first."""
    sides = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1).astype(np.float64)
    everything = -1.0  # scores have been compared already
    kept = cv2.dnn.NMSBoxesBatched(sides, scores.tolist(), classes.tolist(), everything, iou)
    return np.asarray(kept, np.int64).reshape(-1)
