"""A local platform in a process of its own, as tests and dry-runs use it."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import select
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from picsellia_processing.errors import PlatformError, UsageError

from .options import ALL_GENERATIONS, TOKEN_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

READY_SECONDS = 60.0
STOP_SECONDS = 10.0
STDERR = "platform.log"


class LocalPlatform:
    """Starts a platform, says where it is, and stops it. A context manager; or `start`, `wait_ready`, `stop`.

    `data` keeps the database, the blobs and the server's log; without it a temporary folder does, until `stop`.
    `seed`, `images`, `model_files` and `annotated` are what `load_fixture` takes. The other settings are those of
    `Options`. The process ends with this one, even when this one is killed.
    """

    def __init__(
        self, *, data: Path | None = None, seed: Path | None = None, images: Path | None = None,
        model_files: Mapping[str, Path] | None = None, annotated: bool = False, port: int = 0, latency_ms: float = 0.0,
        fault_rate: float = 0.0, seed_faults: int = 0, url_ttl: float = 3600.0, max_body_mb: float = 100.0,
        job_payload: str = ALL_GENERATIONS, job_polls: int = 0,
    ) -> None:  # fmt: skip
        self._data = data
        self._token = os.environ.get(TOKEN_VARIABLE) or secrets.token_urlsafe(24)
        self._arguments = [
            f"--port={port}", f"--latency-ms={latency_ms}", f"--fault-rate={fault_rate}",
            f"--seed-faults={seed_faults}", f"--url-ttl={url_ttl}", f"--max-body-mb={max_body_mb}",
            f"--job-payload={job_payload}", f"--job-polls={job_polls}",
            *([f"--seed={seed}"] if seed is not None else []),
            *([f"--images={images}"] if images is not None else []),
            *(f"--model-file={name}={path}" for name, path in (model_files or {}).items()),
            *(["--annotated"] if annotated else []),
        ]  # fmt: skip
        self._resources = ExitStack()
        self._process: subprocess.Popen[bytes] | None = None
        self._ready: dict[str, Any] | None = None

    def start(self) -> Self:
        """Start the process and return at once. Raises UsageError when it has been started already."""
        if self._process is not None:
            raise UsageError("this local platform has been started already: make another one")
        folder = self._data or Path(self._resources.enter_context(tempfile.TemporaryDirectory(prefix="picsellia-")))
        folder.mkdir(parents=True, exist_ok=True)
        self._data = folder
        log = self._resources.enter_context((folder / STDERR).open("wb"))
        command = [sys.executable, "-m", "picsellia_processing.platform", "--json", "--exit-with-parent"]
        self._process = subprocess.Popen(  # noqa: S603 - this very interpreter, and arguments that are no shell text
            [*command, f"--data={folder}", *self._arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env={**os.environ, TOKEN_VARIABLE: self._token},
            start_new_session=True,  # a Ctrl-C ends who uses the platform first, and the platform after that
        )
        return self

    def wait_ready(self) -> Self:
        """Wait until the platform accepts connections. Raises UsageError with its reason when it does not start."""
        if self._ready is not None:
            return self
        process = self._running()
        assert process.stdout is not None
        readable, _, _ = select.select([process.stdout], [], [], READY_SECONDS)
        line = process.stdout.readline() if readable else b""
        if not line:
            silence = f"it said nothing for {READY_SECONDS:.0f} seconds"
            if readable:
                silence = f"it ended with status {process.wait()} and left no log: is the disk full?"
            process.kill()
            process.wait()
            reason = self.log().strip() or silence
            self.stop()
            raise UsageError(f"the local platform did not start: {reason.removeprefix('error: ')}")
        self._ready = json.loads(line)
        return self

    @property
    def host(self) -> str:
        """What the SDK's Client takes as `host`."""
        return str(self.seeded["host"])

    @property
    def api_token(self) -> str:
        """What the SDK's Client takes as `api_token`."""
        return self._token

    @property
    def organization_id(self) -> str:
        """What the SDK's Client takes as `organization_id`."""
        return str(self.seeded["organization_id"])

    @property
    def access(self) -> dict[str, str]:
        """What the platform gives a Job beside its id: host, api_token and organization_id."""
        return {"host": self.host, "api_token": self.api_token, "organization_id": self.organization_id}

    @property
    def data(self) -> Path:
        """The folder of the database, the blobs and the log."""
        if self._data is None:
            raise UsageError("this local platform has not been started: call start() first")
        return self._data

    @property
    def seeded(self) -> dict[str, Any]:
        """The line the platform printed when ready: where it is, and the ids of what it was seeded with."""
        self.wait_ready()
        assert self._ready is not None
        return self._ready

    @property
    def pid(self) -> int:
        """The process id of the server."""
        return self._running().pid

    def ledger(self, requests: int = 0) -> dict[str, Any]:
        """What was asked of the platform so far, with the latest `requests` requests in full."""
        ledger: dict[str, Any] = self._control("GET", f"ledger?requests={requests}")
        return ledger

    def clear_ledger(self) -> None:
        """Start counting requests again."""
        self._control("DELETE", "ledger")

    def set_faults(self, rules: Sequence[Mapping[str, Any]]) -> None:
        """Replace the fault rules; see `faults.Rule.read` for their form. Raises UsageError for one that is wrong."""
        self._control("POST", "faults", list(rules))

    def expire_urls(self) -> None:
        """Make every presigned URL given out so far answer 403."""
        self._control("POST", "expire-urls")

    def job_lines(self, job_id: str) -> list[dict[str, Any]]:
        """What a Job has logged, by line number."""
        lines: list[dict[str, Any]] = self._control("GET", f"jobs/{job_id}/lines")["items"]
        return lines

    def jobs(self) -> list[dict[str, Any]]:
        """Every Job, the first one first: id, status, held, created_at, and what it was launched with.

        That is processing (its name), docker_image, docker_tag, docker_flags, cpu and gpu.
        """
        jobs: list[dict[str, Any]] = self._control("GET", "jobs")["items"]
        return jobs

    def take_job(self, job_id: str) -> str:
        """Take a PENDING Job, as a runner does: it is QUEUED. Raises UsageError when it is not PENDING."""
        return self._act_on_job(job_id, "take")

    def give_back_job(self, job_id: str) -> str:
        """Tell that the process of a Job taken has ended. Returns the status; FAILED if the process told none."""
        return self._act_on_job(job_id, "give-back")

    def kill_job(self, job_id: str) -> str:
        """Kill a Job, as a person does: it is KILLED. Raises UsageError when it has ended."""
        return self._act_on_job(job_id, "kill")

    def run_job_again(self, job_id: str) -> str:
        """Run a Job again, as a person does: it is PENDING. Raises UsageError while a run of it is active."""
        return self._act_on_job(job_id, "run-again")

    def log(self) -> str:
        """What the server wrote to its standard error."""
        return (self.data / STDERR).read_text(errors="replace")

    def stop(self) -> None:
        """End the process and wait for its end; remove the folder when it is temporary. Harmless when repeated."""
        process = self._process
        if process is not None:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(STOP_SECONDS)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()
        self._resources.close()

    def __enter__(self) -> Self:
        return self.start().wait_ready()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise UsageError("this local platform has not been started: call start() first")
        return self._process

    def _act_on_job(self, job_id: str, action: str) -> str:
        return str(self._control("POST", f"jobs/{job_id}/{action}")["status"])

    def _control(self, method: str, path: str, body: object = None) -> Any:
        connection = http.client.HTTPConnection(self.host.removeprefix("http://"))
        try:
            headers = {"Authorization": f"Bearer {self._token}"}
            connection.request(method, f"/_platform/{path}", json.dumps(body), headers)
            response = connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise PlatformError(f"the local platform does not answer: {error}") from error
        finally:
            connection.close()
        if response.status >= http.client.BAD_REQUEST:
            raise UsageError(f"the local platform refused {method} {path}: {json.loads(content)['message']}")
        return json.loads(content) if content else None
