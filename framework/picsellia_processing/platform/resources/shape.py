"""Shapes of an annotation: written in bulk, read in the vendor's three dialects, changed one by one."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import orjson

from picsellia_processing.platform.routing import Route
from picsellia_processing.platform.shapes import KINDS, Kind, shape_area
from picsellia_processing.platform.store import as_list, from_json, new_id, to_json
from picsellia_processing.platform.wire import Reply, kind_of, not_found, unprocessable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from picsellia_processing.platform.store import Row, Store
    from picsellia_processing.platform.wire import Call

    Record = tuple[str, str, str, str, str, str | None, str | None]  # the columns of `shape` but `seq`

SCHEMA = """
CREATE TABLE IF NOT EXISTS shape (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL, annotation_id TEXT NOT NULL, kind TEXT NOT NULL, label_id TEXT NOT NULL,
    geometry TEXT NOT NULL, text TEXT, attributes TEXT);
CREATE UNIQUE INDEX IF NOT EXISTS shape_id ON shape (id);
CREATE INDEX IF NOT EXISTS shape_annotation ON shape (annotation_id);
"""

_COLUMNS = "shape.*, label.name AS label_name, label.group_id AS label_group_id"


def read_shapes(
    values: Mapping[str, Any], annotation_id: str, size: tuple[int, int], label_ids: Collection[str], place: str
) -> tuple[list[Record], list[str]]:
    """The shapes in `values`, a mapping of plural kinds to lists, as rows, and every mistake in them.

    `size` is (width, height) of the asset, `label_ids` are the labels shapes may have, `place` opens each mistake.
    """
    records: list[Record] = []
    mistakes: list[str] = []
    for plural, kind in KINDS.items():
        items = values.get(plural) or ()
        if not isinstance(items, list | tuple):
            mistakes.append(f"{place}{plural}: expected a list, found {kind_of(items)}")
            continue
        for position, raw in enumerate(items):
            try:
                records.append(_record(raw, kind, annotation_id, size, label_ids))
            except ValueError as error:
                mistakes.append(f"{place}{plural}[{position}]: {error}")
    return records, mistakes


def insert_shapes(store: Store, records: Iterable[Record]) -> None:
    """Write rows that `read_shapes` made."""
    store.write_many(
        "INSERT INTO shape (id, annotation_id, kind, label_id, geometry, text, attributes)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        records,
    )


def delete_shapes(store: Store, annotation_ids: Iterable[str]) -> None:
    """Remove every shape of these annotations."""
    store.write("DELETE FROM shape WHERE annotation_id IN (SELECT value FROM json_each(?))", as_list(annotation_ids))


def shapes_of(store: Store, annotation_ids: Iterable[str]) -> Iterator[Row]:
    """The shapes of these annotations with their labels' names, in order of creation."""
    return iter(
        store.all(
            f"SELECT {_COLUMNS} FROM json_each(?) AS wanted JOIN shape ON shape.annotation_id = wanted.value"  # noqa: S608
            " JOIN label ON label.id = shape.label_id ORDER BY shape.seq",
            as_list(annotation_ids),
        )
    )


def loaded_shape(row: Row) -> dict[str, Any]:
    """A shape as `load_annotations` reads it: the label by its name, and the area of a polygon."""
    geometry = orjson.loads(row["geometry"])
    if row["kind"] == "polygons":
        geometry["area"] = shape_area(geometry["polygon"])
    return {
        "id": row["id"],
        "label": row["label_name"],
        "text": row["text"],
        "attributes": from_json(row["attributes"]),
        **geometry,
    }


def extended_shape(row: Row) -> dict[str, Any]:
    """A shape as `assets/extended` has it: the label by its id."""
    return {"id": row["id"], "label_id": row["label_id"], **orjson.loads(row["geometry"])}


def _record(raw: object, kind: Kind, annotation_id: str, size: tuple[int, int], label_ids: Collection[str]) -> Record:
    if not isinstance(raw, dict):
        raise ValueError(f"expected an object, found {kind_of(raw)}")  # noqa: TRY004 - a mistake in data, not in code
    label_id, text, attributes = raw.get("label_id"), raw.get("text"), raw.get("attributes")
    if not isinstance(label_id, str) or label_id not in label_ids:
        raise ValueError(f"label_id {label_id!r} is not a label of this dataset version")
    if text is not None and not isinstance(text, str):
        raise ValueError(f"text: expected a text, found {kind_of(text)}")
    if attributes is not None and not isinstance(attributes, dict):
        raise ValueError(f"attributes: expected an object, found {kind_of(attributes)}")
    geometry = orjson.dumps(kind.read(raw, size)).decode()
    return new_id(), annotation_id, kind.plural, label_id, geometry, text, to_json(attributes)


