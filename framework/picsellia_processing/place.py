"""What the first part of a TARGET means, `place` in `place:attribute`: a processing folder, or a module."""

from __future__ import annotations

from pathlib import Path

ENTRY_MODULE = "processing"
"""The module of a processing folder that holds the processing: `processing.py`."""


def is_folder(place: str) -> bool:
    """Whether it is the folder of this name, which may lie beside a module of the same name: pictures, or results.

    One that holds a `processing.py` is meant; any other gives way to the module.
    """
    folder = Path(place)
    if not place or not folder.is_dir():
        return False
    return (folder / f"{ENTRY_MODULE}.py").is_file() or not Path(f"{place.rstrip('/')}.py").is_file()
