"""Launching a processing on a dataset version, a datalake or a model version: a Job is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from picsellia_processing.platform.routing import Route
from picsellia_processing.platform.store import as_list, new_id
from picsellia_processing.platform.wire import ApiError, Fields, Reply, bad_request

from .datalake import DATALAKES
from .dataset import DATASET_VERSIONS, create_version
from .job import create_job, job_item
from .job_run import JOBS
from .model import MODEL_VERSIONS
from .processing import PROCESSINGS
from .processing_input import check_inputs

if TYPE_CHECKING:
    from picsellia_processing.platform.state import State
    from picsellia_processing.platform.store import Row, Store
    from picsellia_processing.platform.wire import Call

CREATING_TYPES = {"DATA_AUGMENTATION", "DATASET_VERSION_CREATION"}


@dataclass(frozen=True, slots=True)
class _Launch:
    target_id: str
    processing: Row
    parameters: dict[str, Any]
    inputs: dict[str, Any]
    model_version_id: str | None
    cpu: int | None
    gpu: int | None

    def input(self, name: str) -> str | None:
        """The text given as input `name`, or None."""
        return Fields(self.inputs, "inputs.").optional_string(name)


def _launch_on_dataset_version(call: Call) -> Reply:
    store, fields = call.state.store, call.fields()
    version = DATASET_VERSIONS.get(store, id=call.path[0])
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
        known = DATASET_VERSIONS.find(store, dataset_id=version["dataset_id"], version=name)
        output_id = known["id"] if known else create_version(store, version["dataset_id"], name, version["type"])
    return _start(call.state, launch, {"asset_ids": asset_ids}, output_id)


def _launch_on_datalake(call: Call) -> Reply:
    store, fields = call.state.store, call.fields()
    datalake = DATALAKES.get(store, id=call.path[0])
    launch = _read_launch(call, fields, "DATALAKE", datalake["id"])
    data_ids = fields.ids("data_ids")
    _check_members(store, "data", "datalake_id", datalake["id"], data_ids)
    output_id = launch.input("output_datalake_id")
    name = fields.optional_string("target_datalake_name")
    if output_id is None and name is not None:
        output_id = DATALAKES.get(store, name=name)["id"]
    return _start(call.state, launch, {"data_ids": data_ids}, output_id or datalake["id"])


def _launch_on_model_version(call: Call) -> Reply:
    version = MODEL_VERSIONS.get(call.state.store, id=call.path[0])
    return _start(call.state, _read_launch(call, call.fields(), "MODEL_VERSION", version["id"]), None, None)


def _read_launch(call: Call, fields: Fields, target: str, target_id: str) -> _Launch:
    store = call.state.store
    processing = PROCESSINGS.get(store, id=fields.string("processing_id"))
    if processing["target"] != target:
        raise bad_request(f"processing {processing['name']!r} is for {processing['target']}, not for {target}")
    inputs = fields.mapping("inputs") or {}
    given = fields.optional_string("model_version_id")
    model_version_id = given or Fields(inputs, "inputs.").optional_string("model_version_id")
    if model_version_id is not None:
        MODEL_VERSIONS.get(store, id=model_version_id)
    check_inputs(store, processing["id"], {"model_version_id": given, **inputs})
    settings = orjson.loads(processing["settings"])
    cpu, gpu = fields.optional_integer("cpu"), fields.optional_integer("gpu")
    return _Launch(
        target_id,
        processing,
        {**(settings["default_parameters"] or {}), **(fields.mapping("parameters") or {})},
        inputs,
        model_version_id,
        settings["default_cpu"] if cpu is None else cpu,
        settings["default_gpu"] if gpu is None else gpu,
    )


def _start(state: State, launch: _Launch, payload: dict[str, Any] | None, output_id: str | None) -> Reply:
    identifier = new_id()
    object_id = None
    if payload is not None:
        object_id = state.blobs.put(f"job/{identifier}/payload.json", orjson.dumps(payload), "application/json")
    settings = {
        "target_id": launch.target_id,
        "output_id": output_id,
        "parameters": launch.parameters,
        "inputs": launch.inputs,
        "model_version_id": launch.model_version_id,
        "processing": launch.processing["name"],
        "docker_image": launch.processing["docker_image"],
        "docker_tag": launch.processing["docker_tag"],
        "docker_flags": orjson.loads(launch.processing["settings"])["docker_flags"] or [],
        "cpu": launch.cpu,
        "gpu": launch.gpu,
    }
    kind, target = launch.processing["type"], launch.processing["target"]
    create_job(state.store, identifier, kind, target, settings, object_id)
    return Reply.created(job_item(state, JOBS.get(state.store, id=identifier)))


def _check_members(store: Store, table: str, column: str, owner_id: str, ids: list[str]) -> None:
    rows = store.all(
        f"SELECT id FROM {table} WHERE {column} = ? AND id IN (SELECT value FROM json_each(?))",  # noqa: S608 - constants
        owner_id, as_list(ids),
    )  # fmt: skip
    missing = set(ids) - {row["id"] for row in rows}
    if missing:
        raise ApiError(404, f"{len(missing)} of the {table} ids are not in the target", sorted(missing)[:20])


ROUTES = (
    Route("POST", "/api/dataset/version/{}/processing/launch", _launch_on_dataset_version),
    Route("POST", "/api/datalake/{}/processing/launch", _launch_on_datalake),
    Route("POST", "/api/model/version/{}/processing/launch", _launch_on_model_version),
)
