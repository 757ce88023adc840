"""Trouble on purpose: answers and cut connections that clients must survive.

A fault is a status (`429`, `500`, `503` ...) or one of

    reset        the connection is cut before anything is done
    truncate     the request is done; half of the reply's body is sent, then the connection is cut
    lost-reply   the request is done; the connection is cut before the reply
    disk-full    what is written runs into a full disk

Faults come from rules, which say precisely where and how often, and from a rate, drawn from a seeded generator.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from picsellia_processing.errors import UsageError

RESET, TRUNCATE, LOST_REPLY, DISK_FULL = "reset", "truncate", "lost-reply", "disk-full"
MIX = ("429", "500", "502", RESET, TRUNCATE, LOST_REPLY)
_NAMES = (RESET, TRUNCATE, LOST_REPLY, DISK_FULL)
_KEYS = {"method", "path", "fault", "times", "skip"}


@dataclass(slots=True)
class Rule:
    """`fault` for requests of `method` (None: any) whose path matches `path`: after `skip` of them, `times` times."""

    path: re.Pattern[str]
    fault: str
    method: str | None = None
    times: int | None = None
    skip: int = 0

    @classmethod
    def read(cls, value: object) -> Rule:
        """A rule from JSON such as `{"method": "POST", "path": "/bulk-", "fault": 429, "times": 2, "skip": 1}`.

        `path` is a regular expression searched in the path without its query. Raises UsageError naming the mistake.
        """
        if not isinstance(value, Mapping) or not {"path", "fault"} <= value.keys() <= _KEYS:
            raise UsageError(f"a fault rule is an object with path, fault and perhaps method, times, skip: {value!r}")
        fault = str(value["fault"])
        if fault not in _NAMES and not re.fullmatch("[45][0-9][0-9]", fault):
            raise UsageError(f"fault: expected a status from 400 to 599 or one of {', '.join(_NAMES)}, found {fault!r}")
        try:
            path = re.compile(str(value["path"]))
        except re.error as error:
            raise UsageError(f"path: {value['path']!r} is not a regular expression: {error}") from error
        method = value.get("method")
        return cls(
            path,
            fault,
            None if method is None else str(method).upper(),
            _count(value, "times"),
            _count(value, "skip") or 0,
        )

    def applies(self, method: str, path: str) -> bool:
        """Whether this request gets the fault. Counts it when it matches."""
        if self.times == 0 or self.method not in (None, method) or not self.path.search(path):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True


class Faults:
    """Decides for every request whether, and how, it goes wrong."""

    def __init__(self, rate: float, seed: int) -> None:
        self._rate = rate
        self._random = random.Random(seed)  # noqa: S311 - repeatable trouble, not cryptography
        self._rules: list[Rule] = []

    def use(self, rules: list[Rule]) -> None:
        """Replace the rules. The first one that applies decides."""
        self._rules = rules

    def draw(self, method: str, path: str) -> str | None:
        """The fault of this request, or None."""
        for rule in self._rules:
            if rule.applies(method, path):
                return rule.fault
        if self._rate and self._random.random() < self._rate:
            return self._random.choice(MIX)
        return None


def _count(value: Mapping[Any, Any], name: str) -> int | None:
    count = value.get(name)
    if count is None:
        return None
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        raise UsageError(f"{name}: expected a whole number >= 0, found {count!r}")
    return count
