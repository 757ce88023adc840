"""What can be measured of a picture without a model, and the words for what stands out."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image, ImageOps

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

LONGEST_SIDE = 1024
"""Larger pictures are reduced to it before they are measured, so that cameras of any resolution compare."""

_COLOURED = 16
"""So many levels lie between the channels of a pixel that counts as coloured; compression alone stays below."""


class Quality(NamedTuple):
    """The measures of one picture.

    Attributes:
        brightness: the mean grey level (luma of ITU-R 601), from 0, black, to 255, white.
        contrast: the standard deviation of the grey levels.
        sharpness: the variance of the Laplacian (Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy",
            ICPR 2000) of the grey levels, stretched to 0..255 so that a dark picture is not taken for a blurred one.
        coloured: the share of pixels, 0 to 1, whose channels differ.
        width: pixels.
        height: pixels.
    """

    brightness: float
    contrast: float
    sharpness: float
    coloured: float
    width: int
    height: int


def measure(pixels: NDArray[np.uint8]) -> Quality:
    """The quality of a picture (height x width x 3, RGB)."""
    height, width = pixels.shape[:2]
    picture = Image.fromarray(pixels)
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.BOX)
    grey = picture.convert("L")
    levels = np.asarray(grey)
    return Quality(
        brightness=float(levels.mean()),
        contrast=float(levels.std()),
        sharpness=laplacian_variance(np.asarray(ImageOps.autocontrast(grey))),
        coloured=coloured_share(np.asarray(picture)),
        width=width,
        height=height,
    )


def laplacian_variance(grey: NDArray[np.uint8]) -> float:
    """The variance of the four-neighbour Laplacian inside a picture; 0 where it has no inside."""
    levels = grey.astype(np.int16)
    around = levels[:-2, 1:-1] + levels[2:, 1:-1] + levels[1:-1, :-2] + levels[1:-1, 2:]
    laplacian = around - 4 * levels[1:-1, 1:-1]
    return float(laplacian.var()) if laplacian.size else 0.0


def coloured_share(pixels: NDArray[np.uint8]) -> float:
    """The share of pixels, 0 to 1, that are visibly not grey."""
    red, green, blue = (pixels[..., channel] for channel in range(3))
    highest, lowest = np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue)
    return float((highest - lowest > _COLOURED).mean())


def verdicts(quality: Quality, limits: Mapping[str, float | None]) -> list[str]:
    """The words for what is below or above its limit; a limit that is None is not looked at.

    `limits` has the keys `dark_below`, `bright_above`, `low_contrast_below`, `blurred_below`, `greyscale_below`,
    `small_below` and `elongated_above`.
    """
    shorter, longer = sorted((quality.width, quality.height))
    found = {
        "dark": _below(quality.brightness, limits["dark_below"]),
        "bright": _above(quality.brightness, limits["bright_above"]),
        "low contrast": _below(quality.contrast, limits["low_contrast_below"]),
        "blurred": _below(quality.sharpness, limits["blurred_below"]),
        "greyscale": _below(quality.coloured, limits["greyscale_below"]),
        "small": _below(shorter, limits["small_below"]),
        "elongated": _above(longer / shorter, limits["elongated_above"]),
    }
    return [word for word, applies in found.items() if applies]


def _below(value: float, limit: float | None) -> bool:
    return limit is not None and value < limit


def _above(value: float, limit: float | None) -> bool:
    return limit is not None and value > limit
