"""Models and their versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from picsellia_processing.platform.listing import Listing, Where, fetch
from picsellia_processing.platform.routing import Route
from picsellia_processing.platform.store import now, to_json
from picsellia_processing.platform.table import Table
from picsellia_processing.platform.wire import Reply, unprocessable

from .dataset import INFERENCE_TYPES
from .organization import check_organization
from .tag import tags_of

if TYPE_CHECKING:
    from picsellia_processing.platform.store import Row, Store
    from picsellia_processing.platform.wire import Call, Fields

SCHEMA = """
CREATE TABLE IF NOT EXISTS model (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE, description TEXT NOT NULL,
    created_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS model_version (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, model_id TEXT NOT NULL, version INTEGER NOT NULL,
    name TEXT NOT NULL, type TEXT NOT NULL, framework TEXT NOT NULL, settings TEXT NOT NULL, created_at TEXT NOT NULL,
    UNIQUE (model_id, version), UNIQUE (model_id, name));
"""

FRAMEWORKS = ("TENSORFLOW", "PYTORCH", "ONNX", "NOT_CONFIGURED")
_SETTINGS = (
    "labels", "parameters", "docker_image", "docker_tag", "docker_flags", "docker_env_variables", "description",
    "notebook_link", "thumbnail_object_name",
)  # fmt: skip
MODELS = Table("model")
MODEL_VERSIONS = Table("model_version")
_MODELS = Listing("*", "model", "seq", {"created_at": "seq", "name": "name", "id": "id"})
_VERSIONS = Listing("*", "model_version", "seq", {"created_at": "seq", "version": "version", "name": "name"})
LARGEST_VERSION = 2**31 - 1


def create_model(store: Store, name: str, description: str = "") -> str:
    """The id of a new model. Raises 409 when there is one of this name."""
    MODELS.refuse_second(store, name=name)
    return MODELS.add(store, name=name, description=description, created_at=now())


def create_model_version(
    store: Store, model_id: str, *, version: int | None, name: str | None, type_: str, framework: str,
    settings: dict[str, Any],
) -> str:  # fmt: skip
    """The id of a new version of a model; numbered, and named after its number, unless told. Raises 409."""
    if version is None:
        version = store.value("SELECT COALESCE(MAX(version) + 1, 0) FROM model_version WHERE model_id = ?", model_id)
    name = name or str(version)
    MODEL_VERSIONS.refuse_second(store, model_id=model_id, version=version)
    MODEL_VERSIONS.refuse_second(store, model_id=model_id, name=name)
    return MODEL_VERSIONS.add(
        store, model_id=model_id, version=version, name=name, type=type_, framework=framework,
        settings=to_json({key: settings.get(key) for key in _SETTINGS}), created_at=now(),
    )  # fmt: skip


def _create(call: Call) -> Reply:
    check_organization(call)
    fields = call.fields()
    identifier = create_model(
        call.state.store, fields.string("name"), fields.optional_string("description", limit=100_000) or ""
    )
    return Reply.created(_item(call.state.store, MODELS.get(call.state.store, id=identifier)))


def _list(call: Call) -> dict[str, Any]:
    check_organization(call)
    page = fetch(call, _MODELS, Where(), default_limit=None)
    return page.reply([_item(call.state.store, row) for row in page.rows])


def _find(call: Call) -> dict[str, Any]:
    check_organization(call)
    store = call.state.store
    known = {"name": call.query["name"]} if "name" in call.query else {"id": call.query.get("id", "")}
    return _item(store, MODELS.get(store, **known))


def _get(call: Call) -> dict[str, Any]:
    return _item(call.state.store, MODELS.get(call.state.store, id=call.path[0]))


def _item(store: Store, row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "name": row["name"],
        "private": True,
        "description": row["description"],
        "tags": tags_of(store, row["id"]),
        "created_at": row["created_at"],
    }


def _create_version(call: Call) -> Reply:
    store = call.state.store
    model = MODELS.get(store, id=call.path[0])
    fields = call.fields()
    identifier = create_model_version(
        store, model["id"], version=None, name=fields.optional_string("name"),
        type_=fields.choice("type", INFERENCE_TYPES, "NOT_CONFIGURED"),
        framework=fields.choice("framework", FRAMEWORKS, "NOT_CONFIGURED"), settings=_settings(fields),
    )  # fmt: skip
    return Reply.created(_version_item(store, MODEL_VERSIONS.get(store, id=identifier)))


def _settings(fields: Fields) -> dict[str, Any]:
    for name in ("labels", "parameters", "docker_env_variables"):
        fields.mapping(name)
    return {key: fields.values[key] for key in _SETTINGS if key in fields}


def _list_versions(call: Call) -> dict[str, Any]:
    model = MODELS.get(call.state.store, id=call.path[0])
    page = fetch(call, _VERSIONS, Where(["model_id = ?"], [model["id"]]), default_limit=None)
    return page.reply([_version_item(call.state.store, row) for row in page.rows])


def _find_version_of_model(call: Call) -> dict[str, Any]:
    store = call.state.store
    model = MODELS.get(store, id=call.path[0])
    name, number = call.query.get("name"), call.query.get("version")
    if name is not None:
        row = MODEL_VERSIONS.get(store, model_id=model["id"], name=name)
    elif number is not None and number.isdecimal() and int(number) <= LARGEST_VERSION:
        row = MODEL_VERSIONS.get(store, model_id=model["id"], version=int(number))
    else:
        raise unprocessable("expected the name, or the number as version, of a model version")
    return _version_item(store, row)


def _find_version_in_organization(call: Call) -> dict[str, Any]:
    check_organization(call)
    return _version_item(call.state.store, MODEL_VERSIONS.get(call.state.store, id=call.query.get("id", "")))


def _get_version(call: Call) -> dict[str, Any]:
    return _version_item(call.state.store, MODEL_VERSIONS.get(call.state.store, id=call.path[0]))


def _update_version(call: Call) -> dict[str, Any]:
    store = call.state.store
    row = MODEL_VERSIONS.get(store, id=call.path[0])
    fields = call.fields()
    name = fields.optional_string("name") or row["name"]
    MODEL_VERSIONS.refuse_second(store, but=row["id"], model_id=row["model_id"], name=name)
    store.write(
        "UPDATE model_version SET name = ?, type = ?, framework = ?, settings = ? WHERE id = ?",
        name, fields.choice("type", INFERENCE_TYPES, row["type"]),
        fields.choice("framework", FRAMEWORKS, row["framework"]),
        to_json({**orjson.loads(row["settings"]), **_settings(fields)}), row["id"],
    )  # fmt: skip
    return _get_version(call)


def _version_item(store: Store, row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "origin": _item(store, MODELS.get(store, id=row["model_id"])),
        "name": row["name"],
        "version": row["version"],
        "type": row["type"],
        "framework": row["framework"],
        "tags": tags_of(store, row["id"]),
        "created_at": row["created_at"],
        **orjson.loads(row["settings"]),
    }


ROUTES = (
    Route("POST", "/api/organization/{}/models", _create),
    Route("GET", "/api/organization/{}/models", _list),
    Route("GET", "/api/organization/{}/models/find", _find),
    Route("GET", "/api/organization/{}/modelversions/find", _find_version_in_organization),
    Route("GET", "/api/model/{}", _get),
    Route("POST", "/api/model/{}/versions", _create_version),
    Route("GET", "/api/model/{}/versions", _list_versions),
    Route("GET", "/api/model/{}/versions/find", _find_version_of_model),
    Route("GET", "/api/model/version/{}", _get_version),
    Route("PATCH", "/api/model/version/{}", _update_version),
)
