"""Tags of data, assets, dataset versions, models ...: each belongs to a scope in which its name is unique."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from picsellia_processing.platform.routing import Route
from picsellia_processing.platform.store import as_list
from picsellia_processing.platform.table import Table
from picsellia_processing.platform.wire import ApiError, Reply, unprocessable

from .datalake import DATALAKES
from .organization import check_organization

if TYPE_CHECKING:
    from collections.abc import Iterable

    from picsellia_processing.platform.store import Row, Store
    from picsellia_processing.platform.wire import Call

SCHEMA = """
CREATE TABLE IF NOT EXISTS tag (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, scope_id TEXT NOT NULL, target_type TEXT NOT NULL,
    name TEXT NOT NULL, UNIQUE (scope_id, target_type, name));
CREATE TABLE IF NOT EXISTS tag_link (
    tag_id TEXT NOT NULL, target_id TEXT NOT NULL, PRIMARY KEY (target_id, tag_id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS tag_link_tag ON tag_link (tag_id);
"""

_TAGS = Table("tag")
TARGET_TABLES = {
    "DATA": "data",
    "ASSET": "asset",
    "DATASET": "dataset",
    "DATASET_VERSION": "dataset_version",
    "MODEL": "model",
    "MODEL_VERSION": "model_version",
}


def tags_of(store: Store, target_id: str) -> list[dict[str, Any]]:
    """The tags of one object, oldest first."""
    return tags_by_target(store, [target_id]).get(target_id, [])


def tags_by_target(store: Store, target_ids: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
    """The tags of many objects; an object without any is left out."""
    found: dict[str, list[dict[str, Any]]] = {}
    rows = store.all(
        "SELECT tag_link.target_id, tag.id, tag.name, tag.target_type FROM json_each(?) AS wanted"
        " JOIN tag_link ON tag_link.target_id = wanted.value JOIN tag ON tag.id = tag_link.tag_id ORDER BY tag.seq",
        as_list(target_ids),
    )
    for row in rows:
        found.setdefault(row["target_id"], []).append(_item(row))
    return found


def attach(store: Store, tag_ids: list[str], target_ids: Iterable[str], *, target_type: str) -> None:
    """Link every tag with every target. Raises 404 for a tag that is unknown or for another kind of object."""
    for tag_id in tag_ids:
        tag = _TAGS.get(store, id=tag_id)
        if tag["target_type"] != target_type:
            raise unprocessable(f"tag {tag['name']!r} is for {tag['target_type']}, not for {target_type}")
    pairs = [(tag_id, target_id) for target_id in target_ids for tag_id in tag_ids]
    store.write_many("INSERT OR IGNORE INTO tag_link (tag_id, target_id) VALUES (?, ?)", pairs)


def create_tag(store: Store, scope_id: str, target_type: str, name: str) -> dict[str, Any]:
    """A new tag. Raises 409 when the scope has one of this name."""
    known = {"scope_id": scope_id, "target_type": target_type, "name": name}
    _TAGS.refuse_second(store, **known)
    identifier = _TAGS.add(store, **known)
    return {"id": identifier, "name": name, "target_type": target_type}


def ensure_tags(store: Store, scope_id: str, target_type: str, names: Iterable[str]) -> list[str]:
    """The ids of the tags of these names; those that are missing are made."""
    found = []
    for name in names:
        row = _TAGS.find(store, scope_id=scope_id, target_type=target_type, name=name)
        found.append(row["id"] if row is not None else create_tag(store, scope_id, target_type, name)["id"])
    return found


def _item(row: Row) -> dict[str, Any]:
    return {"id": row["id"], "name": row["name"], "target_type": row["target_type"]}


def _create(call: Call, target_type: str) -> Reply:
    return Reply.created(create_tag(call.state.store, call.path[0], target_type, call.fields().string("name")))


def _list(call: Call, target_type: str) -> dict[str, Any]:
    rows = call.state.store.all(
        "SELECT * FROM tag WHERE scope_id = ? AND target_type = ? ORDER BY seq DESC", call.path[0], target_type
    )
    return {"items": [_item(row) for row in rows], "count": len(rows)}


def _find_by_name(call: Call, target_type: str) -> dict[str, Any]:
    name = call.query.get("name", "")
    return _item(_TAGS.get(call.state.store, scope_id=call.path[0], target_type=target_type, name=name))


def _create_for_data(call: Call) -> Reply:
    DATALAKES.get(call.state.store, id=call.path[0])
    return _create(call, "DATA")


def _list_for_data(call: Call) -> dict[str, Any]:
    DATALAKES.get(call.state.store, id=call.path[0])
    return _list(call, "DATA")


def _find_for_data(call: Call) -> dict[str, Any]:
    DATALAKES.get(call.state.store, id=call.path[0])
    return _find_by_name(call, "DATA")


def _create_for_asset(call: Call) -> Reply:
    _check_dataset_version(call)
    return _create(call, "ASSET")


def _list_for_asset(call: Call) -> dict[str, Any]:
    _check_dataset_version(call)
    return _list(call, "ASSET")


def _find_for_asset(call: Call) -> dict[str, Any]:
    _check_dataset_version(call)
    return _find_by_name(call, "ASSET")


def _create_in_organization(call: Call) -> Reply:
    check_organization(call)
    return _create(call, call.fields().choice("target_type", TARGET_TABLES))


def _list_in_organization(call: Call) -> dict[str, Any]:
    check_organization(call)
    return _list(call, call.query.get("target_type", ""))


def _find_in_organization(call: Call) -> dict[str, Any]:
    check_organization(call)
    return _find_by_name(call, call.query.get("target_type", ""))


def _check_dataset_version(call: Call) -> None:
    Table(TARGET_TABLES["DATASET_VERSION"]).get(call.state.store, id=call.path[0])


def _get(call: Call) -> dict[str, Any]:
    return _item(_TAGS.get(call.state.store, id=call.path[0]))


def _rename(call: Call) -> dict[str, Any]:
    tag = _TAGS.get(call.state.store, id=call.path[0])
    name = call.fields().string("name")
    _TAGS.refuse_second(
        call.state.store, but=tag["id"], scope_id=tag["scope_id"], target_type=tag["target_type"], name=name
    )
    call.state.store.write("UPDATE tag SET name = ? WHERE id = ?", name, tag["id"])
    return {**_item(tag), "name": name}


def _delete(call: Call) -> Reply:
    _TAGS.get(call.state.store, id=call.path[0])
    call.state.store.write("DELETE FROM tag_link WHERE tag_id = ?", call.path[0])
    call.state.store.write("DELETE FROM tag WHERE id = ?", call.path[0])
    return Reply.nothing()


def _attach(call: Call) -> dict[str, Any]:
    tag, targets = _tag_and_targets(call)
    call.state.store.write_many(
        "INSERT OR IGNORE INTO tag_link (tag_id, target_id) VALUES (?, ?)", [(tag["id"], target) for target in targets]
    )
    return {"tag": _item(tag), "count": len(targets)}


def _detach(call: Call) -> dict[str, Any]:
    tag, targets = _tag_and_targets(call)
    call.state.store.write_many(
        "DELETE FROM tag_link WHERE tag_id = ? AND target_id = ?", [(tag["id"], target) for target in targets]
    )
    return {"tag": _item(tag), "count": len(targets)}


def _tag_and_targets(call: Call) -> tuple[Row, list[str]]:
    tag = _TAGS.get(call.state.store, id=call.path[0])
    targets = list(dict.fromkeys(call.ids()))
    table = TARGET_TABLES[tag["target_type"]]
    known = call.state.store.all(
        f"SELECT id FROM {table} WHERE id IN (SELECT value FROM json_each(?))",  # noqa: S608 - a constant above
        as_list(targets),
    )
    missing = set(targets) - {row["id"] for row in known}
    if missing:
        raise ApiError(404, f"{len(missing)} of the objects to tag do not exist", sorted(missing)[:20])
    return tag, targets


ROUTES = (
    Route("GET", "/api/datalake/{}/tags", _list_for_data),
    Route("POST", "/api/datalake/{}/tags", _create_for_data),
    Route("GET", "/api/datalake/{}/tags/find", _find_for_data),
    Route("GET", "/api/dataset/version/{}/tags", _list_for_asset),
    Route("POST", "/api/dataset/version/{}/tags", _create_for_asset),
    Route("GET", "/api/dataset/version/{}/tags/find", _find_for_asset),
    Route("GET", "/api/organization/{}/tags", _list_in_organization),
    Route("POST", "/api/organization/{}/tags", _create_in_organization),
    Route("GET", "/api/organization/{}/tags/find", _find_in_organization),
    Route("GET", "/api/tag/{}", _get),
    Route("PATCH", "/api/tag/{}", _rename),
    Route("DELETE", "/api/tag/{}", _delete),
    Route("POST", "/api/tag/{}/attach", _attach),
    Route("POST", "/api/tag/{}/detach", _detach),
)
