"""Collecting the mistakes of a fixture, so that one run shows everything there is to correct."""

from __future__ import annotations

from collections import Counter
from difflib import get_close_matches
from itertools import islice
from typing import TYPE_CHECKING

from picsellia_processing.errors import FixtureError

if TYPE_CHECKING:
    from collections.abc import Collection

MOST_ALIKE = 20
MOST_NAMES = 10
MOST_COMPARED = 1000


class Mistakes:
    """The mistakes found so far in the fixture that `subject` names."""

    def __init__(self, subject: str) -> None:
        self._subject = subject
        self._texts: list[str] = []
        self._alike: Counter[str] = Counter()

    def add(self, where: str, *, expected: str, found: str, todo: str, alike: str = "") -> None:
        """Note one mistake.

        Of mistakes that share a non-empty `alike`, as "missing images", the first 20 are spelled out and the others
        are counted: a folder that is wrong as a whole is still shown on one screen.
        """
        if self._is_shown(alike):
            self._texts.append(f"{where}: expected {expected}, found {found}; {todo}")

    def add_unknown(self, where: str, what: str, name: str, known: Collection[str]) -> None:
        """Note that `name`, a `what` as in "label", is none of the `known` ones; mistakes with one `what` are alike."""
        if self._is_shown(f"unknown {what}"):
            self._texts.append(f"{where}: expected a known {what}, found {name!r}; {_did_you_mean(name, known)}")

    def raise_all(self) -> None:
        """Raise FixtureError with every mistake, or return when there is none."""
        if self._texts:
            more = [
                f"{alike}: {count - MOST_ALIKE} more like the {MOST_ALIKE} above"
                for alike, count in self._alike.items()
                if alike and count > MOST_ALIKE
            ]
            raise FixtureError(self._subject, [*self._texts, *more])

    def _is_shown(self, alike: str) -> bool:
        self._alike[alike] += 1
        return not alike or self._alike[alike] <= MOST_ALIKE


def one_of(names: Collection[str]) -> str:
    """The first ten `names` for a sentence, and how many more there are."""
    listed = [repr(name) for name in islice(names, MOST_NAMES)]
    more = len(names) - len(listed)
    return f"one of {', '.join(listed)}" + (f" and {more} more" if more else "")


def shown(value: object) -> str:
    """A value for a message: its type and, cut to a readable length, itself."""
    text = repr(value)
    longest = 60
    return f"{type(value).__name__} {text if len(text) <= longest else text[:longest] + '...'}"


def _did_you_mean(name: str, known: Collection[str]) -> str:
    close = get_close_matches(name, known, n=1) if len(known) <= MOST_COMPARED else []
    if close:
        return f"did you mean {close[0]!r}?"
    return f"use {one_of(known)}" if known else "there is none: leave it out"
