"""Datasets and their versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from picsellia_processing.platform.listing import Listing, Where, fetch
from picsellia_processing.platform.routing import Route
from picsellia_processing.platform.store import now
from picsellia_processing.platform.table import Table
from picsellia_processing.platform.wire import Reply, unprocessable

from .organization import check_organization
from .tag import tags_of

if TYPE_CHECKING:
    from picsellia_processing.platform.store import Row, Store
    from picsellia_processing.platform.wire import Call

SCHEMA = """
CREATE TABLE IF NOT EXISTS dataset (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE, description TEXT NOT NULL,
    created_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS dataset_version (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, dataset_id TEXT NOT NULL, version TEXT NOT NULL,
    description TEXT NOT NULL, type TEXT NOT NULL, created_at TEXT NOT NULL, UNIQUE (dataset_id, version));
"""

INFERENCE_TYPES = (
    "NOT_CONFIGURED", "CLASSIFICATION", "OBJECT_DETECTION", "SEGMENTATION", "POINT", "KEYPOINT", "LINE", "MASK",
    "MULTI",
)  # fmt: skip

DATASETS = Table("dataset")
DATASET_VERSIONS = Table("dataset_version")
_DATASETS = Listing("*", "dataset", "seq", {"created_at": "seq", "name": "name", "id": "id"})
_VERSIONS = Listing("*", "dataset_version", "seq", {"created_at": "seq", "version": "version", "id": "id"})


def create_dataset(store: Store, name: str, description: str = "") -> str:
    """The id of a new dataset. Raises 409 when there is one of this name."""
    DATASETS.refuse_second(store, name=name)
    return DATASETS.add(store, name=name, description=description, created_at=now())


def create_version(store: Store, dataset_id: str, version: str, type_: str, description: str = "") -> str:
    """The id of a new version of a dataset. Raises 409 when the dataset has one of this name."""
    DATASET_VERSIONS.refuse_second(store, dataset_id=dataset_id, version=version)
    return DATASET_VERSIONS.add(
        store, dataset_id=dataset_id, version=version, description=description, type=type_, created_at=now()
    )


def version_item(store: Store, row: Row) -> dict[str, Any]:
    """The DatasetVersion of a row."""
    return {
        "id": row["id"],
        "origin_id": row["dataset_id"],
        "origin_name": DATASETS.get(store, id=row["dataset_id"])["name"],
        "version": row["version"],
        "type": row["type"],
        "description": row["description"],
        "annotation_campaign_id": None,
        "size": store.value("SELECT COUNT(*) FROM asset WHERE dataset_version_id = ?", row["id"]),
        "tags": tags_of(store, row["id"]),
        "created_at": row["created_at"],
    }


def _create(call: Call) -> Reply:
    check_organization(call)
    fields = call.fields()
    identifier = create_dataset(
        call.state.store, fields.string("name"), fields.optional_string("description", limit=100_000) or ""
    )
    return Reply.created(_item(call, DATASETS.get(call.state.store, id=identifier)))


def _list(call: Call) -> dict[str, Any]:
    check_organization(call)
    page = fetch(call, _DATASETS, Where(), default_limit=None)
    return page.reply([_item(call, row) for row in page.rows])


def _find(call: Call) -> dict[str, Any]:
    check_organization(call)
    known = {"name": call.query["name"]} if "name" in call.query else {"id": call.query.get("id", "")}
    return _item(call, DATASETS.get(call.state.store, **known))


def _get(call: Call) -> dict[str, Any]:
    return _item(call, DATASETS.get(call.state.store, id=call.path[0]))


def _item(call: Call, row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "name": row["name"],
        "description": row["description"],
        "private": True,
        "tags": tags_of(call.state.store, row["id"]),
        "created_at": row["created_at"],
    }


def _create_version(call: Call) -> Reply:
    store = call.state.store
    dataset = DATASETS.get(store, id=call.path[0])
    fields = call.fields()
    identifier = create_version(
        store,
        dataset["id"],
        fields.string("version"),
        fields.choice("type", INFERENCE_TYPES, "NOT_CONFIGURED"),
        fields.optional_string("description", limit=100_000) or "",
    )
    return Reply.created(version_item(store, DATASET_VERSIONS.get(store, id=identifier)))


def _list_versions(call: Call) -> dict[str, Any]:
    dataset = DATASETS.get(call.state.store, id=call.path[0])
    page = fetch(call, _VERSIONS, Where(["dataset_id = ?"], [dataset["id"]]), default_limit=None)
    return page.reply([version_item(call.state.store, row) for row in page.rows])


def _find_version_of_dataset(call: Call) -> dict[str, Any]:
    store = call.state.store
    dataset = DATASETS.get(store, id=call.path[0])
    column = "version" if "version" in call.query else "id"
    known = {"dataset_id": dataset["id"], column: call.query.get(column, "")}
    return version_item(store, DATASET_VERSIONS.get(store, **known))


def _find_version_in_organization(call: Call) -> dict[str, Any]:
    check_organization(call)
    return version_item(call.state.store, DATASET_VERSIONS.get(call.state.store, id=call.query.get("id", "")))


def _get_version(call: Call) -> dict[str, Any]:
    return version_item(call.state.store, DATASET_VERSIONS.get(call.state.store, id=call.path[0]))


def _update_version(call: Call) -> dict[str, Any]:
    store = call.state.store
    row = DATASET_VERSIONS.get(store, id=call.path[0])
    fields = call.fields()
    unknown = fields.values.keys() - {"version", "description", "type"}
    if unknown:
        raise unprocessable(*(f"{name}: not a field of a dataset version" for name in sorted(unknown)))
    version = fields.optional_string("version") or row["version"]
    DATASET_VERSIONS.refuse_second(store, but=row["id"], dataset_id=row["dataset_id"], version=version)
    description = fields.optional_string("description", limit=100_000)
    store.write(
        "UPDATE dataset_version SET version = ?, description = ?, type = ? WHERE id = ?",
        version, row["description"] if description is None else description,
        fields.choice("type", INFERENCE_TYPES, row["type"]), row["id"],
    )  # fmt: skip
    return _get_version(call)


def _stats(call: Call) -> dict[str, Any]:
    store = call.state.store
    version = DATASET_VERSIONS.get(store, id=call.path[0])
    rows = store.all(
        "SELECT label.name, COUNT(*) AS shapes FROM annotation JOIN shape ON shape.annotation_id = annotation.id"
        " JOIN label ON label.id = shape.label_id WHERE annotation.dataset_version_id = ?"
        " GROUP BY label.id ORDER BY label.seq",
        version["id"],
    )
    return {
        "label_repartition": {row["name"]: row["shapes"] for row in rows},
        "nb_objects": sum(row["shapes"] for row in rows),
        "nb_annotations": store.value(
            "SELECT COUNT(*) FROM annotation WHERE dataset_version_id = ?", version["id"]
        ),
    }  # fmt: skip


ROUTES = (
    Route("POST", "/api/organization/{}/datasets", _create),
    Route("GET", "/api/organization/{}/datasets", _list),
    Route("GET", "/api/organization/{}/datasets/find", _find),
    Route("GET", "/api/organization/{}/datasetversions/find", _find_version_in_organization),
    Route("GET", "/api/dataset/{}", _get),
    Route("POST", "/api/dataset/{}/versions", _create_version),
    Route("GET", "/api/dataset/{}/versions", _list_versions),
    Route("GET", "/api/dataset/{}/versions/find", _find_version_of_dataset),
    Route("GET", "/api/dataset/version/{}", _get_version),
    Route("PATCH", "/api/dataset/version/{}", _update_version),
    Route("GET", "/api/dataset/version/{}/stats", _stats),
)
