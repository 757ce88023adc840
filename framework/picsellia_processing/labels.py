"""Labels: which classes of a model have a label in the DatasetVersion."""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass(frozen=True, slots=True)
class Labels:
    """The labels of the DatasetVersion, and how the names a model uses map onto them.

    The DatasetVersion decides. A name matches the label of the same name, else the only one that differs in upper and
    lower case alone. With `open` (`label_matching: add`) every name has a label, made when it is first needed.

    Attributes:
        names: the labels of the DatasetVersion, as they were when the Job began.
        classes: the model's classes as its ModelVersion declares them; empty where there is none.
    """

    names: tuple[str, ...]
    classes: tuple[str, ...] = ()
    open: bool = False
    _folded: dict[str, tuple[str, ...]] = field(init=False, repr=False, compare=False)
    _closest: dict[str, str | None] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_folded", {})
        for name in self.names:
            self.note(name)

    def note(self, name: str) -> None:
        """Match a label that was made after these were read, too: the next run will find it among them."""
        self._folded[name.casefold()] = (*self._folded.get(name.casefold(), ()), name)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.match(name) is not None

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def match(self, name: str) -> str | None:
        """The label that a name used by the model stands for, or None: then it must not be predicted."""
        candidates = self._folded.get(name.casefold(), ())
        if name in candidates:
            return name
        if len(candidates) == 1:
            return candidates[0]
        return name if self.open else None

    def closest(self, name: str) -> str | None:
        """The label whose name looks most like this one, or None.

        Looked for once for each name: among hundreds it takes long, and a Job that runs is asked every second.
        """
        if name not in self._closest:
            close = get_close_matches(name.casefold(), list(self._folded), n=1, cutoff=0.5)
            self._closest[name] = self._folded[close[0]][0] if close else None
        return self._closest[name]

    @property
    def unmatched(self) -> tuple[str, ...]:
        """The model's classes that have no label."""
        return tuple(name for name in self.classes if name not in self)


def unique(names: Iterable[str]) -> tuple[str, ...]:
    """The names without repetition, in their order."""
    return tuple(dict.fromkeys(names))
