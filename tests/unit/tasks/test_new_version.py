"""What a task that fills a DatasetVersion refuses, and how new images are named and encoded."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import picsellia_processing as px
import pytest
from hypothesis import given
from hypothesis import strategies as st
from picsellia_processing import Image, JobContext, Rectangle, Sample, data_augmentation
from picsellia_processing.errors import AssetError, DefinitionError, ResultError
from picsellia_processing.image import AssetReference
from picsellia_processing.tasks.encoding import Encoder, check_pixels, encode, suffix_like
from picsellia_processing.tasks.file_names import FileNames
from PIL import Image as Pillow

SOURCE = AssetReference("asset", "photo.jpg", data_id="data")


def test_what_may_be_returned() -> None:
    def one(image: Image) -> Sample: ...
    def many(image: Image) -> list[Sample]: ...
    def perhaps(sample: Sample) -> Sample | None: ...
    def batches(samples: list[Sample]) -> list[list[Sample] | Sample | None]: ...
    def drives(context: JobContext) -> None: ...
    def unsaid(image: Image): ...

    for function in (one, many, perhaps, batches, drives, unsaid):
        data_augmentation(function).check()


def test_what_may_not() -> None:
    def boxes(image: Image) -> list[Rectangle]: ...
    def single(samples: list[Sample]) -> Sample: ...
    def nothing(parameters: px.AugmentationParameters) -> None: ...
    def text(image: Image) -> str: ...

    expected: dict[Callable[..., Any], str] = {
        boxes: "it returns Rectangle; expected what becomes of each image: a Sample, several, or None",
        single: "it returns Sample; expected a list with what becomes of each image",
        nothing: "no images to work on; ask for the images",
        text: "it returns str; expected",
    }
    for function, reason in expected.items():
        with pytest.raises(DefinitionError, match=reason):
            data_augmentation(function).check()


def test_names_say_source_variant_output_and_parameters() -> None:
    names = FileNames("output", {"angle": 3})
    image = Image(np.zeros((1, 1, 3), np.uint8))
    first = names.of(SOURCE, image, 1)
    assert first.startswith("photo-1-")
    assert first.endswith(".jpg")
    assert first == FileNames("output", {"angle": 3}).of(SOURCE, image, 1)
    others = [
        names.of(SOURCE, image, 2),
        names.of(AssetReference("asset", "photo.jpg", data_id="another"), image, 1),
        FileNames("output", {"angle": 4}).of(SOURCE, image, 1),
        FileNames("another", {"angle": 3}).of(SOURCE, image, 1),
    ]
    assert len({first, *others}) == 5


@pytest.mark.parametrize(
    ("given_name", "start", "suffix"),
    [("tile_0_0.png", "tile_0_0-", ".png"), ("tile", "tile-", ".jpg"), ("photo.jpg", "photo-3-", ".jpg")],
)
def test_an_author_may_name_an_image(given_name: str, start: str, suffix: str) -> None:
    name = FileNames("output", {}).of(SOURCE, Image(np.zeros((1, 1, 3), np.uint8), given_name), 3)
    assert name.startswith(start)
    assert name.endswith(suffix)


@given(st.text(max_size=300), st.text(max_size=300))
def test_a_name_is_one_short_part_of_a_path(source: str, named: str) -> None:
    reference = AssetReference("asset", source, data_id="data")
    name = FileNames("output", {}).of(reference, Image(np.zeros((1, 1, 3), np.uint8), named), 1)
    assert Path(name).name == name
    assert "\0" not in name
    assert len(name.encode()) <= 255
    assert name.isprintable()


def test_suffixes() -> None:
    names = ["a.JPG", "a.jpeg", "a.png", "a.tiff", "a", "a.webp"]
    assert [suffix_like(name) for name in names] == [".jpg", ".jpeg", ".png", ".png", ".png", ".png"]


def test_png_is_lossless_and_jpeg_close() -> None:
    ramp = np.linspace(0, 255, 64 * 48, dtype=np.uint8).reshape(48, 64, 1).repeat(3, axis=2)
    for suffix, tolerance in ((".png", 0), (".jpg", 3)):
        with Pillow.open(io.BytesIO(encode(ramp, suffix))) as image:
            difference = np.abs(np.asarray(image).astype(int) - ramp)
        assert difference.max() <= tolerance
        assert encode(ramp, suffix) == encode(ramp, suffix)


def test_a_picture_too_wide_for_its_format_is_one_asset_that_cannot_be_written() -> None:
    with pytest.raises(AssetError, match="66,000 x 2 cannot be stored"):
        encode(np.zeros((2, 66_000, 3), np.uint8), ".jpg")


def test_what_is_handed_over_may_be_changed_afterwards(tmp_path: Path) -> None:
    encoder = Encoder(tmp_path)
    pixels = np.zeros((200, 200, 3), np.uint8)
    futures = []
    for number in range(20):
        pixels[:] = number
        futures.append(encoder.submit(pixels[:, ::-1], f"{number}.png"))
    for number, future in enumerate(futures):
        with Pillow.open(future.result()) as image:
            assert np.unique(np.asarray(image)).tolist() == [number]


@pytest.mark.parametrize(
    ("pixels", "found"),
    [
        (np.zeros((4, 5)), "4 x 5 of float64"),
        (np.zeros((4, 5, 4), np.uint8), "4 x 5 x 4 of uint8"),
        (np.zeros((0, 5, 3), np.uint8), "0 x 5 x 3 of uint8"),
        ([1, 2], "list \\[1, 2\\]"),
    ],
)
def test_pixels_that_are_none(pixels: Any, found: str) -> None:
    with pytest.raises(ResultError, match=f"the pixels of x are height x width x 3 of uint8, RGB; found {found}"):
        check_pixels(pixels, "x")
