"""The inputs of processings: what a launch must give, of which type, and how it is checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from picsellia_processing.platform.routing import Route
from picsellia_processing.platform.table import Table
from picsellia_processing.platform.wire import Reply, bad_request, kind_of

from .dataset import INFERENCE_TYPES
from .model import FRAMEWORKS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from picsellia_processing.platform.store import Row, Store
    from picsellia_processing.platform.wire import Call, Fields

SCHEMA = """
CREATE TABLE IF NOT EXISTS processing_input (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, processing_id TEXT NOT NULL, name TEXT NOT NULL,
    input_type TEXT NOT NULL, required INTEGER NOT NULL, inference_type_constraint TEXT, framework_constraint TEXT,
    UNIQUE (processing_id, name));
"""

_INPUTS = Table("processing_input")
TABLES = {
    "DATASET": "dataset",
    "DATASET_VERSION": "dataset_version",
    "MODEL": "model",
    "MODEL_VERSION": "model_version",
    "DATALAKE": "datalake",
}
"""The table of what an input stands for, where it is an id."""

INPUT_TYPES = ("TEXT", "NUMBER", *TABLES)


def check_inputs(store: Store, processing_id: str, given: Mapping[str, Any]) -> None:
    """Raise 400 with every mistake in the inputs of a launch. One that the processing does not declare passes."""
    mistakes = []
    for row in _rows(store, processing_id):
        value = given.get(row["name"])
        if value is None:
            mistakes += [f"{row['name']}: it is required, a {row['input_type']}"] if row["required"] else []
        else:
            mistakes += _mistakes(store, row, value)
    if mistakes:
        raise bad_request("the inputs do not fit the processing", mistakes)


def delete_inputs(store: Store, processing_id: str) -> None:
    """Forget the inputs of a processing."""
    store.write("DELETE FROM processing_input WHERE processing_id = ?", processing_id)


def _mistakes(store: Store, row: Row, value: Any) -> list[str]:
    name, kind = row["name"], row["input_type"]
    if kind == "TEXT":
        return [] if isinstance(value, str) else [f"{name}: expected a text, found {kind_of(value)}"]
    if kind == "NUMBER":
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return [] if number else [f"{name}: expected a number, found {kind_of(value)}"]
    found = _find(store, kind, value)
    if found is None:
        return [f"{name}: expected the id of a {kind}, found {value!r}"]
    constraints = {"type": row["inference_type_constraint"], "framework": row["framework_constraint"]}
    return [
        f"{name}: expected a {kind} of {column} {wanted}, found one of {found[column]}"
        for column, wanted in constraints.items()
        if wanted is not None and column in found.keys() and found[column] != wanted  # noqa: SIM118 - `in` a Row is in its values
    ]


def _find(store: Store, kind: str, value: Any) -> Row | None:
    try:
        identifier = str(UUID(value))
    except (ValueError, AttributeError, TypeError):
        return None
    return Table(TABLES[kind]).find(store, id=identifier)


def _list(call: Call) -> dict[str, Any]:
    processing_id = _processing(call)
    return {"items": [_item(row) for row in _rows(call.state.store, processing_id)]}


def _add(call: Call) -> Reply:
    processing_id, fields = _processing(call), call.fields()
    name, kind = fields.string("name"), fields.choice("input_type", INPUT_TYPES)
    store = call.state.store
    _INPUTS.refuse_second(store, processing_id=processing_id, name=name)
    required, type_, framework = _constraints(fields)
    _INPUTS.add(
        store, processing_id=processing_id, name=name, input_type=kind, required=required,
        inference_type_constraint=type_, framework_constraint=framework,
    )  # fmt: skip
    return Reply.created(_item(_INPUTS.get(store, processing_id=processing_id, name=name)))


def _update(call: Call) -> dict[str, Any]:
    processing_id, name = _processing(call), call.path[1]
    row = _INPUTS.get(call.state.store, processing_id=processing_id, name=name)
    call.state.store.write(
        "UPDATE processing_input SET required = ?, inference_type_constraint = ?, framework_constraint = ?"
        " WHERE id = ?",
        *_constraints(call.fields()), row["id"],
    )  # fmt: skip
    return _item(_INPUTS.get(call.state.store, processing_id=processing_id, name=name))


def _delete(call: Call) -> Reply:
    row = _INPUTS.get(call.state.store, processing_id=_processing(call), name=call.path[1])
    call.state.store.write("DELETE FROM processing_input WHERE id = ?", row["id"])
    return Reply.nothing()


def _constraints(fields: Fields) -> tuple[bool, str | None, str | None]:
    type_, framework = "inference_type_constraint", "framework_constraint"
    return (
        fields.boolean("required"),
        fields.choice(type_, INFERENCE_TYPES) if type_ in fields else None,
        fields.choice(framework, FRAMEWORKS) if framework in fields else None,
    )


def _processing(call: Call) -> str:
    """The id of the processing that the path names."""
    return str(Table("processing").get(call.state.store, id=call.path[0])["id"])


def _rows(store: Store, processing_id: str) -> list[Row]:
    return store.all("SELECT * FROM processing_input WHERE processing_id = ? ORDER BY seq", processing_id)


def _item(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "name": row["name"],
        "input_type": row["input_type"],
        "required": bool(row["required"]),
        "inference_type_constraint": row["inference_type_constraint"],
        "framework_constraint": row["framework_constraint"],
    }


ROUTES = (
    Route("GET", "/api/processing/{}/inputs", _list),
    Route("POST", "/api/processing/{}/inputs", _add),
    Route("PUT", "/api/processing/{}/inputs/{}", _update),
    Route("DELETE", "/api/processing/{}/inputs/{}", _delete),
)
