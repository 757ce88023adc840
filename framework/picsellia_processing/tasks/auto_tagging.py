"""Auto-tagging: a model tags the assets of a DatasetVersion, or the data of a Datalake: whichever the Job runs on."""

from __future__ import annotations

from picsellia_processing.processing import ParametersT, ProcessingClass
from picsellia_processing.tasks.tagging import TaggingDecorator, tagging_task

AUTO_TAGGING = tagging_task("auto_tagging", "DATASET_VERSION", other_targets=("DATALAKE",))

auto_tagging = TaggingDecorator(AUTO_TAGGING)


class AutoTagging(ProcessingClass[ParametersT]):
    """Base of an auto-tagging written as a class: `class Tag(AutoTagging[MyParameters])`."""

    task = AUTO_TAGGING
