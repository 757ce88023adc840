from __future__ import annotations

import io
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import simplejpeg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from picsellia_processing.errors import AssetError, SkipAsset
from picsellia_processing.stream.decode import MAX_PIXELS, Decoded, decode
from PIL import Image, ImageOps

from .bad_images import (
    STORED_AS,
    BadImage,
    Decodes,
    Refused,
    bad_images,
    chunk,
    exif_block,
    picture_pixels,
    png,
    rows,
    saved,
)

TOLERANCE = 4  # levels, of what lossy formats make of a plain colour


@pytest.mark.parametrize("bad", bad_images(), ids=lambda bad: bad.name)
def test_every_kind_of_file(bad: BadImage, capfd: pytest.CaptureFixture[str]) -> None:
    if isinstance(bad.outcome, Refused):
        with pytest.raises(AssetError) as caught:
            decode(bad.data)
        assert bad.outcome.reason in str(caught.value)
        assert not isinstance(caught.value, SkipAsset)
        assert len(str(caught.value)) < 200
        assert "\n" not in str(caught.value)
    else:
        check_decoded(decode(bad.data), bad.outcome)
    assert capfd.readouterr() == ("", "")


def check_decoded(decoded: Decoded, expected: Decodes) -> None:
    pixels = decoded.pixels
    assert pixels.shape == (expected.height, expected.width, 3)
    assert pixels.dtype == np.uint8
    assert pixels.flags.c_contiguous
    assert pixels.flags.writeable
    assert decoded.orientation == expected.orientation
    stored = (expected.width, expected.height) if expected.orientation < 5 else (expected.height, expected.width)
    assert (decoded.stored_width, decoded.stored_height) == stored
    if expected.corners is not None:
        found = [pixels[at_y, at_x] for at_y in (0, -1) for at_x in (0, -1)]
        np.testing.assert_allclose(np.array(found, int), np.array(expected.corners), atol=TOLERANCE)


def test_names_of_bad_images_are_unique_and_many() -> None:
    names = [bad.name for bad in bad_images()]
    assert len(set(names)) == len(names) > 150


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "JPEG"])
def test_orientation_is_what_another_reader_makes_of_it(orientation: int, kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    pixels = np.random.default_rng(0).integers(0, 255, (31, 47, 3), np.uint8)
    data = saved(Image.fromarray(pixels), kind, exif=exif, **({"lossless": True} if kind == "WEBP" else {}))
    decoded = decode(data)
    with Image.open(io.BytesIO(data)) as image:
        np.testing.assert_array_equal(decoded.pixels, np.asarray(ImageOps.exif_transpose(image).convert("RGB")))
    assert decoded.orientation == orientation
    assert (decoded.stored_width, decoded.stored_height) == (47, 31)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_stored_turned_comes_out_upright(orientation: int) -> None:
    stored = np.asarray(STORED_AS[orientation](Image.fromarray(picture_pixels())))
    height, width, _ = stored.shape
    data = png(rows(stored), width, height, 8, 2, chunk(b"eXIf", exif_block(orientation)[6:]))
    np.testing.assert_array_equal(decode(data).pixels, picture_pixels())


@pytest.mark.parametrize("sampling", ["4:4:4", "4:2:2", "4:2:0"])
def test_both_jpeg_decoders_agree(sampling: str) -> None:
    pixels = np.random.default_rng(1).integers(0, 255, (61, 83, 3), np.uint8)
    data = saved(Image.fromarray(pixels), "JPEG", quality=80, subsampling=sampling)
    with Image.open(io.BytesIO(data)) as image:
        np.testing.assert_array_equal(decode(data).pixels, np.asarray(image))


def test_a_plain_jpeg_needs_no_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules["picsellia_processing.stream.decode"]._READERS, "JPEG")
    assert decode(saved(Image.new("RGB", (8, 8)), "JPEG")).pixels.shape == (8, 8, 3)


def test_a_format_this_pillow_cannot_read_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules["picsellia_processing.stream.decode"]._READERS, "AVIF", raising=False)
    with pytest.raises(AssetError, match="AVIF is not supported by the Pillow that is installed"):
        decode(b"\0\0\0\x20ftypavif" + bytes(99))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "JPEG2000", "PPM"])
def test_max_pixels_is_the_last_size_allowed(kind: str) -> None:
    data = saved(Image.new("RGB", (20, 30)), kind)
    assert decode(data, max_pixels=600).pixels.shape == (30, 20, 3)
    with pytest.raises(AssetError, match="too large: 20 x 30 is 600 pixels, more than the 599 allowed"):
        decode(data, max_pixels=599)


def test_max_pixels_may_exceed_the_limit_pillow_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert decode(saved(Image.new("RGB", (20, 30)), "PNG")).pixels.shape == (30, 20, 3)
    assert MAX_PIXELS == 2 * 89_478_485


def test_running_out_of_memory_costs_the_asset_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def decode_jpeg(*args: object, **options: object) -> None:
        raise MemoryError

    monkeypatch.setattr(simplejpeg, "decode_jpeg", decode_jpeg)
    with pytest.raises(AssetError, match="not enough memory to decode this JPEG"):
        decode(saved(Image.new("RGB", (8, 8)), "JPEG"))


def test_many_threads_at_once_get_what_one_gets() -> None:
    images = bad_images()
    alone = [outcome(bad.data) for bad in images]
    start = threading.Barrier(4)

    def all_of_them(_: int) -> list[object]:
        start.wait()
        return [outcome(bad.data) for bad in images]

    with ThreadPoolExecutor(4) as pool:
        assert all(found == alone for found in pool.map(all_of_them, range(4)))


def outcome(data: bytes) -> object:
    try:
        decoded = decode(data)
    except AssetError as error:
        return str(error)
    return decoded.pixels.tobytes(), decoded.pixels.shape, decoded.orientation


def test_nothing_is_written_to_stderr_where_nothing_is_set_up() -> None:
    """In a process without pytest, which catches logging, and with every warning an error."""
    program = """if True:
        from bad_images import bad_images
        from picsellia_processing.errors import AssetError
        from picsellia_processing.stream.decode import decode
        for bad in bad_images():
            try:
                decode(bad.data)
            except AssetError:
                pass
        print(len(bad_images()))
    """
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{len(bad_images())}\n", "")


def test_warnings_of_others_are_left_alone() -> None:
    decode(saved(Image.new("RGB", (8, 8)), "PNG"))
    decode(saved(Image.new("RGB", (8, 8)), "PNG"))
    with pytest.warns(UserWarning, match="mine"):
        warnings.warn("mine", UserWarning, stacklevel=1)


WHOLE = [bad.data for bad in bad_images() if isinstance(bad.outcome, Decodes) and "tiff compressed" not in bad.name]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.sampled_from(WHOLE), draw=st.data())
def test_damage_never_raises_anything_but_asset_error(data: bytes, draw: st.DataObject) -> None:
    damaged = bytearray(data[: draw.draw(st.integers(0, len(data)))])
    for position in draw.draw(st.lists(st.integers(0, max(len(damaged) - 1, 0)), max_size=4)):
        damaged[position : position + 1] = draw.draw(st.binary(max_size=4))
    try:
        decoded = decode(bytes(damaged), max_pixels=1_000_000)
    except AssetError:
        return
    assert decoded.pixels.dtype == np.uint8
    assert decoded.pixels.shape[2] == 3
    assert decoded.pixels.size <= 3_000_000
