"""Data: the images of a datalake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from picsellia_processing.platform.listing import Listing, Page, Where, fetch
from picsellia_processing.platform.routing import Route
from picsellia_processing.platform.selection import TYPES, Selection
from picsellia_processing.platform.store import as_list, from_json, now, to_json
from picsellia_processing.platform.table import Table
from picsellia_processing.platform.wire import (
    ApiError,
    Fields,
    Reply,
    bad_request,
    conflict,
    kind_of,
    not_found,
    unprocessable,
)

from .datalake import DATALAKES, SOURCES, ensure_source, source_item
from .tag import attach, ensure_tags, tags_by_target

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from picsellia_processing.platform.state import State
    from picsellia_processing.platform.store import Row, Store
    from picsellia_processing.platform.wire import Call

SCHEMA = """
CREATE TABLE IF NOT EXISTS data (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, datalake_id TEXT NOT NULL, object_id TEXT NOT NULL,
    object_name TEXT NOT NULL UNIQUE, filename TEXT NOT NULL, type TEXT NOT NULL, content_type TEXT NOT NULL,
    upload_status TEXT NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL, metadata TEXT, custom_metadata TEXT,
    data_source_id TEXT, created_at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS data_datalake ON data (datalake_id);
CREATE INDEX IF NOT EXISTS data_filename ON data (filename);
"""

_DATA = Table("data")
MAX_UPDATES = 100
COLUMNS = (
    "data.seq, data.id AS data_id, data.datalake_id, data.object_id, data.object_name, data.filename, data.type,"
    " data.content_type, data.upload_status, data.width, data.height, data.metadata, data.custom_metadata,"
    " data.data_source_id, data.created_at"
)
LISTING = Listing(
    columns=COLUMNS,
    source="data",
    seq="data.seq",
    order={"created_at": "data.seq", "filename": "data.filename", "object_name": "data.object_name", "id": "data.id"},
)
TAGGED = (
    "EXISTS (SELECT 1 FROM tag_link JOIN tag ON tag.id = tag_link.tag_id"
    " WHERE tag_link.target_id = {}.id AND tag.name {{}})"
)
SOURCED = "EXISTS (SELECT 1 FROM data_source WHERE data_source.id = data.data_source_id AND data_source.name {})"
QUERY_FIELDS = {
    "id": "(data.id {})",
    "filename": "(data.filename {})",
    "object_name": "(data.object_name {})",
    "type": "(data.type {})",
    "content_type": "(data.content_type {})",
    "upload_status": "(data.upload_status {})",
    "tags.name": TAGGED.format("data"),
    "data_source.name": SOURCED,
}
_SELECTION = Selection({name: f"data.{name}" for name in ("id", "filename", "object_name")}, QUERY_FIELDS)


def data_item(state: State, row: Row, tags: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The Data that `row`, with the columns of `COLUMNS`, describes."""
    return {
        "id": row["data_id"],
        "datalake_id": row["datalake_id"],
        "object_name": row["object_name"],
        "filename": row["filename"],
        "type": row["type"],
        "content_type": row["content_type"],
        "upload_status": row["upload_status"],
        "meta": {"width": row["width"], "height": row["height"]},
        "presigned_url": state.blobs.sign("GET", row["object_id"], row["filename"]),
        "metadata": from_json(row["metadata"]),
        "custom_metadata": from_json(row["custom_metadata"]),
        "data_source": _source(state.store, row["data_source_id"]),
        "tags": tags,
        "created_at": row["created_at"],
    }


def _source(store: Store, source_id: str | None) -> dict[str, Any] | None:
    row = None if source_id is None else SOURCES.find(store, id=source_id)
    return None if row is None else source_item(row)


def _reply(call: Call, page: Page) -> dict[str, Any]:
    tags = tags_by_target(call.state.store, [row["data_id"] for row in page.rows])
    return page.reply([data_item(call.state, row, tags.get(row["data_id"], [])) for row in page.rows])


def _list(call: Call) -> dict[str, Any]:
    where = _of_datalake(call)
    _SELECTION.by_url(where, call.query)
    return _reply(call, fetch(call, LISTING, where))


def _list_some(call: Call) -> dict[str, Any]:
    where = _of_datalake(call)
    _SELECTION.by_body(where, call.query, call.fields())
    return _reply(call, fetch(call, LISTING, where, default_limit=None))


def _find(call: Call) -> dict[str, Any]:
    where = _of_datalake(call)
    wanted = _SELECTION.of_one(where, call.query)
    rows = fetch(call, LISTING, where, default_limit=None).rows
    if not rows:
        raise not_found("data", wanted)
    return _item(call, rows[0])


def _of_datalake(call: Call) -> Where:
    DATALAKES.get(call.state.store, id=call.path[0])
    return Where(["data.datalake_id = ?"], [call.path[0]])


def _get(call: Call) -> dict[str, Any]:
    return _item(call, require_data(call.state.store, call.path[0]))


def require_data(store: Store, data_id: str) -> Row:
    """The row of a Data. Raises 404."""
    row = store.one(f"SELECT {COLUMNS} FROM data WHERE id = ?", data_id)  # noqa: S608 - a constant above
    if row is None:
        raise not_found("data", data_id)
    return row


def _item(call: Call, row: Row) -> dict[str, Any]:
    return data_item(call.state, row, tags_by_target(call.state.store, [row["data_id"]]).get(row["data_id"], []))


def _presigned_url(call: Call) -> dict[str, Any]:
    row = require_data(call.state.store, call.path[0])
    return {"presigned_url": call.state.blobs.sign("GET", row["object_id"], row["filename"])}


def _create(call: Call) -> Reply:
    store = call.state.store
    datalake = DATALAKES.get(store, id=call.path[0])
    fields = call.fields()
    object_name = fields.string("object_name", limit=4096)
    blob = call.state.blobs.find_by_name(object_name)
    if blob is None:
        raise bad_request(f"object {object_name!r} has not been uploaded: upload it, then create the data")
    if store.one("SELECT 1 FROM data WHERE object_name = ?", object_name):
        raise conflict(f"object {object_name!r} is a data already")
    size = _size(fields, blob.path)
    source_id = fields.optional_string("data_source_id")
    if source_id is not None:
        SOURCES.get(store, id=source_id)
    width, height = size or (0, 0)
    identifier = _DATA.add(
        store, datalake_id=datalake["id"], object_id=blob.id, object_name=object_name,
        filename=fields.string("filename"), type=fields.choice("type", TYPES),
        content_type=fields.string("content_type"), upload_status="ERROR" if size is None else "DONE",
        width=width, height=height, metadata=to_json(fields.mapping("metadata")),
        custom_metadata=to_json(fields.mapping("custom_metadata")), data_source_id=source_id, created_at=now(),
    )  # fmt: skip
    attach(store, fields.optional_ids("tags") or [], [identifier], target_type="DATA")
    return Reply.created(_item(call, require_data(store, identifier)))


def _size(fields: Fields, path: Path) -> tuple[int, int] | None:
    """Width and height as the client measured them, else as the file's header says; None when it cannot be read."""
    meta = fields.mapping("meta")
    if meta is not None:
        size = type(fields)(meta, "meta.")
        width, height = size.optional_integer("width"), size.optional_integer("height")
        if not width or not height:
            raise unprocessable("meta: expected a width and a height in pixels")
        return width, height
    from PIL import Image  # noqa: PLC0415 - few processes need it, and it is slow to load

    try:
        with Image.open(path) as image:
            return image.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def _update(call: Call) -> dict[str, Any]:
    row = require_data(call.state.store, call.path[0])
    fields = call.fields()
    if "metadata" in fields.values:
        call.state.store.write(
            "UPDATE data SET metadata = ? WHERE id = ?", to_json(fields.mapping("metadata")), row["data_id"]
        )
    return _get(call)


def _update_custom_metadata(call: Call) -> dict[str, Any]:
    row = require_data(call.state.store, call.path[0])
    metadata = call.fields().mapping("custom_metadata")
    call.state.store.write("UPDATE data SET custom_metadata = ? WHERE id = ?", to_json(metadata), row["data_id"])
    return {"custom_metadata": metadata}


def _update_some(call: Call) -> Reply:
    """Set metadata and source of many data, and add tags by name: what is missing is made, what is null stays."""
    store = call.state.store
    datalake = DATALAKES.get(store, id=call.path[0])
    objects = call.fields().mapping("objects") or {}
    if not 1 <= len(objects) <= MAX_UPDATES:
        raise unprocessable(f"objects: expected 1 to {MAX_UPDATES} data, found {len(objects)}")
    rows = store.all(
        "SELECT id FROM data WHERE datalake_id = ? AND id IN (SELECT value FROM json_each(?))",
        datalake["id"], as_list(objects),
    )  # fmt: skip
    missing = set(objects) - {row["id"] for row in rows}
    if missing:
        raise ApiError(404, f"{len(missing)} of the data are not in the datalake", sorted(missing)[:20])
    for data_id, values in objects.items():
        if not isinstance(values, dict):
            raise unprocessable(f"objects.{data_id}: expected an object, found {kind_of(values)}")
        _update_one(store, datalake["id"], data_id, Fields(values, f"objects.{data_id}."))
    return Reply.of_json({"count": len(objects)})


def _update_one(store: Store, datalake_id: str, data_id: str, fields: Fields) -> None:
    names = [name for name in fields.optional_ids("tags") or [] if Fields({"tag": name}, fields.place).string("tag")]
    attach(store, ensure_tags(store, datalake_id, "DATA", names), [data_id], target_type="DATA")
    for name in ("metadata", "custom_metadata"):
        value = fields.mapping(name)
        if value is not None:
            store.write(f"UPDATE data SET {name} = ? WHERE id = ?", to_json(value), data_id)  # noqa: S608 - a column
    if "data_source" in fields:
        source_id = ensure_source(store, fields.string("data_source"))
        store.write("UPDATE data SET data_source_id = ? WHERE id = ?", source_id, data_id)


ROUTES = (
    Route("GET", "/api/data/{}", _get),
    Route("PATCH", "/api/data/{}", _update),
    Route("PATCH", "/api/data/{}/custom-metadata", _update_custom_metadata),
    Route("GET", "/api/data/{}/presigned-url", _presigned_url),
    Route("PATCH", "/api/datalake/{}/data/bulk", _update_some),
    Route("GET", "/api/datalake/{}/datas", _list),
    Route("XGET", "/api/datalake/{}/datas", _list_some),
    Route("POST", "/api/datalake/{}/datas", _create),
    Route("GET", "/api/datalake/{}/datas/find", _find),
)
