"""The supervisor's own output: what `docker logs`, or a person at a terminal, sees of a Job."""

from __future__ import annotations

import io
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO


class Console:
    """Writes whole lines to `stream`, each flushed; below them, on a terminal, a progress bar.

    Writing never fails: once nobody reads `stream`, nothing more is written.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream: TextIO | None = stream
        self._bar: Any = None
        self._transient = False
        self.is_terminal = stream.isatty()
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")

    def line(self, text: str) -> None:
        """Write one line, above the bar and in place of the last transient text."""
        self._write(lambda stream: self._above(stream, text + "\n"))

    def transient(self, text: str) -> None:
        """Show text that the next line takes the place of. Only on a terminal without a bar."""
        if self.is_terminal and self._bar is None:
            self._write(lambda stream: self._above(stream, text))
            self._transient = True

    def progress(self, done: int, total: int | None, text: str) -> None:
        """Move the bar. Only on a terminal."""
        if self.is_terminal:
            self._write(lambda stream: self._move(stream, done, total, text))

    def close(self) -> None:
        """Take the bar away and write nothing more."""
        if self._bar is not None:
            self._write(lambda _: self._bar.close())
        self._stream = None

    def _above(self, stream: TextIO, text: str) -> None:
        if self._bar is not None:
            self._bar.clear()
        stream.write(f"\r\x1b[K{text}" if self._transient else text)
        stream.flush()
        self._transient = False
        if self._bar is not None:
            self._bar.refresh()

    def _move(self, stream: TextIO, done: int, total: int | None, text: str) -> None:
        if self._bar is None:
            from tqdm import tqdm  # noqa: PLC0415 - a container never needs it

            self._bar = tqdm(file=stream, leave=False, dynamic_ncols=True, bar_format="{desc}")
        self._bar.bar_format = "{desc}" if total is None else "{percentage:3.0f}%|{bar}| {desc}"
        self._bar.total, self._bar.n = total, done
        self._bar.set_description_str(text)

    def _write(self, write: Callable[[TextIO], object]) -> None:
        if self._stream is None:
            return
        try:
            write(self._stream)
        except (OSError, ValueError):
            _silence(self._stream)
            self._stream = None


def _silence(stream: TextIO) -> None:
    """Let what is still buffered go nowhere, so that the interpreter's last flush does not fail."""
    with suppress(OSError, ValueError), Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), stream.fileno())
