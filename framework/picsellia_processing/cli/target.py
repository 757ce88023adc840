"""TARGET as the commands take it: a processing folder, or `module:attribute`."""

from __future__ import annotations

import sys
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING, Any

from picsellia_processing.errors import ProcessingError, UsageError
from picsellia_processing.place import is_folder

if TYPE_CHECKING:
    from picsellia_processing.processing import Processing

TARGET_HELP = "a processing folder (it holds processing.py), or module:attribute, or folder:attribute"
FOLDER_HELP = "a processing folder: it holds processing.py, pyproject.toml and a Dockerfile"
FIXTURE_FOLDER = "fixture"
MOST_NAMED = 20


def check_target(target: str) -> None:
    """Refuse a TARGET that can be nothing, before anything is started for it. Loading it may still fail.

    Raises:
        UsageError: saying what was expected.
    """
    place, _, _ = target.partition(":")
    folder = Path(place)
    if is_folder(place):
        processing_folder(folder)
    elif folder.suffix == ".py" and folder.is_file():
        raise UsageError(f"{place} is a file, and TARGET is {TARGET_HELP}: write {_target_of(folder)}")
    elif not _may_be_module(place):
        raise UsageError(f"there is no folder {place!r} and no module of that name: TARGET is {TARGET_HELP}")


def processing_folder(folder: Path) -> Path:
    """TARGET of a command that is about an image: a folder alone.

    Raises:
        UsageError: it is no processing folder.
    """
    if not (folder / "processing.py").is_file():
        within = sorted(str(path.parent) for path in folder.glob("*/processing.py"))
        those = f"; there are {', '.join(within[:MOST_NAMED])}" if within else ""
        raise UsageError(f"{folder} is not a processing folder: expected processing.py in it; found none{those}")
    return folder


def _target_of(file: Path) -> str:
    if file.name == "processing.py":
        return str(file.parent)
    module = file.stem if file.is_absolute() else ".".join(file.with_suffix("").parts)
    return f"{module}:NAME, with the name of the function or class in it"


def _may_be_module(name: str) -> bool:
    """Whether the module, or the package it is in, can be found. Nothing is imported."""
    parts = name.split(".")
    here = str(Path.cwd())
    return all(part.isidentifier() for part in parts) and PathFinder.find_spec(parts[0], [here, *sys.path]) is not None


def load_target(target: str) -> Processing[..., Any]:
    """The processing that TARGET names.

    Raises:
        ProcessingError: there is none, or importing its module raises; the trace is then that of the author's code.
    """
    from picsellia_processing.loading import load  # noqa: PLC0415 - `pxp --help` does without
    from picsellia_processing.stack import authors_trace  # noqa: PLC0415 - likewise

    try:
        return load(target)
    except ProcessingError:
        raise
    except Exception as error:
        raise ProcessingError(f"{target} cannot be loaded:\n{authors_trace(error).rstrip()}") from error


def target_name(target: str) -> str:
    """A name for TARGET that is fit for a folder: the processing folder's name, or `module.attribute`."""
    place, _, attribute = target.partition(":")
    name = Path(place).resolve().name if is_folder(place) else place
    return f"{name}.{attribute}" if attribute else name


def folder_of(target: str) -> Path:
    """The processing folder, or the one the module's file lies in."""
    place, _, _ = target.partition(":")
    return Path(place) if is_folder(place) else Path(*place.split(".")).parent


def fixture_of(target: str) -> Path:
    """Where the fixture kept beside TARGET would be."""
    return folder_of(target) / FIXTURE_FOLDER
