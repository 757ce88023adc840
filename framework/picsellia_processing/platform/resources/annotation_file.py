"""Export of the annotations of a dataset version as a file that the client then downloads."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import orjson

from picsellia_processing.platform import export
from picsellia_processing.platform.blobs import suffix_of
from picsellia_processing.platform.routing import Route
from picsellia_processing.platform.store import as_list, from_json, new_id
from picsellia_processing.platform.wire import ApiError, bad_request

from .annotation import STATUSES
from .dataset import DATASET_VERSIONS
from .label import labels_of
from .shape import shapes_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from picsellia_processing.platform.export import ExportedImage, ExportedShape
    from picsellia_processing.platform.store import Row, Store
    from picsellia_processing.platform.wire import Call, Fields

FILE_TYPES = ("COCO", "YOLO", "PASCAL_VOC")
EXPORT_KEYS = ("FILENAME", "OBJECT_NAME", "ASSET_ID", "DATA_ID")
_CHUNK = 1000


def _export(call: Call) -> dict[str, Any]:
    store = call.state.store
    version = DATASET_VERSIONS.get(store, id=call.path[0])
    fields = call.fields()
    file_type = fields.choice("type", FILE_TYPES)
    if fields.boolean("export_video") or file_type == "PASCAL_VOC":
        raise ApiError(
            HTTPStatus.NOT_IMPLEMENTED, f"the local platform does not emulate {file_type} export of this kind"
        )
    labels = labels_of(store, version["id"])
    images = _images(store, version["id"], [row["id"] for row in labels], fields)
    exported = [export.ExportedLabel(row["name"], from_json(row["skeleton"])) for row in labels]
    if file_type == "COCO":
        name, content = f"coco-{new_id()}.json", export.coco(exported, images)
        content_type = "application/json"
    else:
        kind = export.YOLO_KINDS.get(version["type"])
        if kind is None:
            known = ", ".join(export.YOLO_KINDS)
            raise bad_request(f"YOLO export: expected a dataset version of type {known}, found {version['type']}")
        name, content = f"yolo-{new_id()}.zip", export.yolo(exported, images, kind)
        content_type = "application/zip"
    identifier = call.state.blobs.put(name, content, content_type)
    return {"object_name": name, "presigned_url": call.state.blobs.sign("GET", identifier, name)}


def _images(store: Store, version_id: str, label_ids: list[str], fields: Fields) -> Iterator[ExportedImage]:
    """Every asset asked for, annotated or not; with a status, the annotated ones of that status."""
    status = fields.choice("status", STATUSES) if "status" in fields else None
    asset_ids = fields.optional_ids("asset_ids")
    key = fields.choice("export_key", EXPORT_KEYS, "FILENAME")
    rows = store.all(
        "SELECT asset.id AS asset_id, data.id AS data_id, data.filename, data.object_name, data.width, data.height,"
        " annotation.id AS annotation_id, annotation.attributes FROM asset JOIN data ON data.id = asset.data_id"
        " LEFT JOIN annotation ON annotation.asset_id = asset.id WHERE asset.dataset_version_id = ?"
        " AND (?2 IS NULL OR annotation.status = ?2)"
        " AND (?3 IS NULL OR asset.id IN (SELECT value FROM json_each(?3))) ORDER BY asset.seq DESC",
        version_id, status, None if asset_ids is None else as_list(asset_ids),
    )  # fmt: skip
    categories = {label_id: position for position, label_id in enumerate(label_ids)}
    for start in range(0, len(rows), _CHUNK):
        yield from _chunk(store, rows[start : start + _CHUNK], categories, key)


def _chunk(store: Store, rows: list[Row], categories: dict[str, int], key: str) -> Iterator[ExportedImage]:
    shapes: dict[str, list[ExportedShape]] = {}
    for row in shapes_of(store, [row["annotation_id"] for row in rows if row["annotation_id"] is not None]):
        shapes.setdefault(row["annotation_id"], []).append(
            export.ExportedShape(
                row["kind"],
                categories[row["label_id"]],
                orjson.loads(row["geometry"]),
                row["text"],
                from_json(row["attributes"]),
            )
        )
    for row in rows:
        annotated = row["annotation_id"] is not None
        yield export.ExportedImage(
            _file_name(row, key),
            row["width"],
            row["height"],
            from_json(row["attributes"]),
            shapes.get(row["annotation_id"], []) if annotated else None,
        )


def _file_name(row: Row, key: str) -> str:
    if key in {"ASSET_ID", "DATA_ID"}:
        return f"{row[key.lower()]}{suffix_of(row['filename'])}"
    name: str = row[key.lower()]
    return name


ROUTES = (Route("POST", "/api/dataset/version/{}/annotations/export", _export),)
