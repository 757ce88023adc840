"""Running the Jobs of a local platform as the platform does: what is PENDING is taken, what was killed is ended."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from picsellia_processing.cli.job_process import job_environment, start_job
from picsellia_processing.cli.project import project_of
from picsellia_processing.cli.target import check_target
from picsellia_processing.errors import PlatformError, ProcessingError, UsageError

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from picsellia_processing.platform.process import LocalPlatform

POLL_SECONDS = 0.2
GRACE_SECONDS = 10.0
"""What the platform's runner leaves a container between SIGTERM and SIGKILL."""


class JobProcess(Protocol):
    """A Job that runs: as a process, or in a container. Its methods are those of `subprocess.Popen`."""

    @property
    def returncode(self) -> int | None:
        """The exit code, once `poll` has seen the end."""

    def poll(self) -> int | None:
        """The exit code, or None while it runs."""

    def terminate(self) -> None:
        """Send SIGTERM."""

    def kill(self) -> None:
        """End it at once, with SIGKILL."""


class Runner:
    """Takes PENDING Jobs of `platform` and runs `at_once` of them at a time.

    `start` starts a Job, given what the platform tells of it, or raises `ProcessingError`. It is all that is known of
    how Jobs are run: as processes here, or in containers.
    """

    def __init__(
        self,
        platform: LocalPlatform,
        start: Callable[[Mapping[str, Any]], JobProcess],
        *,
        at_once: int,
    ) -> None:
        self._platform = platform
        self._start = start
        self._at_once = at_once
        self._running: dict[str, _RunningJob] = {}

    def run(self) -> NoReturn:
        """Run Jobs until an exception, such as KeyboardInterrupt, passes through; the running ones are ended then.

        Raises:
            PlatformError: the platform does not answer any more.
        """
        self.give_back_lost()
        try:
            while True:
                self.look()
                time.sleep(POLL_SECONDS)
        finally:
            self.end_all()

    def give_back_lost(self) -> None:
        """Give back what a runner before this one has left, as it was killed."""
        for job in self._platform.jobs():
            if job["held"]:
                say(job["id"], f"{self._platform.give_back_job(job['id'])}: its runner was killed")

    def look(self) -> None:
        """Give back what has ended, end what was killed, and take what is PENDING."""
        jobs = {job["id"]: job for job in self._platform.jobs()}
        for job_id, running in list(self._running.items()):
            if running.has_ended():
                self._give_back(job_id)
            elif jobs[job_id]["status"] == "KILLED":
                running.end()
        for job_id, job in jobs.items():
            if job["status"] == "PENDING" and not job["held"] and len(self._running) < self._at_once:
                self._take(job_id, job)

    def _take(self, job_id: str, job: Mapping[str, Any]) -> None:
        try:
            self._platform.take_job(job_id)
        except UsageError:  # it was killed a moment ago
            return
        say(job_id, f"runs {job['processing']}")
        try:
            self._running[job_id] = _RunningJob(self._start(job))
        except ProcessingError as error:
            say(job_id, f"{self._platform.give_back_job(job_id)}: {error}")

    def _give_back(self, job_id: str) -> None:
        code = self._running.pop(job_id).process.returncode
        say(job_id, f"{self._platform.give_back_job(job_id)}, exit code {code}")

    def end_all(self) -> None:
        """End every running Job, wait for it, and give it back. Interrupted meanwhile, kill them."""
        for running in self._running.values():
            running.end()
        while True:
            try:
                if all(running.has_ended() for running in self._running.values()):
                    break
                time.sleep(POLL_SECONDS)
            except KeyboardInterrupt:
                for running in self._running.values():
                    running.process.kill()
        with suppress(PlatformError):  # the platform may be what has ended
            for job_id in list(self._running):
                self._give_back(job_id)


class _RunningJob:
    """The process of a Job; once asked to end, it is killed when the grace is over."""

    def __init__(self, process: JobProcess) -> None:
        self.process = process
        self._kill_at: float | None = None

    def end(self) -> None:
        """Ask the process to end; asked again, it is not asked again."""
        if self._kill_at is None:
            self._kill_at = time.monotonic() + GRACE_SECONDS
            self.process.terminate()

    def has_ended(self) -> bool:
        """Whether the process is gone. One whose grace is over is killed here."""
        if self._kill_at is not None and time.monotonic() > self._kill_at:
            self.process.kill()
        return self.process.poll() is not None


class LocalProcesses:
    """Starts Jobs as processes on this machine: `pxp run`, with the environment that a container would have.

    `targets` are by the names their processings are registered under. `platform` has host, api_token and
    organization_id, on top of `environ`. A Job leaves its files in a folder of its own in `out`.
    """

    def __init__(
        self, targets: Mapping[str, str], *, platform: Mapping[str, str], out: Path, environ: Mapping[str, str]
    ) -> None:
        self._targets = targets
        self._platform = platform
        self._out = out
        self._environ = environ

    def __call__(self, job: Mapping[str, Any]) -> subprocess.Popen[bytes]:
        """Start a Job's process. Raises UsageError where there is no TARGET for its processing."""
        target = self._targets.get(job["processing"])
        if target is None:
            raise UsageError(f"there is no TARGET here for the processing {job['processing']!r}")
        environment = job_environment(self._environ, job_id=job["id"], platform=self._platform)
        return start_job(target, self._out / job["id"], environment, quiet_stdout=True)


def targets_by_name(targets: Iterable[str]) -> dict[str, str]:
    """Each TARGET by the name that `pxp deploy` registers it under.

    Raises:
        UsageError: one is no TARGET, or two have the same name.
    """
    named: dict[str, str] = {}
    for target in targets:
        check_target(target)
        name = project_of(target).name
        if name in named:
            raise UsageError(f"{named[name]} and {target} are both named {name!r}: a runner runs one of them")
        named[name] = target
    return named


def say(job_id: str, what: str) -> None:
    """Tell people on stderr what becomes of a Job."""
    print(f"Job {job_id}: {what}", file=sys.stderr, flush=True)
