"""How the annotations of a DatasetVersion fit the classes of a model."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from picsellia_processing import Labels
from picsellia_processing.errors import JobError

if TYPE_CHECKING:
    from model_file import OnnxModel
    from picsellia.sdk.dataset_version import DatasetVersion

LOGGER = logging.getLogger(__name__)

TYPES = {"detection": ("OBJECT_DETECTION", "SEGMENTATION", "MULTI"), "classification": ("CLASSIFICATION", "MULTI")}
"""The types of a DatasetVersion whose annotations say whether a model is right."""


def class_of_label(version: DatasetVersion, model: OnnxModel) -> dict[str, str]:
    """The class of the model that each label in use stands for: the one of its name, else but for upper and lower case.

    Raises:
        JobError: The DatasetVersion has no annotation the model could be measured by.
    """
    name, found = f"{version.name}/{version.version}", str(getattr(version.type, "value", version.type))
    if found not in TYPES[model.task]:
        raise JobError(
            f"the DatasetVersion {name} is of type {found}; a {model.task} model is measured on one of type "
            f"{' or '.join(TYPES[model.task])}"
        )
    used = [label for label, count in version.retrieve_stats().label_repartition.items() if count]
    if not used:
        raise JobError(
            f"the DatasetVersion {name} has no annotation to measure the model by; annotate it, or give another"
        )
    classes = Labels(model.classes)
    matched = {label: match for label in used if (match := classes.match(label)) is not None}
    if not matched:
        raise JobError(
            f"no label in use in the DatasetVersion {name} is a class of the model: found {', '.join(used)}; expected "
            f"one of {', '.join(model.classes)}; give the DatasetVersion of the model, or correct its labels"
        )
    if others := [label for label in used if label not in matched]:
        LOGGER.warning("not measured, since the model has no such class: %s", ", ".join(others))
    return matched
