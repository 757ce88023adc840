"""Run a detector of the TensorFlow 2 Object Detection API; what it finds does not depend on the pictures of a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from picsellia_processing.errors import JobError, UsageError
from PIL import Image
from saved_model import SIGNATURE
from tensorflow_runtime import import_tensorflow

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

OUTPUTS = ("detection_boxes", "detection_scores", "detection_classes", "num_detections")
MASKS = "detection_masks"
BACKGROUND = "background"

_TYPES = ("uint8", "float32")
_TRIED = 320
_PICTURES = 4


class Detection(NamedTuple):
    """One object on a picture.

    Attributes:
        number: of its class, from 1 on.
        score: 0 to 1.
        box: top, left, bottom, right in 0..1 of the picture.
        mask: height x width, how likely it is there, stretched over the box; None where the model gives none.
    """

    number: int
    score: float
    box: NDArray[np.float32]
    mask: NDArray[np.float32] | None = None


class Detector:
    """A model on its device.

    A model of open batch size and fixed picture size always computes on batches of one size, filled up with black:
    batches of another size may round differently. Any other gets one picture at a time.

    Attributes:
        names: the names of the classes, by the number the model gives them.
        gives_masks: whether it finds the outlines of objects, not only boxes.
    """

    def __init__(self, model: Any, device: str, names: Mapping[int, str], batch_size: int) -> None:
        """Make the model ready.

        Args:
            model: A SavedModel (see `saved_model.load`).
            device: As TensorFlow calls it.
            names: The names of its classes, by number.
            batch_size: How many pictures it gets at once, if it takes any number.

        Raises:
            UsageError: it is no detector of the Object Detection API.
        """
        self.names = dict(names)
        self._model = model  # its variables live as long as it does
        self._device = device
        self._run_on = model.signatures[SIGNATURE]
        self._input, spec = _only_input(self._run_on)
        count, self._height, self._width, _ = spec.shape
        self._dtype = spec.dtype.as_numpy_dtype
        stackable = count is None and self._height is not None and self._width is not None
        self._batch_size = batch_size if stackable else count or 1
        _check_outputs(self._run_on.structured_outputs)
        self.gives_masks = MASKS in self._run_on.structured_outputs
        self.detect([np.zeros((_TRIED, _TRIED, 3), np.uint8)])

    def detect(self, pictures: Sequence[NDArray[np.uint8]]) -> list[list[Detection]]:
        """What is found on each picture (height x width x 3, RGB)."""
        found: list[list[Detection]] = []
        for start in range(0, len(pictures), self._batch_size):
            batch = [self._seen(picture) for picture in pictures[start : start + self._batch_size]]
            found += self._run(batch)[: len(batch)]
        return found

    def _seen(self, picture: NDArray[np.uint8]) -> NDArray[Any]:
        """The picture as the model wants it: of its own size where that is fixed."""
        height, width = self._height or picture.shape[0], self._width or picture.shape[1]
        if (height, width) != picture.shape[:2]:
            picture = np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.BILINEAR))
        return picture.astype(self._dtype)

    def _run(self, batch: list[NDArray[Any]]) -> list[list[Detection]]:
        tensorflow = import_tensorflow()
        blanks = [np.zeros_like(batch[0])] * (self._batch_size - len(batch))
        with tensorflow.device(self._device):
            given = {self._input: tensorflow.constant(np.stack(batch + blanks))}
            outputs = {name: tensor.numpy() for name, tensor in self._run_on(**given).items()}
        return [_of_one(outputs, index) for index in range(self._batch_size)]


def _of_one(outputs: Mapping[str, NDArray[Any]], index: int) -> list[Detection]:
    count = int(outputs["num_detections"][index])
    boxes, scores, classes = (outputs[name][index, :count] for name in OUTPUTS[:3])
    masks = outputs[MASKS][index, :count].astype(np.float32) if MASKS in outputs else [None] * count
    return list(map(Detection, np.rint(classes).astype(int).tolist(), scores.tolist(), boxes, masks))


def best(found: Iterable[Detection], confidence: float, most: int) -> list[Detection]:
    """Those with a score of at least `confidence`, best first, and no more than `most`."""
    sure = (each for each in found if each.score >= confidence)
    return sorted(sure, key=lambda each: -each.score)[:most]


def _only_input(signature: Any) -> tuple[str, Any]:
    """The name of the input that takes pictures, and its shape and type."""
    inputs: dict[str, Any] = signature.structured_input_signature[1]
    name, spec = next(iter(inputs.items()))
    pictures = spec.shape.rank == _PICTURES and spec.shape[3] == 3 and spec.dtype.name in _TYPES  # noqa: PLR2004 - RGB
    if len(inputs) != 1 or not pictures:
        found = ", ".join(f"{name}: {spec.dtype.name} {spec.shape}" for name, spec in inputs.items())
        raise UsageError(
            f"the SavedModel does not take pictures: found the inputs {found}; expected a single one of the shape "
            f"[N, height, width, 3] and the type {' or '.join(_TYPES)}; export it with the input type image_tensor"
        )
    return name, spec


def _check_outputs(outputs: Mapping[str, Any]) -> None:
    if missing := [name for name in OUTPUTS if name not in outputs]:
        raise UsageError(
            f"the SavedModel is no detector of the Object Detection API: it has no output {', '.join(missing)}; found "
            f"{', '.join(sorted(outputs))}"
        )


def class_names(labels: Mapping[str, str]) -> dict[int, str]:
    """The name of each class by the number the model gives it, from the labels of its ModelVersion.

    The model counts from 1. So do labels, unless there is a label "0": then they are one behind, but for one that is
    called "background", as it is where 0 stands for nothing.

    Raises:
        JobError: there are no labels, or one has no number.
    """
    if not labels or not all(number.isdecimal() for number in labels):
        found = ", ".join(f"{number}: {name}" for number, name in labels.items()) or "none"
        raise JobError(
            f"the labels of the ModelVersion do not name the classes of its model: found {found}; expected names by "
            "number, as in the label map of the training: 1: car, 2: person"
        )
    behind = 0 if labels.get("0", BACKGROUND).casefold() == BACKGROUND else 1
    return {int(number) + behind: name for number, name in labels.items()}
