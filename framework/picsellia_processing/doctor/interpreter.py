"""Whether this Python is one that the framework and a processing ask for."""

from __future__ import annotations

import platform
import sys
from importlib import metadata
from typing import TYPE_CHECKING

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from picsellia_processing.doctor.check import Check, failed, fine
from picsellia_processing.errors import DefinitionError
from picsellia_processing.project import FILE, read_project

if TYPE_CHECKING:
    from pathlib import Path

FRAMEWORK = "picsellia-processing"


def python_check(folder: Path | None) -> Check:
    """Whether this Python is in the ranges of the framework and, with a processing folder, of its pyproject.toml."""
    version = platform.python_version()
    try:
        ranges = _wanted(folder)
    except DefinitionError as error:
        return failed(FILE, "; ".join(error.mistakes), "correct the file")
    for asking, wanted in ranges.items():
        try:
            fits = SpecifierSet(wanted).contains(version, prereleases=True)
        except InvalidSpecifier:
            return failed("python", f"{asking} asks for {wanted!r}, which is no range", "correct requires-python")
        if not fits:
            return failed("python", f"{version}, and {asking} asks for {wanted}", f"use a Python {wanted}")
    return fine("python", f"{version} ({sys.executable})")


def _wanted(folder: Path | None) -> dict[str, str]:
    wanted = {FRAMEWORK: metadata.metadata(FRAMEWORK)["Requires-Python"]}
    if folder is not None:
        wanted[FILE] = read_project(folder).requires_python
    return wanted
