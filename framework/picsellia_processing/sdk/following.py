"""Following a Job from outside: its status as it changes, its log once the platform has it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from picsellia_processing.errors import PlatformError
from picsellia_processing.sdk.client import session_of, translated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from picsellia import Client
    from picsellia.sdk.job import Job

ENDED = frozenset({"SUCCEEDED", "FAILED", "KILLED"})
PAUSE = 1.0
"""Seconds between two looks at a Job."""

LOOKS_FOR_LOG = 10
"""A Job stores its log about when it tells how it ended: how often it is looked for after that."""


def statuses(job: Job) -> Iterator[str]:
    """The status of the Job now, and each one it changes to; the last one is one of `ENDED`.

    Raises:
        PlatformError: the platform cannot be reached.
    """
    seen = None
    while seen not in ENDED:
        if seen is not None:
            time.sleep(PAUSE)
        status = str(_read(job)["status"])
        if status != seen:
            yield status
        seen = status


def stored_log(client: Client, job: Job) -> str | None:
    """The log that an ended Job has stored; None where it has not. The SDK does not read the lines of one that runs.

    Raises:
        PlatformError: the platform or its storage cannot be reached.
    """
    for look in range(LOOKS_FOR_LOG):
        if look:
            time.sleep(PAUSE)
        name = _read(job).get("logging_object_name")
        if name:
            return _fetch(client, name)
    return None


def _read(job: Job) -> dict[str, Any]:
    with translated(f"reading the Job {job.id}"):
        content: dict[str, Any] = job.sync()
        return content


def _fetch(client: Client, object_name: str) -> str:
    with translated("looking up the log of the Job"):
        url = client.connection.init_download(object_name)
    answer = session_of(client).get(url)
    if not answer.ok:
        raise PlatformError(f"the log of the Job cannot be fetched: the storage answered {answer.status_code}")
    return answer.content.decode("utf-8", "replace")
