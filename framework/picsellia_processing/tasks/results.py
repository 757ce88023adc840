"""What authors return, where it is not what it has to be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from picsellia_processing.errors import ResultError

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_SHOWN = 80
"""Characters of a wrong result that a message shows."""


def shown(value: Any) -> str:
    """The type of a wrong result, and how it begins."""
    if value is None:
        return "None"
    text = " ".join(repr(value).split())  # an array has lines
    ellipsis = "..." if len(text) > LONGEST_SHOWN else ""
    return f"{type(value).__name__} {text[:LONGEST_SHOWN]}{ellipsis}"


def nothing_more(result: Any, writes: str) -> Mapping[str, int]:
    """What a function that drives has produced beside all it has written with `writes`: nothing.

    Raises:
        ResultError: something was returned.
    """
    if result is not None:
        raise ResultError(f"a function that drives returns nothing, it writes with {writes}; found {shown(result)}")
    return {}
