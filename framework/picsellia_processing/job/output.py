"""From the bytes a process prints to the lines of a log, with bounded memory whatever is printed."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LONGEST_LINE = 1 << 16
_HEAD_OF_A_LONG_RUN = 1 << 12

_ENDS = re.compile(r"(\r?\n|\r)")
_RETURNS = re.compile(r"\r{2,}")
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_DROPPED_CONTROLS = re.compile(r"[\x07\x08]+")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text; not `settled` when it ended in a carriage return, so that the next one takes its place."""

    text: str
    settled: bool = True


class OutputLines:
    """Splits a stream of bytes into lines of plain text.

    Invalid UTF-8 and control characters become U+FFFD, colours and cursor movements are removed, and every line goes
    through `redact` as a whole, so that it does not matter where reads cut a secret. A line longer than `LONGEST_LINE`
    is broken at a space; a run without spaces that is longer keeps its beginning only, and says how much is missing.
    `overlap` is the length of the longest secret: so much of an unfinished line is held back when it is broken.
    """

    def __init__(self, redact: Callable[[str], str], *, overlap: int = 0) -> None:
        self._redact = redact
        self._overlap = max(overlap, _HEAD_OF_A_LONG_RUN)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._return = ""
        self._unfinished: list[str] = []
        self._length = 0
        self._missing = 0

    def feed(self, chunk: bytes) -> list[Line]:
        """The lines that `chunk` completes."""
        return list(self._split(self._decoder.decode(chunk)))

    def end(self) -> list[Line]:
        """The last line, when the stream ended within one."""
        left = self._decoder.decode(b"", final=True)
        if left or self._return or self._unfinished or self._missing:
            return list(self._split(left + "\n"))
        return []

    def _split(self, text: str) -> Iterator[Line]:
        # A return at the very end waits for what follows it: "\r\n" ends a line, "\r" alone replaces it.
        text = _RETURNS.sub("\r", self._return + text)
        self._return = "\r" if text.endswith("\r") else ""
        *pieces, rest = _ENDS.split(text.removesuffix("\r"))
        for piece, end in zip(pieces[::2], pieces[1::2], strict=True):
            yield from self._add(piece)
            yield Line(self._finished(), settled=end != "\r")
        yield from self._add(rest)

    def _add(self, piece: str) -> Iterator[Line]:
        if self._missing:
            self._missing += len(piece)
            return
        self._keep(piece)
        while self._length > LONGEST_LINE:
            yield from self._broken()

    def _keep(self, piece: str) -> None:
        if piece:
            self._unfinished.append(piece)
            self._length += len(piece)

    def _take(self) -> str:
        text = "".join(self._unfinished)
        self._unfinished, self._length = [], 0
        return self._plain(text)

    def _finished(self) -> str:
        text = self._take()
        if self._missing:
            text += f"[... {self._missing:,} more characters]"
            self._missing = 0
        return text

    def _broken(self) -> Iterator[Line]:
        text = self._take()
        if len(text) <= LONGEST_LINE // 2:  # it was long by what is not text
            self._keep(text)
            return
        space = text.rfind(" ", 1, max(1, min(LONGEST_LINE, len(text) - self._overlap)))
        if space > 0:
            yield Line(text[:space])
            self._keep(text[space + 1 :])
        else:
            self._keep(text[:_HEAD_OF_A_LONG_RUN])
            self._missing = len(text) - _HEAD_OF_A_LONG_RUN

    def _plain(self, text: str) -> str:
        text = _DROPPED_CONTROLS.sub("", _ANSI.sub("", text))
        return self._redact(_CONTROLS.sub("\ufffd", text).rstrip())
