"""Whether the installed packages are what a processing's requirements.txt, and the packages themselves, ask for."""

from __future__ import annotations

import codecs
import re
import shlex
from importlib import metadata
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from picsellia_processing.doctor.check import Check, failed, fine, warning
from picsellia_processing.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FRAMEWORK = "picsellia-processing[platform]"
REQUIREMENTS = "requirements.txt"

SAME_FILES = (
    ("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless"),
    ("onnxruntime", "onnxruntime-gpu"),
    ("tensorflow", "tensorflow-cpu"),
    ("ultralytics", "ultralytics-opencv-headless"),
)
"""Packages that install the same files: of two of them, the one that was installed last has overwritten the other."""


def framework_packages() -> Check:
    """Whether all that pxp itself needs is there, with what a dry-run needs."""
    return _check("picsellia-processing", [FRAMEWORK], f"python -m pip install '{FRAMEWORK}'")


def required_packages(folder: Path) -> Check:
    """Whether all that a processing folder's requirements.txt names is installed, in its ranges, and all these need."""
    path = folder / REQUIREMENTS
    cure = f"python -m pip install --requirement {shlex.quote(str(path))}"
    if not path.is_file():
        return warning(REQUIREMENTS, f"{folder} has none", f"name in {path} what the processing imports")
    try:
        return _check(REQUIREMENTS, list(read_requirements(path)), cure)
    except UsageError as error:
        return failed(REQUIREMENTS, str(error), "correct the line")


def packages_of_the_same_files() -> list[Check]:
    """A warning for each set of installed packages that overwrite each other's files."""
    sets = [[name for name in names if installed_version(name)] for names in SAME_FILES]
    return [
        warning(
            names[0],
            f"{' and '.join(names)} are both installed, and write the same files",
            f"python -m pip uninstall --yes {' '.join(names)}, then install the one you want",
        )
        for names in sets
        if len(names) > 1
    ]


def installed_version(name: str) -> str | None:
    """The version of an installed package, or None."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def read_requirements(path: Path, above: tuple[Path, ...] = ()) -> Iterator[str]:
    """The requirements in a file and in the files it includes, without options, URLs and paths.

    `above` are the files that include this one.

    Raises:
        UsageError: there is no such file, it is no text, or it includes itself.
    """
    if not path.is_file():
        raise UsageError(f"there is no file {path}")
    if path.resolve() in above:
        raise UsageError(f"{path} includes itself")
    for line in _text(path).replace("\\\n", " ").splitlines():
        wanted = re.sub(r"(^|\s)#.*", "", line).strip()
        included = re.fullmatch(r"(?:-r|--requirement)[\s=]*(\S+)", wanted)
        if included:
            yield from read_requirements(path.parent / included[1], (*above, path.resolve()))
        elif wanted and not wanted.startswith(("-", ".", "/")) and not re.match(r"\w+(\+\w+)?://", wanted):
            yield re.split(r"\s--", wanted)[0].strip()


def _text(path: Path) -> str:
    """What pip reads: UTF-8, or UTF-16 where the file begins so, as PowerShell writes it."""
    content = path.read_bytes()
    encoding = "utf-16" if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is no text in UTF-8: {error}") from None


def _check(name: str, wanted: list[str], cure: str) -> Check:
    seen: set[str] = set()
    mistakes = list(dict.fromkeys(mistake for text in wanted for mistake in _mistakes(text, name, seen)))
    if mistakes:
        return failed(name, "; ".join(mistakes), cure)
    return fine(name, f"{len(seen)} packages are as they are asked for")


def _mistakes(text: str, wanted_by: str, seen: set[str], extras: frozenset[str] = frozenset()) -> Iterator[str]:
    """What does not fit a requirement, or what its package requires; `extras` are those of the package that asks."""
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        yield f"{text!r} is no requirement ({wanted_by})"
        return
    if requirement.marker and not any(requirement.marker.evaluate({"extra": extra}) for extra in extras | {""}):
        return
    asked = str(canonicalize_name(requirement.name)) + (
        f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    )
    version = installed_version(requirement.name)
    if version is None:
        yield f"{asked} is missing ({wanted_by} asks for it)"
    elif not requirement.specifier.contains(version, prereleases=True):
        yield f"{requirement.name} is {version}, and {wanted_by} asks for {requirement.specifier}"
    if version is None or asked in seen:
        return
    seen.add(asked)
    for dependency in metadata.requires(requirement.name) or ():
        yield from _mistakes(dependency, requirement.name, seen, frozenset(requirement.extras))
