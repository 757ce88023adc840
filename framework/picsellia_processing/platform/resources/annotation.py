"""Annotations: what is drawn on one asset, one by one and in bulk. An asset has at most one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from picsellia_processing.platform.listing import Listing, Where, fetch
from picsellia_processing.platform.routing import Route
from picsellia_processing.platform.shapes import KINDS
from picsellia_processing.platform.store import as_list, from_json, new_id, now
from picsellia_processing.platform.wire import Fields, Reply, conflict, not_found, unprocessable

from .dataset import DATASET_VERSIONS
from .shape import (
    annotation_with_size,
    delete_shapes,
    insert_shapes,
    label_ids_of,
    loaded_shape,
    read_shapes,
    shapes_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from picsellia_processing.platform.store import Row, Store
    from picsellia_processing.platform.wire import Call

SCHEMA = """
CREATE TABLE IF NOT EXISTS annotation (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, asset_id TEXT NOT NULL UNIQUE, dataset_version_id TEXT NOT NULL,
    duration REAL NOT NULL, status TEXT NOT NULL, attributes TEXT, created_at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS annotation_dataset_version ON annotation (dataset_version_id);
"""

STATUSES = ("PENDING", "SKIPPED", "ACCEPTED", "REFUSED")
EVERY_ASSET = "__all__"
_LISTING = Listing(
    "annotation.*", "annotation", "seq", {"created_at": "seq", "status": "status", "duration": "duration", "id": "id"}
)


def annotation_item(row: Row) -> dict[str, Any]:
    """The Annotation of a row."""
    return {
        "id": row["id"],
        "asset_id": row["asset_id"],
        "duration": row["duration"],
        "status": row["status"],
        "attributes": from_json(row["attributes"]),
        "created_at": row["created_at"],
    }


def delete_annotations_of(store: Store, asset_ids: Iterable[str]) -> None:
    """Remove the annotations of these assets with their shapes."""
    rows = store.all("SELECT id FROM annotation WHERE asset_id IN (SELECT value FROM json_each(?))", as_list(asset_ids))
    _delete_all(store, [row["id"] for row in rows])


def insert_annotations(store: Store, rows: Iterable[tuple[object, ...]]) -> None:
    """Write annotations: (id, asset_id, dataset_version_id, duration, status, attributes, created_at)."""
    store.write_many(
        "INSERT INTO annotation (id, asset_id, dataset_version_id, duration, status, attributes, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        rows,
    )


def _delete_all(store: Store, annotation_ids: list[str]) -> None:
    delete_shapes(store, annotation_ids)
    store.write("DELETE FROM annotation WHERE id IN (SELECT value FROM json_each(?))", as_list(annotation_ids))


def _get(call: Call) -> dict[str, Any]:
    return annotation_item(_require(call))


def _require(call: Call) -> Row:
    row = call.state.store.one("SELECT * FROM annotation WHERE id = ?", call.path[0])
    if row is None:
        raise not_found("annotation", call.path[0])
    return row


def _update(call: Call) -> dict[str, Any]:
    row = _require(call)
    fields = call.fields()
    call.state.store.write(
        "UPDATE annotation SET duration = ?, status = ? WHERE id = ?",
        fields.number("duration", default=row["duration"]), fields.choice("status", STATUSES, row["status"]), row["id"],
    )  # fmt: skip
    return _get(call)


def _delete(call: Call) -> Reply:
    _delete_all(call.state.store, [_require(call)["id"]])
    return Reply.nothing()


def _overwrite(call: Call) -> dict[str, Any]:
    """Replace every shape; kinds that are not sent are left empty."""
    store = call.state.store
    annotation = annotation_with_size(store, call.path[0])
    fields = call.fields()
    records, mistakes = read_shapes(
        fields.values, annotation["id"], (annotation["width"], annotation["height"]),
        label_ids_of(store, annotation["dataset_version_id"]), "",
    )  # fmt: skip
    if mistakes:
        raise unprocessable(*mistakes)
    delete_shapes(store, [annotation["id"]])
    insert_shapes(store, records)
    store.write(
        "UPDATE annotation SET duration = ? WHERE id = ?", fields.number("duration", default=0.0), annotation["id"]
    )
    return _get(call)


def _of_asset(call: Call) -> tuple[Row, Row | None]:
    asset = call.state.store.one("SELECT * FROM asset WHERE id = ?", call.path[0])
    if asset is None:
        raise not_found("asset", call.path[0])
    return asset, call.state.store.one("SELECT * FROM annotation WHERE asset_id = ?", asset["id"])


def _find_of_asset(call: Call) -> dict[str, Any]:
    _, annotation = _of_asset(call)
    if annotation is None:
        raise not_found("annotation of asset", call.path[0])
    return annotation_item(annotation)


def _list_of_asset(call: Call) -> dict[str, Any]:
    _, annotation = _of_asset(call)
    items = [] if annotation is None else [annotation_item(annotation)]
    return {"items": items, "count": len(items)}


def _create(call: Call) -> Reply:
    asset, annotation = _of_asset(call)
    if annotation is not None:
        raise conflict(f"asset {asset['id']!r} has an annotation already")
    duration = call.fields().number("duration", default=0.0)
    row = (new_id(), asset["id"], asset["dataset_version_id"], duration, "PENDING", None, now())
    insert_annotations(call.state.store, [row])
    return Reply.created(_find_of_asset(call))


def _list(call: Call) -> dict[str, Any]:
    page = fetch(call, _LISTING, _of_version(call))
    return {"items": [annotation_item(row) for row in page.rows], "count": page.count}


def _list_ids(call: Call) -> list[str]:
    where = _of_version(call)
    asset_ids = call.query.getlist("asset_ids")
    if asset_ids:
        where.among("asset_id", asset_ids)
    return [row["id"] for row in fetch(call, _LISTING, where, default_limit=None).rows]


def _of_version(call: Call) -> Where:
    version = DATASET_VERSIONS.get(call.state.store, id=call.path[0])
    where = Where(["dataset_version_id = ?"], [version["id"]])
    status = call.query.get("status")
    if status is not None:
        where.add("status = ?", Fields({"status": status}).choice("status", STATUSES))
    return where


def _load(call: Call) -> list[dict[str, Any]]:
    version = DATASET_VERSIONS.get(call.state.store, id=call.path[0])
    rows = call.state.store.all(
        "SELECT * FROM annotation WHERE dataset_version_id = ? AND id IN (SELECT value FROM json_each(?))"
        " ORDER BY seq DESC",
        version["id"], as_list(call.ids()),
    )  # fmt: skip
    items: dict[str, dict[str, Any]] = {
        row["id"]: {**annotation_item(row), **{plural: [] for plural in KINDS}} for row in rows
    }
    for row in shapes_of(call.state.store, items):
        items[row["annotation_id"]][row["kind"]].append(loaded_shape(row))
    return list(items.values())


def _delete_some(call: Call) -> Reply:
    store = call.state.store
    version = DATASET_VERSIONS.get(store, id=call.path[0])
    fields = call.fields()
    asset_ids, annotation_ids = fields.ids("asset_ids"), fields.optional_ids("annotation_ids")
    where = Where(["dataset_version_id = ?"], [version["id"]])
    if EVERY_ASSET not in asset_ids:
        where.among("asset_id", asset_ids)
    if annotation_ids is not None:
        where.among("id", annotation_ids)
    rows = store.all(f"SELECT id FROM annotation {where.sql()}", *where.arguments)  # noqa: S608 - constants above
    _delete_all(store, [row["id"] for row in rows])
    return Reply.nothing()


ROUTES = (
    Route("GET", "/api/annotation/{}", _get),
    Route("PATCH", "/api/annotation/{}", _update),
    Route("DELETE", "/api/annotation/{}", _delete),
    Route("POST", "/api/annotation/{}/save", _overwrite),
    Route("GET", "/api/asset/{}/annotations", _list_of_asset),
    Route("POST", "/api/asset/{}/annotations", _create),
    Route("GET", "/api/asset/{}/annotations/find", _find_of_asset),
    Route("GET", "/api/dataset/version/{}/annotations", _list),
    Route("XGET", "/api/dataset/version/{}/annotations", _load),
    Route("DELETE", "/api/dataset/version/{}/annotations", _delete_some),
    Route("GET", "/api/dataset/version/{}/annotations/ids", _list_ids),
)
