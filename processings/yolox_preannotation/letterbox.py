"""Pictures as YOLOX sees them: scaled into the top left corner of a grey rectangle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

GREY = 114


def letterbox(
    pictures: Sequence[NDArray[np.uint8]], size: tuple[int, int], *, blue_first: bool
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """One batch of pictures, equal to `yolox.data.data_augment.preproc` on each of them to the last bit.

    Args:
        pictures: Height x width x 3, uint8, RGB.
        size: Height and width of what the network sees.
        blue_first: Whether the network wants BGR, as YOLOX trains it.

    Returns:
        The batch, N x 3 x height x width, from 0 to 255; and the N factors the pictures were scaled by.
    """
    batch = np.full((len(pictures), 3, *size), GREY, np.float32)
    scales = np.array([min(size[0] / picture.shape[0], size[1] / picture.shape[1]) for picture in pictures])
    for canvas, picture, scale in zip(batch, pictures, scales.tolist(), strict=True):
        scaled = _scaled(picture, scale)
        channels_first = scaled[..., :: -1 if blue_first else 1].transpose(2, 0, 1)
        canvas[:, : scaled.shape[0], : scaled.shape[1]] = channels_first
    return batch, scales


def _scaled(picture: NDArray[np.uint8], scale: float) -> NDArray[Any]:
    height, width = (max(1, int(side * scale)) for side in picture.shape[:2])  # a sliver keeps one pixel
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR)
