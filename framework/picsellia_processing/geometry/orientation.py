"""EXIF orientation, of pixels and of shapes.

The frame of the file *as stored* is what its bytes hold; the *oriented* frame is what a viewer shows and what
`Image.pixels` is: the stored picture transposed, then mirrored, as its EXIF orientation (1..8) says.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, assert_never

from picsellia_processing.annotation import Classification, Keypoints, Line, Mask, Point, Polygon, Rectangle, Shape

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    Pixel = TypeVar("Pixel", bound=np.generic)
    XY = tuple[float, float]


class _Turn(NamedTuple):
    transposed: bool
    mirrored_x: bool
    mirrored_y: bool


_TURNS = {
    1: _Turn(transposed=False, mirrored_x=False, mirrored_y=False),
    2: _Turn(transposed=False, mirrored_x=True, mirrored_y=False),
    3: _Turn(transposed=False, mirrored_x=True, mirrored_y=True),
    4: _Turn(transposed=False, mirrored_x=False, mirrored_y=True),
    5: _Turn(transposed=True, mirrored_x=False, mirrored_y=False),
    6: _Turn(transposed=True, mirrored_x=True, mirrored_y=False),
    7: _Turn(transposed=True, mirrored_x=True, mirrored_y=True),
    8: _Turn(transposed=True, mirrored_x=False, mirrored_y=True),
}
_INVERSES = {6: 8, 8: 6}  # every other orientation undoes itself


def orient(pixels: NDArray[Pixel], orientation: int) -> NDArray[Pixel]:
    """Stored `pixels` (height x width, or height x width x channels) with the EXIF `orientation` applied.

    C-contiguous. `pixels` itself, not a copy, where there is nothing to do.

    Raises:
        ValueError: `orientation` is not within 1..8.
    """
    return _turned_pixels(pixels, _turn(orientation))


def to_oriented(shape: Shape, orientation: int, width: int, height: int) -> Shape:
    """`shape`, given in the frame of the file as stored, in the frame of `Image.pixels`.

    `width` and `height` are those of the oriented picture, that is of `Image.pixels`. Exact on integers, such as `fit`
    returns; on floats as exact as a subtraction is. Keypoints that are not labelled (visibility 0) stay as they are.

    Raises:
        ValueError: `orientation` is not within 1..8.
    """
    return _turned(shape, _turn(orientation), width, height)


def to_stored(shape: Shape, orientation: int, width: int, height: int) -> Shape:
    """`shape`, given in the frame of `Image.pixels`, in the frame of the file as stored: undoes `to_oriented`.

    `width` and `height` are those of the oriented picture here too.

    Raises:
        ValueError: `orientation` is not within 1..8.
    """
    if _turn(orientation).transposed:
        width, height = height, width
    return _turned(shape, _turn(_INVERSES.get(orientation, orientation)), width, height)


def _turn(orientation: int) -> _Turn:
    try:
        return _TURNS[orientation]
    except KeyError:
        raise ValueError(f"orientation {orientation!r}: expected an EXIF orientation, 1 to 8") from None


def _turned(shape: Shape, turn: _Turn, width: int, height: int) -> Shape:
    """`shape` under `turn`, which ends in a picture of `width` x `height`."""
    if not any(turn):
        return shape
    move = _mover(turn, width, height)
    match shape:
        case Rectangle():
            corners = move((shape.x, shape.y)), move((shape.x + shape.width, shape.y + shape.height))
            (x, y), size = map(min, *corners), (shape.width, shape.height)
            w, h = reversed(size) if turn.transposed else size
            return replace(shape, x=x, y=y, width=w, height=h)
        case Polygon() | Line():
            return replace(shape, points=[move((x, y)) for x, y in shape.points])
        case Point():
            x, y = move((shape.x, shape.y))
            return replace(shape, x=x, y=y)
        case Keypoints():
            return replace(shape, points=[(*move((x, y)), v) if v else (x, y, v) for x, y, v in shape.points])
        case Mask():
            return replace(shape, pixels=_turned_pixels(shape.pixels, turn))
        case Classification():
            return shape
        case _:
            assert_never(shape)


def _mover(turn: _Turn, width: int, height: int) -> Callable[[XY], XY]:
    def move(point: XY) -> XY:
        x, y = reversed(point) if turn.transposed else point
        return width - x if turn.mirrored_x else x, height - y if turn.mirrored_y else y

    return move


def _turned_pixels(pixels: NDArray[Pixel], turn: _Turn) -> NDArray[Pixel]:
    import numpy as np  # noqa: PLC0415 - importing the package stays light

    pixels = np.ascontiguousarray(pixels)
    if not any(turn):
        return pixels
    channels, dtype = pixels.shape[2:], pixels.dtype
    # One element per pixel: numpy moves whole pixels two to three times faster than channel by channel.
    grid: NDArray[Any] = pixels.reshape(*pixels.shape[:2], -1).view(f"V{dtype.itemsize * math.prod(channels)}")[..., 0]
    if turn.transposed:
        grid = grid.T
    if turn.mirrored_x:
        grid = grid[:, ::-1]
    if turn.mirrored_y:
        grid = grid[::-1]
    return np.ascontiguousarray(grid)[..., None].view(dtype).reshape(*grid.shape, *channels)
