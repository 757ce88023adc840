"""DatasetVersions as outputs: made by name, and given data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from picsellia.compatibility import add_data_mandatory_query_parameters
from picsellia.exceptions import ResourceConflictError
from picsellia.sdk.dataset_version import DatasetVersion
from picsellia.sdk.job import Job
from picsellia.types.enums import JobStatus

from picsellia_processing.errors import PlatformError
from picsellia_processing.sdk.annotations import REJECTIONS
from picsellia_processing.sdk.assets import PAGE
from picsellia_processing.sdk.client import describe, translated
from picsellia_processing.task import RejectedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ATTACH_PAUSE = 0.5
ATTACH_ATTEMPTS = 600
"""How long the platform may take to make assets of data: seconds between two looks, and how many looks."""

_MADE_BY = "Made by the Job {}."


def make_version(source: DatasetVersion, name: str, job_id: str) -> tuple[DatasetVersion, bool]:
    """A version `name` of the Dataset that `source` is a version of, of the same type, without assets.

    Returns it and whether it is this Job's own: one that exists already is, where the Job has made it before.

    Raises:
        PlatformError: the platform cannot be reached, or refuses.
    """
    description = _MADE_BY.format(job_id)
    path = f"/api/dataset/{source.origin_id}/versions"
    payload = {"version": name, "description": description, "type": source.type.value}
    with translated(f"making the DatasetVersion {source.name}/{name}"):
        try:
            content = source.connection.post(path, data=orjson.dumps(payload)).json()
        except ResourceConflictError:
            content = source.connection.get(f"{path}/find", params={"version": name}).json()
        return DatasetVersion(source.connection, content), content.get("description") == description


def attach_data(version: DatasetVersion, data_ids: Sequence[str]) -> dict[str, str]:
    """Have these data in the DatasetVersion, those that are not there yet are added: asset id by data id.

    Raises:
        RejectedError: the platform refuses to make assets of some of them.
        PlatformError: the platform cannot be reached, or does not come to an end.
    """
    wanted = list(dict.fromkeys(data_ids))
    with translated(f"adding {len(wanted)} data to {version.name}/{version.version}"):
        there = _asset_ids(version, wanted)
        missing = [data_id for data_id in wanted if data_id not in there]
        if missing:
            _add(version, missing)
            there |= _asset_ids(version, missing)
    lost = [data_id for data_id in missing if data_id not in there]
    if lost:
        raise PlatformError(
            f"{len(lost)} of {len(wanted)} data were added to {version.name}/{version.version}, but are not in it; "
            f"the first: {lost[0]}"
        )
    return there


def _add(version: DatasetVersion, data_ids: Sequence[str]) -> None:
    content = {"data_ids": list(data_ids), "asset_tag_ids": []}
    try:
        answer = version.connection.post(f"/api/dataset/version/{version.id}/assets", data=orjson.dumps(content)).json()
    except REJECTIONS as error:
        raise RejectedError(f"the platform refused to make an asset of it: {describe(error)}") from error
    job = Job(version.connection, answer["job"], version=1)
    status = job.wait_for_done(blocking_time_increment=ATTACH_PAUSE, attempts=ATTACH_ATTEMPTS)
    if status != JobStatus.SUCCESS:
        raise RejectedError(f"the platform could not make an asset of it: its job {job.id} is {status.value}")


def _asset_ids(version: DatasetVersion, data_ids: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for start in range(0, len(data_ids), PAGE):
        question: Mapping[str, Any] = add_data_mandatory_query_parameters({"data_ids": data_ids[start : start + PAGE]})
        path = f"/api/dataset/version/{version.id}/assets"
        content = version.connection.xget(path, data=orjson.dumps(question)).json()
        found |= {str(item["data"]["id"]): str(item["id"]) for item in content["items"]}
    return found
