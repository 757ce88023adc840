from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from picsellia_processing.annotation import Classification, Keypoints, Line, Mask, Point, Polygon, Rectangle, Shape
from picsellia_processing.errors import AssetError
from picsellia_processing.geometry import DegenerateShape, decode_rle, encode_rle, fit, orient, to_oriented, to_stored

from .bad_shapes import BadShape, bad_shapes

WIDTH, HEIGHT = 100, 80

coordinates = st.floats(-300, 300)
grid_x, grid_y = st.integers(0, WIDTH), st.integers(0, HEIGHT)
points = st.tuples(coordinates, coordinates)
grid_points = st.tuples(grid_x, grid_y)


def labelled(point: st.SearchStrategy[tuple[float, float]]) -> st.SearchStrategy[tuple[float, float, int]]:
    return st.tuples(point, st.sampled_from([1, 2])).map(lambda drawn: (*drawn[0], drawn[1]))


def shapes(point: st.SearchStrategy, size: st.SearchStrategy, mask: st.SearchStrategy) -> st.SearchStrategy[Shape]:
    return st.one_of(
        st.tuples(point, size, size).map(lambda drawn: Rectangle("a", *drawn[0], *drawn[1:])),
        st.lists(point, min_size=3, max_size=12).map(lambda drawn: Polygon("a", drawn)),
        st.lists(point, min_size=2, max_size=12).map(lambda drawn: Line("a", drawn)),
        point.map(lambda drawn: Point("a", *drawn)),
        st.lists(labelled(point), min_size=1, max_size=5).map(lambda drawn: Keypoints("a", drawn)),
        mask.map(lambda drawn: Mask("a", drawn)),
        st.just(Classification("a", 0.5)),
    )


masks = arrays.arrays(bool, (HEIGHT, WIDTH), fill=st.booleans())
any_shapes = shapes(points, st.floats(1e-3, 400), masks)


def same(first: Shape, second: Shape) -> bool:
    if isinstance(first, Mask) and isinstance(second, Mask):
        return first.label == second.label and np.array_equal(first.pixels, second.pixels)
    return first == second


def outline(shape: Shape) -> list[tuple[float, float]]:
    match shape:
        case Rectangle():
            return [(shape.x, shape.y), (shape.x + shape.width, shape.y + shape.height)]
        case Polygon() | Line():
            return list(shape.points)
        case Point():
            return [(shape.x, shape.y)]
        case Keypoints():
            return [(x, y) for x, y, _ in shape.points]
    return []


@pytest.mark.parametrize("bad", bad_shapes(), ids=lambda bad: bad.name)
def test_every_kind_of_shape(bad: BadShape) -> None:
    if isinstance(bad.outcome, str):
        with pytest.raises(DegenerateShape) as caught:
            fit(bad.shape, WIDTH, HEIGHT)
        assert bad.outcome in caught.value.reason
        assert caught.value.reason == str(caught.value)
        assert isinstance(caught.value, AssetError)
    else:
        assert same(fit(bad.shape, WIDTH, HEIGHT), bad.outcome)


def test_names_of_bad_shapes_are_unique_and_many() -> None:
    names = [bad.name for bad in bad_shapes()]
    assert len(set(names)) == len(names) > 75


def test_scalars_of_torch() -> None:
    torch = pytest.importorskip("torch")
    box = torch.tensor([1.4, 2.6, 3.0, 4.0], dtype=torch.bfloat16)
    fitted = fit(Rectangle("a", *box, confidence=torch.tensor(0.5)), WIDTH, HEIGHT)
    assert fitted == Rectangle("a", 1, 3, 3, 4, 0.5)
    assert fit(Polygon("a", torch.tensor([[1.0, 1], [9, 1], [1, 9]])), WIDTH, HEIGHT) == (
        Polygon("a", [(1, 1), (9, 1), (1, 9)])
    )
    with pytest.raises(DegenerateShape, match="x is tensor"):
        fit(Point("a", box, 1), WIDTH, HEIGHT)


