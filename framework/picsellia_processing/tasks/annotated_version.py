"""Settling the DatasetVersion that a Job annotates, before any download: its type, its labels."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from picsellia_processing.errors import JobError
from picsellia_processing.labels import Labels, unique
from picsellia_processing.sdk.annotations import add_labels, read_labels, set_type
from picsellia_processing.tasks.annotation_output import AnnotationOutput

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from picsellia_processing.context import JobContext
    from picsellia_processing.task import Declaration

NOT_CONFIGURED = "NOT_CONFIGURED"


def prepare_output(
    context: JobContext,
    *,
    status: str,
    existing: str,
    label_matching: str,
    declaration: Declaration,
    shapes_of_type: Mapping[str, tuple[str, ...]],
    returned: Sequence[str],
) -> tuple[JobContext, AnnotationOutput]:
    """Settle type and labels of the DatasetVersion, before any download, and make the Output.

    Raises:
        JobError: type or labels do not fit the ModelVersion or what the function returns.
        PlatformError: the platform cannot be reached.
    """
    version = context.dataset_version
    assert version is not None
    inference_type = _settle_type(context, shapes_of_type, returned, declaration.type)
    allowed = shapes_of_type.get(inference_type, ())
    if returned and not set(returned) & set(allowed):
        raise JobError(
            f"the DatasetVersion {context.target_name} is of type {inference_type}, which holds "
            f"{' or '.join(allowed)}, but the processing returns {' or '.join(returned)}"
        )
    unconfigured = version.type.value == NOT_CONFIGURED
    known = getattr(context.model_version, "labels", None) or {}
    classes = unique(str(name) for name in known.values()) or declaration.labels
    labels, label_ids = _settle_labels(context, classes, adds=label_matching == "add", unconfigured=unconfigured)
    if unconfigured:
        set_type(version, inference_type)  # last, so that a run cut short before it starts over
    output = AnnotationOutput(
        version, context.selection, labels, label_ids, status=status, replaces=existing == "replace", allowed=allowed
    )
    return replace(context, labels=labels), output


def _settle_type(
    context: JobContext, shapes_of_type: Mapping[str, tuple[str, ...]], returned: Sequence[str], declared: str | None
) -> str:
    assert context.dataset_version is not None
    found: str = context.dataset_version.type.value
    model: str = context.model_version.type.value if context.model_version is not None else NOT_CONFIGURED
    says, who = (model, f"ModelVersion {context.model_name}") if model != NOT_CONFIGURED else (declared, "processing")
    if found == NOT_CONFIGURED:
        fitting = [name for name, shapes in shapes_of_type.items() if set(returned) == set(shapes)]
        if says is not None or len(fitting) == 1:
            return says or fitting[0]
        raise JobError(
            f"the DatasetVersion {context.target_name} has no type yet, and nothing says which one it should get: give "
            "the Job a ModelVersion with a type, set the type of the DatasetVersion, or say what the function returns"
        )
    if says not in {found, None} and found != "MULTI":
        raise JobError(
            f"the DatasetVersion {context.target_name} is of type {found}, but the {who} is of type {says}; "
            "launch the Job with a model and a DatasetVersion of the same type"
        )
    return found


def _settle_labels(
    context: JobContext, classes: Sequence[str], *, adds: bool, unconfigured: bool
) -> tuple[Labels, dict[str, str]]:
    assert context.dataset_version is not None
    label_ids = read_labels(context.dataset_version)
    labels = Labels(tuple(label_ids), tuple(classes), open=adds)
    missing = [name for name in classes if labels.match(name) not in label_ids]
    if (adds or unconfigured) and missing:
        label_ids.update(add_labels(context.dataset_version, missing))
        labels = Labels(tuple(label_ids), tuple(classes), open=adds)
    if not adds and (not label_ids or (classes and not any(name in labels for name in classes))):
        there = ", ".join(label_ids) or "none"
        raise JobError(
            f"no class of the model has a label in the DatasetVersion {context.target_name}, so nothing could be kept. "
            f"Its labels: {there}; the model's classes: {', '.join(classes) or 'not known'}. "
            "Add the labels, or launch the Job with the parameter label_matching = add; a processing without a "
            "ModelVersion can say what it finds: @pre_annotation(labels=[...])"
        )
    return labels, label_ids
