"""How far an exported model is from the checkpoint it was made of, box by box and score by score."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from picsellia_processing.errors import ProcessingError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import torch
    from numpy.typing import NDArray

COORDINATES = 4


class OnnxModel:
    """An ONNX model in ONNX Runtime on the CPU."""

    def __init__(self, path: Path) -> None:
        import onnxruntime  # noqa: PLC0415 - whoever only reads the definition need not wait

        self._session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name

    def __call__(self, picture: torch.Tensor) -> list[Any]:
        """What it computes for a picture (1 x 3 x height x width, RGB, 0 to 1)."""
        return list(self._session.run(None, {self._input: picture.numpy()}))


def torch_script(path: Path) -> Callable[[torch.Tensor], Any]:
    """A TorchScript module on the CPU."""
    import torch  # noqa: PLC0415 - likewise

    module: Callable[[torch.Tensor], Any] = torch.jit.load(str(path), map_location="cpu").eval()  # type: ignore[no-untyped-call]  # torch's
    return module


READERS: dict[str, Callable[[Path], Callable[[torch.Tensor], Any]]] = {
    "model-onnx": OnnxModel,
    "model-torchscript": torch_script,
}
"""How to run the file of each name."""


def made_up_pictures(count: int) -> list[NDArray[np.uint8]]:
    """Pictures of soft blobs and noise, the same each time (64 x 96 x 3)."""
    draw = np.random.default_rng(0)
    coarse = draw.integers(0, 256, (count, 8, 12, 3)).repeat(8, 1).repeat(8, 2)
    noisy = coarse + draw.integers(-20, 21, coarse.shape)
    return list(noisy.clip(0, 255).astype(np.uint8))


def inputs_of(pictures: Sequence[NDArray[np.uint8]], size: int) -> list[torch.Tensor]:
    """Pictures as a model takes them: 1 x 3 x size x size, RGB, 0 to 1."""
    import torch  # noqa: PLC0415 - likewise

    tensors = (torch.from_numpy(picture.copy()).permute(2, 0, 1)[None] / 255 for picture in pictures)
    return [
        torch.nn.functional.interpolate(each, (size, size), mode="bilinear", antialias=True).clamp(0, 1)
        for each in tensors
    ]


def compare(
    name: str,
    exported: Callable[[torch.Tensor], Any],
    reference: Callable[[torch.Tensor], Any],
    inputs: Sequence[torch.Tensor],
    tolerances: Mapping[str, float],
) -> dict[str, float]:
    """The largest differences over all inputs: of boxes in pixels of the input, of scores, and of mask values.

    `tolerances` has the largest that is allowed of "box" and of "score"; masks are held to that of scores, relative to
    the largest value.

    Raises:
        ProcessingError: A difference is above its tolerance, or the outputs are of another shape.
    """
    import torch  # noqa: PLC0415 - likewise

    largest: dict[str, float] = {}
    with torch.inference_mode():
        for picture in inputs:
            expected, found = _checkpoint_outputs(reference(picture)), _outputs(exported(picture))
            shapes = [[output.shape for output in outputs] for outputs in (expected, found)]
            if shapes[0] != shapes[1]:
                raise ProcessingError(f"{name}: its outputs are {shapes[1]}; the checkpoint's are {shapes[0]}")
            for kind, error in _errors(expected, found, reference).items():
                largest[kind] = max(largest.get(kind, 0.0), error)
    allowed = {"mask": tolerances["score"], **tolerances}
    wrong = [
        f"{kind} differs by {error:.3g}, more than {allowed[kind]:g}"
        for kind, error in largest.items()
        if not error <= allowed[kind]
    ]
    if wrong:
        raise ProcessingError(
            f"{name} does not compute what the checkpoint computes, so nothing is stored: {'; '.join(wrong)} "
            f"(largest difference on {len(inputs)} pictures)"
        )
    return {kind: float(f"{error:.3g}") for kind, error in largest.items()}


def _checkpoint_outputs(result: Any) -> list[NDArray[np.float32]]:
    """The tensors that an export has too: ultralytics returns more beside them while it is not exporting."""
    return _outputs(result[0] if isinstance(result, (list, tuple)) else result)


def _outputs(result: Any) -> list[NDArray[np.float32]]:
    return [np.asarray(each) for each in (result if isinstance(result, (list, tuple)) else [result])]


def _errors(expected: list[NDArray[np.float32]], found: list[NDArray[np.float32]], reference: Any) -> dict[str, float]:
    """Boxes are the first rows of a detector's output, scores come next, coefficients of masks last."""
    if expected[0].ndim == 2:  # noqa: PLR2004 - a classifier: one row of scores
        return {"score": _distance(expected[0], found[0])}
    last = COORDINATES + len(reference.names)
    errors = {
        "box": _distance(expected[0][:, :COORDINATES], found[0][:, :COORDINATES]),
        "score": _distance(expected[0][:, COORDINATES:last], found[0][:, COORDINATES:last]),
    }
    if len(expected) > 1:
        pairs = [(expected[0][:, last:], found[0][:, last:]), *zip(expected[1:], found[1:], strict=True)]
        errors["mask"] = max(_distance(a, b) / (float(np.abs(a).max()) or 1.0) for a, b in pairs)
    return errors


def _distance(expected: NDArray[np.float32], found: NDArray[np.float32]) -> float:
    """The largest difference; infinite where one is not a number."""
    difference = np.abs(expected - found)
    return float("inf") if np.isnan(difference).any() else float(difference.max(initial=0.0))
