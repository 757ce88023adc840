"""COCO's compressed run-length strings, the form in which masks are stored and sent: the one place that knows it.

A mask is its runs of 0 and 1 in turn down the columns, the first of 0 and perhaps empty. From the fourth on, a run is
written as its difference to the run two before. A number is cut into groups of 5 bits, lowest first; each group is one
ASCII character (48 + group), with 32 added where more groups follow; bit 4 of the last group is the sign.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_FIRST_CHARACTER = 48
_BITS, _SIGN, _MORE = 0x1F, 0x10, 0x20
_FIRST_DIFFERENCE = 3
_LONGEST_NUMBER = 60  # bits; no picture has runs of more


def pack(runs: Sequence[int]) -> str:
    """The string of `runs`, each 0 or more."""
    return "".join(_packed(run - runs[i - 2] if i >= _FIRST_DIFFERENCE else run) for i, run in enumerate(runs))


def unpack(counts: str) -> list[int]:
    """The runs that the string `counts` stands for.

    Raises:
        ValueError: it is no such string; the message says what is wrong and at which character.
    """
    runs: list[int] = []
    number = shift = 0
    for position, character in enumerate(counts):
        group = ord(character) - _FIRST_CHARACTER
        if not 0 <= group <= _BITS | _MORE:
            raise ValueError(f"expected characters from '0' to 'o', found {character!r} at {position}")
        if shift > _LONGEST_NUMBER:
            raise ValueError(f"a number goes on too long, with {character!r} at {position}")
        number |= (group & _BITS) << shift
        shift += 5
        if group & _MORE:
            continue
        if group & _SIGN:
            number -= 1 << shift
        runs.append(number + runs[-2] if len(runs) >= _FIRST_DIFFERENCE else number)
        if runs[-1] < 0:
            raise ValueError(f"a run of {runs[-1]} pixels at {position}")
        number = shift = 0
    if shift:
        raise ValueError("it ends within a number")
    return runs


def _packed(number: int) -> str:
    characters = ""
    while True:
        group, number = number & _BITS, number >> 5
        more = number != (-1 if group & _SIGN else 0)
        characters += chr(_FIRST_CHARACTER + (group | _MORE if more else group))
        if not more:
            return characters
