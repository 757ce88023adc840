from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from picsellia_processing.annotation import Classification, Keypoints, Line, Mask, Point, Polygon, Rectangle, Shape
from picsellia_processing.geometry import Doubt, doubts, fit

from .bad_shapes import BadShape, bad_shapes

WIDTH, HEIGHT = 640, 480

SHARES = [
    Rectangle("a", 0.2, 0.3, 0.1, 0.15),
    Rectangle("a", np.float32(-0.01), np.float32(0), np.float32(1.001), np.float32(1)),
    Polygon("a", [(0.2, 0.3), (0.4, 0.3), (0.4, 0.6)]),
    Polygon("a", np.array([(0.2, 0.3), (0.4, 0.3), (0.4, 0.6)])),
    Line("a", [(0.2, 0.3), (0.4, 0.3)]),
    Point("a", 0.5, 0.5),
    Keypoints("a", [(0.5, 0.5, 2), (0.7, 0.1, 1)]),
]
PLAUSIBLE = [
    Rectangle("a", 10, 20, 30, 40, 0.9),
    Rectangle("a", -3, -2, 646, 485, 1.0),
    Rectangle("a", 0, 0, 640, 480),
    Rectangle("a", 600, 440, 60, 60),  # most of it is outside, as what models draw around what the picture cuts off
    Rectangle("a", 0, 0, 1, 40),
    Polygon("a", [(0, 0), (0, 479), (639, 479)]),
    Point("a", 0, 0),
    Point("a", 300, 0),
    Keypoints("a", [(0, 0, 0), (0, 0, 0), (0, 0, 0), (30, 40, 2)]),
    Mask("a", np.ones((HEIGHT, WIDTH), bool), 0.5),
    Classification("a", 1.0),
    Classification("a"),
]


@pytest.mark.parametrize("shape", SHARES, ids=str)
def test_shares_of_the_picture_in_place_of_pixels(shape: Shape) -> None:
    assert doubts(shape, WIDTH, HEIGHT) == [Doubt.SHARES]


@pytest.mark.parametrize("shape", PLAUSIBLE, ids=str)
def test_what_may_well_be_meant(shape: Shape) -> None:
    assert doubts(shape, WIDTH, HEIGHT) == []


def test_two_corners_in_place_of_sides() -> None:
    rng = np.random.default_rng(0)
    boxes = [
        (x, y, w, h)
        for x, y, w, h in rng.uniform((0, 0, 20, 20), (WIDTH, HEIGHT, 200, 200), (2000, 4))
        if x + w <= WIDTH and y + h <= HEIGHT
    ]
    corners = [doubts(Rectangle("a", x, y, x + w, y + h), WIDTH, HEIGHT) for x, y, w, h in boxes]
    assert corners.count([Doubt.CORNERS]) > len(boxes) / 2
    assert not any(doubts(Rectangle("a", *box), WIDTH, HEIGHT) for box in boxes)


@pytest.mark.parametrize("score", [95, 1.7, -0.2, math.nan, math.inf, "0.9", True])
def test_a_score_that_is_no_number_from_0_to_1(score: Any) -> None:
    assert doubts(Rectangle("a", 10, 20, 30, 40, score), WIDTH, HEIGHT) == [Doubt.SCORE]


@pytest.mark.parametrize("score", [None, 0, 1, 0.5, np.float16(1), np.float32(1) + np.finfo(np.float16).eps / 2])
def test_a_score(score: Any) -> None:
    assert doubts(Rectangle("a", 10, 20, 30, 40, score), WIDTH, HEIGHT) == []


def test_all_that_is_odd_is_said() -> None:
    assert doubts(Rectangle("a", 0.1, 0.1, 0.2, 0.2, 95), WIDTH, HEIGHT) == [Doubt.SCORE, Doubt.SHARES]


@pytest.mark.parametrize("bad", bad_shapes(), ids=lambda bad: bad.name)
def test_no_shape_is_too_bad_to_be_looked_at(bad: BadShape) -> None:
    doubts(bad.shape, 100, 80)


@pytest.mark.parametrize("shape", PLAUSIBLE, ids=str)
def test_what_is_stored_is_plausible(shape: Shape) -> None:
    assert doubts(fit(shape, WIDTH, HEIGHT), WIDTH, HEIGHT) == []
