"""Which candidates are kept, of images that are nearly the same and within a budget. The best come first, always."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, NamedTuple

from near_hashes import BITS, NearHashes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from candidate import Candidate

UNANNOTATED = "(none)"
"""The class of images without annotation: they get a share of the budget like those of any other class."""


@dataclass(frozen=True, slots=True)
class Leaving:
    """A candidate that is left out: one of a few reasons, and what was found."""

    candidate: Candidate
    reason: str
    found: str

    def __str__(self) -> str:
        return f"{self.candidate.asset.filename}, {self.reason}: {self.found}"


class Choice(NamedTuple):
    """The candidates that are kept, the best first, and those that are not."""

    kept: Sequence[Candidate]
    left: list[Leaving]


def without_duplicates(candidates: Sequence[Candidate], distance: int | None) -> Choice:
    """Leave out each candidate whose hash is within `distance` bits of a better one that is kept.

    So no two that are kept are that near, and for each that is left out one is kept that is. None keeps all.
    """
    if distance is None:
        return Choice(candidates, [])
    hashes = NearHashes(distance)
    kept: list[Candidate] = []
    left: list[Leaving] = []
    for candidate in candidates:
        match = hashes.nearest(candidate.hash)
        if match is None:
            hashes.add(candidate.hash)
            kept.append(candidate)
        else:
            found = f"{match.distance} of {BITS} bits differ from {kept[match.number].asset.filename}"
            left.append(Leaving(candidate, "near-duplicate", found))
    return Choice(kept, left)


def within_budget(candidates: Sequence[Candidate], most: int | None, *, balanced: bool) -> Choice:
    """Keep at most `most` candidates: the best, or the best of each class in turn. None keeps all."""
    if most is None or len(candidates) <= most:
        return Choice(candidates, [])
    chosen = _balanced(candidates, most) if balanced else set(range(most))
    kept = [each for number, each in enumerate(candidates) if number in chosen]
    surplus = (each for number, each in enumerate(candidates) if number not in chosen)
    return Choice(kept, [Leaving(each, "over the budget", f"{most:,} are kept") for each in surplus])


def _balanced(candidates: Sequence[Candidate], most: int) -> set[int]:
    """Numbers of `most` candidates: each time the best of those with the class that the fewest chosen ones have."""
    waiting: defaultdict[str, deque[int]] = defaultdict(deque)
    for number, candidate in enumerate(candidates):
        for name in _classes(candidate):
            waiting[name].append(number)
    counts = Counter(dict.fromkeys(waiting, 0))
    poorest = [(0, name) for name in waiting]
    heapify(poorest)
    chosen: set[int] = set()
    while len(chosen) < most:
        count, name = heappop(poorest)
        while waiting[name] and waiting[name][0] in chosen:
            waiting[name].popleft()
        if not waiting[name]:
            continue  # all images of that class are chosen
        if count == counts[name]:  # else it has got images since, as another class of theirs
            number = waiting[name].popleft()
            chosen.add(number)
            counts.update(_classes(candidates[number]))
        heappush(poorest, (counts[name], name))
    return chosen


def shares(kept: Sequence[Candidate], candidates: Sequence[Candidate]) -> dict[str, str]:
    """How many of the images with each class are kept: `{"red": "12 of 30"}`."""
    before, after = (Counter(name for each in some for name in _classes(each)) for some in (candidates, kept))
    return {name: f"{after[name]} of {count}" for name, count in sorted(before.items())}


def _classes(candidate: Candidate) -> tuple[str, ...]:
    return candidate.classes or (UNANNOTATED,)
