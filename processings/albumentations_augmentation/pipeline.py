"""A pipeline of albumentations, run on one image after the other, each time with chances of its own."""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from library import A
from reading import read

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

PIECES = 4
DEFAULT: dict[str, Any] = A.to_dict(
    A.Compose(
        [
            A.HorizontalFlip(p=0.5),
            A.Affine(scale=(0.8, 1.2), translate_percent=(-0.1, 0.1), rotate=(-15, 15), p=0.8),
            A.RandomBrightnessContrast(p=0.5),
            A.HueSaturationValue(hue_shift_limit=10, sat_shift_limit=20, val_shift_limit=10, p=0.3),
            A.OneOf(
                [A.GaussianBlur(), A.GaussNoise(std_range=(0.02, 0.08)), A.ImageCompression(quality_range=(60, 95))],
                p=0.3,
            ),
        ]
    )
)


@dataclass(frozen=True, slots=True)
class Augmented:
    """What a pipeline made of an image: pixels, points as rows of (x, y), and masks.

    `frames` are the outline of the source, and of the picture after each transform, moved on by those that came after
    it: what was cut off on the way is outside of one of them, even if a later transform made room for it again.
    """

    pixels: NDArray[np.uint8]
    points: NDArray[np.float64]
    masks: NDArray[np.bool_]
    frames: NDArray[np.float64]


class Pipeline:
    """A pipeline that can be run again and again, on whatever image, with the same outcome for the same seed.

    `document` is what `albumentations.to_dict` returns, as JSON keeps it. What it says about boxes and points is not
    heeded: points are moved along and returned wherever they are.

    Raises:
        ValueError: it is not that, or has transforms or arguments that cannot be used: all of them, with their places.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        keypoints = A.KeypointParams(format="xy", remove_invisible=False)
        self._compose = A.Compose([read(document)], keypoint_params=keypoints)
        self._compose.processors["keypoints"].filter = _with_frame  # called after each transform

    def __call__(
        self, pixels: NDArray[np.uint8], points: NDArray[np.float64], masks: NDArray[np.bool_], *, seed: int
    ) -> Augmented:
        """Run it on an image with points and masks (masks x height x width) in the coordinates of the framework.

        `points` are returned in their order, all of them, also those that are outside the new image.

        Raises:
            ValueError: the image is too small for a crop of a fixed size, or the like.
        """
        # Generators shared by all transforms: of one seed for each, all would make the same choices.
        self._compose.set_random_state(np.random.default_rng(seed), random.Random(seed))  # noqa: S311 - no secret
        cv2.setRNGSeed(seed % 2**31)
        height, width = pixels.shape[:2]
        carried = np.concatenate([points, in_pieces(corners(0, 0, width, height))])
        data: dict[str, Any] = {"image": pixels, "keypoints": carried - 0.5}  # the library counts from a pixel's middle
        if len(masks):
            data["masks"] = masks.view(np.uint8) * 255
        found = self._compose(**data)
        height, width = found["image"].shape[:2]
        moved = np.asarray(found["keypoints"], np.float64) + 0.5
        return Augmented(
            pixels=found["image"],
            points=moved[: len(points)],
            masks=np.asarray(found.get("masks", ())).reshape(-1, height, width) > 127,  # noqa: PLR2004 - half of 255
            frames=moved[len(points) :].reshape(-1, 4 * PIECES, 2),
        )


def in_pieces(outline: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """A closed outline with its sides divided in `PIECES`, so that it can be bent."""
    return [
        (x1 + (x2 - x1) * piece / PIECES, y1 + (y2 - y1) * piece / PIECES)
        for (x1, y1), (x2, y2) in pairwise([*outline, outline[0]])
        for piece in range(PIECES)
    ]


def corners(x: float, y: float, width: float, height: float) -> list[tuple[float, float]]:
    """The outline of a rectangle."""
    return [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]


def _with_frame(keypoints: NDArray[np.float32], shape: Mapping[str, int]) -> NDArray[np.float32]:
    """The points, none of which is left out, and with them the outline of the picture as it is now."""
    frame = np.zeros((4 * PIECES, keypoints.shape[1]), np.float32)
    frame[:, :2] = np.array(in_pieces(corners(0, 0, shape["width"], shape["height"]))) - 0.5
    return np.concatenate([keypoints, frame])
