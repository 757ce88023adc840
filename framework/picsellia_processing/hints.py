"""Type hints: how they read, and what they are hints of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, get_args, get_origin


def written(hint: Any) -> str:
    """A hint as an author writes it: `list[str]`, `Path`, `Any`."""
    return hint.__name__ if isinstance(hint, type) and not get_args(hint) else str(hint).replace("typing.", "")


def is_iterable(hint: Any) -> bool:
    """Whether it is of a list or any other iterable of results: no text, no mapping."""
    kind = get_origin(hint) or hint
    return isinstance(kind, type) and issubclass(kind, Iterable) and not issubclass(kind, (str, bytes, Mapping))
