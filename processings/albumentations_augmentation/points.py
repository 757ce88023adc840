"""The library's transforms that move pixels, made to move points exactly as they move the pixels.

Points are (x, y) rows in the library's coordinates, where (0, 0) is the middle of the upper-left pixel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from library import A

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROUNDS = 40
"""Steps of the fixed-point iteration; it is mostly within a hundredth of a pixel after ten."""


class _Scaling:
    """Scales the picture from its outer edge, as `cv2.resize` does; the library scales points from a pixel's middle."""

    def apply_to_keypoints(self, keypoints: NDArray[np.float32], **params: Any) -> NDArray[np.float32]:
        shift = np.zeros_like(keypoints[:1])
        shift[:, :2] = 0.5
        moved: NDArray[np.float32] = super().apply_to_keypoints(keypoints + shift, **params)  # type: ignore[misc]  # of the library's class
        return moved - shift


class _Covering:
    """Paints over parts of the picture. What is hidden has not gone, so its points stay; the library drops them."""

    def apply_to_keypoints(self, keypoints: NDArray[np.float32], **_: Any) -> NDArray[np.float32]:
        return keypoints


class _Distorting:
    """Takes the pixel at q from the place map(q). The library moves points roughly, and never out of the picture."""

    def apply_to_keypoints(
        self, keypoints: NDArray[np.float32], map_x: NDArray[np.float32], map_y: NDArray[np.float32], **_: Any
    ) -> NDArray[np.float32]:
        return np.column_stack([undistorted(keypoints[:, :2], np.dstack([map_x, map_y])), keypoints[:, 2:]])


def undistorted(points: NDArray[np.float32], sources: NDArray[np.float32]) -> NDArray[np.float64]:
    """The places q that are taken from `points`, by the fixed-point iteration q += point - map(q).

    `sources` has, for each pixel, the place that it is taken from: height x width x 2. Beyond the picture, pixels are
    taken to be shifted as those of its border are.
    """
    found = points.astype(np.float64)
    for _ in range(ROUNDS):
        found += points - _source(found, sources)
    return found


def _source(places: NDArray[np.float64], sources: NDArray[np.float32]) -> NDArray[np.float64]:
    """Where `places` are taken from, interpolated between pixels."""
    last = np.array(sources.shape[1::-1]) - 1
    inside = places.clip(0, last)
    corner = np.minimum(inside.astype(np.int64), np.maximum(last - 1, 0))
    (x, y), (right, below) = corner.T, (inside - corner).T[..., None]
    next_x, next_y = np.minimum(corner + 1, last).T
    upper = sources[y, x] * (1 - right) + sources[y, next_x] * right
    lower = sources[next_y, x] * (1 - right) + sources[next_y, next_x] * right
    found: NDArray[np.float64] = upper * (1 - below) + lower * below + (places - inside)
    return found


def _moving_points_by(mixin: type, *transforms: type) -> dict[str, type]:
    """Subclasses of `transforms` with the `apply_to_keypoints` of `mixin`, by the names of the library."""
    return {each.__name__: type(each.__name__, (mixin, each), {}) for each in transforms}


AS_THEY_ARE = (
    A.Affine, A.CenterCrop, A.Crop, A.D4, A.HorizontalFlip, A.Morphological, A.NoOp, A.Pad,
    A.PadIfNeeded, A.Perspective, A.PixelDropout, A.RandomCrop, A.RandomCropFromBorders, A.RandomRotate90, A.Rotate,
    A.SafeRotate, A.ShiftScaleRotate, A.SquareSymmetry, A.TimeReverse, A.Transpose, A.VerticalFlip,
)  # fmt: skip

MOVING: dict[str, Any] = {
    **{each.__name__: each for each in AS_THEY_ARE},
    **_moving_points_by(
        _Scaling,
        A.CropAndPad,
        A.LongestMaxSize,
        A.RandomResizedCrop,
        A.RandomScale,
        A.RandomSizedCrop,
        A.Resize,
        A.SmallestMaxSize,
    ),
    **_moving_points_by(
        _Covering, A.CoarseDropout, A.Erasing, A.FrequencyMasking, A.GridDropout, A.TimeMasking, A.XYMasking
    ),
    **_moving_points_by(_Distorting, A.ElasticTransform, A.GridDistortion, A.OpticalDistortion, A.PiecewiseAffine),
}
"""The transforms whose points were measured to follow the pixels, by name.

Not here are those that were found not to (GridElasticDeform: by more
than a pixel, ThinPlateSpline: by hundreds), that cut objects into pieces
(RandomGridShuffle), or that need more than an image (Mosaic, RandomSizedBBoxSafeCrop, MaskDropout, ...).
"""
