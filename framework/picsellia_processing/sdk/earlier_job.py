"""What an earlier Job was launched with, so that another one can be launched with the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from picsellia_processing.errors import UsageError
from picsellia_processing.sdk.client import find_job, translated
from picsellia_processing.sdk.following import ENDED
from picsellia_processing.sdk.job import TARGET_ID, find_dataset_version, merged, read_selection

if TYPE_CHECKING:
    from collections.abc import Mapping

    from picsellia import Client

    from picsellia_processing.registration import Registration


@dataclass(frozen=True, slots=True)
class EarlierJob:
    """`selection` are the ids of assets or data; None where it ran on all of its target."""

    target_id: str
    parameters: Mapping[str, Any]
    inputs: Mapping[str, Any]
    selection: tuple[str, ...] | None


def read_earlier_job(client: Client, job_id: str, registration: Registration) -> EarlierJob:
    """What the Job was launched with, which was one of this processing.

    An output DatasetVersion that the platform made for it is named as the output again.

    Raises:
        UsageError: there is no such Job, a run of it is active, or it was one of another processing.
        PlatformError: the platform cannot be reached.
    """
    job = find_job(client, job_id)
    with translated(f"reading the Job {job_id}"):
        payload = job.sync()
    if payload["status"] not in ENDED:
        raise UsageError(f"the Job {job_id} is {payload['status']}: it can be run again when that run has ended")
    details = merged(payload)
    target_id = details.get("target_id") or details.get(TARGET_ID[registration.target])
    if target_id is None or payload.get("type") != registration.type:
        raise UsageError(
            f"the Job {job_id} is a {payload.get('type')}, not one of {registration.name}, "
            f"which is a {registration.type} on a {registration.target}"
        )
    return EarlierJob(
        target_id=str(target_id),
        parameters=details.get("parameters") or {},
        inputs=_inputs(client, details, registration),
        selection=read_selection(client, details, registration.target),
    )


def _inputs(client: Client, details: Mapping[str, Any], registration: Registration) -> dict[str, Any]:
    """The inputs of the Job, and those of its processing that older payloads tell beside the inputs."""
    inputs = {name: value for name, value in (details.get("inputs") or {}).items() if value is not None}
    missing = registration.inputs.keys() - inputs
    if "model_version_id" in missing and details.get("model_version_id"):
        inputs["model_version_id"] = details["model_version_id"]
    if "target_version_name" in missing and details.get("output_dataset_version_id"):
        inputs["target_version_name"] = find_dataset_version(client, details["output_dataset_version_id"]).version
    return inputs
