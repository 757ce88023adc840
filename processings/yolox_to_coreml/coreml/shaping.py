"""Operators of MIL that move numbers and change none. Arguments have the names they have in MIL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from picsellia_processing.errors import ProcessingError
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor


def concat(values: Sequence[Tensor], axis: int, *, interleave: bool = False) -> Tensor:
    """One after the other along `axis`."""
    if interleave:
        raise ProcessingError("concat with interleave is not known here")
    return torch.cat(list(values), axis)


def split(
    x: Tensor, axis: int, num_splits: int | None = None, split_sizes: Sequence[int] | None = None
) -> tuple[Tensor, ...]:
    """Pieces along `axis`: of the same size, or of those given."""
    if split_sizes is not None:
        return tuple(torch.split(x, list(split_sizes), axis))
    assert num_splits is not None
    return tuple(torch.chunk(x, num_splits, axis))


def slice_by_index(
    x: Tensor,
    begin: Sequence[int],
    end: Sequence[int],
    stride: Sequence[int] | None = None,
    begin_mask: Sequence[bool] | None = None,
    end_mask: Sequence[bool] | None = None,
    squeeze_mask: Sequence[bool] | None = None,
) -> Tensor:
    """As `x[begin:end:stride]` along each axis; a mask says that a bound is open, or that the axis goes away."""
    none = [False] * x.ndim
    opens, closes, squeezes = begin_mask or none, end_mask or none, squeeze_mask or none
    for axis, step in enumerate(stride or [1] * x.ndim):
        first = None if opens[axis] else begin[axis]
        last = begin[axis] + 1 or None if squeezes[axis] else None if closes[axis] else end[axis]
        chosen = range(x.shape[axis])[slice(begin[axis] if squeezes[axis] else first, last, step)]
        x = x.index_select(axis, torch.tensor(chosen))
    return x.squeeze([axis for axis in range(x.ndim) if squeezes[axis]])


def pad(x: Tensor, pad: Sequence[int], mode: str = "constant", constant_val: float = 0.0) -> Tensor:
    """`pad` holds what is added before and after, for the last axes in their order."""
    if mode != "constant":
        raise ProcessingError(f"padding of the mode {mode!r} is not known here")
    pairs = zip(pad[::2], pad[1::2], strict=True)
    return functional.pad(x, [amount for pair in reversed(list(pairs)) for amount in pair], value=constant_val)


OPERATORS: dict[str, Callable[..., Any]] = {
    "concat": concat,
    "split": split,
    "slice_by_index": slice_by_index,
    "pad": pad,
    "reshape": lambda x, shape: x.reshape(shape),
    "transpose": lambda x, perm: x.permute(perm),
    "squeeze": lambda x, axes: x.squeeze(axes),
    "expand_dims": lambda x, axes: x.reshape(_with_ones(x.shape, axes)),
}


def _with_ones(shape: Sequence[int], axes: Sequence[int]) -> list[int]:
    sides, rank = iter(shape), len(shape) + len(axes)
    inserted = {axis % rank for axis in axes}
    return [1 if axis in inserted else next(sides) for axis in range(rank)]
