"""Making a saved Core ML model the same bytes each time, so that a second run recognises it."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

SPECIFICATION = "Data/com.apple.CoreML/model.mlmodel"
CONVERTED = "com.github.apple.coremltools.conversion_date"


def settle(path: Path, *dates: str) -> None:
    """Take out of a saved model what is never twice the same: dates, and random identifiers.

    Args:
        path: An .mlpackage or .mlmodel; changed in place.
        dates: The names of metadata that hold a date, beside that of coremltools.
    """
    from coremltools import models  # noqa: PLC0415 - takes seconds

    spec = models.utils.load_spec(str(path))
    for name in (CONVERTED, *dates):
        spec.description.metadata.userDefined.pop(name, None)
    (path / SPECIFICATION if path.is_dir() else path).write_bytes(spec.SerializeToString(deterministic=True))
    if path.is_dir():
        _name_by_place(path / "Manifest.json")


def _name_by_place(manifest: Path) -> None:
    """Identify what a package holds by where it is."""
    content = json.loads(manifest.read_text())
    entries = content["itemInfoEntries"]
    names = {name: str(uuid.uuid5(uuid.NAMESPACE_URL, entry["path"])) for name, entry in entries.items()}
    content["itemInfoEntries"] = {names[name]: entry for name, entry in entries.items()}
    content["rootModelIdentifier"] = names[content["rootModelIdentifier"]]
    manifest.write_text(json.dumps(content, indent=4, sort_keys=True))
