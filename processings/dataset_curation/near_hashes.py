"""Perceptual hashes, and finding one that differs from another in a few bits without comparing all pairs."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image as Pillow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

BITS = 128
WIDEST_BAND = 16
"""Bits of a band that are looked at: 65,536 chains are enough for millions of hashes."""
END = -1


def difference_hash(grey: NDArray[np.uint8]) -> int:
    """128 bits that stay the same, but for a few, when a picture is scaled, compressed or made brighter.

    Of the picture scaled to 9 x 9: whether each of 8 x 8 grey levels rises to the right, and whether it rises downwards
    (the row and column "dHash" described by N. Krawetz, 2013, and B. Hoyt, 2017).
    """
    small = np.asarray(Pillow.fromarray(grey).resize((9, 9), Pillow.Resampling.BOX))
    rises_right = small[:8, 1:] > small[:8, :8]
    rises_down = small[1:, :8] > small[:8, :8]
    return int.from_bytes(np.packbits(np.stack([rises_right, rises_down])).tobytes(), "big")


class Match(NamedTuple):
    """A hash found: in how many bits it differs, and its number in the order of adding, from 0."""

    distance: int
    number: int


class NearHashes:
    """Hashes of `BITS` bits, searched for those that differ from a given one in at most `distance` bits.

    Of `distance` + 1 bands, two such hashes agree in at least one (multi-index hashing, Norouzi et al. 2012): only
    those that share a band are compared. A hash takes about 4 bytes per band.
    """

    def __init__(self, distance: int) -> None:
        self._distance = distance
        self._stride = BITS // (distance + 1)
        self._mask = (1 << min(self._stride, WIDEST_BAND)) - 1
        self._hashes: list[int] = []
        self._newest = [array("i", [END]) * (self._mask + 1) for _ in range(distance + 1)]
        self._older = [array("i") for _ in range(distance + 1)]

    def add(self, value: int) -> None:
        """Remember a hash."""
        number = len(self._hashes)
        self._hashes.append(value)
        for newest, older, key in zip(self._newest, self._older, self._keys(value), strict=True):
            older.append(newest[key])
            newest[key] = number

    def nearest(self, value: int) -> Match | None:
        """The hash that differs least, the first added of several; None where none is within the distance."""
        shared = set(self._sharing_a_band(value))
        best = min((Match((self._hashes[each] ^ value).bit_count(), each) for each in shared), default=None)
        return best if best is not None and best.distance <= self._distance else None

    def _sharing_a_band(self, value: int) -> Iterator[int]:
        for newest, older, key in zip(self._newest, self._older, self._keys(value), strict=True):
            number = newest[key]
            while number != END:
                yield number
                number = older[number]

    def _keys(self, value: int) -> list[int]:
        return [(value >> band * self._stride) & self._mask for band in range(self._distance + 1)]