def _item(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "label": {"id": row["label_id"], "name": row["label_name"], "group_id": row["label_group_id"]},
        "text": row["text"],
        "attributes": from_json(row["attributes"]),
        **orjson.loads(row["geometry"]),
    }


def _list(call: Call, *, plural: str) -> dict[str, Any]:
    _annotation(call)
    rows = [row for row in shapes_of(call.state.store, [call.path[0]]) if row["kind"] == plural]
    return {"items": [_item(row) for row in rows], "count": len(rows)}


def _create(call: Call, *, plural: str) -> Reply:
    store = call.state.store
    annotation = _annotation(call)
    fields = call.fields()
    if not isinstance(fields.values.get(plural), list):
        raise unprocessable(f"{plural}: expected a list, found {kind_of(fields.values.get(plural))}")
    records, mistakes = read_shapes(
        {plural: fields.values[plural]}, annotation["id"], (annotation["width"], annotation["height"]),
        label_ids_of(store, annotation["dataset_version_id"]), "",
    )  # fmt: skip
    if mistakes:
        raise unprocessable(*mistakes)
    insert_shapes(store, records)
    made = {record[0] for record in records}
    rows = [row for row in shapes_of(store, [annotation["id"]]) if row["id"] in made]
    return Reply.created({plural: [_item(row) for row in rows]})


def label_ids_of(store: Store, version_id: str) -> set[str]:
    """The ids of a dataset version's labels."""
    return {row["id"] for row in store.all("SELECT id FROM label WHERE dataset_version_id = ?", version_id)}


def annotation_with_size(store: Store, annotation_id: str) -> Row:
    """An annotation with the `width` and `height` of its asset. Raises 404."""
    row = store.one(
        "SELECT annotation.*, data.width, data.height FROM annotation JOIN asset ON asset.id = annotation.asset_id"
        " JOIN data ON data.id = asset.data_id WHERE annotation.id = ?",
        annotation_id,
    )
    if row is None:
        raise not_found("annotation", annotation_id)
    return row


def _annotation(call: Call) -> Row:
    return annotation_with_size(call.state.store, call.path[0])


def _get(call: Call, *, plural: str) -> dict[str, Any]:
    return _item(_require(call, plural))


def _update(call: Call, *, plural: str) -> dict[str, Any]:
    store = call.state.store
    row = _require(call, plural)
    annotation = annotation_with_size(store, row["annotation_id"])
    stored = {"label_id": row["label_id"], "text": row["text"], "attributes": from_json(row["attributes"])}
    changed = {**stored, **orjson.loads(row["geometry"]), **call.fields().values}
    labels = label_ids_of(store, annotation["dataset_version_id"])
    try:
        record = _record(
            changed, KINDS[plural], row["annotation_id"], (annotation["width"], annotation["height"]), labels
        )
    except ValueError as error:
        raise unprocessable(str(error)) from error
    store.write(
        "UPDATE shape SET label_id = ?, geometry = ?, text = ?, attributes = ? WHERE id = ?", *record[3:], row["id"]
    )
    return _get(call, plural=plural)


def _delete(call: Call, *, plural: str) -> Reply:
    call.state.store.write("DELETE FROM shape WHERE id = ?", _require(call, plural)["id"])
    return Reply.nothing()


def _require(call: Call, plural: str) -> Row:
    row = call.state.store.one(
        f"SELECT {_COLUMNS} FROM shape JOIN label ON label.id = shape.label_id WHERE shape.id = ? AND shape.kind = ?",  # noqa: S608
        call.path[0], plural,
    )  # fmt: skip
    if row is None:
        raise not_found(KINDS[plural].singular, call.path[0])
    return row


def _routes() -> Iterator[Route]:
    for plural, kind in KINDS.items():
        if plural == "keypoints":
            continue  # the SDK writes and reads keypoints in bulk only
        yield Route("GET", f"/api/annotation/{{}}/{plural}", partial(_list, plural=plural))
        yield Route("POST", f"/api/annotation/{{}}/bulk-{plural}", partial(_create, plural=plural))
        yield Route("GET", f"/api/{kind.singular}/{{}}", partial(_get, plural=plural))
        yield Route("DELETE", f"/api/{kind.singular}/{{}}", partial(_delete, plural=plural))
        if plural != "masks":
            yield Route("PATCH", f"/api/{kind.singular}/{{}}", partial(_update, plural=plural))


ROUTES = tuple(_routes())
