"""What the supervisor's main thread waits for, in one queue."""

from __future__ import annotations

import signal
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from picsellia_processing.sdk.reporting import RunningJob


@dataclass(frozen=True, slots=True)
class Opened:
    """The Job was found and is RUNNING."""

    job: RunningJob


@dataclass(frozen=True, slots=True)
class NotOpened:
    """The Job was not found, or cannot be run."""

    error: Exception


@dataclass(frozen=True, slots=True)
class Exited:
    """The worker has ended: its exit status, or minus the number of the signal that ended it."""

    status: int


@dataclass(frozen=True, slots=True)
class WorkDone:
    """The worker said that all its work is done."""


@dataclass(frozen=True, slots=True)
class Signalled:
    """This process got SIGTERM or SIGINT."""

    signal: signal.Signals


@dataclass(frozen=True, slots=True)
class Called:
    """A call made with `Happenings.call` has returned, or raised `error`."""

    doing: str
    error: Exception | None


Happening = Opened | NotOpened | Exited | WorkDone | Signalled | Called


class Happenings:
    """A queue that any thread and any signal handler may put into, because SimpleQueue is reentrant."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[Happening] = SimpleQueue()

    def put(self, happening: Happening) -> None:
        """Add one."""
        self._queue.put(happening)

    def next(self, until: float | None) -> Happening | None:
        """Wait for the next one; None when there was none until `until`, a time of `time.monotonic`."""
        try:
            return self._queue.get(timeout=None if until is None else max(0.0, until - time.monotonic()))
        except Empty:
            return None

    def call(self, doing: str, call: Callable[[], object]) -> str:
        """Make a call in a thread that nobody waits for at the end; `Called` follows. Returns `doing`."""

        def run() -> None:
            try:
                call()
            except Exception as error:  # noqa: BLE001 - the main thread shows it
                self.put(Called(doing, error))
            else:
                self.put(Called(doing, None))

        threading.Thread(target=run, name=doing, daemon=True).start()
        return doing

    @contextmanager
    def signals(self) -> Iterator[None]:
        """Put SIGTERM and SIGINT into the queue while the block runs. Only for the main thread."""

        def handle(number: int, _: object) -> None:
            self.put(Signalled(signal.Signals(number)))

        before = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
