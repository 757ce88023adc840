"""The files of a model version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from picsellia_processing.platform.routing import Route
from picsellia_processing.platform.table import Table
from picsellia_processing.platform.wire import Reply, bad_request

from .model import MODEL_VERSIONS

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

_FILES = Table("model_file")


def insert_model_file(
    store: Store, version_id: str, *, name: str, filename: str, object_id: str, object_name: str, large: bool
) -> str:
    """The id of a new file of a model version. Raises 409 when the version has one of this name."""
    _FILES.refuse_second(store, model_version_id=version_id, name=name)
    return _FILES.add(
        store, model_version_id=version_id, name=name, filename=filename, object_id=object_id, object_name=object_name,
        large=large,
    )  # fmt: skip


def _create(call: Call) -> Reply:
    store = call.state.store
    version = MODEL_VERSIONS.get(store, id=call.path[0])
    fields = call.fields()
    object_name = fields.string("object_name", limit=4096)
    blob = call.state.blobs.find_by_name(object_name)
    if blob is None:
        raise bad_request(f"object {object_name!r} has not been uploaded: upload it, then create the file")
    identifier = insert_model_file(
        store, version["id"], name=fields.string("name"), filename=fields.string("filename"), object_id=blob.id,
        object_name=object_name, large=fields.boolean("large"),
    )  # fmt: skip
    return Reply.created(_item(call.state, _FILES.get(store, id=identifier)))


def _list(call: Call) -> dict[str, Any]:
    version = MODEL_VERSIONS.get(call.state.store, id=call.path[0])
    rows = call.state.store.all("SELECT * FROM model_file WHERE model_version_id = ? ORDER BY seq DESC", version["id"])
    return {"items": [_item(call.state, row) for row in rows], "count": len(rows)}


def _find(call: Call) -> dict[str, Any]:
    version = MODEL_VERSIONS.get(call.state.store, id=call.path[0])
    row = _FILES.get(call.state.store, model_version_id=version["id"], name=call.query.get("name", ""))
    return _item(call.state, row)


def _get(call: Call) -> dict[str, Any]:
    return _item(call.state, _FILES.get(call.state.store, id=call.path[0]))


def _delete(call: Call) -> Reply:
    call.state.store.write("DELETE FROM model_file WHERE id = ?", _FILES.get(call.state.store, id=call.path[0])["id"])
    return Reply.nothing()


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
