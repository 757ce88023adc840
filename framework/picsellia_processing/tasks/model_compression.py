"""Model compression: the files of a ModelVersion become a smaller or faster model, kept on it or on a new one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from picsellia_processing.processing import ParametersT, ProcessingClass
from picsellia_processing.tasks.producing import ProducingDecorator, producing_task

if TYPE_CHECKING:
    from collections.abc import Sequence

MODEL_COMPRESSION = producing_task("model_compression")

model_compression = ProducingDecorator(MODEL_COMPRESSION)


class ModelCompression(ProcessingClass[ParametersT]):
    """Base of a model compression written as a class: `class Compress(ModelCompression[MyParameters])`.

    `produces` are the names of the files it makes.
    """

    task = MODEL_COMPRESSION
    produces: Sequence[str] = ()
