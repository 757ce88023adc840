"""Pre-annotation: a model proposes annotations for the assets of a DatasetVersion, to be reviewed by people."""

from __future__ import annotations

from picsellia_processing.processing import ParametersT, ProcessingClass
from picsellia_processing.tasks.annotating import AnnotatingDecorator, annotating_task

PRE_ANNOTATION = annotating_task("pre_annotation", status="PENDING")

pre_annotation = AnnotatingDecorator(PRE_ANNOTATION)


class PreAnnotation(ProcessingClass[ParametersT]):
    """Base of a pre-annotation written as a class: `class Annotate(PreAnnotation[MyParameters])`."""

    task = PRE_ANNOTATION
