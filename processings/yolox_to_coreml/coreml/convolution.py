"""Operators of MIL that slide over pictures. Arguments have the names they have in MIL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from picsellia_processing.errors import ProcessingError
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

ONES = (1, 1)


def conv(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    strides: Sequence[int] = ONES,
    pad_type: str = "valid",
    pad: Sequence[int] = (),
    dilations: Sequence[int] = ONES,
    groups: int = 1,
) -> Tensor:
    """A convolution of N x channels x height x width; `pad` is top, bottom, left and right."""
    x = _padded(x, pad_type, pad, 0.0)
    return functional.conv2d(x, weight, bias, tuple(strides), 0, tuple(dilations), groups)


def conv_transpose(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    pad: Sequence[int] = (),
    output_shape: Sequence[int] | None = None,
    pad_type: str = "valid",
    strides: Sequence[int] = ONES,
    dilations: Sequence[int] = ONES,
    groups: int = 1,
) -> Tensor:
    """The padding is what is cut off the result; where `output_shape` says so, less of its ends."""
    y = functional.conv_transpose2d(x, weight, bias, tuple(strides), 0, 0, groups, tuple(dilations))
    top, bottom, left, right = _sides(pad_type, pad)
    height, width = (
        output_shape[-2:] if output_shape is not None else (y.shape[-2] - top - bottom, y.shape[-1] - left - right)
    )
    return y[..., top : top + height, left : left + width]


def max_pool(
    x: Tensor,
    kernel_sizes: Sequence[int],
    strides: Sequence[int] = ONES,
    pad_type: str = "valid",
    pad: Sequence[int] = (),
    *,
    ceil_mode: bool = False,
) -> Tensor:
    """The largest value within each window."""
    x = _padded(x, pad_type, pad, float("-inf"))
    return functional.max_pool2d(x, tuple(kernel_sizes), tuple(strides), ceil_mode=ceil_mode)


def upsample_nearest_neighbor(x: Tensor, scale_factor_height: float = 1, scale_factor_width: float = 1) -> Tensor:
    """Each value repeated in both directions."""
    if scale_factor_height % 1 or scale_factor_width % 1:
        raise ProcessingError(f"cannot upsample by {scale_factor_height} x {scale_factor_width}: no whole numbers")
    return x.repeat_interleave(int(scale_factor_height), -2).repeat_interleave(int(scale_factor_width), -1)


def _padded(x: Tensor, pad_type: str, pad: Sequence[int], fill: float) -> Tensor:
    top, bottom, left, right = _sides(pad_type, pad)
    return functional.pad(x, (left, right, top, bottom), value=fill)


def _sides(pad_type: str, pad: Sequence[int]) -> Sequence[int]:
    """Top, bottom, left and right."""
    if pad_type == "valid":
        return (0, 0, 0, 0)
    if pad_type == "custom":
        return pad or (0, 0, 0, 0)
    raise ProcessingError(f"the padding {pad_type!r} of Core ML is not known here")


OPERATORS: dict[str, Callable[..., Any]] = {
    "conv": conv,
    "conv_transpose": conv_transpose,
    "max_pool": max_pool,
    "upsample_nearest_neighbor": upsample_nearest_neighbor,
}
