"""Which files a `.dockerignore` leaves out.

The format is Docker's (https://docs.docker.com/build/concepts/context/#dockerignore-files): a pattern a line, from the
root of the folder, with `*`, `?`, `[...]` and `**`; `!` brings back; the last pattern that matches decides; a pattern
that matches a folder decides on everything in it.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from picsellia_processing.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass(frozen=True, slots=True)
class IgnoreRule:
    """One line: what it matches, and whether that is left out or brought back."""

    pattern: re.Pattern[str]
    leaves_out: bool


class IgnoreRules:
    """The rules of `lines`, in their order. Raises `UsageError` for a line that is no pattern."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._rules = [rule for line in lines if (rule := _rule(line))]
        self.bring_back = any(not rule.leaves_out for rule in self._rules)

    def leave_out(self, path: str) -> bool:
        """Whether the file or folder of this path, relative and with slashes, is left out."""
        left_out = False
        for rule in self._rules:
            if rule.leaves_out != left_out and any(rule.pattern.fullmatch(part) for part in _with_parents(path)):
                left_out = rule.leaves_out
        return left_out


def _with_parents(path: str) -> Iterator[str]:
    parts = path.split("/")
    return ("/".join(parts[:length]) for length in range(1, len(parts) + 1))


def _rule(line: str) -> IgnoreRule | None:
    if line.startswith("#") or not line.strip():
        return None
    text = line.strip()
    leaves_out = not text.startswith("!")
    cleaned = posixpath.normpath(text.removeprefix("!").strip()).lstrip("/")
    if cleaned in {"", "."}:
        return None
    try:
        return IgnoreRule(re.compile(_expression(cleaned)), leaves_out)
    except re.error as error:
        raise UsageError(f"{text!r} is not a pattern of a .dockerignore: {error}") from None


TOKEN = re.compile(r"\*\*/?|\*|\?|\[[^]]+]|\\.|.", re.DOTALL)
MEANING = {"**/": "(?:.*/)?", "**": "(?:.*/)?", "*": "[^/]*", "?": "[^/]"}


def _expression(pattern: str) -> str:
    start, everything, _ = pattern.rpartition("**") if pattern.endswith("**") else (pattern, "", "")
    return "".join(_translated(token) for token in TOKEN.findall(start)) + (".*" if everything else "")


def _translated(token: str) -> str:
    if token in MEANING:
        return MEANING[token]
    if len(token) > 1 and token.startswith("["):
        return f"(?!/){token}"
    return re.escape(token[-1])
