"""The log of a Job: a file with all of it, the console, and batches of lines for the platform."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from picsellia_processing.errors import PlatformError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from picsellia_processing.job.console import Console

FIRST_CHAPTER = "Start"

LONGEST_SENT_LINE = 4_000
LINES_AT_ONCE = 100
LONGEST_BATCH = 1_000
LONGEST_QUEUE = 20_000
PROGRESS_SECONDS = 10.0
PAUSE_AFTER_FAILURE = 10.0


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive lines of one chapter (`part`), the first of them line number `first` of the log, counted from 0.

    A number that was sent before is a line that changed. `left_out` counts lines before it that were never sent: its
    first line says so, under the number of the last of them. `final` marks the last batch of the log.
    """

    first: int
    part: str
    lines: list[str]
    left_out: int
    final: bool


@dataclass(slots=True)
class _Line:
    number: int
    part: str
    text: str


_Kind = Literal["line", "update", "progress"]


class LogBook:
    """Numbers the lines of a log from 0 and passes them on. Thread-safe; writing to it never blocks on the platform.

    Everything goes to the file at `path` and to `console` at once. To the platform it goes once `attach` is called,
    from a thread of its own: one batch every `interval` seconds, or as soon as `LINES_AT_ONCE` lines wait. When the
    platform cannot be reached, lines wait; beyond `LONGEST_QUEUE` the oldest stay in the file alone; a line says so.
    Lines are expected redacted and without line ends.
    """

    def __init__(
        self, path: Path, console: Console, *, interval: float = 1.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._console = console
        self._interval = interval
        self._clock = clock
        self._file = path.open("w", encoding="utf-8", errors="replace", buffering=1)
        self._changed = threading.Condition()
        self._waiting: deque[_Line] = deque()
        self._left_out = 0
        self._next = 0
        self._part = FIRST_CHAPTER
        self._last: _Kind = "line"
        self._transient = ""
        self._progress = ""
        self._progress_at = -math.inf
        self._told = ""
        self._complete = False
        self._sender: threading.Thread | None = None
        self._due = -math.inf
        self._failed = False
        self._closing = False

    def line(self, text: str) -> None:
        """Add a line; it takes the place of an update before it."""
        with self._changed:
            self._record(text, kind="line", replaces="update")
            self._write(text)

    def update(self, text: str) -> None:
        """Add a line that the next line or update takes the place of: what a program ends in a carriage return."""
        with self._changed:
            if text or self._last == "update":
                self._record(text, kind="update", replaces="update")
                self._transient = text
                self._console.transient(text)

    def progress(self, done: int, total: int | None, text: str) -> None:
        """Say how far the work is. On the platform it takes the place of the one before, while that is the last line.

        As a line of its own it is added at most every `PROGRESS_SECONDS`, and when all is done. What was said last is
        not said again.
        """
        with self._changed:
            self._console.progress(done, total, text)
            if text == self._told:
                return
            self._told = self._progress = text
            due = self._clock() - self._progress_at >= PROGRESS_SECONDS or (done == total and not self._complete)
            self._complete = done == total
            if due or self._last == "progress":
                self._record(text, kind="progress", replaces="progress")
            if due:
                self._write_progress()

    def chapter(self, name: str) -> None:
        """Begin a chapter of the log: the `part` under which the platform shows the lines that follow."""
        with self._changed:
            self._settle()
            if name != self._part:
                self._part = name
                self._write(f"--- {name} ---")

    def settle(self) -> None:
        """End what may still be replaced: the last update, and a progress that was too early for a line of its own."""
        with self._changed:
            self._settle()

    def attach(self, send: Callable[[Batch], bool]) -> None:
        """Begin to pass batches to `send`, one at a time, those that wait first.

        `send` returns whether the platform took the batch, and raises PlatformError when it could not be reached.
        """
        self._due = self._clock() + self._interval
        self._sender = threading.Thread(target=self._send_batches, args=[send], name="log", daemon=True)
        self._sender.start()

    def close(self, patience: float) -> bool:
        """Send what waits and close the file. Returns whether all was sent within `patience` seconds."""
        with self._changed:
            self._settle()
            self._closing = True
            self._changed.notify()
        if self._sender is not None:
            self._sender.join(patience)
        with self._changed:
            with suppress(OSError):
                self._file.close()
            return not self._waiting and not (self._sender and self._sender.is_alive())

    def _record(self, text: str, *, kind: _Kind, replaces: _Kind) -> None:
        if len(text) > LONGEST_SENT_LINE:
            missing = len(text) - LONGEST_SENT_LINE
            text = f"{text[:LONGEST_SENT_LINE]}[... {missing:,} more characters are in the stored log]"
        replacing = self._last == replaces and replaces != "line"
        if self._last == "update" and not replacing:
            self._write(self._transient)
        self._last = kind
        if replacing and self._waiting and self._waiting[-1].number == self._next - 1:
            self._waiting[-1].text = text
            return
        self._next += not replacing
        self._waiting.append(_Line(self._next - 1, self._part, text))
        if len(self._waiting) > LONGEST_QUEUE:
            self._waiting.popleft()
            self._left_out += 1
        if len(self._waiting) in {1, LINES_AT_ONCE}:
            self._changed.notify()

    def _settle(self) -> None:
        if self._last == "update":
            self._write(self._transient)
        if self._progress:
            if self._last != "progress":
                self._last = "line"
                self._record(self._progress, kind="line", replaces="line")
            self._write_progress()
        self._last = "line"

    def _write_progress(self) -> None:
        self._progress_at = self._clock()
        if self._console.is_terminal:
            self._write_to_file(self._progress)
        else:
            self._write(self._progress)
        self._progress = ""

    def _write(self, text: str) -> None:
        self._console.line(text)
        self._write_to_file(text)

    def _write_to_file(self, text: str) -> None:
        # A full disk, or a line of an output that outlived the file, must not end the Job.
        with suppress(OSError, ValueError):
            self._file.write(text + "\n")

    def _send_batches(self, send: Callable[[Batch], bool]) -> None:
        while (batch := self._next_batch()) is not None:
            try:
                taken = send(batch)
            except PlatformError:
                self._put_back(batch)
                if self._closing:
                    return
            except Exception:  # noqa: BLE001 - whatever goes wrong with the log, the Job goes on
                self._give_up(batch)
            else:
                self._failed = False
                if not taken:
                    self._give_up(batch)

    def _next_batch(self) -> Batch | None:
        with self._changed:
            while not self._is_due():
                if self._closing:
                    return None
                self._changed.wait(self._due - self._clock() if self._waiting else None)
            self._due = self._clock() + self._interval
            return self._take_batch()

    def _is_due(self) -> bool:
        if not self._waiting:
            return False
        many = len(self._waiting) >= LINES_AT_ONCE and not self._failed
        return many or self._closing or self._clock() >= self._due

    def _take_batch(self) -> Batch:
        first, part, left_out = self._waiting[0].number, self._waiting[0].part, self._left_out
        lines = []
        if left_out:
            lines.append(f"[{left_out:,} lines before this one are in the stored log only]")
            first -= 1
            self._left_out = 0
        while self._waiting and self._waiting[0].part == part and len(lines) < LONGEST_BATCH:
            lines.append(self._waiting.popleft().text)
        return Batch(first, part, lines, left_out, final=self._closing and not self._waiting)

    def _put_back(self, batch: Batch) -> None:
        notice = bool(batch.left_out)
        numbered = enumerate(batch.lines[notice:], batch.first + notice)
        lines = [_Line(number, batch.part, text) for number, text in numbered]
        with self._changed:
            self._failed = True
            self._due = self._clock() + max(self._interval, PAUSE_AFTER_FAILURE)
            if self._left_out or len(self._waiting) + len(lines) > LONGEST_QUEUE:
                self._left_out += batch.left_out + len(lines)
                return
            if self._waiting and self._waiting[0].number == lines[-1].number:
                lines.pop()  # it was replaced in the meantime
            self._waiting.extendleft(reversed(lines))
            self._left_out = batch.left_out

    def _give_up(self, batch: Batch) -> None:
        with self._changed:
            self._left_out += batch.left_out + len(batch.lines) - bool(batch.left_out)
