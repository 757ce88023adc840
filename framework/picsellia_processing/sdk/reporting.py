"""What is told to the platform about a Job: its status, the lines of its log, the whole log as a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from picsellia import exceptions
from picsellia.types.enums import JobRunStatus

from picsellia_processing.errors import JobError, PlatformError
from picsellia_processing.sdk.client import translated

if TYPE_CHECKING:
    from pathlib import Path

    from picsellia.sdk.job import Job

# What trying again does not change. A token that expired may be renewed, so 401 is not among them.
_REFUSALS = (
    exceptions.BadRequestError,
    exceptions.ForbiddenError,
    exceptions.InsufficientResourcesError,
    exceptions.RequestTooLargeError,
    exceptions.ResourceConflictError,
    exceptions.ResourceLockedError,
    exceptions.ResourceNotFoundError,
)


def report_running(job: Job) -> None:
    """Mark the Job as RUNNING.

    Raises:
        JobError: the platform refuses, as it does for a Job that was killed.
        PlatformError: the platform cannot be reached.
    """
    try:
        with translated(f"marking the Job {job.id} as RUNNING"):
            job.update_job_run_with_status(JobRunStatus.RUNNING)
    except PlatformError as error:
        if not _is_refusal(error):
            raise
        if job.status != JobRunStatus.RUNNING:
            raise JobError(f"the Job {job.id} cannot be run, it is {job.status}: {error}; launch a new one") from error


def report_end(job: Job, *, succeeded: bool) -> None:
    """Mark the Job as SUCCEEDED or FAILED.

    Raises:
        PlatformError: the platform cannot be reached, or refuses.
    """
    status = JobRunStatus.SUCCEEDED if succeeded else JobRunStatus.FAILED
    with translated(f"marking the Job {job.id} as {status}"):
        job.update_job_run_with_status(status)


def send_log(job: Job, lines: list[str], *, first: int, part: str, final: bool) -> bool:
    """Send consecutive lines of the log, from number `first` on, in one request. Returns whether they were accepted.

    Raises:
        PlatformError: the platform cannot be reached; the same lines may be sent again.
    """
    job.line_nb = first
    try:
        with translated(f"sending the log of the Job {job.id}"):
            job.send_logging(lines, part, final=final)
    except PlatformError as error:
        if not _is_refusal(error):
            raise
        return False
    return True


def store_log(job: Job, path: Path) -> None:
    """Store the file at `path` as the log of the Job.

    Raises:
        PlatformError: the platform or its storage cannot be reached, or refuses.
    """
    with translated(f"storing the log of the Job {job.id}"):
        job.store_logging_file(path)


def _is_refusal(error: PlatformError) -> bool:
    return isinstance(error.__cause__, _REFUSALS)
