"""Running the Jobs of a local platform in containers of the images they are registered with, as the platform does.

A container is as narrow as a platform may make it, so that what runs here runs there. It has the user that images are
made for, no capability, and nothing to write to but /tmp - on disk, as what a Job downloads may be large. Of the
environment it has what the platform gives, and nothing of this machine's. It has the network of this machine: the
platform listens on loopback alone. The flags that are registered come last: a processing that needs more says so
there, and gets it here and on the platform alike.

A runner that is killed leaves its containers running. They are labelled with a file that their runner holds a lock on:
the system takes that from the dead, and the next runner removes the containers of every lock that it can get.
"""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from picsellia_processing.cli.runner import say
from picsellia_processing.container import docker
from picsellia_processing.errors import ImageError, UsageError

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Mapping

RUNNER_LABEL = "picsellia.processing.runner"
JOB_LABEL = "picsellia.processing.job"
NARROW = ("--network=host", "--user=42420:42420", "--read-only", "--volume=/tmp", "--cap-drop=ALL")
CANNOT_START = 125
"""What `docker run` ends with when there never was a process in the container."""


class LocalContainers:
    """Starts Jobs in containers. A context manager: after it, as at its beginning, none is left of those it knows.

    `platform` has host, api_token and organization_id. `lock` is a file, made when missing, that one runner holds.
    """

    def __init__(self, *, platform: Mapping[str, str], lock: Path) -> None:
        self._platform = platform
        self._lock = lock.resolve()

    def __enter__(self) -> Self:
        """Remove what killed runners have left.

        Raises:
            ImageError: there is no Docker, or it does not answer.
            UsageError: another runner has the lock.
        """
        self._cpus = docker.cpu_count()
        for lock in docker.label_values(RUNNER_LABEL):
            if _is_lost(Path(lock)):
                docker.remove_containers(f"{RUNNER_LABEL}={lock}")
        self._held = self._lock.open("ab")
        try:
            fcntl.flock(self._held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._held.close()
            raise UsageError(f"{self._lock.parent} has a runner already: stop that, or choose other --data") from None
        return self

    def __exit__(self, *_: object) -> None:
        """Remove what is left of this runner's own."""
        try:
            docker.remove_containers(f"{RUNNER_LABEL}={self._lock}")
        finally:
            self._held.close()

    def __call__(self, job: Mapping[str, Any]) -> JobContainer:
        """Start the container of a Job, or pull its image first. Raises ImageError where Docker does not answer."""
        image = f"{job['docker_image']}:{job['docker_tag']}"
        environment = {**self._platform, "job_id": job["id"]}
        return JobContainer(job, image, lambda: docker.start_container(image, self._options(job), environment))

    def _options(self, job: Mapping[str, Any]) -> list[str]:
        labels = {RUNNER_LABEL: self._lock, JOB_LABEL: job["id"]}
        return [
            *NARROW,
            *(f"--label={name}={value}" for name, value in labels.items()),
            *([f"--cpus={min(job['cpu'], self._cpus)}"] if job["cpu"] else []),  # Docker refuses more than it has
            *([f"--gpus={job['gpu']}"] if job["gpu"] else []),
            *job["docker_flags"],
        ]


class JobContainer:
    """A Job in a container, from the pull of its image, where that is not here, to the removal of the container.

    `start` starts the container. Its client may end, or be killed, at any moment: then the container is removed.
    """

    def __init__(self, job: Mapping[str, Any], image: str, start: Callable[[], subprocess.Popen[bytes]]) -> None:
        self.returncode: int | None = None
        self._job = job
        self._start = start
        self._asked_to_end = False
        self._pulling = docker.image_id(image) is None
        if self._pulling:
            say(job["id"], f"pulls {image}")
        self._client = docker.start_pull(image) if self._pulling else start()

    def poll(self) -> int | None:
        """The exit code of the container, 125 where it could not be started; None before its end."""
        if self.returncode is not None or self._client.poll() is None:
            return self.returncode
        if self._pulling and self._client.returncode == 0 and not self._asked_to_end:
            self._pulling = False
            self._client = self._start()
            return None
        self._remove()
        self.returncode = CANNOT_START if self._pulling else self._client.returncode
        if self.returncode == CANNOT_START and not self._asked_to_end:
            say(self._job["id"], self._why_not())
        return self.returncode

    def terminate(self) -> None:
        """Send SIGTERM to the container, or end the pull."""
        self._asked_to_end = True
        self._client.terminate()

    def kill(self) -> None:
        """Kill the client; `poll` removes the container."""
        self._asked_to_end = True
        self._client.kill()

    def _remove(self) -> None:
        try:
            docker.remove_containers(f"{JOB_LABEL}={self._job['id']}")
        except ImageError as error:
            say(self._job["id"], str(error))

    def _why_not(self) -> str:
        if self._pulling:
            cure = "`pxp push` puts an image into its registry, `docker login` lets Docker read there"
            return f"Docker could not pull the image, for the reason above: {cure}"
        cure = ": a Job that needs no GPU is launched with --gpu 0" if self._job["gpu"] else ""
        return f"Docker could not start the container, for the reason above{cure}"


def _is_lost(lock: Path) -> bool:
    """Whether the runner of this lock is dead: it is there, and nobody holds it."""
    try:
        with lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
