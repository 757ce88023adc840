"""The files of a model version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from picsellia_processing.platform.routing import Route
from picsellia_processing.platform.store import new_id
from picsellia_processing.platform.wire import Reply, bad_request, conflict, not_found

from .model import require_model_version

if TYPE_CHECKING:
    from picsellia_processing.platform.state import State
    from picsellia_processing.platform.store import Row, Store
    from picsellia_processing.platform.wire import Call

SCHEMA = """
CREATE TABLE IF NOT EXISTS model_file (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, model_version_id TEXT NOT NULL, name TEXT NOT NULL,
    filename TEXT NOT NULL, object_id TEXT NOT NULL, object_name TEXT NOT NULL, large INTEGER NOT NULL,
    UNIQUE (model_version_id, name));
"""


def insert_model_file(
    store: Store, version_id: str, *, name: str, filename: str, object_id: str, object_name: str, large: bool
) -> str:
    """The id of a new file of a model version. Raises 409 when the version has one of this name."""
    if store.one("SELECT 1 FROM model_file WHERE model_version_id = ? AND name = ?", version_id, name):
        raise conflict(f"file {name!r} of this model version exists already")
    identifier = new_id()
    store.write(
        "INSERT INTO model_file (id, model_version_id, name, filename, object_id, object_name, large)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        identifier, version_id, name, filename, object_id, object_name, large,
    )  # fmt: skip
    return identifier


def _create(call: Call) -> Reply:
    store = call.state.store
    version = require_model_version(store, call.path[0])
    fields = call.fields()
    object_name = fields.string("object_name", limit=4096)
    blob = call.state.blobs.find_by_name(object_name)
    if blob is None:
        raise bad_request(f"object {object_name!r} has not been uploaded: upload it, then create the file")
    identifier = insert_model_file(
        store, version["id"], name=fields.string("name"), filename=fields.string("filename"), object_id=blob.id,
        object_name=object_name, large=fields.boolean("large"),
    )  # fmt: skip
    return Reply.created(_item(call.state, _require(store, identifier)))


def _list(call: Call) -> dict[str, Any]:
    version = require_model_version(call.state.store, call.path[0])
    rows = call.state.store.all("SELECT * FROM model_file WHERE model_version_id = ? ORDER BY seq DESC", version["id"])
    return {"items": [_item(call.state, row) for row in rows], "count": len(rows)}


def _find(call: Call) -> dict[str, Any]:
    version = require_model_version(call.state.store, call.path[0])
    name = call.query.get("name", "")
    row = call.state.store.one("SELECT * FROM model_file WHERE model_version_id = ? AND name = ?", version["id"], name)
    if row is None:
        raise not_found("model file", name)
    return _item(call.state, row)


def _get(call: Call) -> dict[str, Any]:
    return _item(call.state, _require(call.state.store, call.path[0]))


def _delete(call: Call) -> Reply:
    call.state.store.write("DELETE FROM model_file WHERE id = ?", _require(call.state.store, call.path[0])["id"])
    return Reply.nothing()


def _require(store: Store, file_id: str) -> Row:
    row = store.one("SELECT * FROM model_file WHERE id = ?", file_id)
    if row is None:
        raise not_found("model file", file_id)
    return row


def _item(state: State, row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "name": row["name"],
        "filename": row["filename"],
        "object_name": row["object_name"],
        "large": bool(row["large"]),
        "presigned_url": state.blobs.sign("GET", row["object_id"], row["filename"]),
    }


ROUTES = (
    Route("GET", "/api/model/version/{}/modelfiles", _list),
    Route("POST", "/api/model/version/{}/modelfiles", _create),
    Route("GET", "/api/model/version/{}/modelfiles/find", _find),
    Route("GET", "/api/model/file/{}", _get),
    Route("DELETE", "/api/model/file/{}", _delete),
)
