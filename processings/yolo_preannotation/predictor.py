"""Run an ultralytics model so that what it finds on an image does not depend on the images beside it."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

import numpy as np
from picsellia_processing.errors import JobError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from picsellia_processing import Labels

LOGGER = logging.getLogger(__name__)

THREADS_ASKED_FOR = os.environ.get("OMP_NUM_THREADS")  # read here, because ultralytics sets it to 1 when imported

_BLANK = np.zeros((32, 32, 3), np.uint8)


class Predictor:
    """A model on its device, with its settings fixed.

    On the CPU it works on one picture at a time, which is no slower there; on a GPU always on `batch_size` pictures,
    blank ones if need be: convolutions over batches of another size may round differently.

    Attributes:
        task: "detect", "segment" or "classify".
    """

    def __init__(self, model: Any, device: str, batch_size: int, **settings: Any) -> None:
        """Make the model ready.

        Args:
            model: An `ultralytics.YOLO`.
            device: "cpu", "mps", "cuda:0" ... (see `available_device`).
            batch_size: How many pictures a GPU works on at once.
            settings: Those of `ultralytics.YOLO.predict`, such as `conf` and `iou`. Without `imgsz` pictures are
                scaled to the size of the training.
        """
        self.task = str(model.task)
        self._batch_size = 1 if device == "cpu" else batch_size
        model.predict(_BLANK, device=device, rect=False, verbose=False, save=False, **settings)
        self._run = model.predictor
        use_threads_asked_for()

    def predict(self, pictures: Sequence[NDArray[np.uint8]]) -> list[Any]:
        """One `ultralytics.engine.results.Results` for each picture (height x width x 3, uint8, RGB)."""
        import cv2  # noqa: PLC0415 - see available_device

        blue_first = [cv2.cvtColor(picture, cv2.COLOR_RGB2BGR) for picture in pictures]
        results: list[Any] = []
        for start in range(0, len(blue_first), self._batch_size):
            batch = blue_first[start : start + self._batch_size]
            blanks = [_BLANK] * (self._batch_size - len(batch))
            results += self._run(batch + blanks)[: len(batch)]
        return results


def use_threads_asked_for() -> None:
    """Compute on as many cores as `OMP_NUM_THREADS` says, which ultralytics overrides; it leaves one core idle.

    All cores are faster on a machine of one's own, and much slower where others want them too.
    """
    import torch  # noqa: PLC0415 - see available_device

    if THREADS_ASKED_FOR and THREADS_ASKED_FOR.isdecimal():
        torch.set_num_threads(int(THREADS_ASKED_FOR))


def available_device(asked: str) -> str:
    """The device to compute on: `asked`, or where that is "auto" the first GPU if there is one, else "cpu".

    Raises:
        UsageError: A GPU was asked for that torch does not find here.
    """
    import torch  # noqa: PLC0415 - takes a second, which whoever only reads the definition need not wait

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


def labelled_classes(names: dict[int, str], labels: Labels) -> list[int]:
    """The indices of those of the model's classes that have a label; the others are named in the log.

    Raises:
        JobError: None has one, so there is nothing to look for.
    """
    found = [index for index, name in names.items() if name in labels]
    if not found:
        raise JobError(
            f"no class of the model has a label: expected one of {', '.join(names.values())}; found the labels"
            f" {', '.join(labels) or '(none)'}; rename a label, or set label_matching=add"
        )
    if missing := [name for index, name in names.items() if index not in found]:
        LOGGER.warning("not looked for, since they have no label: %s", ", ".join(missing))
    return found
