"""What an author returned for one image -> tags and metadata as they are written, or an error that says why not."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from picsellia_processing.annotation import SHAPE_TYPES
from picsellia_processing.errors import ResultError
from picsellia_processing.tasks.results import shown
from picsellia_processing.tasks.tagging import DataTags

COUNTED = 200
"""So many tags are counted by name; the others together."""


@dataclass(frozen=True, slots=True)
class Tagged:
    """The result for one image: names of tags, without repetition, and metadata as JSON values."""

    tags: tuple[str, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()

    @property
    def details(self) -> dict[str, Any]:
        """For people: what it says."""
        return {"tags": list(self.tags), **({"metadata": self.metadata} if self.metadata else {})}


def read_result(result: Any, *, takes_metadata: bool) -> Tagged:
    """Tags, and metadata where the task takes them, of what a function returned for one image.

    Raises:
        ResultError: it is something else.
    """
    if isinstance(result, DataTags):
        if not takes_metadata and result.metadata:
            raise ResultError("auto_tagging writes tags alone; metadata need a @data_auto_tagging, on a Datalake")
        return Tagged(_tags(result.tags), _metadata(result.metadata))
    return Tagged(_tags(result))


def _tags(result: Any) -> tuple[str, ...]:
    if result is None:
        return ()
    if isinstance(result, str):
        result = [result]
    if isinstance(result, (bytes, Mapping, *SHAPE_TYPES)) or not isinstance(result, Iterable):
        raise ResultError(f"the tags of an image are a text or a list of texts; found {shown(result)}")
    return tuple(dict.fromkeys(_tag(each) for each in result))


def _tag(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ResultError(f"a tag is a text that is not blank; found {shown(value)}")
    return str.__str__(value)  # a StrEnum, or numpy's own text, is a plain text on the wire


def _metadata(metadata: Any) -> dict[str, Any]:
    if not isinstance(metadata, Mapping):
        raise ResultError(f"the metadata of a data are a mapping from names to values; found {shown(metadata)}")
    wrong = [key for key in metadata if not isinstance(key, str) or not key.strip()]
    if wrong:
        raise ResultError(f"the name of a metadata is a text that is not blank; found {shown(wrong[0])}")
    return {key: _value(key, value) for key, value in metadata.items()}


def _value(key: str, value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_scalar(key, each) for each in value]
    return _scalar(key, value)


def _scalar(key: str, value: Any) -> str | bool | int | float:
    if not isinstance(value, (str, bool, int, float)) and getattr(value, "shape", None) == ():
        value = value.item()  # numpy's scalars
    if isinstance(value, float) and not math.isfinite(value):
        raise ResultError(
            f"metadata {key!r}: expected a finite number; found {value}; leave it out where it is unknown"
        )
    if isinstance(value, bool):
        return value
    for kind in (str, int, float):
        if isinstance(value, kind):
            return str.__str__(value) if isinstance(value, str) else kind(value)
    raise ResultError(
        f"metadata {key!r}: expected a text, a number, true or false, or a list of these; found {shown(value)}"
    )


class TagNames:
    """Which tags there are. With `adds`, one that is not there is made when it is first needed. Names match exactly."""

    def __init__(self, known: Iterable[str], *, adds: bool) -> None:
        self._known = frozenset(known)
        self._adds = adds
        self._counted: set[str] = set()

    def split(self, tagged: Tagged) -> Tagged:
        """The same without the tags that are not there and are not made."""
        kept = tuple(name for name in tagged.tags if self._adds or name in self._known)
        left_out = tuple(name for name in tagged.tags if name not in kept)
        return Tagged(kept, tagged.metadata, left_out)

    def counts(self, tagged: Tagged) -> dict[str, int]:
        """What it counts as on the report: tags in all and by name, those left out, metadata."""
        counts = {"tags": len(tagged.tags), "metadata": len(tagged.metadata)}
        for name in tagged.tags:
            self._count(counts, f"tag {name!r}")
        for name in tagged.left_out:
            self._count(counts, f"left out, there is no tag {name!r}")
        return {name: count for name, count in counts.items() if count}

    def _count(self, counts: dict[str, int], entry: str) -> None:
        if len(self._counted) < COUNTED:
            self._counted.add(entry)
        name = entry if entry in self._counted else "other tags"
        counts[name] = counts.get(name, 0) + 1
