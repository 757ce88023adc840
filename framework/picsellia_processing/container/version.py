"""What an image is called: the name and the version its processing folder has in pyproject.toml."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from picsellia_processing.errors import UsageError
from picsellia_processing.project import read_project

if TYPE_CHECKING:
    from pathlib import Path

REPOSITORY = re.compile(r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*")
REGISTRY = re.compile(r"[A-Za-z0-9.-]+(?::\d+)?(?:/[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*)*")
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
IMAGE = re.compile(rf"(?:{REGISTRY.pattern}/)?{REPOSITORY.pattern}:{TAG.pattern}")
MOVING = {"latest", "stable", "main", "master", "dev", "edge", "nightly"}
"""Tags that say which image is the newest, and so name another one tomorrow."""


@dataclass(frozen=True, slots=True)
class Version:
    """A processing's name and version, fit to be an image's repository and tag."""

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name}:{self.version}"


def read_version(folder: Path, version: str | None = None) -> Version:
    """The name and the version in the folder's pyproject.toml; `version` takes the place of the one in there.

    Raises:
        UsageError: there is none, or it cannot be a tag, or it is one that moves (`latest`).
        DefinitionError: the file cannot be read, or holds something wrong.
    """
    project = read_project(folder)
    name = (project.name or folder.resolve().name).lower().replace("_", "-")
    if not REPOSITORY.fullmatch(name):
        raise UsageError(f"{name!r} cannot name an image: expected lower-case letters and digits, joined by . - or _")
    found = version or project.version
    if not found:
        raise UsageError(
            f"{folder} has no version: write `version` in the table [project] of its pyproject.toml, or give --version"
        )
    return Version(name, check_tag(found))


def check_tag(tag: str) -> str:
    """Return a tag that is fit for the platform.

    Raises:
        UsageError: Docker does not take it, or it moves from image to image.
    """
    if not TAG.fullmatch(tag):
        raise UsageError(f"{tag!r} cannot be an image's tag: expected letters, digits, . _ and -, 128 at most")
    if tag.lower() in MOVING:
        raise UsageError(
            f"{tag!r} is another image tomorrow, and a Job must run the one that was tested: use a version, as 1.2.0"
        )
    return tag


def check_image_name(name: str) -> str:
    """Return the name and tag of a local image (`bright:edge`). Raises `UsageError` for one Docker does not take."""
    if not IMAGE.fullmatch(name):
        raise UsageError(f"{name!r} cannot name an image: expected NAME:TAG, as detector:edge")
    return name


def check_registry(registry: str) -> str:
    """Return a registry (`registry.example/acme`) without a slash at its end.

    Raises:
        UsageError: it is a URL, or names a user, or is no registry at all.
    """
    cleaned = registry.rstrip("/")
    if "@" in cleaned:
        raise UsageError("--registry holds an @: it takes no user and no password; run `docker login` for these")
    if not REGISTRY.fullmatch(cleaned):
        raise UsageError(
            f"{registry!r} is no registry: expected one as registry.example/acme or localhost:5000, without https://"
        )
    return cleaned
