"""One file for each thing that is stored: a folder becomes a zip file that is the same each time."""

from __future__ import annotations

import shutil
import zipfile
from typing import TYPE_CHECKING

from picsellia_processing.errors import ResultError

if TYPE_CHECKING:
    from pathlib import Path

EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The time of every entry: a zip file can hold none before it."""


def packed(path: Path, folder: Path, mark: str) -> Path:
    """The file to store for `path`, in `folder`, with `mark` in its name: a link to it, or the zip file of a folder.

    A folder is kept whole, empty folders included, below its own name. The same content gives the same bytes.

    Raises:
        ResultError: the folder holds something else than files and folders, such as a link.
    """
    folder.mkdir(parents=True)
    if path.is_dir():
        target = folder / f"{path.stem}-{mark}{path.suffix}.zip"
        _zip(path, target)
    else:
        target = folder / f"{path.stem}-{mark}{path.suffix}"
        target.symlink_to(path.resolve())
    return target


def _zip(source: Path, target: Path) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(source.rglob("*"), key=lambda each: each.relative_to(source).as_posix()):
            name = f"{source.name}/{path.relative_to(source).as_posix()}"
            if path.is_symlink() or not (path.is_file() or path.is_dir()):
                raise ResultError(f"{path} is neither a file nor a folder; a folder that is stored holds only those")
            if path.is_dir():
                archive.writestr(_entry(f"{name}/", 0o40755), b"")
                continue
            with path.open("rb") as file, archive.open(_entry(name, 0o100644), "w", force_zip64=True) as stored:
                shutil.copyfileobj(file, stored, 1 << 20)


def _entry(name: str, mode: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, EARLIEST)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.create_system = 3  # Unix, whatever this is made on
    entry.external_attr = mode << 16
    return entry
