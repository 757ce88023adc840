"""What is remembered of an image while it waits for the decision: about a kilobyte."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from near_hashes import difference_hash
from PIL import Image as Pillow

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from picsellia_processing import Sample
    from picsellia_processing.image import AssetReference

SIDE = 512
"""The longer side, in pixels, that an image is measured at: figures of photos of different sizes compare."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An image as measured.

    Attributes:
        asset: the image on the platform.
        width: of the picture as one sees it, in pixels.
        height: likewise.
        brightness: the mean grey level, 0 to 255.
        sharpness: the variance of the Laplacian; low where nothing has a sharp edge.
        hash: the difference hash, 128 bits.
        classes: the names of the labels on it, sorted.
    """

    asset: AssetReference
    width: int
    height: int
    brightness: float
    sharpness: float
    hash: int
    classes: tuple[str, ...]


def measure(sample: Sample) -> Candidate:
    """Measure an image of the Job."""
    image = sample.image
    assert image.asset is not None
    grey = small_grey(image.pixels)
    return Candidate(
        asset=replace(image.asset, url=None),  # the URL is long, and expires
        width=image.width,
        height=image.height,
        brightness=float(grey.mean()),
        sharpness=sharpness(grey),
        hash=difference_hash(grey),
        classes=tuple(sorted({shape.label for shape in sample.annotations})),
    )


def rank(candidate: Candidate) -> tuple[float, float, str, str]:
    """The better first: more pixels, then sharper. File name and id decide the rest, never the order of arrival."""
    area = candidate.width * candidate.height
    return -area, -candidate.sharpness, candidate.asset.filename, candidate.asset.id


def small_grey(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture in grey levels, made smaller where a side is longer than `SIDE`."""
    picture = Pillow.fromarray(pixels)
    picture.thumbnail((SIDE, SIDE), Pillow.Resampling.BOX, reducing_gap=2)
    return np.asarray(picture.convert("L"))


def sharpness(grey: NDArray[np.uint8]) -> float:
    """The variance of the Laplacian (Pech-Pacheco et al. 2000), 0 for what is smaller than 3 x 3."""
    if min(grey.shape) < 3:  # noqa: PLR2004 - a pixel and its neighbours
        return 0.0
    levels = grey.astype(np.float32)
    neighbours = levels[:-2, 1:-1] + levels[2:, 1:-1] + levels[1:-1, :-2] + levels[1:-1, 2:]
    return float((neighbours - 4 * levels[1:-1, 1:-1]).var(dtype=np.float64))