@given(any_shapes)
def test_what_fits_is_inside_the_picture_on_the_grid_and_stays_as_it_is(shape: Shape) -> None:
    try:
        fitted = fit(shape, WIDTH, HEIGHT)
    except DegenerateShape:
        assume(False)
    for x, y in outline(fitted):
        assert type(x) is int
        assert type(y) is int
        assert 0 <= x <= WIDTH
        assert 0 <= y <= HEIGHT
    assert type(fitted) is type(shape)
    assert same(fit(fitted, WIDTH, HEIGHT), fitted)


@given(st.tuples(coordinates, coordinates), st.floats(1e-3, 400), st.floats(1e-3, 400))
def test_a_rectangle_keeps_its_clipped_edges(corner: tuple[float, float], width: float, height: float) -> None:
    (x, y) = corner
    left, right = max(x, 0), min(x + width, WIDTH)
    top, bottom = max(y, 0), min(y + height, HEIGHT)
    box = Rectangle("a", x, y, width, height)
    if left >= right or top >= bottom:
        with pytest.raises(DegenerateShape):
            fit(box, WIDTH, HEIGHT)
        return
    fitted = fit(box, WIDTH, HEIGHT)
    assert isinstance(fitted, Rectangle)
    assert fitted.width >= 1
    assert fitted.height >= 1
    found = (fitted.x, fitted.y, fitted.x + fitted.width, fitted.y + fitted.height)
    for edge, clipped, length in zip(found, (left, top, right, bottom), (right - left, bottom - top) * 2, strict=True):
        assert abs(edge - clipped) <= (0.5 if length >= 1 else 1)


@given(st.integers(-200, 200), st.integers(-200, 200), st.integers(1, 400), st.integers(1, 400))
def test_a_rectangle_on_the_grid_keeps_exactly_its_area_inside(x: int, y: int, width: int, height: int) -> None:
    inside = max(min(x + width, WIDTH) - max(x, 0), 0) * max(min(y + height, HEIGHT) - max(y, 0), 0)
    try:
        fitted = fit(Rectangle("a", x, y, width, height), WIDTH, HEIGHT)
    except DegenerateShape:
        assert inside == 0
    else:
        assert isinstance(fitted, Rectangle)
        assert fitted.width * fitted.height == inside


def area(outline: list[tuple[float, float]]) -> float:
    return (
        abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in zip(outline, outline[1:] + outline[:1], strict=True))) / 2
    )


@given(st.lists(st.tuples(st.integers(-100, 200), st.integers(-100, 180)), min_size=3, max_size=3))
def test_a_triangle_keeps_its_area_inside(triangle: list[tuple[int, int]]) -> None:
    """Against the plain count of the points of a fine grid inside both, as another way to find the area."""
    try:
        fitted = fit(Polygon("a", triangle), WIDTH, HEIGHT)
    except DegenerateShape:
        found, rounded = 0.0, 3 * (WIDTH + HEIGHT)
    else:
        assert isinstance(fitted, Polygon)
        found, rounded = area(list(fitted.points)), 2 * (WIDTH + HEIGHT)
    x, y = np.meshgrid(np.arange(WIDTH) + 0.5, np.arange(HEIGHT) + 0.5)
    (x1, y1), (x2, y2), (x3, y3) = triangle
    sides = [
        (bx - ax) * (y - ay) - (by - ay) * (x - ax)
        for ax, ay, bx, by in ((x1, y1, x2, y2), (x2, y2, x3, y3), (x3, y3, x1, y1))
    ]
    inside = np.all(np.array(sides) >= 0, axis=0) | np.all(np.array(sides) <= 0, axis=0)
    expected = inside.sum() if area(list(triangle)) else 0
    assert abs(found - expected) <= rounded / 2
    assert found <= WIDTH * HEIGHT
    assert found <= area(list(triangle)) + rounded / 2


@given(st.lists(grid_points, min_size=3, max_size=10))
def test_cleaning_an_outline_keeps_its_signed_area(outline: list[tuple[int, int]]) -> None:
    try:
        fitted = fit(Polygon("a", outline), WIDTH, HEIGHT)
    except DegenerateShape:
        assert area(outline) == 0
    else:
        assert isinstance(fitted, Polygon)
        assert area(list(fitted.points)) == area(outline)
        assert set(fitted.points) <= set(outline)


