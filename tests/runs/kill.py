"""Killing a Job at a moment of one's choice."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from picsellia_processing.platform.process import LocalPlatform


def requests_made(platform: LocalPlatform) -> int:
    """How many requests there were, but for those with lines of the log: they are sent as time passes."""
    by_endpoint = platform.ledger()["by_endpoint"]
    return sum(count for endpoint, count in by_endpoint.items() if not endpoint.endswith("/logging"))


def wait_for_requests(platform: LocalPlatform, process: subprocess.Popen[bytes], count: int) -> None:
    """A moment is a number of requests: on a busy machine as on a quiet one, all of a run is covered."""
    while process.poll() is None and requests_made(platform) < count:
        time.sleep(0.005)


def kill(process: subprocess.Popen[bytes], whom: str) -> None:
    listed = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=False)
    workers = [int(line) for line in listed.stdout.split()]
    victims = {"supervisor": [process.pid], "worker": workers, "both": [process.pid, *workers]}[whom]
    for pid in victims:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
