"""Taking annotations along: their points and masks through a pipeline, and shapes made of what comes out."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice, pairwise
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
from tiling import Window, moved
from visible import area, clipped

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from pipeline import Pipeline

XY = tuple[float, float]
PIECES = 4
"""Pieces that each side of a Rectangle is moved in, so that its box holds also after its sides were bent."""


def augmented(sample: Sample, pipeline: Pipeline, *, seed: int, min_visibility: float) -> Sample:
    """The image and its annotations after the pipeline.

    A Rectangle becomes the box of that part of it that is in the new image. A shape of which nothing, or less than
    `min_visibility`, is in there is dropped; the share is that of the area, of a Line's length, of the labelled points
    of Keypoints. The Sample says how many were.
    """
    image, shapes = sample.image, sample.annotations
    frame = corners(0, 0, image.width, image.height)
    points = np.array([*frame, *(point for shape in shapes for point in points_of(shape))], np.float64)
    masks = np.array([shape.pixels for shape in shapes if isinstance(shape, Mask)], np.bool_)
    made = pipeline(image.pixels, points, masks, seed=seed)
    coordinates: Iterator[XY] = iter([(x, y) for x, y in made.points.tolist()])
    scale = area(list(islice(coordinates, len(frame)))) / area(frame)
    cut_masks = iter(made.masks)
    window = Window(0, 0, made.pixels.shape[1], made.pixels.shape[0])
    kept: list[Shape | None] = []
    for shape in shapes:
        if isinstance(shape, Mask):
            kept.append(_cut(shape, next(cut_masks), scale, min_visibility))
        else:
            own = list(islice(coordinates, len(points_of(shape))))
            kept.append(_placed(shape, own, window, min_visibility))
    reason = f"less than {min_visibility:g} of it in the new image" if min_visibility else "not in the new image"
    return Sample(Image(made.pixels), tuple(shape for shape in kept if shape is not None), (reason,) * kept.count(None))


def points_of(shape: Shape) -> Sequence[XY]:
    """The points that are moved along with the pixels; none where there are no points, or masks are cut instead."""
    match shape:
        case Rectangle():
            return _in_pieces(corners(shape.x, shape.y, shape.width, shape.height))
        case Polygon() | Line():
            return shape.points
        case Point():
            return [(shape.x, shape.y)]
        case Keypoints():
            return [(x, y) for x, y, visibility in shape.points if visibility]
        case Mask() | Classification():
            return []


def corners(x: float, y: float, width: float, height: float) -> list[XY]:
    """The outline of a rectangle."""
    return [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]


def _in_pieces(outline: list[XY]) -> list[XY]:
    return [
        (x1 + (x2 - x1) * piece / PIECES, y1 + (y2 - y1) * piece / PIECES)
        for (x1, y1), (x2, y2) in pairwise([*outline, outline[0]])
        for piece in range(PIECES)
    ]


def _placed(shape: Shape, points: Sequence[XY], window: Window, min_visibility: float) -> Shape | None:
    """The shape at its new points; None where too little of it is in the window."""
    match shape:
        case Rectangle():
            outline = Polygon(shape.label, points)
            return None if moved(outline, window, min_visibility) is None else _boxed(shape, clipped(points, window))
        case Polygon() | Line():
            return moved(replace(shape, points=points), window, min_visibility)
        case Point():
            return moved(replace(shape, x=points[0][0], y=points[0][1]), window, min_visibility)
        case Keypoints():
            places = iter(points)
            skeleton = [(*next(places), visibility) if visibility else (0, 0, 0) for *_, visibility in shape.points]
            return moved(replace(shape, points=skeleton), window, min_visibility)
        case Mask() | Classification():
            return shape


def _boxed(shape: Rectangle, outline: Sequence[XY]) -> Rectangle:
    (left, top), (right, bottom) = np.min(outline, axis=0).tolist(), np.max(outline, axis=0).tolist()
    return replace(shape, x=left, y=top, width=right - left, height=bottom - top)


def _cut(shape: Mask, pixels: NDArray[np.bool_], scale: float, min_visibility: float) -> Mask | None:
    """The mask as it came out; `scale` is by how much the picture, and so all of the mask, has grown in area."""
    share = pixels.sum() / (shape.pixels.sum() * scale) if pixels.any() else 0.0
    return replace(shape, pixels=pixels) if share > 0 and share >= min_visibility else None
