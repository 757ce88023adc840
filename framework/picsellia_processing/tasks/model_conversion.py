"""Model conversion: the files of a ModelVersion become a model in another format, kept on it or on a new one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from picsellia_processing.processing import ParametersT, ProcessingClass
from picsellia_processing.tasks.producing import ProducingDecorator, producing_task

if TYPE_CHECKING:
    from collections.abc import Sequence

MODEL_CONVERSION = producing_task("model_conversion")

model_conversion = ProducingDecorator(MODEL_CONVERSION)


class ModelConversion(ProcessingClass[ParametersT]):
    """Base of a model conversion written as a class: `class Convert(ModelConversion[MyParameters])`.

    `produces` are the names of the files it makes.
    """

    task = MODEL_CONVERSION
    produces: Sequence[str] = ()
