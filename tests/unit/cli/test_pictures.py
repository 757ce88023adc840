from __future__ import annotations

import base64
import io
from itertools import pairwise

import pytest
from picsellia_processing.annotation import Rectangle
from picsellia_processing.cli.pictures import LONGEST_SIDE, load_pictures, spread
from picsellia_processing.errors import AssetError
from PIL import Image

from tests.unit.cli.states import HEIGHT, SHAPES, WIDTH, asset, file


@pytest.mark.parametrize("total", [0, 1, 5, 6, 7, 60, 1000])
def test_a_spread_is_in_order_even_and_bounded(total):
    names = [asset(f"{number:04}") for number in range(total)]
    chosen = spread(names, 6)
    assert len(chosen) == min(total, 6)
    positions = [names.index(each) for each in chosen]
    assert positions == sorted(set(positions))
    if total > 6:
        steps = {after - before for before, after in pairwise(positions)}
        assert max(steps) - min(steps) <= 1


def load(content: bytes, *shapes, max_bytes=10**6, max_shapes=100):
    return load_pictures([asset("a", *shapes)], lambda _: content, max_bytes=max_bytes, max_shapes=max_shapes)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize(("orientation", "box"), [(1, (1, 2, 10, 5)), (3, (29, 23, 10, 5)), (6, (23, 1, 5, 10))])
def test_a_picture_stands_upright_with_its_shapes(kind, orientation, box):
    (picture,) = load(file(orientation, kind), SHAPES[0])
    upright = (HEIGHT, WIDTH) if orientation == 6 else (WIDTH, HEIGHT)
    assert (picture.width, picture.height) == upright
    assert picture.orientation == orientation
    assert Image.open(io.BytesIO(base64.b64decode(picture.jpeg))).size == upright
    assert picture.shapes == (Rectangle("cat", *box, 0.75),)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_large_picture_becomes_small_and_keeps_its_frame(kind):
    (picture,) = load(file(1, kind, (4000, 2000)))
    assert (picture.width, picture.height) == (4000, 2000)
    assert Image.open(io.BytesIO(base64.b64decode(picture.jpeg))).size == (LONGEST_SIDE, LONGEST_SIDE // 2)


@pytest.mark.parametrize("content", [b"", b"<html>", file()[:300], file(1, "PNG")[:60]])
def test_what_cannot_be_decoded_is_left_out(content):
    assert load(content, SHAPES[0]) == []


def test_what_cannot_be_fetched_is_left_out():
    def fetch(reference):
        if reference.filename == "gone":
            raise AssetError("404")
        return file()

    pictures = load_pictures([asset("gone"), asset("there")], fetch, max_bytes=10**6, max_shapes=1)
    assert [picture.asset.reference.filename for picture in pictures] == ["there"]


def test_an_odd_orientation_counts_as_none():
    (picture,) = load(file(9))
    assert (picture.width, picture.height) == (WIDTH, HEIGHT)


def test_bytes_and_shapes_are_bounded():
    assert load(file(), max_bytes=10) == []
    (picture,) = load(file(), *SHAPES, max_shapes=2)
    assert len(picture.shapes) == 2
