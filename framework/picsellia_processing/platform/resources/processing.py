"""Processings, and launching one on a dataset version, a datalake or a model version."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from picsellia_processing.platform.listing import Listing, Where, fetch
from picsellia_processing.platform.routing import Route
from picsellia_processing.platform.store import as_list, new_id, now, to_json
from picsellia_processing.platform.wire import ApiError, Fields, Reply, bad_request, conflict, not_found

from .datalake import require_datalake
from .dataset import create_version, find_version, require_version
from .job import job_item, require_job
from .model import require_model_version
from .organization import check_organization

if TYPE_CHECKING:
    from picsellia_processing.platform.state import State
    from picsellia_processing.platform.store import Row, Store
    from picsellia_processing.platform.wire import Call

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
CREATING_TYPES = {"DATA_AUGMENTATION", "DATASET_VERSION_CREATION"}
_SETTINGS = ("description", "default_parameters", "default_cpu", "default_gpu", "docker_flags")
_LISTING = Listing("*", "processing", "seq", {"created_at": "seq", "name": "name", "id": "id"})


def _create(call: Call) -> Reply:
    check_organization(call)
    store, fields = call.state.store, call.fields()
    name = fields.string("name")
    if store.one("SELECT 1 FROM processing WHERE name = ?", name):
        raise conflict(f"processing {name!r} exists already")
    fields.mapping("default_parameters")
    identifier = new_id()
    store.write(
        "INSERT INTO processing (id, name, target, type, docker_image, docker_tag, settings, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        identifier, name, fields.choice("target", TARGETS), fields.choice("type", TYPES) if "type" in fields else None,
        fields.string("docker_image"), fields.string("docker_tag"),
        to_json({key: fields.values.get(key) for key in _SETTINGS}), now(),
    )  # fmt: skip
    return Reply.created(_item(_require(store, identifier)))


def _list(call: Call) -> dict[str, Any]:
    check_organization(call)
    page = fetch(call, _LISTING, Where(), default_limit=None)
    return page.reply([_item(row) for row in page.rows])


def _find(call: Call) -> dict[str, Any]:
    check_organization(call)
    name = call.query.get("name", "")
    row = call.state.store.one("SELECT * FROM processing WHERE name = ?", name)
    if row is None:
        raise not_found("processing", name)
    return _item(row)


def _get(call: Call) -> dict[str, Any]:
    return _item(_require(call.state.store, call.path[0]))


def _update(call: Call) -> dict[str, Any]:
    store = call.state.store
    row = _require(store, call.path[0])
    fields = call.fields()
    fields.mapping("default_parameters")
    settings = orjson.loads(row["settings"])
    settings.update({key: fields.values[key] for key in _SETTINGS if key in fields})
    store.write(
        "UPDATE processing SET docker_image = ?, docker_tag = ?, settings = ? WHERE id = ?",
        fields.optional_string("docker_image") or row["docker_image"],
        fields.optional_string("docker_tag") or row["docker_tag"], to_json(settings), row["id"],
    )  # fmt: skip
    return _get(call)


def _delete(call: Call) -> Reply:
    call.state.store.write("DELETE FROM processing WHERE id = ?", _require(call.state.store, call.path[0])["id"])
    return Reply.nothing()


def _require(store: Store, processing_id: str) -> Row:
    row = store.one("SELECT * FROM processing WHERE id = ?", processing_id)
    if row is None:
        raise not_found("processing", processing_id)
    return row


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


@dataclass(frozen=True, slots=True)
class _Launch:
    target_id: str
    processing: Row
    parameters: dict[str, Any]
    inputs: dict[str, Any]
    model_version_id: str | None

    def input(self, name: str) -> str | None:
        """The text given as input `name`, or None."""
        return Fields(self.inputs, "inputs.").optional_string(name)


def _launch_on_dataset_version(call: Call) -> Reply:
    store, fields = call.state.store, call.fields()
    version = require_version(store, call.path[0])
    launch = _read_launch(call, fields, "DATASET_VERSION", version["id"])
    asset_ids = fields.optional_ids("asset_ids")
    if asset_ids is not None:
        _check_members(store, "asset", "dataset_version_id", version["id"], asset_ids)
    output_id = None
    if launch.processing["type"] in CREATING_TYPES:
        name = (
            fields.optional_string("target_version_name")
            or launch.input("target_version_name")
            or f"{launch.processing['name']}-{new_id()[:8]}"
        )
        output_id = find_version(store, version["dataset_id"], name)
        output_id = output_id or create_version(store, version["dataset_id"], name, version["type"])
    return _start(call.state, launch, {"asset_ids": asset_ids}, output_id)


def _launch_on_datalake(call: Call) -> Reply:
    store, fields = call.state.store, call.fields()
    datalake = require_datalake(store, call.path[0])
    launch = _read_launch(call, fields, "DATALAKE", datalake["id"])
    data_ids = fields.ids("data_ids")
    _check_members(store, "data", "datalake_id", datalake["id"], data_ids)
    output_id = launch.input("output_datalake_id")
    name = fields.optional_string("target_datalake_name")
    if output_id is None and name is not None:
        output_id = store.value("SELECT id FROM datalake WHERE name = ?", name)
        if output_id is None:
            raise not_found("datalake", name)
    return _start(call.state, launch, {"data_ids": data_ids}, output_id or datalake["id"])


def _launch_on_model_version(call: Call) -> Reply:
    version = require_model_version(call.state.store, call.path[0])
    return _start(call.state, _read_launch(call, call.fields(), "MODEL_VERSION", version["id"]), None, None)


def _read_launch(call: Call, fields: Fields, target: str, target_id: str) -> _Launch:
    store = call.state.store
    processing = _require(store, fields.string("processing_id"))
    if processing["target"] != target:
        raise bad_request(f"processing {processing['name']!r} is for {processing['target']}, not for {target}")
    inputs = fields.mapping("inputs") or {}
    given = fields.optional_string("model_version_id")
    model_version_id = given or Fields(inputs, "inputs.").optional_string("model_version_id")
    if model_version_id is not None:
        require_model_version(store, model_version_id)
    defaults = orjson.loads(processing["settings"])["default_parameters"] or {}
    return _Launch(
        target_id, processing, {**defaults, **(fields.mapping("parameters") or {})}, inputs, model_version_id
    )


def _start(state: State, launch: _Launch, payload: dict[str, Any] | None, output_id: str | None) -> Reply:
    identifier, time = new_id(), now()
    object_id = None
    if payload is not None:
        object_id = state.blobs.put(f"job/{identifier}/payload.json", orjson.dumps(payload), "application/json")
    settings = {
        "target_id": launch.target_id,
        "output_id": output_id,
        "parameters": launch.parameters,
        "inputs": launch.inputs,
        "model_version_id": launch.model_version_id,
    }
    state.store.write(
        "INSERT INTO job (id, status, type, target, launch, payload_object_id, created_at, updated_at)"
        " VALUES (?, 'PENDING', ?, ?, ?, ?, ?, ?)",
        identifier, launch.processing["type"], launch.processing["target"], to_json(settings), object_id, time, time,
    )  # fmt: skip
    return Reply.created(job_item(state, require_job(state.store, identifier)))


def _check_members(store: Store, table: str, column: str, owner_id: str, ids: list[str]) -> None:
    rows = store.all(
        f"SELECT id FROM {table} WHERE {column} = ? AND id IN (SELECT value FROM json_each(?))",  # noqa: S608 - constants
        owner_id, as_list(ids),
    )  # fmt: skip
    missing = set(ids) - {row["id"] for row in rows}
    if missing:
        raise ApiError(404, f"{len(missing)} of the {table} ids are not in the target", sorted(missing)[:20])


ROUTES = (
    Route("POST", "/api/organization/{}/processings", _create),
    Route("GET", "/api/organization/{}/processings", _list),
    Route("GET", "/api/organization/{}/processings/find", _find),
    Route("GET", "/api/processing/{}", _get),
    Route("PATCH", "/api/processing/{}", _update),
    Route("DELETE", "/api/processing/{}", _delete),
    Route("POST", "/api/dataset/version/{}/processing/launch", _launch_on_dataset_version),
    Route("POST", "/api/datalake/{}/processing/launch", _launch_on_datalake),
    Route("POST", "/api/model/version/{}/processing/launch", _launch_on_model_version),
)
