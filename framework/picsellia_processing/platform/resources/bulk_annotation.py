"""Annotations of many assets in one request: the way annotation files are imported.

REPLACE removes what an asset has and writes what is sent; KEEP leaves annotated assets alone; CONCATENATE adds shapes.
Every entry is checked before anything is written, so a request is kept as a whole or not at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from picsellia_processing.platform.routing import Route
from picsellia_processing.platform.store import as_list, new_id, now, to_json
from picsellia_processing.platform.wire import Fields, unprocessable

from .annotation import STATUSES, delete_annotations_of, insert_annotations
from .dataset import DATASET_VERSIONS
from .shape import insert_shapes, label_ids_of, read_shapes

if TYPE_CHECKING:
    from picsellia_processing.platform.store import Row, Store
    from picsellia_processing.platform.wire import Call

    from .shape import Record

IMPORT_TYPES = ("REPLACE", "KEEP", "CONCATENATE")
MAX_MISTAKES = 50


@dataclass(frozen=True, slots=True)
class _Entry:
    asset_id: str
    annotation_id: str
    exists: bool
    duration: float
    attributes: dict[str, Any] | None
    shapes: list[Record]


def _create(call: Call) -> dict[str, int]:
    store = call.state.store
    version = DATASET_VERSIONS.get(store, id=call.path[0])
    fields = call.fields()
    mode = fields.choice("import_type", IMPORT_TYPES, "REPLACE")
    status = fields.choice("status", STATUSES) if "status" in fields else None
    entries = _read(store, version["id"], mode, fields)
    if mode == "REPLACE":
        delete_annotations_of(store, [entry.asset_id for entry in entries])
    written = [entry for entry in entries if not (mode == "KEEP" and entry.exists)]
    insert_annotations(
        store,
        [
            (
                entry.annotation_id,
                entry.asset_id,
                version["id"],
                entry.duration,
                status or "PENDING",
                to_json(entry.attributes),
                now(),
            )
            for entry in written
            if not entry.exists
        ],
    )
    if status is not None:
        touched = as_list(entry.annotation_id for entry in written if entry.exists)
        store.write("UPDATE annotation SET status = ? WHERE id IN (SELECT value FROM json_each(?))", status, touched)
    insert_shapes(store, (shape for entry in written for shape in entry.shapes))
    counts = dict.fromkeys((entry.annotation_id for entry in entries), 0)
    for entry in written:
        counts[entry.annotation_id] += len(entry.shapes)
    return counts


def _read(store: Store, version_id: str, mode: str, fields: Fields) -> list[_Entry]:
    raw = fields.values.get("annotations")
    if not isinstance(raw, list) or not all(isinstance(item, dict) for item in raw):
        raise unprocessable("annotations: expected a list of objects")
    assets = _assets(store, version_id, [item.get("asset_id") for item in raw])
    labels = label_ids_of(store, version_id)
    entries: list[_Entry] = []
    mistakes: list[str] = []
    annotation_ids = {
        asset_id: row["annotation_id"] for asset_id, row in assets.items() if row["annotation_id"] is not None
    }
    if mode == "REPLACE":
        annotation_ids = {}
    for position, item in enumerate(raw):
        place = f"annotations[{position}]."
        asset_id = item.get("asset_id")
        asset = assets.get(asset_id) if isinstance(asset_id, str) else None
        if asset is None:
            mistakes.append(f"{place}asset_id: {asset_id!r} is not an asset of this dataset version")
            continue
        exists = asset["id"] in annotation_ids
        annotation_id = annotation_ids.setdefault(asset["id"], new_id())
        shapes, wrong = read_shapes(item, annotation_id, (asset["width"], asset["height"]), labels, place)
        mistakes += wrong
        part = Fields(item, place)
        entries.append(
            _Entry(
                asset["id"],
                annotation_id,
                exists,
                part.number("duration", default=0.0),
                part.mapping("attributes"),
                shapes,
            )
        )
    if mistakes:
        raise unprocessable(*mistakes[:MAX_MISTAKES])
    return entries


def _assets(store: Store, version_id: str, asset_ids: list[object]) -> dict[str, Row]:
    rows = store.all(
        "SELECT asset.id, data.width, data.height, annotation.id AS annotation_id FROM asset"
        " JOIN data ON data.id = asset.data_id LEFT JOIN annotation ON annotation.asset_id = asset.id"
        " WHERE asset.id IN (SELECT value FROM json_each(?)) AND asset.dataset_version_id = ?",
        as_list(asset_ids), version_id,
    )  # fmt: skip
    return {row["id"]: row for row in rows}


ROUTES = (Route("POST", "/api/dataset/version/{}/bulk-annotations", _create),)
