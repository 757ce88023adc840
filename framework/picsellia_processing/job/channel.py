"""What supervisor and worker tell each other: JSON lines over two pipes.

The worker writes events, the supervisor writes commands. Both sides use the dataclasses below; a field is a key of the
line. The numbers of the worker's ends are in its environment, under `EVENTS_FD` and `COMMANDS_FD`.
"""

from __future__ import annotations

import fcntl
import json
import os
import termios
import threading
import time
from array import array
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from pydantic import Field, TypeAdapter

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping

EVENTS_FD = "PXP_EVENTS_FD"
COMMANDS_FD = "PXP_COMMANDS_FD"

Stage = Literal["fetch", "decode", "process", "write"]

_READ_BYTES = 1 << 16
_LONGEST_LINE = 1 << 22
_READER_STEPS = 500
_READER_STEP = 0.001

_Message = TypeVar("_Message")


@dataclass(frozen=True, slots=True)
class Chapter:
    """A chapter of the log begins."""

    name: str
    event: Literal["chapter"] = "chapter"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the work is: `done` of `total` (None: not known), and the same in words. Replaces the one before."""

    done: int
    total: int | None
    text: str
    event: Literal["progress"] = "progress"


@dataclass(frozen=True, slots=True)
class Failure:
    """One asset failed, at `stage`, for `reason`."""

    asset: str
    asset_id: str
    stage: Stage
    reason: str
    event: Literal["failure"] = "failure"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The report so far: every field of it except status, reason and failures."""

    report: dict[str, Any]
    event: Literal["snapshot"] = "snapshot"


@dataclass(frozen=True, slots=True)
class Failed:
    """Last words before the exit status `exit_code`. `traceback` is empty where it would say nothing."""

    reason: str
    traceback: str = ""
    exit_code: int = 1
    event: Literal["failed"] = "failed"


@dataclass(frozen=True, slots=True)
class Finished:
    """All work is done and acknowledged; exit status 0 follows."""

    event: Literal["finished"] = "finished"


@dataclass(frozen=True, slots=True)
class Start:
    """The Job is RUNNING: do the work of `target`; `out` is the absolute path of a folder for files, or None."""

    target: str
    out: str | None = None
    command: Literal["start"] = "start"


@dataclass(frozen=True, slots=True)
class Stop:
    """End soon: write what is done, say `Failed` with exit code 143, exit."""

    command: Literal["stop"] = "stop"


Event = Chapter | Progress | Failure | Snapshot | Failed | Finished
Command = Start | Stop

_EVENT: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="event")])
_COMMAND: TypeAdapter[Command] = TypeAdapter(Annotated[Command, Field(discriminator="command")])


class Sender:
    """Writes messages to the pipe `fd`, from any thread. Sending never fails: once nobody reads, it does nothing."""

    def __init__(self, fd: int) -> None:
        self._fd: int | None = fd
        self._lock = threading.Lock()

    def send(self, message: Event | Command) -> None:
        """Write one line, whole, blocking while the pipe is full.

        A `Chapter` is sent once it has been read as well: what is printed before it belongs to the chapter before, and
        what is printed afterwards to this one.

        Raises:
            TypeError: a value in it, or in `Snapshot.report`, is not JSON.
        """
        line = _encode(message)
        with self._lock:
            try:
                while line and self._fd is not None:
                    line = line[os.write(self._fd, line) :]
                if isinstance(message, Chapter) and self._fd is not None:
                    _await_reader(self._fd)
            except OSError:
                self._close()

    def close(self) -> None:
        """Close the pipe: the other side sees the end of it. Safe to call twice."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._fd is not None:
            with suppress(OSError):
                os.close(self._fd)
            self._fd = None


class EventReader:
    """Turns the bytes of the events pipe, as they arrive, into events. Lines that are none are left out."""

    def __init__(self) -> None:
        self._lines = _Lines()

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that `chunk` completes. The last line of a pipe needs no end: feed a newline for it."""
        messages = (_decode(line, _EVENT) for line in self._lines.feed(chunk))
        return [message for message in messages if message is not None]


def read_commands(fd: int) -> Iterator[Command]:
    """The commands that arrive at `fd`; the last is always a `Stop`, because the end of the pipe means that as well."""
    lines = _Lines()
    while chunk := _read(fd):
        for line in lines.feed(chunk):
            message = _decode(line, _COMMAND)
            if message is not None:
                yield message
            if isinstance(message, Stop):
                return
    yield Stop()


def worker_pipes(environ: MutableMapping[str, str]) -> tuple[int, int]:
    """Take the worker's ends out of `environ`: the descriptor to write events to, and the one to read commands from.

    Processes that the author starts do not inherit them.

    Raises:
        KeyError: this process was not started by a supervisor.
    """
    events, commands = int(environ.pop(EVENTS_FD)), int(environ.pop(COMMANDS_FD))
    for fd in (events, commands):
        os.set_inheritable(fd, False)  # noqa: FBT003 - the argument has no name
    return events, commands


def _encode(message: Event | Command) -> bytes:
    # Names of assets may hold lone surrogates, which are not UTF-8: they become "?".
    return json.dumps(asdict(message), ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def _decode(line: bytes, adapter: TypeAdapter[_Message]) -> _Message | None:
    try:
        return adapter.validate_json(line)
    except ValueError:
        return None


def _await_reader(fd: int) -> None:
    waiting = array("i", [0])
    for _ in range(_READER_STEPS):
        fcntl.ioctl(fd, termios.FIONREAD, waiting)
        if not waiting[0]:
            return
        time.sleep(_READER_STEP)


class _Lines:
    def __init__(self) -> None:
        self._rest = b""
        self._overlong = False

    def feed(self, chunk: bytes) -> list[bytes]:
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if lines and self._overlong:
            del lines[0]
            self._overlong = False
        if len(self._rest) > _LONGEST_LINE:
            self._rest, self._overlong = b"", True
        return lines


def _read(fd: int) -> bytes:
    try:
        return os.read(fd, _READ_BYTES)
    except OSError:
        return b""
