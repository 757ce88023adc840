"""A mask is put where its box is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

if TYPE_CHECKING:
    from types import ModuleType

WIDTH, HEIGHT = 40, 30
EDGES = st.floats(-10, 50, width=32)


@example(left=0, top=0, width=1, height=2**-149)  # the smallest number above 0
@given(left=EDGES, top=EDGES, width=st.floats(0, 60, width=32), height=st.floats(0, 60, width=32))
def test_a_full_mask_fills_its_box_to_a_pixel(
    masks: ModuleType, left: float, top: float, width: float, height: float
) -> None:
    box = (left, top, left + width, top + height)
    whole = masks.on_picture(np.ones((5, 7), np.float32), box, WIDTH, HEIGHT)
    assert whole.shape == (HEIGHT, WIDTH)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    inside = (columns >= left) & (columns + 1 <= left + width) & (rows >= top) & (rows + 1 <= top + height)
    touched = (columns + 1 > left) & (columns < left + width) & (rows + 1 > top) & (rows < top + height)
    assert (whole | ~inside).all(), "a pixel inside the box is not in the mask"
    assert (touched | ~whole).all(), "a pixel outside the box is in the mask"


@given(x=st.integers(0, WIDTH - 8), y=st.integers(0, HEIGHT - 8), scale=st.integers(1, 3), seed=st.integers(0, 1000))
def test_a_mask_of_whole_cells_is_found_again(masks: ModuleType, x: int, y: int, scale: int, seed: int) -> None:
    """At odd scales the middle of each cell is a pixel, whatever lies between them is interpolated."""
    cells = np.random.default_rng(seed).random((3, 4)) > 0.5
    scale = 2 * scale - 1
    box = (x, y, x + 4 * scale, y + 3 * scale)
    whole = masks.on_picture(cells.astype(np.float32), box, WIDTH + 20, HEIGHT + 20)
    middle = scale // 2
    assert (whole[y + middle :: scale, x + middle :: scale][:3, :4] == cells).all()


@given(x=st.integers(0, 20), y=st.integers(0, 10), width=st.integers(2, 20), height=st.integers(2, 20))
def test_the_outline_of_a_rectangle_is_its_corners(masks: ModuleType, x: int, y: int, width: int, height: int) -> None:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[y : y + height, x : x + width] = True
    mask[-1, -1] = True  # a smaller part, to be left out
    points = np.array(masks.largest_outline(mask))
    assert len(points) == 4
    assert (points.min(axis=0) == (x + 0.5, y + 0.5)).all()
    assert (points.max(axis=0) == (x + width - 0.5, y + height - 0.5)).all()


def test_an_empty_mask_has_no_outline(masks: ModuleType) -> None:
    assert masks.largest_outline(np.zeros((5, 5), bool)) == []
    assert not masks.on_picture(np.zeros((5, 5), np.float32), (0, 0, 10, 10), 20, 20).any()
