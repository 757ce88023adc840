"""Coordinates as authors give them - scalars of any library, rows of any sequence - read as plain floats."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from picsellia_processing.errors import AssetError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

# A coordinate beyond this is no position in any picture, and would overflow the arithmetic of clipping.
_FARTHEST = 1e12


class DegenerateShape(AssetError):  # noqa: N818 - it names what was found, as SkipAsset names what is asked for
    """A shape of which nothing can be stored. It costs the shape, not its Asset: drop it and count it.

    `reason` says why, without the label: "wholly outside the picture", "x is nan", ...
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class UnreadableShape(DegenerateShape):
    """A shape that does not say where it is: no number, no points, no mask of this picture.

    A mistake of the code that made it, or of its model: whether there is something to see is not known.
    """


def number(value: Any, name: str) -> float:
    """A real scalar of Python, numpy or torch as a finite float; `name` is what the error calls it.

    Raises:
        UnreadableShape: `value` is no number (a bool and a str are none), not finite, or beyond every picture.
    """
    result = value if type(value) is float else _as_float(value)
    if not abs(result) <= _FARTHEST:  # nan is not
        raise UnreadableShape(f"{name} is {value!r:.60}: expected a finite number")
    return result


def _as_float(value: Any) -> float:
    try:
        plain = value.item() if hasattr(value, "item") else value  # a scalar, or an array that holds one number
        return math.nan if isinstance(plain, (bool, str, bytes, bytearray)) else float(plain)
    except (TypeError, ValueError, OverflowError, RuntimeError):
        return math.nan


def row(point: Any, names: Sequence[str], index: int) -> list[float]:
    """The numbers of the point at `index`, one for each of `names`.

    Raises:
        UnreadableShape: there are more or fewer, or one is no finite number.
    """
    values = list(each(point))
    if len(values) != len(names):
        raise UnreadableShape(f"point {index} has {len(values)} values: expected {', '.join(names)}")
    return [number(value, f"{name} of point {index}") for name, value in zip(names, values, strict=True)]


def each(values: Iterable[Any]) -> Iterator[Any]:
    """The items of `values`.

    Raises:
        UnreadableShape: it has none, being no sequence.
    """
    try:
        return iter(values)
    except TypeError as error:  # also what arrays without a dimension raise
        raise UnreadableShape(f"{values!r:.60} where points are expected") from error
