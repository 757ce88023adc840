"""Datalakes, and the sources that data may name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from picsellia_processing.platform.routing import Route
from picsellia_processing.platform.store import new_id
from picsellia_processing.platform.wire import Reply, conflict, not_found, unprocessable

from .organization import check_organization

if TYPE_CHECKING:
    from picsellia_processing.platform.store import Row, Store
    from picsellia_processing.platform.wire import Call

SCHEMA = """
CREATE TABLE IF NOT EXISTS datalake (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE, connector_id TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS data_source (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE);
"""


def require_datalake(store: Store, datalake_id: str) -> Row:
    """The datalake. Raises 404."""
    row = store.one("SELECT * FROM datalake WHERE id = ?", datalake_id)
    if row is None:
        raise not_found("datalake", datalake_id)
    return row


def _get(call: Call) -> dict[str, Any]:
    return _item(require_datalake(call.state.store, call.path[0]))


def _find(call: Call) -> dict[str, Any]:
    check_organization(call)
    name = call.query.get("name")
    if name is None:
        return _item(require_datalake(call.state.store, call.query.get("id", call.state.organization.datalake_id)))
    row = call.state.store.one("SELECT * FROM datalake WHERE name = ?", name)
    if row is None:
        raise not_found("datalake", name)
    return _item(row)


def _list(call: Call) -> dict[str, Any]:
    check_organization(call)
    return {"items": [_item(row) for row in call.state.store.all("SELECT * FROM datalake ORDER BY seq")]}


def _item(row: Row) -> dict[str, Any]:
    return {"id": row["id"], "name": row["name"], "connector_id": row["connector_id"]}


def ensure_source(store: Store, name: str) -> str:
    """The id of the data source of this name, made if it is missing."""
    found: str | None = store.value("SELECT id FROM data_source WHERE name = ?", name)
    if found is not None:
        return found
    identifier = new_id()
    store.write("INSERT INTO data_source (id, name) VALUES (?, ?)", identifier, name)
    return identifier


def _create_source(call: Call) -> Reply:
    check_organization(call)
    name = call.fields().string("name")
    if call.state.store.one("SELECT 1 FROM data_source WHERE name = ?", name):
        raise conflict(f"data source {name!r} exists already")
    return Reply.created({"id": ensure_source(call.state.store, name), "name": name})


def _list_sources(call: Call) -> dict[str, Any]:
    check_organization(call)
    rows = call.state.store.all("SELECT id, name FROM data_source ORDER BY seq DESC")
    return {"items": [dict(row) for row in rows], "count": len(rows)}


def _find_source(call: Call) -> dict[str, Any]:
    check_organization(call)
    name = call.query.get("name")
    if name is None:
        raise unprocessable("name: expected the name of a data source, found nothing")
    row = call.state.store.one("SELECT id, name FROM data_source WHERE name = ?", name)
    if row is None:
        raise not_found("data source", name)
    return dict(row)


ROUTES = (
    Route("GET", "/api/datalake/{}", _get),
    Route("GET", "/api/organization/{}/datalake", _find),
    Route("GET", "/api/organization/{}/datalakes", _list),
    Route("POST", "/api/organization/{}/datasources", _create_source),
    Route("GET", "/api/organization/{}/datasources", _list_sources),
    Route("GET", "/api/organization/{}/datasources/find", _find_source),
)
