"""Processings: what an organization has registered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from picsellia_processing.platform.listing import Listing, Where, fetch
from picsellia_processing.platform.routing import Route
from picsellia_processing.platform.store import now, to_json
from picsellia_processing.platform.table import Table
from picsellia_processing.platform.wire import Reply, kind_of, not_found, unprocessable

from .organization import check_organization
from .processing_input import delete_inputs

if TYPE_CHECKING:
    from picsellia_processing.platform.store import Row
    from picsellia_processing.platform.wire import Call, Fields

SCHEMA = """
CREATE TABLE IF NOT EXISTS processing (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE, target TEXT NOT NULL, type TEXT,
    docker_image TEXT NOT NULL, docker_tag TEXT NOT NULL, settings TEXT NOT NULL, created_at TEXT NOT NULL);
"""

TARGETS = ("DATASET_VERSION", "MODEL_VERSION", "DATALAKE")
TYPES = (
    "PRE_ANNOTATION", "DATA_AUGMENTATION", "DATASET_VERSION_CREATION", "AUTO_TAGGING", "AUTO_ANNOTATION",
    "DATA_AUTO_TAGGING", "MODEL_COMPRESSION", "MODEL_CONVERSION",
)  # fmt: skip
PROCESSINGS = Table("processing")
_SETTINGS = ("description", "default_parameters", "default_cpu", "default_gpu", "docker_flags")
_LISTING = Listing("*", "processing", "seq", {"created_at": "seq", "name": "name", "id": "id"})


def _create(call: Call) -> Reply:
    check_organization(call)
    store, fields = call.state.store, call.fields()
    name = fields.string("name")
    PROCESSINGS.refuse_second(store, name=name)
    _check_settings(fields)
    identifier = PROCESSINGS.add(
        store, name=name, target=fields.choice("target", TARGETS),
        type=fields.choice("type", TYPES) if "type" in fields else None,
        docker_image=fields.string("docker_image"), docker_tag=fields.string("docker_tag"),
        settings=to_json({key: fields.values.get(key) for key in _SETTINGS}), created_at=now(),
    )  # fmt: skip
    return Reply.created(_item(PROCESSINGS.get(store, id=identifier)))


def _list(call: Call) -> dict[str, Any]:
    check_organization(call)
    page = fetch(call, _LISTING, Where(), default_limit=None)
    return page.reply([_item(row) for row in page.rows])


def _find(call: Call) -> dict[str, Any]:
    check_organization(call)
    return _item(PROCESSINGS.get(call.state.store, name=call.query.get("name", "")))


def _find_public(call: Call) -> dict[str, Any]:
    raise not_found("public processing", call.query.get("name"))


def _get(call: Call) -> dict[str, Any]:
    return _item(PROCESSINGS.get(call.state.store, id=call.path[0]))


def _update(call: Call) -> dict[str, Any]:
    store = call.state.store
    row = PROCESSINGS.get(store, id=call.path[0])
    fields = call.fields()
    _check_settings(fields)
    settings = orjson.loads(row["settings"])
    settings.update({key: fields.values[key] for key in _SETTINGS if key in fields})
    store.write(
        "UPDATE processing SET docker_image = ?, docker_tag = ?, settings = ? WHERE id = ?",
        fields.optional_string("docker_image") or row["docker_image"],
        fields.optional_string("docker_tag") or row["docker_tag"], to_json(settings), row["id"],
    )  # fmt: skip
    return _get(call)


def _delete(call: Call) -> Reply:
    store = call.state.store
    row = PROCESSINGS.get(store, id=call.path[0])
    delete_inputs(store, row["id"])
    store.write("DELETE FROM processing WHERE id = ?", row["id"])
    return Reply.nothing()


def _check_settings(fields: Fields) -> None:
    fields.mapping("default_parameters")
    fields.optional_integer("default_cpu")
    fields.optional_integer("default_gpu")
    flags = fields.values.get("docker_flags")
    if flags is not None and not (isinstance(flags, list) and all(isinstance(flag, str) for flag in flags)):
        raise unprocessable(f"docker_flags: expected a list of texts, found {kind_of(flags)}")


def _item(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "name": row["name"],
        "target": row["target"],
        "type": row["type"],
        "docker_image": row["docker_image"],
        "docker_tag": row["docker_tag"],
        "created_at": row["created_at"],
        **orjson.loads(row["settings"]),
    }


ROUTES = (
    Route("POST", "/api/organization/{}/processings", _create),
    Route("GET", "/api/organization/{}/processings", _list),
    Route("GET", "/api/organization/{}/processings/find", _find),
    Route("GET", "/api/processings/public/find", _find_public),
    Route("GET", "/api/processing/{}", _get),
    Route("PATCH", "/api/processing/{}", _update),
    Route("DELETE", "/api/processing/{}", _delete),
)
