"""An exported YOLOX on ONNX Runtime: which file is one, and where and on how many pictures at once it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from boxes import cells, is_decoded
from letterbox import GREY
from onnx_session import CPU, open_session
from picsellia_processing.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16}
_EXPECTED = (
    "expected a YOLOX detector as its own export_onnx writes it: an input N x 3 x height x width of floats, sides"
    " multiples of 32, and an output N x cells x (5 + classes)"
)


class Network:
    """An exported YOLOX, ready to run.

    Attributes:
        size: Height and width of the pictures it sees.
        classes: How many classes it tells apart.
        decoded: Whether its boxes are in pixels, or relative to their cells.
        blue_first: Whether it wants BGR. YOLOX is trained so; a file whose metadata says `channels: RGB` is believed.
        device: The execution provider that computes.
    """

    def __init__(self, file: Path, device: str, batch_size: int, image_size: int | None = None) -> None:
        """Load a file and run it once.

        Args:
            file: An ONNX file.
            device: "auto", "cpu", "cuda" or "cuda:N".
            batch_size: How many pictures a GPU works on at once, where the file leaves that open.
            image_size: Side of the pictures in pixels, where the file leaves that open.

        Raises:
            UsageError: The file holds no YOLOX detector, or one of another size; the GPU asked for is not there.
        """
        self._file = file
        self._session = open_session(file, device, _EXPECTED)
        self.device: str = self._session.get_providers()[0]
        self._input = self._only(self._session.get_inputs(), "inputs")
        self._only(self._session.get_outputs(), "outputs")
        if self._input.type not in _TYPES:
            raise self._refusal(f"an input of type {self._input.type}")
        self.size = self._size(image_size)
        self._batch = self._batch_axis(batch_size)
        probe = self._probe()
        self.classes = self._class_count(probe.shape)
        self.decoded = is_decoded(probe, self.size)
        metadata = self._session.get_modelmeta().custom_metadata_map
        self.blue_first = metadata.get("channels", "BGR").upper() != "RGB"

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """The output for N pictures (N x 3 x height x width).

        One run of the session does them all, except where the file or the GPU works on another number at once: then
        grey pictures fill the last run.
        """
        size = self._batch or len(batch)
        results = [self._run(batch[start : start + size], size) for start in range(0, len(batch), size)]
        return np.concatenate(results)

    def _probe(self) -> NDArray[np.float32]:
        height, width = self.size
        try:
            return self.run(np.full((1, 3, height, width), GREY, np.float32))
        except Exception as error:
            reason = str(error).strip().splitlines()[0]
            raise self._refusal(f"a graph that fails on pictures of {height} x {width} ({reason})") from error

    def _run(self, pictures: NDArray[np.float32], size: int) -> NDArray[np.float32]:
        count = len(pictures)
        if count < size:
            filling = np.full((size - count, *pictures.shape[1:]), GREY, np.float32)
            pictures = np.concatenate([pictures, filling])
        (output,) = self._session.run(None, {self._input.name: pictures.astype(_TYPES[self._input.type], copy=False)})
        return np.asarray(output[:count], np.float32)

    def _only(self, tensors: list[Any], kind: str) -> Any:
        if len(tensors) != 1:
            names = ", ".join(tensor.name for tensor in tensors)
            raise self._refusal(f"{len(tensors)} {kind} ({names})")
        return tensors[0]

    def _size(self, asked: int | None) -> tuple[int, int]:
        shape = self._input.shape
        if len(shape) != 4 or shape[1] != 3:  # noqa: PLR2004 - N x 3 x height x width
            raise self._refusal(f"an input of the shape {_written(shape)}")
        height, width = (side if isinstance(side, int) else asked for side in shape[2:])
        if height is None or width is None:
            raise UsageError(
                f"the size of the pictures is open: {self._file.name!r} takes any ({_written(shape)}); set the"
                " parameter image_size to the size of the training"
            )
        if asked is not None and (height, width) != (asked, asked):
            raise UsageError(
                f"image_size={asked} cannot be used: {self._file.name!r} was exported for {_written(shape)}; leave the"
                " parameter out, or export the model for that size"
            )
        if height % 32 or width % 32:
            raise self._refusal(f"an input of the shape {_written(shape)}")
        return height, width

    def _batch_axis(self, batch_size: int) -> int | None:
        """How many pictures each run has; None: any number. A GPU may round differently with another number."""
        fixed = self._input.shape[0]
        if isinstance(fixed, int):
            return fixed
        return None if self.device == CPU else batch_size

    def _class_count(self, shape: tuple[int, ...]) -> int:
        count = len(cells(self.size)[0])
        if len(shape) != 3 or shape[1] != count or shape[2] < 6:  # noqa: PLR2004 - box, object, one class at least
            expected = f"1 x {count} x (5 + classes) for pictures of {self.size[0]} x {self.size[1]}"
            raise self._refusal(f"an output of the shape {_written(shape)} instead of {expected}")
        return shape[2] - 5

    def _refusal(self, found: str) -> UsageError:
        return UsageError(f"the model file {self._file.name!r} cannot be used: found {found}; {_EXPECTED}")


def _written(shape: Any) -> str:
    return " x ".join(str(side) for side in shape)
