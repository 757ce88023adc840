"""From the coordinates of data set formats to whole pixels."""

from __future__ import annotations

from typing import Any


def rectangle(left: float, top: float, right: float, bottom: float) -> dict[str, Any]:
    """The rectangle with these sides, in pixels: its sides are rounded, and it is never without extent."""
    x, y = round(left), round(top)
    return {"x": x, "y": y, "w": max(1, round(right) - x), "h": max(1, round(bottom) - y)}


def rectangle_within(left: float, top: float, right: float, bottom: float, size: tuple[int, int]) -> dict[str, Any]:
    """The part of a rectangle that lies in an image of `size`, width and height, both at least 1."""
    width, height = size
    x, y = min(max(round(left), 0), width - 1), min(max(round(top), 0), height - 1)
    return {"x": x, "y": y, "w": max(1, min(round(right), width) - x), "h": max(1, min(round(bottom), height) - y)}


def rectangle_around(points: list[list[int]]) -> dict[str, Any]:
    """The smallest rectangle around `points`."""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return rectangle(min(xs), min(ys), max(xs), max(ys))


def vertices(flat: list[float]) -> list[list[int]]:
    """The points [[x, y], ...] of [x, y, x, y, ...], rounded."""
    return [[round(x), round(y)] for x, y in zip(flat[::2], flat[1::2], strict=True)]
