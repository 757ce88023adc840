"""What is measured of a picture, on pictures whose measures are known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image as Pillow
from PIL import ImageFilter

if TYPE_CHECKING:
    from types import ModuleType

PICTURES = arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(3)))
NO_LIMITS = dict.fromkeys(
    (
        "dark_below",
        "bright_above",
        "low_contrast_below",
        "blurred_below",
        "greyscale_below",
        "small_below",
        "elongated_above",
    )
)


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@given(level=st.integers(0, 255), height=st.integers(1, 30), width=st.integers(1, 30))
def test_a_picture_of_one_grey(quality: ModuleType, level: int, height: int, width: int) -> None:
    pixels = np.full((height, width, 3), level, np.uint8)
    assert quality.measure(pixels) == (level, 0, 0, 0, width, height)


@given(pixels=PICTURES)
def test_measures_are_finite_and_in_range(quality: ModuleType, pixels: np.ndarray) -> None:
    measured = quality.measure(pixels)
    assert np.isfinite(measured).all()
    assert 0 <= measured.brightness <= 255
    assert 0 <= measured.contrast <= 127.5
    assert 0 <= measured.coloured <= 1
    assert measured.sharpness >= 0
    assert (measured.height, measured.width) == pixels.shape[:2]


@given(pixels=PICTURES)
def test_turning_a_picture_changes_no_measure(quality: ModuleType, pixels: np.ndarray) -> None:
    measured = quality.measure(pixels)
    turned = quality.measure(np.ascontiguousarray(np.rot90(pixels)))
    assert turned[:4] == pytest.approx(measured[:4])
    assert (turned.width, turned.height) == (measured.height, measured.width)


def test_the_laplacian_of_a_single_white_pixel(quality: ModuleType) -> None:
    pixels = np.zeros((5, 5, 3), np.uint8)
    pixels[2, 2] = 255
    laplacian = np.array([[0, 255, 0], [255, -4 * 255, 255], [0, 255, 0]])
    assert quality.measure(pixels).sharpness == pytest.approx(laplacian.var())


def test_sharpness_falls_with_blur_and_not_with_light(quality: ModuleType) -> None:
    sharp = Pillow.fromarray(noise(60, 80))
    measured = [
        quality.measure(np.array(sharp.filter(ImageFilter.GaussianBlur(radius)))).sharpness for radius in (0, 1, 3)
    ]
    assert measured == sorted(measured, reverse=True)
    dark = quality.measure(np.array(sharp.point(lambda level: level // 4)))
    assert dark.brightness < 40
    assert dark.sharpness == pytest.approx(measured[0], rel=0.1)


def test_grey_stays_grey_through_compression_and_one_red_corner_does_not(quality: ModuleType) -> None:
    pixels = np.full((100, 100, 3), 120, np.uint8)
    pixels[..., 0] += 10  # a cast that nobody sees
    assert quality.measure(pixels).coloured == 0
    pixels[:10, :10] = (200, 0, 0)
    assert quality.measure(pixels).coloured == 0.01


def test_large_pictures_are_measured_at_one_size(quality: ModuleType) -> None:
    small = noise(512, 1024)
    large = small.repeat(4, axis=0).repeat(4, axis=1)
    assert quality.measure(large)[:4] == pytest.approx(quality.measure(small)[:4], rel=0.01)
    assert quality.measure(large)[4:] == (4096, 2048)


@pytest.mark.parametrize(
    ("limit", "just", "word"),
    [
        ("dark_below", 100.0, "dark"),
        ("bright_above", 100.0, "bright"),
        ("low_contrast_below", 30.0, "low contrast"),
        ("blurred_below", 70.0, "blurred"),
        ("greyscale_below", 0.5, "greyscale"),
        ("small_below", 20, "small"),
        ("elongated_above", 2.0, "elongated"),
    ],
)
def test_a_limit_itself_is_within_and_none_is_no_limit(quality: ModuleType, limit: str, just: Any, word: str) -> None:
    measured = quality.Quality(100.0, 30.0, 70.0, 0.5, 40, 20)
    beyond = just + 0.01 if limit.endswith("below") else just - 0.01
    assert quality.verdicts(measured, NO_LIMITS) == []
    assert quality.verdicts(measured, NO_LIMITS | {limit: just}) == []
    assert quality.verdicts(measured, NO_LIMITS | {limit: beyond}) == [word]
