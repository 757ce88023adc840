"""Make a new processing repository: a copy of a tested reference processing, under a name of its own.

It has everything: the processing, what it requires, a Dockerfile, a fixture, tests and a README.
"""

from __future__ import annotations

import json
import re
import shutil
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING

from picsellia_processing.errors import ExitCode, UsageError

if TYPE_CHECKING:
    import argparse

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
NOT_COPIED = ("__pycache__", ".*_cache", ".hypothesis", ".venv", "*.egg-info", "pxp-out", ".pxp")
LINK_TO_ANOTHER = re.compile(r"\[([^\]]*)\]\(\.\./[^)]*\)")
"""In a README: a link to another reference, which the copy leaves behind."""
RENAMED = {".md", ".py", ".toml", ".txt", ""}
"""Suffixes of the files that may name the processing they belong to; Makefile and Dockerfile have none."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare what `pxp new` takes."""
    parser.add_argument("name", metavar="NAME", help="the new folder; its last part is the processing's name")
    names = ", ".join(reference.name for reference in references())
    parser.add_argument("--from", dest="reference", metavar="REFERENCE", help=f"one of {names}")


def run(arguments: argparse.Namespace) -> int:
    """Copy the reference. Raises `UsageError` for a reference there is not, and for a folder there is."""
    folder = Path(arguments.name)
    _check_new(folder)
    reference = _reference(arguments.reference)
    unfinished = folder.with_name(f".{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    shutil.copytree(reference, unfinished, ignore=shutil.ignore_patterns(*NOT_COPIED))
    _rename(unfinished, reference.name, folder.name)
    unfinished.rename(folder)
    print(f"{folder} is a copy of {reference.name}. Make it yours in {folder / 'processing.py'}; to try it:\n")
    print(f"    cd {folder}\n{_set_up()}    make demo    # run it on its fixture, offline\n    make test")
    return ExitCode.OK


def _set_up() -> str:
    """The command that is needed first where pip has this package from a folder or an address, not from an index."""
    source = _installed_from()
    return f"    make setup FRAMEWORK='{source}'    # where this pxp is from; once\n" if source else ""


def _installed_from() -> str:
    """The requirement for pip that brings the same package again; empty where its name alone does. See PEP 610."""
    try:
        recorded = distribution("picsellia-processing").read_text("direct_url.json")
    except PackageNotFoundError:
        return ""
    origin = json.loads(recorded) if recorded else {}
    match origin:
        case {"url": url, "vcs_info": {"vcs": vcs, "commit_id": commit}}:
            return f"picsellia-processing[platform] @ {vcs}+{url}@{commit}"
        case {"url": url}:
            return f"picsellia-processing[platform] @ {url}"
    return ""


def references() -> list[Path]:
    """The folders of the reference processings: in an installed package they lie within it."""
    package = Path(__file__).parents[1]
    installed = package / "references"
    home = installed if installed.is_dir() else package.parents[1] / "processings"
    return sorted(path.parent for path in home.glob("*/processing.py"))


def _reference(name: str | None) -> Path:
    known = {reference.name: reference for reference in references()}
    if name not in known:
        listed = "\n".join(f"  {name:<28} {_description(reference)}" for name, reference in known.items())
        found = "--from is missing" if name is None else f"there is no reference processing {name!r}"
        raise UsageError(f"{found}; --from takes one of\n{listed}")
    return known[name]


def _description(reference: Path) -> str:
    import tomllib  # noqa: PLC0415 - only a mistake needs it

    project = tomllib.loads((reference / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["description"])


def _check_new(folder: Path) -> None:
    if not NAME.fullmatch(folder.name):
        raise UsageError(f"{folder.name!r} cannot name a processing: expected letters, digits, - and _, a letter first")
    if not folder.parent.is_dir():
        raise UsageError(f"there is no folder {folder.parent} to make {folder.name} in")
    if folder.exists():
        raise UsageError(f"{folder} is there already; choose another NAME, or remove it")


def _rename(folder: Path, old: str, new: str) -> None:
    """Give the copy its name wherever the reference says its own, and let its commands run in the folder itself."""
    dashed = new.replace("_", "-")
    written = {f"processings/{old}": ".", old: new, old.replace("_", "-"): dashed}
    names = re.compile(rf"(?<![\w-])({'|'.join(map(re.escape, written))})(?![\w-])")
    for path in folder.rglob("*"):
        if path.is_file() and path.suffix in RENAMED:
            text = path.read_text(encoding="utf-8")
            renamed = names.sub(lambda match: written[match[0]], LINK_TO_ANOTHER.sub(r"\1", text))
            if renamed != text:
                path.write_text(renamed, encoding="utf-8")
