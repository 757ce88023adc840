"""The worker as a process: started with its pipes, told to stop, killed with everything it started."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from picsellia_processing.job.channel import COMMANDS_FD, EVENTS_FD, Sender, Stop

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WORKER = (sys.executable, "-m", "picsellia_processing.job.worker")

# Prints arrive when they are made and never fail, and a segmentation fault leaves a stack trace.
_PYTHON = {"PYTHONUNBUFFERED": "1", "PYTHONFAULTHANDLER": "1", "PYTHONIOENCODING": "utf-8:backslashreplace"}

# glibc gives each of the threads that load images a heap of its own, and keeps in it what was freed.
_MEMORY = {"MALLOC_ARENA_MAX": "2"}


class WorkerProcess:
    """A running worker, in a process group of its own. `output` (stdout and stderr) and `events` are for reading."""

    def __init__(self, command: Sequence[str], environ: Mapping[str, str]) -> None:
        """Start it.

        Raises:
            OSError: the command cannot be started.
        """
        events, worker_events = os.pipe()
        worker_commands, commands = os.pipe()
        output, worker_output = os.pipe()
        pipes = {EVENTS_FD: str(worker_events), COMMANDS_FD: str(worker_commands)}
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the command is ours
                command,
                env=_PYTHON | _MEMORY | dict(environ) | pipes,
                stdin=subprocess.DEVNULL,
                stdout=worker_output,
                stderr=worker_output,
                pass_fds=(worker_events, worker_commands),
                start_new_session=True,
            )
        finally:
            for fd in (worker_events, worker_commands, worker_output):
                os.close(fd)
        self.events = events
        self.output = output
        self.commands = Sender(commands)

    def stop(self, number: int) -> None:
        """Ask it to end: the stop command, and the signal `number`."""
        self.commands.send(Stop())
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it, and every process of its group, at once. Safe to call after its end."""
        with suppress(ProcessLookupError, PermissionError):  # macOS refuses when only zombies are left
            os.killpg(self._process.pid, signal.SIGKILL)

    def wait(self) -> int:
        """Wait for its end; the exit status, or minus the number of the signal that ended it."""
        return self._process.wait()


def describe_exit(status: int) -> str:
    """How a process ended, in words: "ended with exit status 1" or "was killed by SIGSEGV"."""
    if status >= 0:
        return f"ended with exit status {status}"
    name = signal.Signals(-status).name if -status in set(signal.Signals) else f"signal {-status}"
    if -status == signal.SIGKILL:
        return f"was killed by {name}: probably out of memory (at most {_peak_memory()} were in use)"
    return f"was killed by {name}"


def _peak_memory() -> str:
    unit = 1 if sys.platform == "darwin" else 1024
    return f"{resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit / 2**30:.1f} GiB"
