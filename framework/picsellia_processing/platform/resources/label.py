"""Labels of a dataset version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from picsellia_processing.platform.routing import Route
from picsellia_processing.platform.store import as_list, from_json, new_id, to_json
from picsellia_processing.platform.table import Table
from picsellia_processing.platform.wire import Reply, unprocessable

from .dataset import DATASET_VERSIONS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from picsellia_processing.platform.store import Row, Store
    from picsellia_processing.platform.wire import Call

SCHEMA = """
CREATE TABLE IF NOT EXISTS label_group (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, dataset_version_id TEXT NOT NULL, name TEXT NOT NULL,
    parent_id TEXT, UNIQUE (dataset_version_id, name));
CREATE TABLE IF NOT EXISTS label (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, dataset_version_id TEXT NOT NULL, name TEXT NOT NULL,
    group_id TEXT, skeleton TEXT, UNIQUE (dataset_version_id, name));
"""

LABELS = Table("label")
_GROUPS = Table("label_group")


def label_item(row: Row) -> dict[str, Any]:
    """The Label of a row."""
    return {"id": row["id"], "name": row["name"], "group_id": row["group_id"]}


def labels_of(store: Store, version_id: str) -> list[Row]:
    """The labels of a dataset version, oldest first: the order of classes in its exports."""
    return store.all("SELECT * FROM label WHERE dataset_version_id = ? ORDER BY seq", version_id)


def ensure_labels(store: Store, version_id: str, names: Iterable[str]) -> list[Row]:
    """The labels of these names, in their order; missing ones are made."""
    wanted = list(dict.fromkeys(names))
    store.write_many(
        "INSERT OR IGNORE INTO label (id, dataset_version_id, name) VALUES (?, ?, ?)",
        [(new_id(), version_id, name) for name in wanted],
    )
    return store.all(
        "SELECT label.* FROM json_each(?) AS wanted JOIN label ON label.name = wanted.value"
        " WHERE label.dataset_version_id = ? ORDER BY wanted.key",
        as_list(wanted), version_id,
    )  # fmt: skip


def _list(call: Call) -> dict[str, Any]:
    version = DATASET_VERSIONS.get(call.state.store, id=call.path[0])
    rows = labels_of(call.state.store, version["id"])
    return {"items": [label_item(row) for row in rows], "count": len(rows)}


def _create(call: Call) -> Reply:
    store = call.state.store
    version = DATASET_VERSIONS.get(store, id=call.path[0])
    name = call.fields().string("name")
    LABELS.refuse_second(store, dataset_version_id=version["id"], name=name)
    return Reply.created(label_item(ensure_labels(store, version["id"], [name])[0]))


def _ensure_many(call: Call) -> list[dict[str, Any]]:
    version = DATASET_VERSIONS.get(call.state.store, id=call.path[0])
    fields = call.fields()
    names = fields.ids("names")
    for position, name in enumerate(names):
        type(fields)({"name": name}, f"names[{position}].").string("name")
    return [label_item(row) for row in ensure_labels(call.state.store, version["id"], names)]


def _find(call: Call) -> dict[str, Any]:
    version = DATASET_VERSIONS.get(call.state.store, id=call.path[0])
    name = call.query.get("name", "")
    return label_item(LABELS.get(call.state.store, dataset_version_id=version["id"], name=name))


def _get(call: Call) -> dict[str, Any]:
    return label_item(LABELS.get(call.state.store, id=call.path[0]))


def _update(call: Call) -> dict[str, Any]:
    store = call.state.store
    row = LABELS.get(store, id=call.path[0])
    fields = call.fields()
    name = fields.optional_string("name") or row["name"]
    LABELS.refuse_second(store, but=row["id"], dataset_version_id=row["dataset_version_id"], name=name)
    group_id = fields.optional_string("group_id") or row["group_id"]
    if group_id is not None:
        _GROUPS.get(store, id=group_id)
    store.write("UPDATE label SET name = ?, group_id = ? WHERE id = ?", name, group_id, row["id"])
    return _get(call)


def _delete(call: Call) -> Reply:
    row = LABELS.get(call.state.store, id=call.path[0])
    call.state.store.write("DELETE FROM shape WHERE label_id = ?", row["id"])
    call.state.store.write("DELETE FROM label WHERE id = ?", row["id"])
    return Reply.nothing()


def _get_skeleton(call: Call) -> dict[str, Any]:
    row = LABELS.get(call.state.store, id=call.path[0])
    skeleton: dict[str, Any] = from_json(row["skeleton"]) or {"vertices": [], "edges": []}
    return skeleton


def _set_skeleton(call: Call) -> dict[str, Any]:
    row = LABELS.get(call.state.store, id=call.path[0])
    values = call.fields().values
    vertices, edges = values.get("vertices"), values.get("edges")
    if not isinstance(vertices, list) or not isinstance(edges, list):
        raise unprocessable("expected a list of vertices and a list of edges")
    skeleton = {"vertices": vertices, "edges": edges}
    call.state.store.write("UPDATE label SET skeleton = ? WHERE id = ?", to_json(skeleton), row["id"])
    return skeleton


def _list_skeletons(call: Call) -> dict[str, Any]:
    version = DATASET_VERSIONS.get(call.state.store, id=call.path[0])
    labels = labels_of(call.state.store, version["id"])
    return {"items": {row["id"]: from_json(row["skeleton"]) for row in labels if row["skeleton"] is not None}}


def _list_groups(call: Call) -> dict[str, Any]:
    version = DATASET_VERSIONS.get(call.state.store, id=call.path[0])
    rows = call.state.store.all("SELECT * FROM label_group WHERE dataset_version_id = ? ORDER BY seq", version["id"])
    return {"items": [_group_item(row) for row in rows], "count": len(rows)}


def _create_group(call: Call) -> Reply:
    store = call.state.store
    version = DATASET_VERSIONS.get(store, id=call.path[0])
    fields = call.fields()
    name, parent_id = fields.string("name"), fields.optional_string("parent_id")
    _GROUPS.refuse_second(store, dataset_version_id=version["id"], name=name)
    if parent_id is not None:
        _GROUPS.get(store, id=parent_id)
    identifier = _GROUPS.add(store, dataset_version_id=version["id"], name=name, parent_id=parent_id)
    return Reply.created({"id": identifier, "name": name, "parent_id": parent_id})


def _get_group(call: Call) -> dict[str, Any]:
    return _group_item(_GROUPS.get(call.state.store, id=call.path[0]))


def _update_group(call: Call) -> dict[str, Any]:
    store = call.state.store
    row = _GROUPS.get(store, id=call.path[0])
    fields = call.fields()
    parent_id = fields.optional_string("parent_id") or row["parent_id"]
    if parent_id is not None:
        _GROUPS.get(store, id=parent_id)
    name = fields.optional_string("name") or row["name"]
    store.write("UPDATE label_group SET name = ?, parent_id = ? WHERE id = ?", name, parent_id, row["id"])
    return _get_group(call)


def _group_item(row: Row) -> dict[str, Any]:
    return {"id": row["id"], "name": row["name"], "parent_id": row["parent_id"]}


ROUTES = (
    Route("GET", "/api/dataset/version/{}/labels", _list),
    Route("POST", "/api/dataset/version/{}/labels", _create),
    Route("GET", "/api/dataset/version/{}/labels/find", _find),
    Route("GET", "/api/dataset/version/{}/labels/skeleton", _list_skeletons),
    Route("XGET", "/api/dataset/version/{}/bulk-labels", _ensure_many),
    Route("GET", "/api/dataset/version/{}/labelgroups", _list_groups),
    Route("POST", "/api/dataset/version/{}/labelgroups", _create_group),
    Route("GET", "/api/label/{}", _get),
    Route("PATCH", "/api/label/{}", _update),
    Route("DELETE", "/api/label/{}", _delete),
    Route("GET", "/api/label/{}/skeleton", _get_skeleton),
    Route("POST", "/api/label/{}/skeleton", _set_skeleton),
    Route("GET", "/api/label/group/{}", _get_group),
    Route("PATCH", "/api/label/group/{}", _update_group),
)
