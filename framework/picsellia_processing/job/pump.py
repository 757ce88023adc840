"""The thread that reads what the worker prints and says."""

from __future__ import annotations

import os
import selectors
import threading
from typing import TYPE_CHECKING

from picsellia_processing.job.channel import EventReader

if TYPE_CHECKING:
    from collections.abc import Callable

    from picsellia_processing.job.channel import Event
    from picsellia_processing.job.output import Line, OutputLines

SILENCE_SECONDS = 0.2

_READ_BYTES = 1 << 18


class Pump(threading.Thread):
    """Reads the pipes `output` and `events` until both have ended, and calls `on_line` and `on_event`.

    What was printed before an event was sent is passed on before it.
    """

    def __init__(
        self,
        output: int,
        events: int,
        *,
        lines: OutputLines,
        on_line: Callable[[Line], None],
        on_event: Callable[[Event], None],
    ) -> None:
        super().__init__(name="pump", daemon=True)
        self._output = output
        self._events = events
        self._lines = lines
        self._reader = EventReader()
        self._on_line = on_line
        self._on_event = on_event
        self._open = {output, events}
        self._wake, self._woken = os.pipe()
        self._selector = selectors.DefaultSelector()
        for fd in (output, events, self._wake):
            os.set_blocking(fd, False)
            self._selector.register(fd, selectors.EVENT_READ)

    def finish(self) -> None:
        """The worker has ended: stop once nothing came for a moment, even if a process it left behind has the pipes."""
        os.close(self._woken)

    def run(self) -> None:
        """Read until both pipes have ended, or until the silence after `finish`."""
        silence = None
        with self._selector:
            while self._open and (ready := {key.fd for key, _ in self._selector.select(silence)}):
                if self._wake in ready:
                    self._selector.unregister(self._wake)
                    silence = SILENCE_SECONDS
                if self._output in self._open:
                    self._read_output()
                if self._events in ready:
                    self._read_events()
        os.close(self._wake)
        for line in self._lines.end():
            self._on_line(line)

    def _read_output(self) -> None:
        for line in self._lines.feed(self._read(self._output)):
            self._on_line(line)

    def _read_events(self) -> None:
        chunk = self._read(self._events)
        for event in self._reader.feed(chunk if self._events in self._open else b"\n"):
            self._on_event(event)

    def _read(self, fd: int) -> bytes:
        try:
            chunk = os.read(fd, _READ_BYTES)
        except BlockingIOError:
            return b""
        if not chunk:
            self._open.remove(fd)
            self._selector.unregister(fd)
            os.close(fd)
        return chunk
