"""What was looked at, what was found, and what cures it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """How it stands: what FAILED is needed and missing; what has a WARNING works, but perhaps not as it is meant."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. `cure` is a command or an advice; it is empty where nothing is to be done."""

    name: str
    status: Status
    found: str
    cure: str = ""


def fine(name: str, found: str) -> Check:
    """A check with nothing to complain about."""
    return Check(name, Status.OK, found)


def warning(name: str, found: str, cure: str) -> Check:
    """A check of something that works, but perhaps not as it is meant."""
    return Check(name, Status.WARNING, found, cure)


def failed(name: str, found: str, cure: str) -> Check:
    """A check of something that is needed and missing."""
    return Check(name, Status.FAILED, found, cure)
