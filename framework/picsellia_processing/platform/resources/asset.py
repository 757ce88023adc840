"""Assets: data that belong to a dataset version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from picsellia_processing.platform.listing import Listing, Page, Where, fetch
from picsellia_processing.platform.routing import Route
from picsellia_processing.platform.selection import Selection
from picsellia_processing.platform.shapes import KINDS
from picsellia_processing.platform.store import as_list, new_id, now
from picsellia_processing.platform.wire import ApiError, Reply, bad_request, not_found, unprocessable

from .annotation import annotation_item, delete_annotations_of
from .data import COLUMNS as DATA_COLUMNS
from .data import QUERY_FIELDS as DATA_QUERY_FIELDS
from .data import TAGGED, data_item
from .dataset import DATASET_VERSIONS
from .job import create_platform_job
from .shape import extended_shape, shapes_of
from .tag import attach, tags_by_target

if TYPE_CHECKING:
    from picsellia_processing.platform.store import Row
    from picsellia_processing.platform.wire import Call

SCHEMA = """
CREATE TABLE IF NOT EXISTS asset (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, dataset_version_id TEXT NOT NULL, data_id TEXT NOT NULL,
    created_at TEXT NOT NULL, UNIQUE (data_id, dataset_version_id));
CREATE INDEX IF NOT EXISTS asset_dataset_version ON asset (dataset_version_id);
"""

MAX_DATA = 10_000
LISTING = Listing(
    columns=f"{DATA_COLUMNS.replace('data.seq', 'asset.seq')}, asset.id AS asset_id",
    source="asset JOIN data ON data.id = asset.data_id",
    seq="asset.seq",
    order={
        "created_at": "asset.seq",
        "id": "asset.id",
        **{prefix + name: f"data.{name}" for prefix in ("", "data.", "data__") for name in ("filename", "object_name")},
    },
)
_SELECTION = Selection(
    columns={
        "id": "asset.id",
        "data_id": "asset.data_id",
        "filename": "data.filename",
        "object_name": "data.object_name",
    },
    queried={
        "id": "(asset.id {})",
        "filename": DATA_QUERY_FIELDS["filename"],
        "tags.name": TAGGED.format("asset"),
        **{f"data.{name}": condition for name, condition in DATA_QUERY_FIELDS.items()},
    },
)


def _reply(call: Call, page: Page) -> dict[str, Any]:
    return page.reply(asset_items(call, page.rows))


def asset_items(call: Call, rows: list[Row]) -> list[dict[str, Any]]:
    """The Assets of rows with the columns of `LISTING`."""
    targets = [row[name] for row in rows for name in ("asset_id", "data_id")]
    tags = tags_by_target(call.state.store, targets)
    return [
        {
            "id": row["asset_id"],
            "data": data_item(call.state, row, tags.get(row["data_id"], [])),
            "tags": tags.get(row["asset_id"], []),
        }
        for row in rows
    ]


def _list(call: Call) -> dict[str, Any]:
    where = _of_version(call)
    _SELECTION.by_url(where, call.query)
    return _reply(call, fetch(call, LISTING, where))


def _list_some(call: Call) -> dict[str, Any]:
    where = _of_version(call)
    fields = call.fields()
    _SELECTION.by_body(where, call.query, fields)
    if "filename_startswith" in fields:
        where.add(
            "data.id IN (SELECT data.id FROM json_each(?) AS prefix JOIN data ON data.filename >= prefix.value"
            " AND data.filename < prefix.value || char(1114111))",
            as_list(fields.ids("filename_startswith")),
        )
    return _reply(call, fetch(call, LISTING, where, default_limit=None))


def _list_extended(call: Call) -> dict[str, Any]:
    """Assets with their annotations inside."""
    page = fetch(call, LISTING, _of_version(call))
    items = asset_items(call, page.rows)
    annotations = call.state.store.all(
        "SELECT * FROM annotation WHERE asset_id IN (SELECT value FROM json_each(?))",
        as_list(item["id"] for item in items),
    )
    extended: dict[str, dict[str, Any]] = {
        row["id"]: {**annotation_item(row), **{plural: [] for plural in KINDS}} for row in annotations
    }
    for row in shapes_of(call.state.store, extended):
        extended[row["annotation_id"]][row["kind"]].append(extended_shape(row))
    by_asset = {annotation["asset_id"]: annotation for annotation in extended.values()}
    for item in items:
        item["annotations"] = [by_asset[item["id"]]] if item["id"] in by_asset else []
    return page.reply(items)


def _find(call: Call) -> dict[str, Any]:
    where = _of_version(call)
    wanted = _SELECTION.of_one(where, call.query)
    rows = fetch(call, LISTING, where, default_limit=None).rows
    if not rows:
        raise not_found("asset", wanted)
    return asset_items(call, rows[:1])[0]


def _get(call: Call) -> dict[str, Any]:
    rows = fetch(call, LISTING, Where(["asset.id = ?"], [call.path[0]]), default_limit=None).rows
    if not rows:
        raise not_found("asset", call.path[0])
    return asset_items(call, rows)[0]


def _of_version(call: Call) -> Where:
    version = DATASET_VERSIONS.get(call.state.store, id=call.path[0])
    return Where(["asset.dataset_version_id = ?"], [version["id"]])


def _add(call: Call) -> Reply:
    """Make assets of data. Data that are in the version already stay as they are, and get the tags."""
    store = call.state.store
    version = DATASET_VERSIONS.get(store, id=call.path[0])
    fields = call.fields()
    data_ids = list(dict.fromkeys(fields.ids("data_ids")))
    if len(data_ids) > MAX_DATA:
        raise unprocessable(f"data_ids: expected at most {MAX_DATA} ids, found {len(data_ids)}")
    _check_data(call, data_ids)
    # In reverse, because lists show the newest first: data appear in the order in which they were given.
    store.write_many(
        "INSERT OR IGNORE INTO asset (id, dataset_version_id, data_id, created_at) VALUES (?, ?, ?, ?)",
        [(new_id(), version["id"], data_id, now()) for data_id in reversed(data_ids)],
    )
    tag_ids = fields.optional_ids("asset_tag_ids")
    if tag_ids:
        rows = store.all(
            "SELECT id FROM asset WHERE dataset_version_id = ? AND data_id IN (SELECT value FROM json_each(?))",
            version["id"], as_list(data_ids),
        )  # fmt: skip
        attach(store, tag_ids, [row["id"] for row in rows], target_type="ASSET")
    return Reply.created({"job": create_platform_job(call.state)})


def _check_data(call: Call, data_ids: list[str]) -> None:
    rows = call.state.store.all(
        "SELECT id, upload_status FROM data WHERE id IN (SELECT value FROM json_each(?))", as_list(data_ids)
    )
    missing = set(data_ids) - {row["id"] for row in rows}
    if missing:
        raise ApiError(404, f"{len(missing)} of the data do not exist", sorted(missing)[:20])
    unready = [row["id"] for row in rows if row["upload_status"] != "DONE"]
    if unready:
        raise bad_request(f"{len(unready)} of the data could not be read and cannot become assets", unready[:20])


def _remove(call: Call) -> Reply:
    if call.state.store.one("SELECT 1 FROM asset WHERE id = ?", call.path[0]) is None:
        raise not_found("asset", call.path[0])
    _remove_all(call, [call.path[0]])
    return Reply.nothing()


def _remove_some(call: Call) -> Reply:
    version = DATASET_VERSIONS.get(call.state.store, id=call.path[0])
    rows = call.state.store.all(
        "SELECT id FROM asset WHERE dataset_version_id = ? AND id IN (SELECT value FROM json_each(?))",
        version["id"], as_list(call.fields().ids("ids")),
    )  # fmt: skip
    _remove_all(call, [row["id"] for row in rows])
    return Reply.nothing()


def _remove_all(call: Call, asset_ids: list[str]) -> None:
    delete_annotations_of(call.state.store, asset_ids)
    for statement in (
        "DELETE FROM tag_link WHERE target_id IN (SELECT value FROM json_each(?))",
        "DELETE FROM asset WHERE id IN (SELECT value FROM json_each(?))",
    ):
        call.state.store.write(statement, as_list(asset_ids))


ROUTES = (
    Route("GET", "/api/dataset/version/{}/assets", _list),
    Route("XGET", "/api/dataset/version/{}/assets", _list_some),
    Route("POST", "/api/dataset/version/{}/assets", _add),
    Route("DELETE", "/api/dataset/version/{}/assets", _remove_some),
    Route("GET", "/api/dataset/version/{}/assets/find", _find),
    Route("GET", "/api/dataset/version/{}/assets/extended", _list_extended),
    Route("GET", "/api/asset/{}", _get),
    Route("DELETE", "/api/asset/{}", _remove),
)
