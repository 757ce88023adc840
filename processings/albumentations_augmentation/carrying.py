"""Taking annotations along: their points and masks through a pipeline, and shapes made of what comes out."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
from picsellia_processing import (
    Classification,
    Image,
    Keypoints,
    Line,
    Mask,
    Point,
    Polygon,
    Rectangle,
    Sample,
    Shape,
)
from pipeline import corners, in_pieces
from region import Region, area, length

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from pipeline import Pipeline

XY = tuple[float, float]
ROUNDING = 1e-4
"""Of a share: what is wholly visible is computed to be a little less."""


def augmented(sample: Sample, pipeline: Pipeline, *, seed: int, min_visibility: float) -> Sample:
    """The image and its annotations after the pipeline.

    Shapes are cut to what can be seen: a Rectangle becomes the box of that part of it, and what a transform cuts off
    stays off. A shape of which nothing, or less than `min_visibility`, is left is dropped; the share is that of the
    area, of a Line's length, of the labelled points of Keypoints. The Sample says how many were.
    """
    image, shapes = sample.image, sample.annotations
    points = np.array([point for shape in shapes for point in points_of(shape)], np.float64).reshape(-1, 2)
    masks = np.array([shape.pixels for shape in shapes if isinstance(shape, Mask)], np.bool_)
    made = pipeline(image.pixels, points, masks, seed=seed)
    coordinates: Iterator[XY] = iter([(x, y) for x, y in made.points.tolist()])
    growth = area(made.frames[0]) / (image.width * image.height)
    cut_masks, region = iter(made.masks), Region(made.frames)
    kept: list[Shape] = []
    for shape in shapes:
        share, placed = (
            _cut(shape, next(cut_masks), growth)
            if isinstance(shape, Mask)
            else _placed(shape, list(islice(coordinates, len(points_of(shape)))), region)
        )
        if share > 0 and share >= min_visibility - ROUNDING:
            kept.append(placed)
    reason = f"less than {min_visibility:g} of it in the new image" if min_visibility else "not in the new image"
    return Sample(Image(made.pixels), tuple(kept), (reason,) * (len(shapes) - len(kept)))


def points_of(shape: Shape) -> Sequence[XY]:
    """The points that are moved along with the pixels; none where there are no points, or masks are cut instead."""
    match shape:
        case Rectangle():
            return in_pieces(corners(shape.x, shape.y, shape.width, shape.height))
        case Polygon() | Line():
            return shape.points
        case Point():
            return [(shape.x, shape.y)]
        case Keypoints():
            return [(x, y) for x, y, visibility in shape.points if visibility]
        case Mask() | Classification():
            return []


def _placed(shape: Shape, points: Sequence[XY], region: Region) -> tuple[float, Shape]:
    """How much of the shape, moved to new points, is in the region, and that part of it."""
    match shape:
        case Rectangle():
            part = region.part(points)
            return _share(area(part), area(points)), _boxed(shape, part) if part else shape
        case Polygon():
            part = region.part(points)
            return _share(area(part), area(points)), replace(shape, points=part)
        case Line():
            path = region.path(points)
            return _share(length(path), length(points)), replace(shape, points=path)
        case Point():
            ((x, y),) = points
            return float(region.holds(x, y)), replace(shape, x=x, y=y)
        case Keypoints():
            places = iter(points)
            moved = [(*next(places), visibility) if visibility else (0, 0, 0) for *_, visibility in shape.points]
            seen = [(x, y, v) if v and region.holds(x, y) else (0, 0, 0) for x, y, v in moved]
            return _share(sum(bool(v) for *_, v in seen), len(points)), replace(shape, points=seen)
        case Mask() | Classification():
            return 1.0, shape


def _boxed(shape: Rectangle, outline: Sequence[XY]) -> Rectangle:
    (left, top), (right, bottom) = np.min(outline, axis=0).tolist(), np.max(outline, axis=0).tolist()
    return replace(shape, x=left, y=top, width=right - left, height=bottom - top)


def _cut(shape: Mask, pixels: NDArray[np.bool_], growth: float) -> tuple[float, Mask]:
    """How much of the mask came out, the picture having grown in area by `growth`, and what came out."""
    return _share(int(pixels.sum()), int(shape.pixels.sum()) * growth), replace(shape, pixels=pixels)


def _share(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 0.0
