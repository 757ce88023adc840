"""Running a Job in a process of its own, exactly as its container would."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

from picsellia_processing.cli.interruption import exit_code

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PLATFORM_VARIABLES = (
    "api_token", "host", "organization_id", "organization_name", "job_id",
    "PICSELLIA_TOKEN", "PICSELLIA_CA_BUNDLE", "REQUESTS_CA_BUNDLE",
)  # fmt: skip
"""What would lead a Job to another platform. None of them is passed on from the author's own environment."""

LOOPBACK = "127.0.0.1,localhost"
STOP_SECONDS = 15.0


def job_environment(environ: Mapping[str, str], *, job_id: str, platform: Mapping[str, str]) -> dict[str, str]:
    """The environment of a Job's container, on top of `environ`; `platform` has host, api_token, organization_id."""
    kept = {name: value for name, value in environ.items() if name not in PLATFORM_VARIABLES}
    proxies = {name: ",".join(filter(None, (environ.get(name), LOOPBACK))) for name in ("NO_PROXY", "no_proxy")}
    return {**kept, **platform, "job_id": job_id, **proxies}


def start_job(target: str, out: Path, environment: Mapping[str, str], *, quiet_stdout: bool) -> subprocess.Popen[bytes]:
    """Start `pxp run` with the Job of `environment`. Its output goes to ours; to stderr alone with `quiet_stdout`."""
    return subprocess.Popen(  # noqa: S603 - this program itself
        [sys.executable, "-m", "picsellia_processing", "run", target, "--out", os.fspath(out)],
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr if quiet_stdout else None,
        start_new_session=True,  # a Ctrl-C reaches it through us alone
    )


def run_job(target: str, out: Path, environment: Mapping[str, str], *, quiet_stdout: bool) -> int:
    """Run a Job as `start_job` and wait for it; its exit code, or 130 or 143 when this process was told to stop.

    Told to stop, the Job is told as well and has `STOP_SECONDS` to end; told twice, it is killed.
    """
    process = start_job(target, out, environment, quiet_stdout=quiet_stdout)
    try:
        code = process.wait()
    except KeyboardInterrupt as interrupt:
        _stop(process)
        return exit_code(interrupt)
    except BaseException:
        _stop(process)
        raise
    return code if code >= 0 else 128 - code


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        process.kill()
        process.wait()
