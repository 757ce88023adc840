"""Settling the output DatasetVersion of a Job before any download: which one it is, its type, its labels."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from picsellia_processing.errors import JobError
from picsellia_processing.labels import Labels
from picsellia_processing.sdk.annotations import add_labels, read_labels, set_type
from picsellia_processing.sdk.datasets import make_version
from picsellia_processing.sdk.uploads import default_datalake
from picsellia_processing.tasks.annotating import SHAPES_OF_TYPE
from picsellia_processing.tasks.annotation_output import NOT_CONFIGURED, AnnotationOutput
from picsellia_processing.tasks.encoding import Encoder
from picsellia_processing.tasks.file_names import FileNames
from picsellia_processing.tasks.new_version_output import UNREVIEWED, NewVersionOutput

if TYPE_CHECKING:
    from collections.abc import Container

    from picsellia.sdk.dataset_version import DatasetVersion

    from picsellia_processing.context import JobContext


def prepare_output(
    context: JobContext, *, allow_existing: bool, keep_originals: bool, not_in_names: Container[str]
) -> tuple[JobContext, NewVersionOutput]:
    """Settle the output DatasetVersion, its type and its labels, before any download, and make the Output.

    `not_in_names` are the parameters that do not change what a new image looks like.

    Raises:
        JobError: the Job names no output, one that exists and may not be used, or one of another type.
        PlatformError: the platform cannot be reached.
    """
    source = context.dataset_version
    assert source is not None
    version = _output_version(context, source, allow_existing=allow_existing)
    kind = _check_type(source, version)
    label_ids = read_labels(version)
    missing = [name for name in read_labels(source) if name not in label_ids]
    if missing:
        label_ids |= add_labels(version, missing)
    if version.type.value == NOT_CONFIGURED != kind:
        set_type(version, kind)  # last, so that a run cut short before it starts over
    labels = Labels(tuple(label_ids), open=True)
    annotations = AnnotationOutput(
        version,
        None,
        labels,
        label_ids,
        status=UNREVIEWED,
        replaces=False,
        allowed=SHAPES_OF_TYPE.get(kind, ()),
    )
    parameters = {name: value for name, value in context.parameters.items() if name not in not_in_names}
    output = NewVersionOutput(
        source,
        context.selection,
        version,
        context.output_datalake or default_datalake(context.client),
        annotations,
        encoder=Encoder(context.folder),
        names=FileNames(str(version.id), parameters),
        keep_originals=keep_originals,
    )
    return replace(context, output_dataset_version=version, labels=labels), output


def _output_version(context: JobContext, source: DatasetVersion, *, allow_existing: bool) -> DatasetVersion:
    version = context.output_dataset_version
    if version is None:
        version = _named_version(context, source, allow_existing=allow_existing)
    if str(version.id) == str(source.id):
        raise JobError(
            f"the output of the Job is {context.target_name}, the DatasetVersion it reads; "
            "launch it with another target_version_name"
        )
    return version


def _named_version(context: JobContext, source: DatasetVersion, *, allow_existing: bool) -> DatasetVersion:
    name = context.inputs.get("target_version_name")
    if not isinstance(name, str) or not name.strip():
        raise JobError(
            "the Job has no output DatasetVersion, and no name for one: launch it with the input "
            f"target_version_name, a new version of {source.name}; found {name!r}"
        )
    version, own = make_version(source, name, str(context.job.id))
    if not own and not allow_existing:
        raise JobError(
            f"there is a DatasetVersion {source.name}/{name} already: launch the Job with another "
            "target_version_name, or with the parameter allow_existing = true to add to that one"
        )
    return version


def _check_type(source: DatasetVersion, version: DatasetVersion) -> str:
    """The type that the output has, or is to get."""
    wanted, found = str(source.type.value), str(version.type.value)
    if found == NOT_CONFIGURED:
        return wanted
    if found not in {wanted, "MULTI"} and wanted != NOT_CONFIGURED:
        raise JobError(
            f"the output {version.name}/{version.version} is of type {found}, but the images come from "
            f"{source.name}/{source.version} of type {wanted}; give the Job an output of that type"
        )
    return found
