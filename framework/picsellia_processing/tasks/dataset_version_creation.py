"""Dataset-version creation: which images of a DatasetVersion, kept, changed or new, make up another one."""

from __future__ import annotations

from picsellia_processing.processing import ParametersT, ProcessingClass
from picsellia_processing.tasks.new_version import NewVersionDecorator, NewVersionParameters, new_version_task

DATASET_VERSION_CREATION = new_version_task("dataset_version_creation", NewVersionParameters)

dataset_version_creation = NewVersionDecorator(DATASET_VERSION_CREATION)


class DatasetVersionCreation(ProcessingClass[ParametersT]):
    """Base of a dataset-version creation written as a class: `class Curate(DatasetVersionCreation[MyParameters])`."""

    task = DATASET_VERSION_CREATION
