"""Operators of MIL that compute number by number, or sum numbers up. Arguments have the names they have in MIL.

Source: Apple's reference of the operators, https://apple.github.io/coremltools/source/coremltools.converters.mil.mil.ops.defs.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def silu(x: Tensor) -> Tensor:
    """`x` times its sigmoid."""
    return torch.nn.functional.silu(x)


def cast(x: Tensor, dtype: str) -> Tensor:
    """Floats stay floats here: whoever runs the operator rounds its result to what it is stored as."""
    return x if dtype.startswith("fp") else x.to(getattr(torch, dtype))


def softmax(x: Tensor, axis: int = -1) -> Tensor:
    """Positive numbers that add up to 1 along `axis`."""
    return x.softmax(axis)


def reduce_mean(x: Tensor, axes: Sequence[int] | None = None, *, keep_dims: bool = False) -> Tensor:
    """The mean over some axes, or over all."""
    return x.mean(list(range(x.ndim)) if axes is None else list(axes), keepdim=keep_dims)


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """`x` times the transposed `weight`, plus `bias`."""
    return torch.nn.functional.linear(x, weight, bias)


def matmul(x: Tensor, y: Tensor, *, transpose_x: bool = False, transpose_y: bool = False) -> Tensor:
    """The product of the matrices in the last two axes."""
    return torch.matmul(x.mT if transpose_x else x, y.mT if transpose_y else y)


def classify(probabilities: Tensor, classes: Sequence[str]) -> tuple[str, Tensor]:
    """The name of the most probable class, and the probabilities of all."""
    return classes[int(probabilities.argmax())], probabilities


OPERATORS: dict[str, Callable[..., Any]] = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "real_div": lambda x, y: x / y,
    "exp": lambda x: x.exp(),
    "relu": lambda x: x.relu(),
    "sigmoid": lambda x: x.sigmoid(),
    "silu": silu,
    "cast": cast,
    "softmax": softmax,
    "reduce_mean": reduce_mean,
    "linear": linear,
    "matmul": matmul,
    "classify": classify,
}
