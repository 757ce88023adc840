"""The worker: the process in which the author's code runs. Started by the supervisor, never by a person.

It imports while the supervisor looks the Job up, and begins when told to. It ends soon when told to stop, when it gets
SIGTERM, or when the supervisor is gone.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from picsellia_processing.errors import ExitCode, ProcessingError
from picsellia_processing.job.channel import Failed, Finished, Sender, Start, Stop, read_commands, worker_pipes
from picsellia_processing.stack import authors_trace, message_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from picsellia_processing.job.channel import Command
    from picsellia_processing.job.work import Work

GRACE = 5.0
"""Seconds the author's function may go on after a stop, so that the batch at hand is not lost."""

FLUSH_EVERY = 0.5


def main() -> int:
    """Run one Job for the supervisor at the other end of the pipes; returns the exit status."""
    events_fd, commands_fd = worker_pipes(os.environ)
    events = Sender(events_fd)
    commands = read_commands(commands_fd)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from picsellia_processing.job.work import Work  # noqa: PLC0415 - takes its time while the supervisor connects

    logging.getLogger().setLevel(logging.INFO)  # the SDK leaves it at WARNING; what an author logs is for the Job's log
    start = next(commands)
    if not isinstance(start, Start):
        return ExitCode.TERMINATED
    with tempfile.TemporaryDirectory(prefix="pxp-", ignore_cleanup_errors=True) as folder:
        work = Work(start.target, Path(start.out) if start.out else None, Path(folder), events)
        ended = threading.Event()
        stop = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: stop.set())
        os.register_at_fork(after_in_child=_end_on_sigterm)
        threading.Thread(target=_listen, args=(commands, stop), name="commands", daemon=True).start()
        threading.Thread(target=_end_on, args=(stop, ended, work, events), name="stop", daemon=True).start()
        status = _run(work, events)
        ended.set()
    if status != ExitCode.OK or work.is_loading:
        _leave(status)
    return status


def _run(work: Work, events: Sender) -> int:
    try:
        work.run()
    except ProcessingError as error:
        events.send(Failed(str(error), exit_code=error.exit_code))
        return error.exit_code
    except SystemExit as error:
        reason = f"the processing's code ended the process: sys.exit({error.code!r})"
        events.send(Failed(reason, authors_trace(error)))
        return ExitCode.FAILED
    except BaseException as error:  # noqa: BLE001 - the last words of this process, whatever the author's code raised
        events.send(Failed(_line(error), authors_trace(error)))
        return ExitCode.FAILED
    if work.stopped:
        events.send(Failed(STOPPED, exit_code=ExitCode.TERMINATED))
        return ExitCode.TERMINATED
    events.send(Finished())
    return ExitCode.OK


STOPPED = "stopped before the work was done; what was acknowledged stays, and the same Job run again does the rest"


def _end_on_sigterm() -> None:
    """Let a process that the author forks end on SIGTERM: who terminates one waits for its end."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _listen(commands: Iterator[Command], stop: threading.Event) -> None:
    for command in commands:
        if isinstance(command, Stop):
            stop.set()
            return


def _end_on(stop: threading.Event, ended: threading.Event, work: Work, events: Sender) -> None:
    """Once asked to stop: let the batch at hand finish, write it, and leave even if the author's function does not."""
    stop.wait()
    for _ in range(int(GRACE / FLUSH_EVERY)):
        work.stop()
        if ended.wait(FLUSH_EVERY):
            return
    work.report()
    events.send(Failed(f"{STOPPED} (its function did not return within {GRACE:g} s)", exit_code=ExitCode.TERMINATED))
    _leave(ExitCode.TERMINATED)


def _leave(status: int) -> NoReturn:
    """End at once: threads that wait for an answer would hold up the usual way out."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError, ValueError):  # the author may have closed it, or put None there
            stream.flush()
    os._exit(status)


def _line(error: BaseException) -> str:
    message = message_of(error)
    if isinstance(error, ModuleNotFoundError) and error.name:
        message += "; if it is not yours, pip install what brings it, and add that to requirements.txt"
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


if __name__ == "__main__":
    sys.exit(main())
