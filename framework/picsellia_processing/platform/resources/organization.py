"""The one organization of a local platform, and who is asking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from picsellia_processing.platform.routing import Route
from picsellia_processing.platform.store import new_id
from picsellia_processing.platform.wire import not_found

if TYPE_CHECKING:
    from picsellia_processing.platform.store import Store
    from picsellia_processing.platform.wire import Call

SCHEMA = """
CREATE TABLE IF NOT EXISTS organization (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
    connector_id TEXT NOT NULL, datalake_id TEXT NOT NULL);
"""

NAME = "local"
SDK_VERSION = "6.37.0"


@dataclass(frozen=True, slots=True)
class Organization:
    """The organization, its storage connector and its default datalake."""

    id: str
    name: str
    connector_id: str
    datalake_id: str


def ensure_organization(store: Store) -> Organization:
    """The organization in `store`, made at the first opening together with its datalake."""
    row = store.one("SELECT id, name, connector_id, datalake_id FROM organization")
    if row is not None:
        return Organization(*row)
    made = Organization(new_id(), NAME, new_id(), new_id())
    with store.transaction():
        store.write(
            "INSERT INTO organization (id, name, connector_id, datalake_id) VALUES (?, ?, ?, ?)",
            made.id, made.name, made.connector_id, made.datalake_id,
        )  # fmt: skip
        store.write(
            "INSERT INTO datalake (id, name, connector_id) VALUES (?, ?, ?)",
            made.datalake_id, "default", made.connector_id,
        )  # fmt: skip
    return made


def check_organization(call: Call) -> None:
    """Raise 404 unless the first placeholder of the path is this organization."""
    if call.path[0] != call.state.organization.id:
        raise not_found("organization", call.path[0])


def _ping(call: Call) -> dict[str, Any]:
    return {"sdk_version": SDK_VERSION, "username": "local", "default_organization": call.state.organization.id}


def _get(call: Call) -> dict[str, Any]:
    check_organization(call)
    organization = call.state.organization
    return {
        "id": organization.id,
        "name": organization.name,
        "default_connector_id": organization.connector_id,
    }


def _find(call: Call) -> dict[str, Any]:
    organization = call.state.organization
    if call.query.get("name") != organization.name:
        raise not_found("organization", call.query.get("name"))
    return {"id": organization.id, "name": organization.name}


ROUTES = (
    Route("GET", "/api/home/ping", _ping),
    Route("GET", "/api/organization/{}", _get),
    Route("GET", "/api/organizations/find", _find),
)
