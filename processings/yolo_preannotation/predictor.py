"""Run an ultralytics model so that what it finds on an image does not depend on the images beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from picsellia_processing.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Predictor:
    """An `ultralytics.YOLO` on one device: "cpu", "mps", "cuda:0" ... (see `available_device`)."""

    model: Any
    device: str

    @property
    def task(self) -> str:
        """One of "detect", "segment" and "classify"."""
        return str(self.model.task)

    @property
    def names(self) -> dict[int, str]:
        """The names of the model's classes by their index."""
        return dict(self.model.names)

    def predict(self, pictures: Sequence[NDArray[np.uint8]], batch_size: int, **options: Any) -> list[Any]:
        """One `ultralytics.engine.results.Results` for each picture (height x width x 3, uint8, RGB).

        Each is scaled into a square of `imgsz`, the size of the training unless `options` say otherwise. On the CPU
        the model runs on one picture at a time, which is no slower there; on a GPU always on `batch_size` pictures,
        blank ones if need be: convolutions of different batch sizes may round differently.

        Args:
            pictures: Up to `batch_size` pictures.
            batch_size: How many pictures a GPU works on at once.
            options: Settings of `ultralytics.YOLO.predict`, such as `conf` and `iou`.
        """
        blue_first = [np.ascontiguousarray(picture[..., ::-1]) for picture in pictures]
        settings = {"device": self.device, "rect": False, "verbose": False, "save": False, **options}
        if self.device == "cpu":
            return [self.model.predict(picture, **settings)[0] for picture in blue_first]
        blanks = [np.zeros((32, 32, 3), np.uint8)] * (batch_size - len(blue_first))
        results: list[Any] = self.model.predict(blue_first + blanks, **settings)
        return results[: len(blue_first)]


def available_device(asked: str) -> str:
    """The device to compute on: `asked`, or where that is "auto" the first GPU if there is one, else "cpu".

    Raises:
        UsageError: A GPU was asked for that torch does not find here.
    """
    import torch  # noqa: PLC0415 - takes a second, which reading this module should not

    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if asked == "auto":
        return "cuda:0" if gpus else "cpu"
    device = "cuda:0" if asked == "cuda" else asked
    found = [f"cuda:{index}" for index in range(gpus)] + ["mps"] * torch.backends.mps.is_available()
    if device != "cpu" and device not in found:
        raise UsageError(
            f"device={asked} cannot be used: torch {torch.__version__} finds {', '.join(found) or 'no GPU'} here; give"
            " the container its GPU (docker run --gpus all) and a torch built for it, or ask for device=auto or cpu"
        )
    return device
