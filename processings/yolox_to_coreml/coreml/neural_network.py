"""Neural networks, the format of Core ML before iOS 15, read from an .mlmodel and run layer by layer.

Source: Apple's NeuralNetwork.proto, https://apple.github.io/coremltools/mlmodel/Format/NeuralNetwork.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from picsellia_processing.errors import ProcessingError
from torch.nn import functional

from coreml.features import read_input

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from torch import Tensor


class NeuralNetwork:
    """An .mlmodel that holds a neural network.

    Attributes:
        input: what it takes.
        outputs: the names of what it gives.
    """

    def __init__(self, path: Path) -> None:
        """Read the file.

        Raises:
            ProcessingError: it is not whole, holds something else than a neural network, or has a layer of a kind that
                is not known here.
        """
        from coremltools import models  # noqa: PLC0415 - takes seconds

        try:
            spec = models.utils.load_spec(str(path))
        except Exception as error:
            raise ProcessingError(f"{path.name} is no whole Core ML model: {error}") from error
        if spec.WhichOneof("Type") != "neuralNetwork":
            raise ProcessingError(
                f"{path.name} holds a model of the type {spec.WhichOneof('Type')}; expected a neuralNetwork"
            )
        self.input = read_input(spec.description)
        self.outputs = tuple(output.name for output in spec.description.output)
        self._layers = list(spec.neuralNetwork.layers)
        self._scaling = [each.scaler for each in spec.neuralNetwork.preprocessing]
        unknown = {str(layer.WhichOneof("layer")) for layer in self._layers} - LAYERS.keys()
        if unknown:
            raise ProcessingError(f"{path.name} has layers that are not known here: {', '.join(sorted(unknown))}")

    def run(self, values: Tensor) -> dict[str, Tensor]:
        """What it gives for what `Input.of_picture` or `Input.of_array` made, by name."""
        for scaler in self._scaling:
            values = values * scaler.channelScale + self._bias(scaler)
        known = {self.input.name: values}
        with torch.inference_mode():
            for layer in self._layers:
                kind = layer.WhichOneof("layer")
                result = LAYERS[kind](getattr(layer, kind), *(known[name] for name in layer.input))
                known.update(zip(layer.output, result if isinstance(result, tuple) else (result,), strict=True))
        return {name: known[name] for name in self.outputs}

    def _bias(self, scaler: Any) -> Tensor:
        names = ["redBias", "greenBias", "blueBias"]
        ordered = names if self.input.colours == "RGB" else names[::-1]
        return torch.tensor([getattr(scaler, name) for name in ordered])[:, None, None]


def _activation(parameters: Any, x: Tensor) -> Tensor:
    kind = parameters.WhichOneof("NonlinearityType")
    if kind == "sigmoid":
        return x.sigmoid()
    if kind == "ReLU":
        return x.relu()
    raise ProcessingError(f"the activation {kind!r} of Core ML is not known here")


def _convolution(parameters: Any, x: Tensor) -> Tensor:
    if parameters.isDeconvolution:
        raise ProcessingError("a deconvolution of Core ML's neural networks is not known here")
    shape = (parameters.outputChannels, parameters.kernelChannels, *parameters.kernelSize)
    bias = _numbers(parameters.bias) if parameters.hasBias else None
    return functional.conv2d(
        functional.pad(x, _border(parameters)),
        _numbers(parameters.weights).reshape(shape),
        bias,
        tuple(parameters.stride),
        0,
        tuple(parameters.dilationFactor),
        parameters.nGroups,
    )


def _pooling(parameters: Any, x: Tensor) -> Tensor:
    if parameters.type != parameters.MAX:
        raise ProcessingError("pooling of Core ML's neural networks other than the largest value is not known here")
    padded = functional.pad(x, _border(parameters), value=float("-inf"))
    return functional.max_pool2d(padded, tuple(parameters.kernelSize), tuple(parameters.stride))


def _border(parameters: Any) -> tuple[int, ...]:
    """Left, right, top and bottom."""
    if parameters.HasField("same"):
        raise ProcessingError("padding of Core ML's neural networks by the rule SAME is not known here")
    amounts = parameters.valid.paddingAmounts.borderAmounts
    if not amounts:
        return (0, 0, 0, 0)
    height, width = amounts
    return (width.startEdgeSize, width.endEdgeSize, height.startEdgeSize, height.endEdgeSize)


def _numbers(weights: Any) -> Tensor:
    if weights.float16Value:
        return torch.from_numpy(np.frombuffer(weights.float16Value, np.float16).astype(np.float32))
    if weights.HasField("quantization"):
        raise ProcessingError("quantised weights of Core ML's neural networks are not known here")
    return torch.tensor(weights.floatValue)


def _slice(parameters: Any, x: Tensor) -> Tensor:
    axis = {parameters.CHANNEL_AXIS: 1, parameters.HEIGHT_AXIS: 2, parameters.WIDTH_AXIS: 3}[parameters.axis]
    chosen = range(x.shape[axis])[parameters.startIndex : parameters.endIndex : parameters.stride]
    return x.index_select(axis, torch.tensor(chosen))


def _unary(parameters: Any, x: Tensor) -> Tensor:
    if parameters.type != parameters.EXP:
        raise ProcessingError("a function of Core ML's neural networks other than exp is not known here")
    argument: Tensor = x * parameters.scale + parameters.shift
    return argument.exp()


def _upsample(parameters: Any, x: Tensor) -> Tensor:
    if parameters.mode != parameters.NN:
        raise ProcessingError("upsampling of Core ML's neural networks other than by repetition is not known here")
    height, width = parameters.scalingFactor
    return x.repeat_interleave(height, -2).repeat_interleave(width, -1)


def _constant(parameters: Any) -> Tensor:
    return _numbers(parameters.data).reshape(tuple(parameters.shape))


def _sum(parameters: Any, x: Tensor, *others: Tensor) -> Tensor:
    return sum(others, x + parameters.alpha)


def _product(parameters: Any, x: Tensor, *others: Tensor) -> Tensor:
    for other in others:
        x = x * other
    return x if others else x * parameters.alpha


def _joined(axis: Callable[[Any], int]) -> Callable[..., Tensor]:
    def joined(parameters: Any, *xs: Tensor) -> Tensor:
        return torch.cat(xs, axis(parameters))

    return joined


def _reshaped(parameters: Any, x: Tensor) -> Tensor:
    return x.reshape(tuple(parameters.targetShape))


def _transposed(parameters: Any, x: Tensor) -> Tensor:
    axes: Sequence[int] = parameters.axes
    return x.permute(tuple(axes))


LAYERS: dict[str, Callable[..., Any]] = {
    "activation": _activation,
    "add": _sum,
    "concat": _joined(lambda _: 1),
    "concatND": _joined(lambda parameters: parameters.axis),
    "convolution": _convolution,
    "loadConstantND": _constant,
    "multiply": _product,
    "pooling": _pooling,
    "reshapeStatic": _reshaped,
    "slice": _slice,
    "transpose": _transposed,
    "unary": _unary,
    "upsample": _upsample,
}
"""What each kind of layer computes of its parameters and its inputs."""
