"""Images and annotations in the size of a model's input, and which of them calibrate and measure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from picsellia_processing import Classification, Image, Polygon, Rectangle, Sample
from picsellia_processing.errors import JobError

sizes = st.integers(8, 300)


@given(width=sizes, height=sizes, to_width=st.integers(32, 200), to_height=st.integers(32, 200), data=st.data())
@settings(deadline=None, max_examples=60)
def test_a_box_lies_on_what_it_lay_on(
    pictures: Any, width: int, height: int, to_width: int, to_height: int, data: Any
) -> None:
    left, top = data.draw(st.integers(0, width - 4)), data.draw(st.integers(0, height - 4))
    right, bottom = data.draw(st.integers(left + 4, width)), data.draw(st.integers(top + 4, height))
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[top:bottom, left:right, 0] = 255
    sample = Sample(Image(pixels), (Rectangle("a", left, top, right - left, bottom - top),))

    shown, (box,) = pictures.letterboxed(sample, to_width, to_height)

    assert shown.shape == (to_height, to_width, 3)
    assert 0 <= box.x < box.x + box.width <= to_width + 0.5
    assert 0 <= box.y < box.y + box.height <= to_height + 0.5
    red = np.float64(shown[..., 0]) * (shown[..., 1] < 100) / 255  # grey edges are 114 in all channels
    middle = (np.arange(to_width) + 0.5, np.arange(to_height) + 0.5)
    if red.sum() > 4:
        assert (red.sum(axis=0) * middle[0]).sum() / red.sum() == pytest.approx(box.x + box.width / 2, abs=1)
        assert (red.sum(axis=1) * middle[1]).sum() / red.sum() == pytest.approx(box.y + box.height / 2, abs=1)


@given(width=sizes, height=sizes, to=st.integers(32, 100))
@settings(deadline=None, max_examples=40)
def test_a_crop_shows_the_middle_undistorted(pictures: Any, width: int, height: int, to: int) -> None:
    """The shorter side is shown whole, and as much of the longer one: brightness is the place along it."""
    place = np.linspace(0, 255, width)[None, :].repeat(height, axis=0)
    pixels = np.ascontiguousarray(place.astype(np.uint8)[..., None].repeat(3, axis=2))

    shown, truth = pictures.cropped(Sample(Image(pixels), (Classification("a"),)), to, to)

    assert shown.shape == (to, to, 3)
    assert truth == (Classification("a"),)
    assert float(shown.mean()) == pytest.approx(127.5, abs=6)
    expected = 255 * min(height / width, 1)
    assert float(shown[0, -1, 0]) - float(shown[0, 0, 0]) == pytest.approx(expected, abs=expected / min(to, width) + 18)


def test_a_polygon_counts_as_the_rectangle_around_it(pictures: Any) -> None:
    outline = Polygon("a", [(1, 2), (5, 2), (3, 8)])
    sample = Sample(Image(np.zeros((10, 10, 3), np.uint8)), (outline, Classification("b")))
    _, truth = pictures.letterboxed(sample, 20, 20)
    assert truth == (Rectangle("a", 2, 4, 8, 12),)


def test_pixels_are_normalised_as_in_training(pictures: Any) -> None:
    pixels = np.zeros((2, 3, 3), np.uint8)
    pixels[..., 1] = 255
    plain = pictures.Normalisation().tensor(pixels)
    assert plain.shape == (1, 3, 2, 3)
    assert plain.dtype == np.float32
    assert plain[0, :, 0, 0].tolist() == [0, 1, 0]
    scaled = pictures.Normalisation((0.5, 0.5, 0.0), (0.25, 0.5, 1.0)).tensor(pixels)
    assert scaled[0, :, 1, 2].tolist() == [-2, 1, 0]


def test_the_order_is_that_of_the_pixels_whatever_the_order_of_arrival(
    pictures: Any, models: Any, samples: Any, context: Any, tmp_path: Path
) -> None:
    model, known = models["detection"], {"circle": "circle", "square": "square"}
    found = []
    for number, given_samples in enumerate((samples["detection"], samples["detection"][::-1])):
        job = context(given_samples)
        job.folder = tmp_path / str(number)
        job.folder.mkdir()
        read = pictures.read_pictures(job, model, known, pictures.Normalisation())
        assert len(job.done) == len(given_samples)
        found.append([(each.file.name, each.truth) for each in read])
    assert found[0] == found[1]
    assert {shape.label for _, truth in found[0] for shape in truth} == {"circle", "square"}


@given(truths=st.lists(st.booleans(), min_size=2, max_size=40), calibration=st.integers(1, 50))
def test_no_picture_both_calibrates_and_measures(pictures: Any, truths: list[bool], calibration: int) -> None:
    all_of_them = [
        pictures.Picture(Path(str(number)), (Classification("a"),) * annotated, pictures.Normalisation())
        for number, annotated in enumerate(truths)
    ]
    if not any(truths[min(calibration, len(truths) // 2) :]):
        with pytest.raises(JobError, match="annotate more images"):
            pictures.split(all_of_them, calibration)
        return
    calibrating, measured = pictures.split(all_of_them, calibration)
    assert 1 <= len(calibrating) <= min(calibration, len(truths) / 2)
    assert not set(calibrating) & set(measured)
    assert all(each.truth for each in measured)
    assert set(all_of_them) - set(calibrating) - set(measured) == {
        each for each in all_of_them if not each.truth
    } - set(calibrating)


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_images_are_refused(pictures: Any, count: int) -> None:
    picture = pictures.Picture(Path("a"), (Classification("a"),), pictures.Normalisation())
    with pytest.raises(JobError, match=f"of {count} images that could be read, 0 are put aside"):
        pictures.split([picture] * count, 64)
