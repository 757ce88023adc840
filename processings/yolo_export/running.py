"""Running a checkpoint, and what it was exported to, on the same pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from coreml.quiet import quiet

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import torch
    from comparison import Outputs
    from numpy.typing import NDArray

    Arrays: TypeAlias = list[NDArray[np.float32]]
    Run: TypeAlias = Callable[[torch.Tensor], Arrays]

COORDINATES = 4


def inputs_of(pictures: Sequence[NDArray[np.uint8]], size: int) -> list[torch.Tensor]:
    """Pictures as a model takes them: 1 x 3 x size x size, RGB, 0 to 1 in steps of 1/255."""
    import torch  # noqa: PLC0415 - whoever only reads the definition need not wait

    tensors = (torch.from_numpy(picture.copy()).permute(2, 0, 1)[None] for picture in pictures)
    return [
        torch.nn.functional.interpolate(each, (size, size), mode="bilinear", antialias=True) / 255 for each in tensors
    ]


def by_kind(run: Run, classes: int) -> Callable[[torch.Tensor], Outputs]:
    """What a model of ultralytics computes, as boxes, scores and masks.

    Boxes are the first rows of a detector's output, scores come next, coefficients of masks last; the masks themselves
    are a second output. A classifier has one row of scores.
    """

    def outputs(picture: torch.Tensor) -> Outputs:
        first, *others = run(picture)
        if first.ndim == 2:  # noqa: PLR2004 - a classifier
            return {"score": [first]}
        last = COORDINATES + classes
        kinds = {"box": [first[:, :COORDINATES]], "score": [first[:, COORDINATES:last]]}
        return {**kinds, "mask": [first[:, last:], *others]} if others else kinds

    return outputs


def checkpoint(model: Any) -> Run:
    """The torch module of a checkpoint; while it is not exporting, it returns more than what an export has."""
    import torch  # noqa: PLC0415 - likewise

    def run(picture: torch.Tensor) -> Arrays:
        with torch.inference_mode():
            result = model(picture)
        return _arrays(result[0] if isinstance(result, (list, tuple)) else result)

    return run


def onnx(path: Path) -> Run:
    """An ONNX model in ONNX Runtime."""
    import onnxruntime  # noqa: PLC0415 - likewise

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda picture: _arrays(session.run(None, {name: picture.numpy()}))


def torch_script(path: Path) -> Run:
    """A TorchScript module."""
    import torch  # noqa: PLC0415 - likewise

    module = torch.jit.load(str(path), map_location="cpu").eval()  # type: ignore[no-untyped-call]  # torch's

    def run(picture: torch.Tensor) -> Arrays:
        with torch.inference_mode():
            return _arrays(module(picture))

    return run


def open_vino(path: Path) -> Run:
    """The model in a folder that OpenVINO wrote; in 32-bit floats, which is not what it chooses on every processor."""
    import openvino  # noqa: PLC0415 - likewise

    model = openvino.Core().compile_model(next(path.glob("*.xml")), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return lambda picture: _arrays(list(model(picture.numpy()).values()))


def core_ml(path: Path) -> Run:
    """A Core ML package, run step by step: see `coreml`."""
    import torch  # noqa: PLC0415 - likewise

    with quiet():
        from coreml.reading import read_model  # noqa: PLC0415 - likewise

        model = read_model(path)

    def run(picture: torch.Tensor) -> Arrays:
        pixels = (picture[0].permute(1, 2, 0) * 255).round().byte().numpy()
        outputs = model.run(model.input.of_picture(pixels)).values()
        return _arrays(
            [output for output in outputs if isinstance(output, torch.Tensor)]
        )  # a class is told by name too

    return run


READERS: dict[str, Callable[[Path], Run]] = {
    "onnx": onnx,
    "torchscript": torch_script,
    "openvino": open_vino,
    "coreml": core_ml,
}
"""How to run a file of each format."""


def _arrays(result: Any) -> Arrays:
    return [np.asarray(each) for each in (result if isinstance(result, (list, tuple)) else [result])]
