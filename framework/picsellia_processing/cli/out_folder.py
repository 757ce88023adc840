"""The folder a dry-run leaves its results in."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from picsellia_processing.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MARKER = ".pxp-dry-run.json"


@dataclass(frozen=True, slots=True)
class OutFolder:
    """The paths in an out folder. `path` is absolute."""

    path: Path

    @property
    def marker(self) -> Path:
        """Says that a dry-run made the folder, and what it seeded its platform with."""
        return self.path / MARKER

    @property
    def platform(self) -> Path:
        """The local platform's data."""
        return self.path / "platform"

    @property
    def report(self) -> Path:
        """What the Job did, as data."""
        return self.path / "report.json"

    @property
    def page(self) -> Path:
        """What the Job did, for people."""
        return self.path / "report.html"

    @property
    def annotations(self) -> Path:
        """What the platform holds, as COCO."""
        return self.path / "annotations.json"

    @property
    def predictions(self) -> Path:
        """What the worker wrote, a line an Asset."""
        return self.path / "predictions.jsonl"

    @property
    def earlier_predictions(self) -> Path:
        """What the workers of earlier Jobs on the same platform wrote."""
        return self.path / "predictions.earlier.jsonl"

    def existing(self) -> dict[str, str]:
        """The results that are there, by name."""
        results = {"report": self.report, "page": self.page, "annotations": self.annotations}
        found = {name: str(path) for name, path in results.items() if path.is_file()}
        return {"out": str(self.path), "platform": str(self.platform), **found}

    def recreate(self) -> None:
        """Make the folder, empty but for its marker.

        Raises:
            UsageError: it holds something that no dry-run made.
        """
        if self.path.exists() and not self.path.is_dir():
            raise UsageError(f"--out {self.path} is a file: expected a folder, or nothing there")
        if self.path.is_dir():
            if any(self.path.iterdir()) and not self.marker.is_file():
                raise UsageError(
                    f"--out {self.path} is not empty and was not made by a dry-run; nothing in it was touched: "
                    "name another folder, or empty this one"
                )
            for entry in self.path.iterdir():
                if entry.is_dir() and not entry.is_symlink():
                    shutil.rmtree(entry)
                elif entry != self.marker:
                    entry.unlink()
        self.path.mkdir(parents=True, exist_ok=True)
        self.marker.write_text("{}\n", encoding="utf-8")

    def reopen(self) -> dict[str, str]:
        """Make room for the results of another Job on the platform that lies here, and return what was seeded.

        Raises:
            UsageError: no dry-run left a platform here.
        """
        seeded = json.loads(self.marker.read_text(encoding="utf-8")) if self.marker.is_file() else {}
        if not seeded or not self.platform.is_dir():
            raise UsageError(f"--again: {self.path} has no platform of an earlier dry-run; run it once without --again")
        if self.predictions.is_file():
            with self.earlier_predictions.open("ab") as earlier, self.predictions.open("rb") as predictions:
                shutil.copyfileobj(predictions, earlier)
        for path in (self.report, self.page, self.annotations, self.predictions):
            path.unlink(missing_ok=True)
        return dict(seeded)

    def remember(self, seeded: Mapping[str, str]) -> None:
        """Keep what the platform was seeded with, for `reopen`."""
        self.marker.write_text(json.dumps(dict(seeded)) + "\n", encoding="utf-8")
