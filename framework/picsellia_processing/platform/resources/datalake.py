"""Datalakes, and the sources that data may name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from picsellia_processing.platform.routing import Route
from picsellia_processing.platform.table import Table
from picsellia_processing.platform.wire import Reply, unprocessable

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

DATALAKES = Table("datalake")
SOURCES = Table("data_source")


def _get(call: Call) -> dict[str, Any]:
    return _item(DATALAKES.get(call.state.store, id=call.path[0]))


def _find(call: Call) -> dict[str, Any]:
    check_organization(call)
    query, default = call.query, call.state.organization.datalake_id
    known = {"name": query["name"]} if "name" in query else {"id": query.get("id", default)}
    return _item(DATALAKES.get(call.state.store, **known))


def _list(call: Call) -> dict[str, Any]:
    check_organization(call)
    return {"items": [_item(row) for row in call.state.store.all("SELECT * FROM datalake ORDER BY seq")]}


def _item(row: Row) -> dict[str, Any]:
    return {"id": row["id"], "name": row["name"], "connector_id": row["connector_id"]}


def source_item(row: Row) -> dict[str, Any]:
    """The DataSource of a row."""
    return {"id": row["id"], "name": row["name"]}


def ensure_source(store: Store, name: str) -> str:
    """The id of the data source of this name, made if it is missing."""
    found = SOURCES.find(store, name=name)
    return SOURCES.add(store, name=name) if found is None else str(found["id"])


def _create_source(call: Call) -> Reply:
    check_organization(call)
    name = call.fields().string("name")
    SOURCES.refuse_second(call.state.store, name=name)
    return Reply.created({"id": SOURCES.add(call.state.store, name=name), "name": name})


def _list_sources(call: Call) -> dict[str, Any]:
    check_organization(call)
    rows = call.state.store.all("SELECT * FROM data_source ORDER BY seq DESC")
    return {"items": [source_item(row) for row in rows], "count": len(rows)}


def _find_source(call: Call) -> dict[str, Any]:
    check_organization(call)
    name = call.query.get("name")
    if name is None:
        raise unprocessable("name: expected the name of a data source, found nothing")
    return source_item(SOURCES.get(call.state.store, name=name))


ROUTES = (
    Route("GET", "/api/datalake/{}", _get),
    Route("GET", "/api/organization/{}/datalake", _find),
    Route("GET", "/api/organization/{}/datalakes", _list),
    Route("POST", "/api/organization/{}/datasources", _create_source),
    Route("GET", "/api/organization/{}/datasources", _list_sources),
    Route("GET", "/api/organization/{}/datasources/find", _find_source),
)
