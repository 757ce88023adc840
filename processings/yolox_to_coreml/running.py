"""The checkpoint's network and the Core ML model made of it, run on the same pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from conversion import OUTPUT
from network import BOX

if TYPE_CHECKING:
    from collections.abc import Callable

    from comparison import Outputs
    from coreml.reading import CoreMlModel
    from network import Yolox
    from numpy.typing import NDArray

GREY = 114
LEAST_SCORE = 0.01
"""What a detection must score to be counted in the official evaluation of YOLOX."""


def letterboxed(picture: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """A picture (height x width x 3) resized to fit into the top left corner of size x size pixels, the rest grey."""
    height, width = picture.shape[:2]
    scale = min(size / height, size / width)
    fitted = (max(round(height * scale), 1), max(round(width * scale), 1))
    pixels = torch.from_numpy(picture.copy()).permute(2, 0, 1)[None]
    resized = torch.nn.functional.interpolate(pixels, fitted, mode="bilinear", antialias=True)[0].permute(1, 2, 0)
    canvas = np.full((size, size, 3), GREY, np.uint8)
    canvas[: fitted[0], : fitted[1]] = resized.numpy()
    return canvas


def of_network(network: Yolox) -> Callable[[NDArray[np.uint8]], Outputs]:
    """Runs the network on a letterboxed RGB picture."""

    def run(picture: NDArray[np.uint8]) -> Outputs:
        with torch.inference_mode():
            return _by_kind(network(_bgr(picture)))

    return run


def of_core_ml(model: CoreMlModel) -> Callable[[NDArray[np.uint8]], Outputs]:
    """Runs a Core ML model on a letterboxed RGB picture, handed over as a picture where it takes one."""

    def run(picture: NDArray[np.uint8]) -> Outputs:
        takes = model.input
        values = takes.of_picture(picture) if takes.colours else takes.of_array(_bgr(picture))
        return _by_kind(model.run(values)[OUTPUT])

    return run


def seen(predictions: Outputs) -> dict[str, NDArray[np.bool_]]:
    """The boxes that score enough for anybody to keep them: where those of the others lie does not matter."""
    (scores,) = predictions["score"]
    return {"box": scores[..., 0] * scores[..., 1:].max(-1) >= LEAST_SCORE}


def _bgr(picture: NDArray[np.uint8]) -> torch.Tensor:
    return torch.from_numpy(picture[:, :, ::-1].copy()).permute(2, 0, 1)[None].float()


def _by_kind(predictions: Any) -> Outputs:
    values = predictions.numpy()
    return {"box": [values[..., :BOX]], "score": [values[..., BOX:]]}
