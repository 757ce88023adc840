"""Every pixel and every annotation of an image is found again, at its place, in its tiles."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from picsellia_processing import Classification, Image, Keypoints, Line, Mask, Point, Polygon, Rectangle, Sample, Shape
from picsellia_processing.errors import ParameterError
from picsellia_processing.geometry import fit
from picsellia_processing.parameters import resolve
from PIL import Image as Pillow
from PIL import ImageDraw

if TYPE_CHECKING:
    from types import ModuleType

EDGES = ("pad", "drop", "shift")


@st.composite
def cases(draw: st.DrawFn, edges: tuple[str, ...] = EDGES) -> dict[str, Any]:
    width, height = draw(st.integers(1, 90)), draw(st.integers(1, 90))
    edge = draw(st.sampled_from(edges))
    tile_width = draw(st.integers(1, width if edge == "drop" else 100))
    tile_height = draw(st.integers(1, height if edge == "drop" else 100))
    overlap = draw(st.integers(0, min(tile_width, tile_height) - 1))
    # Few enough tiles for a test: a tile that moves on by a pixel makes as many as there are pixels.
    if (width // (tile_width - overlap) + 1) * (height // (tile_height - overlap) + 1) > 200:
        overlap, tile_width, tile_height = 0, max(tile_width, width // 8, 1), max(tile_height, height // 8, 1)
    options = {"tile_width": tile_width, "tile_height": tile_height, "overlap": overlap, "edge": edge}
    return {"size": (width, height), "options": options}


def random_pixels(width: int, height: int) -> np.ndarray:
    return np.random.default_rng(width * 1000 + height).integers(1, 256, (height, width, 3), dtype=np.uint8)


def tiles_of(
    processing: ModuleType, case: dict[str, Any], shapes: tuple[Shape, ...] = (), **options: Any
) -> list[tuple[int, int, Sample]]:
    """The tiles with their places, as their names tell them."""
    sample = Sample(Image(random_pixels(*case["size"]), "photo.png"), shapes)
    parameters = processing.TilerParameters(**case["options"], **options)
    found = []
    for tile in processing.tile(sample, parameters):
        stem, x, y = tile.image.filename.removesuffix(".png").rsplit("-", 2)
        assert (stem, x[0], y[0]) == ("photo", "x", "y")
        assert tile.image.pixels.shape == (parameters.tile_height, parameters.tile_width, 3)
        found.append((int(x[1:]), int(y[1:]), tile))
    return found


def covered(case: dict[str, Any], tiles: list[tuple[int, int, Sample]]) -> np.ndarray:
    width, height = case["size"]
    mask = np.zeros((height, width), bool)
    for x, y, tile in tiles:
        mask[y : y + tile.image.height, x : x + tile.image.width] = True
    return mask


@given(case=cases())
def test_every_pixel_is_found_again_at_its_place(processing: ModuleType, case: dict[str, Any]) -> None:
    width, height = case["size"]
    source = random_pixels(width, height)
    tiles = tiles_of(processing, case)
    assert len({tile.image.filename for _, _, tile in tiles}) == len(tiles)
    for x, y, tile in tiles:
        part = source[y : y + tile.image.height, x : x + tile.image.width]
        assert (tile.image.pixels[: part.shape[0], : part.shape[1]] == part).all()
        outside = tile.image.pixels.copy()
        outside[: part.shape[0], : part.shape[1]] = 0
        assert not outside.any(), "padding is black"
        if case["options"]["edge"] != "pad" and width >= tile.image.width and height >= tile.image.height:
            assert part.shape == tile.image.pixels.shape, "only pad makes tiles that reach out of the image"
    there = covered(case, tiles)
    if case["options"]["edge"] == "drop":
        step = case["options"]["tile_width"] - case["options"]["overlap"]
        assert there[:, : width - step + 1].any()
        assert width - there.any(axis=0).sum() < step, "a whole tile would have fitted"
    else:
        assert there.all()


@st.composite
def boxes(draw: st.DrawFn, width: int, height: int) -> tuple[int, int, int, int]:
    x, y = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    return x, y, draw(st.integers(1, width - x)), draw(st.integers(1, height - y))


@given(data=st.data(), case=cases())
def test_every_rectangle_is_found_again(processing: ModuleType, data: st.DataObject, case: dict[str, Any]) -> None:
    x, y, w, h = data.draw(boxes(*case["size"]))
    tiles = tiles_of(processing, case, (Rectangle("a", x, y, w, h),))
    found = np.zeros(case["size"][::-1], bool)
    for left, top, tile in tiles:
        for shape in tile.annotations:
            part = fit(shape, tile.image.width, tile.image.height)
            assert isinstance(part, Rectangle)
            found[top + part.y : top + part.y + part.height, left + part.x : left + part.x + part.width] = True
    expected = np.zeros_like(found)
    expected[y : y + h, x : x + w] = True
    assert (found == (expected & covered(case, tiles))).all()


@given(data=st.data(), case=cases())
def test_every_mask_is_found_again(processing: ModuleType, data: st.DataObject, case: dict[str, Any]) -> None:
    width, height = case["size"]
    mask = np.random.default_rng(data.draw(st.integers(0, 1000))).random((height, width)) > 0.7
    tiles = tiles_of(processing, case, (Mask("a", mask),))
    found = np.zeros_like(mask)
    for x, y, tile in tiles:
        for shape in tile.annotations:
            assert isinstance(shape, Mask)
            assert shape.pixels.any()
            part = shape.pixels[: height - y, : width - x]
            found[y : y + part.shape[0], x : x + part.shape[1]] |= part
    assert (found == (mask & covered(case, tiles))).all()


@given(data=st.data(), case=cases(edges=("pad", "shift")))
def test_every_point_is_found_again(processing: ModuleType, data: st.DataObject, case: dict[str, Any]) -> None:
    width, height = case["size"]
    x, y = data.draw(st.integers(0, width)), data.draw(st.integers(0, height))
    shapes = (Point("a", x, y), Keypoints("a", [(x, y, 2), (0, 0, 0)]), Classification("c"))
    tiles = tiles_of(processing, case, shapes)
    seen = [(left, top, shape) for left, top, tile in tiles for shape in tile.annotations]
    points = [(left + shape.x, top + shape.y) for left, top, shape in seen if isinstance(shape, Point)]
    assert points
    assert set(points) == {(x, y)}
    keypoints = [(left, top, shape.points) for left, top, shape in seen if isinstance(shape, Keypoints)]
    assert {(left + place[0][0], top + place[0][1], place[1]) for left, top, place in keypoints} == {(x, y, (0, 0, 0))}
    assert sum(isinstance(shape, Classification) for _, _, shape in seen) == len(tiles)


@settings(max_examples=60)
@given(data=st.data(), case=cases(edges=("pad", "shift")))
def test_every_triangle_is_found_again(processing: ModuleType, data: st.DataObject, case: dict[str, Any]) -> None:
    width, height = case["size"]
    corners = [(data.draw(st.integers(0, width)), data.draw(st.integers(0, height))) for _ in range(3)]
    (x1, y1), (x2, y2), (x3, y3) = corners
    whole = abs((x2 - x1) * (y3 - y1) - (x3 - x1) * (y2 - y1)) / 2
    tiles = tiles_of(processing, {**case, "options": {**case["options"], "overlap": 0}}, (Polygon("a", corners),))
    if whole == 0:
        assert not any(tile.annotations for _, _, tile in tiles)
        return
    for left, top, tile in tiles:
        for shape in tile.annotations:
            assert isinstance(shape, Polygon)
            assert [(px + left, py + top) for px, py in shape.points] == corners
    assert any(tile.annotations for _, _, tile in tiles)


@given(
    corners=st.lists(st.tuples(st.integers(-20, 60), st.integers(-20, 60)), min_size=3, max_size=3, unique=True),
)
def test_the_visible_share_is_that_of_the_pixels(processing: ModuleType, tiling: ModuleType, corners: Any) -> None:
    """Measured against a drawing, eight times as fine."""
    scale, side, margin = 8, 40, 20
    canvas = Pillow.new("1", ((side + 2 * margin) * scale,) * 2)
    ImageDraw.Draw(canvas).polygon([((x + margin) * scale, (y + margin) * scale) for x, y in corners], fill=1)
    drawn = np.asarray(canvas)
    inside = drawn[margin * scale : (margin + side) * scale, margin * scale : (margin + side) * scale]
    share = tiling._visible_share(Polygon("a", corners), tiling.Window(0, 0, side, side))
    if drawn.sum() > 30_000:
        assert share == pytest.approx(inside.sum() / drawn.sum(), abs=0.05)


def test_what_is_hardly_visible_is_left_out(processing: ModuleType) -> None:
    case = {"size": (80, 40), "options": {"tile_width": 40, "tile_height": 40}}
    shapes = (
        Rectangle("a", 32, 0, 10, 10),
        Polygon("b", [(32, 0), (42, 0), (42, 10), (32, 10)]),
        Line("c", [(32, 5), (42, 5)]),
        Keypoints("d", [(33, 5, 2), (34, 5, 2), (35, 5, 1), (36, 5, 2), (42, 5, 2)]),
    )
    (_, _, left), (_, _, right) = tiles_of(processing, case, shapes, min_visible=0.21)
    assert [shape.label for shape in left.annotations] == ["a", "b", "c", "d"]
    assert [shape.label for shape in right.annotations] == []
    (_, _, left), (_, _, right) = tiles_of(processing, case, shapes, min_visible=0.2)
    assert [shape.label for shape in right.annotations] == ["a", "b", "c", "d"]
    assert right.annotations[0] == replace(shapes[0], x=-8)


def test_tiles_larger_than_the_image_are_refused_where_edges_are_dropped(processing: ModuleType) -> None:
    case = {"size": (80, 40), "options": {"tile_width": 40, "tile_height": 41, "edge": "drop"}}
    with pytest.raises(ValueError, match="the image is 80 x 40, smaller than a tile of 40 x 41"):
        tiles_of(processing, case)


@pytest.mark.parametrize(
    ("given_parameters", "reason"),
    [
        ({"tile_width": 64, "tile_height": 32, "overlap": 32}, "overlap is 32, but a tile is 64 x 32; expected less"),
        ({"tile_width": 0}, "tile_width: input should be greater than or equal to 1"),
        ({"edge": "crop"}, "edge: input should be 'pad', 'drop' or 'shift'"),
        ({"min_visible": 1.5}, "min_visible: input should be less than or equal to 1"),
        ({"tile": 64}, "tile: there is no such parameter"),
    ],
)
def test_bad_parameters_are_refused(processing: ModuleType, given_parameters: dict[str, Any], reason: str) -> None:
    with pytest.raises(ParameterError, match=reason):
        resolve([processing.TilerParameters], given_parameters, {})
