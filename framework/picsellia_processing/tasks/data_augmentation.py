"""Data augmentation: new images, with their annotations, made of those of a DatasetVersion."""

from __future__ import annotations

from picsellia_processing.parameters import Field
from picsellia_processing.processing import ParametersT, ProcessingClass
from picsellia_processing.tasks.new_version import NewVersionDecorator, NewVersionParameters, new_version_task


class AugmentationParameters(NewVersionParameters):
    """Parameters of every augmentation. Inherit from it to receive them, or to change a default."""

    keep_originals: bool = Field(
        False,  # noqa: FBT003 - the default, as of every field
        description="Whether the output holds the original images too, with their annotations.",
    )


DATA_AUGMENTATION = new_version_task("data_augmentation", AugmentationParameters)

data_augmentation = NewVersionDecorator(DATA_AUGMENTATION)


class DataAugmentation(ProcessingClass[ParametersT]):
    """Base of an augmentation written as a class: `class Augment(DataAugmentation[MyParameters])`."""

    task = DATA_AUGMENTATION
