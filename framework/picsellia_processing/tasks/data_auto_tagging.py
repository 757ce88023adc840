"""Data auto-tagging: a model gives the data of a Datalake tags and metadata."""

from __future__ import annotations

from picsellia_processing.processing import ParametersT, ProcessingClass
from picsellia_processing.tasks.tagging import TaggingDecorator, tagging_task

DATA_AUTO_TAGGING = tagging_task("data_auto_tagging", "DATALAKE", metadata=True)

data_auto_tagging = TaggingDecorator(DATA_AUTO_TAGGING)


class DataAutoTagging(ProcessingClass[ParametersT]):
    """Base of a data auto-tagging written as a class: `class Tag(DataAutoTagging[MyParameters])`."""

    task = DATA_AUTO_TAGGING
