"""What a processing says about an Asset: plain values, independent of any server object.

All coordinates are pixels of `Image.pixels`, the picture the author received (EXIF orientation applied): x to the
right, y down, the origin at the upper-left corner of the upper-left pixel, so that the whole picture is the rectangle
`(0, 0, width, height)`. Values outside the picture are allowed here; they are clamped, or dropped and counted, when
the annotation is written. `confidence` is the model's score in 0..1, or None where there is none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Rectangle:
    """An axis-aligned box: upper-left corner and size."""

    label: str
    x: float
    y: float
    width: float
    height: float
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Polygon:
    """A closed outline of at least three (x, y) points; the last is joined to the first."""

    label: str
    points: Sequence[tuple[float, float]]
    confidence: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Mask:
    """A binary mask: `pixels` is a bool array of height x width, the size of the picture."""

    label: str
    pixels: NDArray[np.bool_]
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """An open line of at least two (x, y) points."""

    label: str
    points: Sequence[tuple[float, float]]
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """A single position."""

    label: str
    x: float
    y: float
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Keypoints:
    """A skeleton: (x, y, visibility) points in the order of the label's skeleton; visibility as in COCO.

    0 is not labelled, 1 labelled but hidden, 2 visible.
    """

    label: str
    points: Sequence[tuple[float, float, int]]
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Classification:
    """The class of the whole Asset."""

    label: str
    confidence: float | None = None


Shape: TypeAlias = Rectangle | Polygon | Mask | Line | Point | Keypoints | Classification
SHAPE_TYPES: tuple[type[Shape], ...] = (Rectangle, Polygon, Mask, Line, Point, Keypoints, Classification)
