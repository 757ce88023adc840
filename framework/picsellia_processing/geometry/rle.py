"""Binary masks as COCO's compressed run-length string, the form in which the platform stores them.

Columns first, runs of 0 and 1 in turn, the first of 0 and perhaps empty. From the fourth on, a run is written as its
difference to the run two before. A number is cut into groups of 5 bits, lowest first; each group is one ASCII character
(48 + group), with 32 added where more groups follow; bit 4 of the last group is the sign.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from picsellia_processing.geometry.coordinates import DegenerateShape

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_FIRST_CHARACTER = 48
_BITS, _SIGN, _MORE = 0x1F, 0x10, 0x20
_FIRST_DIFFERENCE = 3
_LONGEST_NUMBER = 60  # bits; no picture has runs of more


def encode_rle(mask: NDArray[np.bool_]) -> str:
    """`mask` (bool, height x width) as COCO's compressed run-length string. See `decode_rle`."""
    import numpy as np  # noqa: PLC0415 - importing the package stays light

    flat = np.asarray(mask, dtype=bool).ravel(order="F")
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    runs: list[int] = np.diff(edges, prepend=0, append=flat.size).tolist()
    if flat.size and flat[0]:
        runs.insert(0, 0)
    return "".join(_encoded(run - runs[i - 2] if i >= _FIRST_DIFFERENCE else run) for i, run in enumerate(runs))


def decode_rle(counts: str, width: int, height: int) -> NDArray[np.bool_]:
    """The mask that `counts`, COCO's compressed run-length string, stands for: bool, height x width, writable.

    Raises:
        DegenerateShape: `counts` is no such string, or its runs are not those of `width` x `height` pixels.
    """
    import numpy as np  # noqa: PLC0415

    runs = _decoded(counts)
    if (total := sum(runs)) != width * height:
        raise DegenerateShape(f"the mask's runs cover {total} pixels, not the {width * height} of {width} x {height}")
    flat = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    return np.ascontiguousarray(flat.reshape((height, width), order="F"))


def _encoded(number: int) -> str:
    characters = ""
    while True:
        group, number = number & _BITS, number >> 5
        more = number != (-1 if group & _SIGN else 0)
        characters += chr(_FIRST_CHARACTER + (group | _MORE if more else group))
        if not more:
            return characters


def _decoded(counts: str) -> list[int]:
    runs: list[int] = []
    number = shift = 0
    for position, character in enumerate(counts):
        group = ord(character) - _FIRST_CHARACTER
        if not 0 <= group <= _BITS | _MORE or shift > _LONGEST_NUMBER:
            raise DegenerateShape(f"the mask is no run-length string: {character!r} at {position}")
        number |= (group & _BITS) << shift
        shift += 5
        if group & _MORE:
            continue
        if group & _SIGN:
            number -= 1 << shift
        runs.append(number + runs[-2] if len(runs) >= _FIRST_DIFFERENCE else number)
        if runs[-1] < 0:
            raise DegenerateShape(f"the mask is no run-length string: a run of {runs[-1]} pixels at {position}")
        number = shift = 0
    if shift:
        raise DegenerateShape("the mask is no run-length string: it ends within a number")
    return runs
