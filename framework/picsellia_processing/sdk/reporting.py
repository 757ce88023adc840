"""What is told to the platform about a Job: its status, the lines of its log, the whole log as a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from picsellia import exceptions
from picsellia.types.enums import JobRunStatus

from picsellia_processing.errors import JobError, PlatformError
from picsellia_processing.sdk.client import connect, find_job, translated

if TYPE_CHECKING:
    from pathlib import Path

    from picsellia.sdk.job import Job

    from picsellia_processing.sdk.environment import Environment

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


class RunningJob:
    """A Job that is RUNNING on the platform. Its methods may be called from several threads, `send_log` from one."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def end(self, *, succeeded: bool) -> None:
        """Mark it as SUCCEEDED or FAILED.

        Raises:
            PlatformError: the platform cannot be reached, or refuses.
        """
        status = JobRunStatus.SUCCEEDED if succeeded else JobRunStatus.FAILED
        with translated(f"marking the Job {self._job.id} as {status.value}"):
            self._job.update_job_run_with_status(status)

    def send_log(self, lines: list[str], *, first: int, part: str, final: bool) -> bool:
        """Send consecutive lines of its log, from number `first` on, in one request. Returns whether they were taken.

        Raises:
            PlatformError: the platform cannot be reached; the same lines may be sent again.
        """
        self._job.line_nb = first
        try:
            with translated(f"sending the log of the Job {self._job.id}"):
                self._job.send_logging(lines, part, final=final)
        except PlatformError as error:
            if not _is_refusal(error):
                raise
            return False
        return True

    def store_log(self, path: Path) -> None:
        """Store the file at `path` as its log.

        Raises:
            PlatformError: the platform or its storage cannot be reached, or refuses.
        """
        with translated(f"storing the log of the Job {self._job.id}"):
            self._job.store_logging_file(path)


def open_job(environment: Environment) -> RunningJob:
    """Find the Job of this environment and mark it as RUNNING.

    Raises:
        JobError: there is no such Job, or the platform refuses to run it, as it does for one that was killed.
        PlatformError: the platform cannot be reached.
    """
    job = find_job(connect(environment), environment.job_id)
    try:
        with translated(f"marking the Job {job.id} as RUNNING"):
            job.update_job_run_with_status(JobRunStatus.RUNNING)
    except PlatformError as error:
        if not _is_refusal(error):
            raise
        if job.status != JobRunStatus.RUNNING:
            raise JobError(
                f"the Job {job.id} cannot be run, it is {job.status.value}: {error}; launch a new one"
            ) from error
    return RunningJob(job)


def _is_refusal(error: PlatformError) -> bool:
    return isinstance(error.__cause__, _REFUSALS)
