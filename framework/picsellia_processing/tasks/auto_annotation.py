"""Auto-annotation: a model annotates the assets of a DatasetVersion, and its annotations are accepted as they are."""

from __future__ import annotations

from picsellia_processing.processing import ParametersT, ProcessingClass
from picsellia_processing.tasks.annotating import AnnotatingDecorator, annotating_task

AUTO_ANNOTATION = annotating_task("auto_annotation", status="ACCEPTED")

auto_annotation = AnnotatingDecorator(AUTO_ANNOTATION)


class AutoAnnotation(ProcessingClass[ParametersT]):
    """Base of an auto-annotation written as a class: `class Annotate(AutoAnnotation[MyParameters])`."""

    task = AUTO_ANNOTATION