@given(st.lists(points, min_size=2, max_size=8))
def test_a_line_keeps_every_point_inside(line: list[tuple[float, float]]) -> None:
    inside = {(math.floor(x + 0.5), math.floor(y + 0.5)) for x, y in line if 0 <= x <= WIDTH and 0 <= y <= HEIGHT}
    try:
        fitted = fit(Line("a", line), WIDTH, HEIGHT)
    except DegenerateShape:
        assert len(inside) <= 1
    else:
        assert isinstance(fitted, Line)
        assert inside <= set(fitted.points)


PICTURE_SHAPES = shapes(
    grid_points, st.integers(1, 50), arrays.arrays(bool, (HEIGHT, WIDTH), fill=st.booleans())
)  # in an oriented picture of WIDTH x HEIGHT


@given(PICTURE_SHAPES, st.integers(1, 8))
def test_to_stored_and_to_oriented_undo_each_other(shape: Shape, orientation: int) -> None:
    stored = to_stored(shape, orientation, WIDTH, HEIGHT)
    assert same(to_oriented(stored, orientation, WIDTH, HEIGHT), shape)
    if not isinstance(shape, Mask):  # a mask has the size of the frame it is in
        assert same(to_stored(to_oriented(shape, orientation, WIDTH, HEIGHT), orientation, WIDTH, HEIGHT), shape)


@given(any_shapes, st.integers(1, 8))
def test_a_turned_shape_is_where_its_pixels_went(shape: Shape, orientation: int) -> None:
    """A shape that fits its oriented picture fits the stored one, and covers there what it covered here."""
    try:
        fitted = fit(shape, WIDTH, HEIGHT)
    except DegenerateShape:
        assume(False)
    stored_size = (WIDTH, HEIGHT) if orientation < 5 else (HEIGHT, WIDTH)
    stored = to_stored(fitted, orientation, WIDTH, HEIGHT)
    assert same(fit(stored, *stored_size), stored)
    if isinstance(fitted, Rectangle) and isinstance(stored, Rectangle):
        drawn = drawing(stored, *stored_size)
        np.testing.assert_array_equal(orient(drawn, orientation), drawing(fitted, WIDTH, HEIGHT))


def drawing(box: Rectangle, width: int, height: int) -> np.ndarray:
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[int(box.y) : int(box.y + box.height), int(box.x) : int(box.x + box.width)] = (1, 2, 3)
    return pixels


@given(st.integers(1, 8), st.integers(0, 6), st.integers(0, 4))
def test_a_marked_pixel_is_where_its_middle_is(orientation: int, x: int, y: int) -> None:
    stored = np.zeros((5, 7, 3), np.uint8)
    stored[y, x] = (1, 2, 3)
    oriented = orient(stored, orientation)
    height, width, _ = oriented.shape
    middle = to_oriented(Point("a", x + 0.5, y + 0.5), orientation, width, height)
    assert isinstance(middle, Point)
    assert oriented[int(middle.y), int(middle.x)].tolist() == [1, 2, 3]
    assert np.count_nonzero(oriented) == 3
    marked = to_oriented(Mask("a", stored.any(axis=2)), orientation, width, height)
    assert isinstance(marked, Mask)
    np.testing.assert_array_equal(marked.pixels, oriented.any(axis=2))


@pytest.mark.parametrize("dtype", [np.uint8, bool, np.uint16, np.float64])
@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 1), (5, 7, 3)])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orient_any_array(dtype: type, shape: tuple[int, ...], orientation: int) -> None:
    pixels = np.arange(math.prod(shape)).reshape(shape).astype(dtype)
    turned = orient(pixels, orientation)
    expected = {
        1: lambda: pixels,
        2: lambda: np.fliplr(pixels),
        3: lambda: np.rot90(pixels, 2),
        4: lambda: np.flipud(pixels),
        5: lambda: np.rot90(np.fliplr(pixels)),
        6: lambda: np.rot90(pixels, -1),
        7: lambda: np.rot90(np.flipud(pixels)),
        8: lambda: np.rot90(pixels),
    }[orientation]()
    np.testing.assert_array_equal(turned, expected)
    assert turned.flags.c_contiguous
    assert turned.dtype == dtype


