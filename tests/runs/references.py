"""The reference processings as Jobs on their fixtures, and all that a local platform holds once they have ended."""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from picsellia_processing.cli.fixture_job import launch
from picsellia_processing.fixture import load_fixture
from picsellia_processing.platform.process import LocalPlatform

from tests.runs.rig import Rig, Run

if TYPE_CHECKING:
    from collections.abc import Mapping

HOME = Path(__file__).parents[2] / "processings"
REFERENCES = sorted(path.parent.name for path in HOME.glob("*/processing.py"))

SHORTER: dict[str, dict[str, int]] = {"yolo_export": {"pictures": 1}, "yolox_to_coreml": {"pictures": 1}}
"""Parameters for less work with the same effects: models are compared on one picture."""

NOT_STATE = {"sqlite_sequence", "job", "job_line", "job_run", "platform_job", "processing", "object"}
"""Tables of what happened, and of where bytes lie: not of what there is."""

NAMED = {
    "data": "filename", "dataset": "name", "dataset_version": "version", "label": "name", "model": "name",
    "model_version": "name", "tag": "name",
}  # fmt: skip
"""Table -> its column that tells its rows apart in a fixture."""

UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
NAME_DIGEST = re.compile(r"-[0-9a-f]{10,12}(?=\.\w)")
"""In the name of a file that was made: it is of ids, which differ between two platforms."""
MEASURED = re.compile(r"pictures_per_second.*?}")
"""In what a ModelVersion says of its files: another figure each time."""
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.\d]*(?:\+00:00|Z)")


class Reference:
    """One reference processing, and a local platform filled from its fixture."""

    def __init__(self, name: str, data: Path, *, latency_ms: float = 0.0) -> None:
        self.name = name
        self.target = str(HOME / name)
        self.data = data
        self.platform = (
            LocalPlatform(data=data, seed=HOME / name / "fixture", latency_ms=latency_ms).start().wait_ready()
        )
        self.rig = Rig(self.platform)

    def close(self) -> None:
        self.rig.close()
        self.platform.stop()

    def launch(self) -> str:
        fixture = load_fixture(HOME / self.name / "fixture")
        return str(launch(self.rig.client, self.name, fixture, self.platform.seeded, SHORTER.get(self.name, {})).id)

    def run(self, job_id: str) -> Run:
        return self.rig.run(self.target, job_id, timeout=300)

    def state(self) -> dict[str, list[str]]:
        """Every row of every table by the table's name, as text, in an order of its own.

        Ids are replaced by what they stand for (names, file names, digests of bytes), moments left out: two platforms
        in the same state have equal ones.
        """
        with closing(sqlite3.connect(self.data / "platform.sqlite")) as database:
            database.row_factory = sqlite3.Row
            listed = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            tables = {name: database.execute(f"SELECT * FROM {name}").fetchall() for (name,) in listed}
        names = self._names(tables)
        return {
            table: sorted(_comparable(row, names) for row in rows)
            for table, rows in tables.items()
            if table not in NOT_STATE
        }

    def _names(self, tables: Mapping[str, list[sqlite3.Row]]) -> dict[str, str]:
        """What each id stands for."""
        names = {row["id"]: self._digest(row["file"]) for row in tables["object"]}
        for table, column in NAMED.items():
            names |= {row["id"]: f"{table} {row[column]}" for row in tables[table]}
        for table, column in (("asset", "data_id"), ("annotation", "asset_id")):
            names |= {row["id"]: f"{table} of {names[row[column]]}" for row in tables[table]}
        return names

    def _digest(self, file: str | None) -> str:
        return hashlib.sha256((self.data / "blobs" / file).read_bytes()).hexdigest() if file else "nothing"


def _comparable(row: sqlite3.Row, names: Mapping[str, str]) -> str:
    fields = {column: value for column, value in dict(row).items() if column not in {"seq", "id"}}
    if "object_name" in fields:
        fields["object_name"] = Path(fields["object_name"]).suffix
    text = json.dumps(fields, sort_keys=True)
    text = UUID.sub(lambda match: names.get(match[0], ""), text)
    for ignored in (NAME_DIGEST, MEASURED, MOMENT):
        text = ignored.sub("", text)
    return text
