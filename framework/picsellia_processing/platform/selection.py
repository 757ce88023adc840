"""Which data, or assets, a call asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from .query_language import to_sql
from .wire import kind_of, unprocessable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.datastructures import QueryParams

    from .listing import Where
    from .wire import Fields

MAX_QUERY = 100_000
TYPES = ("IMAGE", "VIDEO")
UPLOAD_STATUSES = ("PENDING", "COMPUTING", "ERROR", "DONE")


@dataclass(frozen=True, slots=True)
class Selection:
    """Conditions on data, or on assets with their data. Each method adds to a `Where`; they raise 400 or 422.

    `columns` are what one is known by, under the singular of the name that many are asked for with: id, for ids.
    `queried` is what the query language knows: see `to_sql`.
    """

    columns: Mapping[str, str]
    queried: Mapping[str, str]

    def by_url(self, where: Where, query: QueryParams) -> None:
        """What the query of a URL asks for: `upload_statuses`, `types`, `custom_metadata`, `q`."""
        _among_known(where, query.getlist)
        _with_metadata(where, query)
        self._by_language(where, query.get("q"))

    def by_body(self, where: Where, query: QueryParams, fields: Fields) -> None:
        """What a body asks for: the same, save for `custom_metadata`, which stays in the URL, and any number of ids."""
        _among_known(where, fields.optional_ids)
        _with_metadata(where, query)
        for name, column in self.columns.items():
            if f"{name}s" in fields:
                where.among(column, fields.ids(f"{name}s"))
        self._by_language(where, fields.optional_string("q", limit=MAX_QUERY))

    def of_one(self, where: Where, query: QueryParams) -> str:
        """What the query of a URL says of a single one; what it is known by, in words."""
        wanted = {name: query[name] for name in self.columns if name in query}
        if not wanted:
            raise unprocessable(f"expected one of {', '.join(self.columns)}, found none of them")
        for name, value in wanted.items():
            where.add(f"{self.columns[name]} = ?", value)
        return ", ".join(wanted.values())

    def _by_language(self, where: Where, text: str | None) -> None:
        if text:
            condition, arguments = to_sql(text, self.queried)
            where.add(condition, *arguments)


def _among_known(where: Where, values: Callable[[str], list[str] | None]) -> None:
    for name, column, known in (
        ("upload_statuses", "data.upload_status", UPLOAD_STATUSES),
        ("types", "data.type", TYPES),
    ):
        wanted = values(name)
        if wanted and not set(wanted).issuperset(known):
            where.among(column, wanted)


def _with_metadata(where: Where, query: QueryParams) -> None:
    for key, value in _wanted_metadata(query.get("custom_metadata", "{}")).items():
        where.add("json_extract(data.custom_metadata, ?) IS ?", f'$."{key}"', value)


def _wanted_metadata(text: str) -> dict[str, Any]:
    try:
        wanted = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise unprocessable(f"custom_metadata: expected JSON: {error}") from error
    if not isinstance(wanted, dict):
        raise unprocessable(f"custom_metadata: expected an object, found {kind_of(wanted)}")
    for key, value in wanted.items():
        if '"' in key or isinstance(value, dict | list):
            raise unprocessable(f"custom_metadata: the local platform compares plain values only, found {key!r}")
    return wanted