def test_orient_takes_views_and_copies_nothing_without_need() -> None:
    pixels = np.arange(105, dtype=np.uint8).reshape(5, 7, 3)
    assert orient(pixels, 1) is pixels
    np.testing.assert_array_equal(orient(pixels[:, ::-1], 2), pixels)
    assert orient(pixels[:, ::-1], 1).flags.c_contiguous


@pytest.mark.parametrize("orientation", [0, 9, -1])
def test_no_orientation_of_exif(orientation: int) -> None:
    expectation = f"orientation {orientation}: expected an EXIF orientation, 1 to 8"
    with pytest.raises(ValueError, match=expectation):
        orient(np.zeros((2, 2), bool), orientation)
    for turn in (to_stored, to_oriented):
        with pytest.raises(ValueError, match=expectation):
            turn(Point("a", 1, 1), orientation, 2, 2)


def test_keypoints_that_are_not_labelled_stay_where_they_are() -> None:
    keypoints = Keypoints("a", [(1, 2, 2), (0, 0, 0)])
    assert to_stored(keypoints, 3, 10, 10) == Keypoints("a", [(9, 8, 2), (0, 0, 0)])


# What pycocotools makes of the same masks (`mask.encode(...)["counts"]`, mask by rows).
KNOWN_RLE = [
    (["00", "00"], "4"),
    (["11", "11"], "04"),
    (["10", "00"], "013"),
    (["0110", "0110", "0000"], "32103"),
    (["0001100", "0000000", "1111111", "0110000"], "2131O1ON00002000N"),
]


@pytest.mark.parametrize(("lines", "counts"), KNOWN_RLE)
def test_known_run_length_strings(lines: list[str], counts: str) -> None:
    mask = np.array([[digit == "1" for digit in line] for line in lines])
    assert encode_rle(mask) == counts
    np.testing.assert_array_equal(decode_rle(counts, mask.shape[1], mask.shape[0]), mask)


@given(arrays.arrays(bool, arrays.array_shapes(min_dims=2, max_dims=2, max_side=40)))
def test_run_length_strings_go_there_and_back(mask: np.ndarray) -> None:
    height, width = mask.shape
    counts = encode_rle(mask)
    assert counts.isascii()
    back = decode_rle(counts, width, height)
    np.testing.assert_array_equal(back, mask)
    assert back.dtype == bool
    assert back.flags.c_contiguous
    assert back.flags.writeable


@given(arrays.arrays(bool, arrays.array_shapes(min_dims=2, max_dims=2, max_side=40)))
def test_run_length_strings_are_those_of_pycocotools(mask: np.ndarray) -> None:
    coco = pytest.importorskip("pycocotools.mask")
    assert encode_rle(mask) == coco.encode(np.asfortranarray(mask, np.uint8))["counts"].decode()


def test_long_runs_of_a_large_mask() -> None:
    mask = np.zeros((3000, 4000), bool)
    mask[1:2999, 1:3999] = True
    np.testing.assert_array_equal(decode_rle(encode_rle(mask), 4000, 3000), mask)


@pytest.mark.parametrize(
    ("counts", "reason"),
    [
        ("", "runs cover 0 pixels, not the 4 of 2 x 2"),
        ("5", "runs cover 5 pixels"),
        ("4!", "'!' at 1"),
        ("4\u00e9", "at 1"),
        ("P", "ends within a number"),
        ("P" * 50, "'P' at 13"),
        ("O", "a run of -1 pixels at 0"),
        ("111K", "a run of -4 pixels at 3"),
    ],
)
def test_no_run_length_string(counts: str, reason: str) -> None:
    with pytest.raises(DegenerateShape) as caught:
        decode_rle(counts, 2, 2)
    assert reason in caught.value.reason


@given(st.text(st.characters(min_codepoint=40, max_codepoint=120), max_size=20))
def test_any_text_is_refused_or_a_mask(counts: str) -> None:
    try:
        mask = decode_rle(counts, 3, 5)
    except DegenerateShape:
        return
    assert mask.shape == (5, 3)


def test_importing_geometry_loads_no_numpy() -> None:
    check = "import sys, picsellia_processing.geometry; sys.exit('numpy' in sys.modules)"
    subprocess.run([sys.executable, "-c", check], check=True)
