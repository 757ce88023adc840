"""Resolving a Job into a JobContext, whichever generation of payload the platform sends.

`job.sync()` has come in three generations (see the keys below), sometimes several at once. Their fields are merged,
newest first; the task says what kind of object `target_id` is where the payload does not.
"""

from __future__ import annotations

from contextlib import suppress
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import picsellia.exceptions
from picsellia.sdk.job import Job
from picsellia.types.enums import ProcessingType

from picsellia_processing.context import JobContext
from picsellia_processing.errors import JobError, PlatformError
from picsellia_processing.sdk.client import session_of, translated
from picsellia_processing.sdk.environment import is_uuid

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from picsellia import Client
    from picsellia.sdk.dataset_version import DatasetVersion

    from picsellia_processing.task import Task

GENERATIONS = (
    "processing_job",
    "dataset_version_processing_job",
    "datalake_processing_job",
    "model_version_processing_job",
    "datasetversionprocessingjob",
)
"""The keys of a Job's payload that hold what it runs on, newest first."""

TARGET_ID = {
    "DATASET_VERSION": "input_dataset_version_id",
    "MODEL_VERSION": "input_model_version_id",
    "DATALAKE": "input_datalake_id",
}
SELECTION_KEY = {"DATASET_VERSION": "asset_ids", "DATALAKE": "data_ids"}


def resolve_job(client: Client, job_id: str, task: Task, *, folder: Path) -> JobContext:
    """Everything the Job is, for a processing of this task.

    Raises:
        JobError: the Job is of another task, or its target, its selection or one of its inputs cannot be resolved.
        PlatformError: the platform cannot be reached.
    """
    job = Job(client.connection, {"id": job_id, "status": "RUNNING"}, version=2)
    payload = _found("Job", job_id, lambda _: job.sync())
    _check_type(payload, task)
    details = merged(payload)
    inputs = {key: value for key, value in details.items() if key.endswith("_id")}
    inputs |= {key: value for key, value in (details.get("inputs") or {}).items() if value is not None}
    target_type, target = _find_target(client, details, task)
    if target_type != "MODEL_VERSION" and inputs.get("model_version_id"):
        target["model_version"] = _model_version(client, str(inputs["model_version_id"]))
    if details.get("output_dataset_version_id"):
        target["output_dataset_version"] = find_dataset_version(client, str(details["output_dataset_version_id"]))
    if details.get("output_datalake_id"):
        target["output_datalake"] = _datalake(client, str(details["output_datalake_id"]))
    return JobContext(
        client=client,
        job=job,
        type=payload.get("type"),
        target_type=target_type,
        parameters=MappingProxyType(dict(details.get("parameters") or {})),
        inputs=MappingProxyType(inputs),
        selection=read_selection(client, details, target_type),
        folder=folder,
        **target,
    )


def merged(payload: Mapping[str, Any]) -> dict[str, Any]:
    """The details of a Job's payload, whatever its generation; a newer one wins over an older one."""
    details: dict[str, Any] = {}
    for generation in reversed(GENERATIONS):
        found = payload.get(generation)
        if isinstance(found, dict):
            details.update({key: value for key, value in found.items() if value is not None})
    return details


def read_selection(client: Client, details: Mapping[str, Any], target_type: str) -> tuple[str, ...] | None:
    """The ids the Job is limited to; None when it was launched on the whole target. Never widened.

    Raises:
        JobError: there is a selection but it cannot be read, or it is empty.
    """
    key = SELECTION_KEY.get(target_type)
    url = details.get("payload_presigned_url")
    if key is None or (url is None and target_type == "DATASET_VERSION"):
        return None
    if url is None:
        raise JobError(
            f"the Job was launched on no selection, but one on a {target_type} needs one; select at least one"
        )
    content = _read_json(client, url)
    if not isinstance(content, dict) or key not in content:
        raise JobError(f"the Job's selection cannot be read: expected a JSON object with {key!r}")
    selected = content[key]
    if selected is None and target_type == "DATASET_VERSION":
        return None
    if selected in (None, []):
        raise JobError(f"the Job was launched on an empty selection ({key}: {selected!r}); select at least one")
    if not isinstance(selected, list) or not all(isinstance(each, str) and each for each in selected):
        raise JobError(f"the Job's selection cannot be read: expected a list of ids under {key!r}")
    return tuple(dict.fromkeys(selected))


def _read_json(client: Client, url: str) -> Any:
    answer = session_of(client).get(url, timeout=60)
    if not answer.ok:
        raise JobError(
            f"the Job's selection cannot be read: the platform answered {answer.status_code}. "
            "It is not run on everything instead; launch the Job again"
        )
    try:
        return answer.json()
    except ValueError:
        return None


def _check_type(payload: Mapping[str, Any], task: Task) -> None:
    found = payload.get("type")
    if task.type is not None and found in ProcessingType.values() and found != task.type:
        raise JobError(
            f"the Job is a {found}, but this processing is a {task.type}; "
            "launch it from a Processing that is registered with that type, or change the decorator"
        )


def _find_target(client: Client, details: Mapping[str, Any], task: Task) -> tuple[str, dict[str, Any]]:
    """What the Job runs on. Where only an id says it, each kind of object that the task runs on is looked up."""
    kinds = (task.target, *task.other_targets)
    for kind in kinds:
        if details.get(TARGET_ID[kind]):
            return kind, _target(client, kind, str(details[TARGET_ID[kind]]))
    if not details.get("target_id"):
        raise JobError(
            f"the Job says nothing about the {' or '.join(kinds)} that {task.name} runs on; "
            f"found {', '.join(sorted(details)) or 'no details at all'} in its payload"
        )
    *others, last = kinds
    for kind in others:
        with suppress(JobError):
            return kind, _target(client, kind, str(details["target_id"]))
    return last, _target(client, last, str(details["target_id"]))


def _target(client: Client, target_type: str, target_id: str) -> dict[str, Any]:
    if target_type == "DATASET_VERSION":
        return {"dataset_version": find_dataset_version(client, target_id)}
    if target_type == "MODEL_VERSION":
        return {"model_version": _model_version(client, target_id)}
    return {"datalake": _datalake(client, target_id)}


def find_dataset_version(client: Client, version_id: str) -> DatasetVersion:
    """The DatasetVersion of this id.

    Raises:
        JobError: there is none.
        PlatformError: the platform cannot be reached.
    """
    found: DatasetVersion = _found("DatasetVersion", version_id, client.get_dataset_version_by_id)
    return found


def _model_version(client: Client, version_id: str) -> Any:
    return _found("ModelVersion", version_id, client.get_model_version_by_id)


def _datalake(client: Client, datalake_id: str) -> Any:
    return _found("Datalake", datalake_id, lambda identifier: client.get_datalake(id=identifier))


def _found(kind: str, identifier: str, get: Callable[[str], Any]) -> Any:
    missing = f"there is no {kind} {identifier} in this organization: the Job cannot be run"
    if not is_uuid(identifier):
        raise JobError(f"{missing} ({identifier!r} is not even an id)")
    try:
        with translated(f"reading the {kind} {identifier}"):
            return get(identifier)
    except PlatformError as error:
        if isinstance(error.__cause__, picsellia.exceptions.ResourceNotFoundError):
            raise JobError(missing) from error
        raise
