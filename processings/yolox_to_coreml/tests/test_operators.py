"""Operators of MIL mean here what they mean to coremltools, which works out their values while it builds a program."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from coremltools.converters.mil import Builder
from coremltools.converters.mil.mil import Function
from hypothesis import given
from hypothesis import strategies as st

Slice = tuple[tuple[int, ...], list[tuple[int, int, int, bool, bool, bool]]]


@st.composite
def slices(draw: st.DrawFn) -> Slice:
    """A shape, and begin, end, stride, open begin, open end and squeeze of each axis; never an empty result."""
    shape = tuple(draw(st.lists(st.integers(1, 6), min_size=1, max_size=4)))
    axes = []
    for side in shape:
        begin = draw(st.integers(0, side - 1))
        end, stride = draw(st.integers(begin + 1, side)), draw(st.integers(1, 3))
        axes.append((begin, end, stride, draw(st.booleans()), draw(st.booleans()), draw(st.booleans())))
    if all(axis[5] for axis in axes):
        axes[0] = (*axes[0][:5], False)
    return shape, axes


@given(slices())
def test_slices(modules: Any, drawn: Slice) -> None:
    shape, axes = drawn
    x = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    names = ("begin", "end", "stride", "begin_mask", "end_mask", "squeeze_mask")
    arguments = {name: list(column) for name, column in zip(names, zip(*axes, strict=True), strict=True)}
    with Function({}):
        expected = Builder.slice_by_index(x=x, **arguments).val
    found = modules.shaping.slice_by_index(torch.from_numpy(x), **arguments)
    assert found.shape == expected.shape
    assert np.array_equal(found, expected)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=4, max_size=4), st.floats(-5, 5, width=32))
def test_padding(modules: Any, sides: list[tuple[int, int]], value: float) -> None:
    x = np.arange(24, dtype=np.float32).reshape(1, 2, 3, 4)
    flat = [side for pair in sides for side in pair]
    found = modules.shaping.pad(torch.from_numpy(x), flat, "constant", value)
    assert np.array_equal(found, np.pad(x, sides, constant_values=value))


@pytest.mark.parametrize("axes", [[0], [-1], [1, 3], [0, 1, 2]])
def test_new_axes(modules: Any, axes: list[int]) -> None:
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert modules.shaping.OPERATORS["expand_dims"](torch.from_numpy(x), axes).shape == np.expand_dims(x, axes).shape


@given(
    pads=st.lists(st.integers(0, 2), min_size=4, max_size=4),
    stride=st.integers(1, 3),
    dilation=st.integers(1, 2),
    groups=st.sampled_from([1, 2]),
)
def test_convolutions_and_their_transposes(
    modules: Any, pads: list[int], stride: int, dilation: int, groups: int
) -> None:
    draw = np.random.default_rng(0)
    x = torch.from_numpy(draw.random((1, 4, 9, 8), np.float32))
    weight = torch.from_numpy(draw.random((6, 4 // groups, 3, 3), np.float32))
    settings = {"strides": [stride, stride], "pad_type": "custom", "pad": pads, "dilations": [dilation] * 2}
    y = modules.convolution.conv(x, weight, groups=groups, **settings)
    padded = np.pad(x, ((0, 0), (0, 0), tuple(pads[:2]), tuple(pads[2:])))
    for channel, row, column in ((0, 0, 0), (5, y.shape[2] - 1, y.shape[3] - 1)):
        rows, columns = (place * stride + dilation * np.arange(3) for place in (row, column))
        group = slice(0, 4) if groups == 1 else slice(0, 2) if channel < 3 else slice(2, 4)
        window = padded[0, group][:, rows][:, :, columns]
        assert float(y[0, channel, row, column]) == pytest.approx(
            float((window * weight[channel].numpy()).sum()), rel=1e-4
        )
    back = modules.convolution.conv_transpose(y, weight, groups=groups, output_shape=[1, 4, 9, 8], **settings)
    # <conv(x), y> = <x, transpose(y)>, as far as the shape asked for can be had
    if back.shape == x.shape:
        assert float((y * y).sum()) == pytest.approx(float((x * back).sum()), rel=1e-3)


def test_pooling_looks_past_the_edge_at_nothing(modules: Any) -> None:
    x = -torch.ones(1, 1, 2, 2)
    pooled = modules.convolution.max_pool(x, [3, 3], [1, 1], "custom", [1, 1, 1, 1])
    assert torch.equal(pooled, x)


def test_the_rest(modules: Any) -> None:
    x = torch.arange(12.0).reshape(1, 3, 4)
    arithmetic, shaping = modules.arithmetic.OPERATORS, modules.shaping.OPERATORS
    assert [tuple(part.shape) for part in shaping["split"](x, axis=2, split_sizes=[1, 3])] == [(1, 3, 1), (1, 3, 3)]
    assert [tuple(part.shape) for part in shaping["split"](x, axis=2, num_splits=2)] == [(1, 3, 2), (1, 3, 2)]
    assert arithmetic["reduce_mean"](x, axes=[1, 2], keep_dims=True).tolist() == [[[5.5]]]
    assert arithmetic["matmul"](x, x, transpose_y=True).shape == (1, 3, 3)
    assert arithmetic["matmul"](x, x, transpose_x=True).shape == (1, 4, 4)
    assert arithmetic["classify"](torch.tensor([[0.2, 0.7, 0.1]]), ["a", "b", "c"])[0] == "b"
    assert float(arithmetic["silu"](torch.tensor(1.0))) == pytest.approx(0.7310586)
