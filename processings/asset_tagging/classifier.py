"""Run a classifier with ONNX Runtime so that the scores of a picture do not depend on the pictures beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from labelmap import class_names
from picsellia_processing.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from preprocessing import Preprocessing

Activation: TypeAlias = Literal["softmax", "sigmoid", "none"]

_MATRIX = 2


class Classifier:
    """A model on its device.

    It always computes on batches of one size, filled up with black where pictures are missing: batches of another size
    may round differently.

    Attributes:
        classes: the names of what it tells apart, in the order of its outputs.
    """

    def __init__(
        self,
        session: Any,
        preprocessing: Preprocessing,
        labels: Mapping[str, str],
        activation: Activation | None,
        batch_size: int,
    ) -> None:
        """Make the model ready.

        Args:
            session: An `onnxruntime.InferenceSession` (see `onnx_session`).
            preprocessing: How pictures are prepared.
            labels: Those of the ModelVersion: names by index, from "0" on.
            activation: What makes scores of its outputs; None: softmax, unless they add up to 1 already.
            batch_size: How many pictures it gets at once, unless it takes another number.

        Raises:
            UsageError: its first output is not one number for each class.
            JobError: the labels do not fit its classes.
        """
        self._session = session
        self._preprocessing = preprocessing
        self._activation = activation
        self._input = session.get_inputs()[0].name
        fixed = session.get_inputs()[0].shape[0]
        self._batch_size = fixed if isinstance(fixed, int) else batch_size
        self._blank = preprocessing(np.zeros((1, 1, 3), np.uint8))
        self.classes = class_names(labels, self._run([]).shape[1])

    def classify(self, pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """The scores, 0 to 1, of each picture (height x width x 3, RGB): pictures x classes.

        Raises:
            ValueError: what the model computes are no scores.
        """
        batches = []
        for start in range(0, len(pictures), self._batch_size):
            batch = [self._preprocessing(picture) for picture in pictures[start : start + self._batch_size]]
            batches.append(self._run(batch)[: len(batch)])
        return scores(np.concatenate(batches), self._activation)

    def _run(self, batch: list[NDArray[Any]]) -> NDArray[np.float32]:
        full = np.stack(batch + [self._blank] * (self._batch_size - len(batch)))
        outputs = np.asarray(self._session.run(None, {self._input: full})[0], np.float32)
        if outputs.ndim != _MATRIX or len(outputs) != self._batch_size:
            raise UsageError(
                f"the model is no classifier: found a first output of the shape {list(outputs.shape)} for "
                f"{self._batch_size} pictures; expected [{self._batch_size}, number of classes]"
            )
        return outputs


def scores(outputs: NDArray[np.float32], activation: Activation | None) -> NDArray[np.float32]:
    """Scores from 0 to 1 of a model's outputs (pictures x classes), each row for itself.

    Raises:
        ValueError: outputs are not finite, or with the activation "none" not from 0 to 1.
    """
    if not np.isfinite(outputs).all():
        raise ValueError("the model computes infinite numbers, or none, on this picture")
    if activation == "sigmoid":
        return np.asarray((1 + np.tanh(outputs / 2)) / 2, np.float32)
    if activation == "none":
        if outputs.min() < 0 or outputs.max() > 1:
            raise ValueError("the model computes numbers outside 0..1; with activation = none they are to be scores")
        return outputs
    grown = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    softmax = grown / grown.sum(axis=1, keepdims=True)
    done = (outputs >= 0).all(axis=1) & (np.abs(outputs.sum(axis=1) - 1) < 1e-3)  # noqa: PLR2004 - rounding
    keeps = done & (activation is None)
    return np.asarray(np.where(keeps[:, None], outputs, softmax), np.float32)
