"""Pages of a table: by cursor in the order of creation, by offset in any order, or all at once.

The order is total: newest first unless `order_by` says otherwise, and `seq` decides between equals.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .store import as_list
from .wire import bad_request, unprocessable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .store import Row
    from .wire import Call

MAX_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Listing:
    """What is listed: `SELECT columns FROM source`, ordered by `seq`, a column; `order` names other orders."""

    columns: str
    source: str
    seq: str
    order: Mapping[str, str]


@dataclass(slots=True)
class Where:
    """Conditions joined by AND, with their arguments."""

    conditions: list[str] = field(default_factory=list)
    arguments: list[object] = field(default_factory=list)

    def add(self, condition: str, *arguments: object) -> None:
        """Add one more condition."""
        self.conditions.append(condition)
        self.arguments.extend(arguments)

    def among(self, column: str, values: Iterable[object]) -> None:
        """Add the condition that `column` has one of `values`, of which there may be any number."""
        self.add(f"{column} IN (SELECT value FROM json_each(?))", as_list(values))  # noqa: S608 - a column's name

    def sql(self) -> str:
        """The WHERE clause."""
        return "WHERE " + " AND ".join(self.conditions) if self.conditions else ""


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows, how many there are in all, and where the next page begins, if there is one."""

    rows: list[Row]
    count: int
    next_cursor: str | None = None

    def reply(self, items: list[dict[str, Any]]) -> dict[str, Any]:
        """The page's JSON around `items`."""
        return {"items": items, "count": self.count, "next_cursor": self.next_cursor}


def fetch(call: Call, listing: Listing, where: Where, *, default_limit: int | None = MAX_PAGE) -> Page:
    """The page that `limit`, `offset`, `cursor` and `order_by` of the query ask for. Raises 400 or 422.

    `default_limit` None lists everything when the query gives no limit.
    """
    limit = _whole(call, "limit", default_limit)
    if limit is not None and default_limit is not None and limit > MAX_PAGE:
        raise unprocessable(f"limit: expected at most {MAX_PAGE}, found {limit}")
    if "cursor" in call.query:
        return _after_cursor(call, listing, where, limit)
    count = call.state.store.value(_sql("COUNT(*)", listing, where), *where.arguments)
    orders = call.query.getlist("order_by")
    offset = _whole(call, "offset", 0)
    sql = f"{_sql(listing.columns, listing, where)} ORDER BY {_order(listing, orders)} LIMIT ? OFFSET ?"
    rows = call.state.store.all(sql, *where.arguments, -1 if limit is None else limit, offset)
    has_more = bool(rows) and not orders and (offset or 0) + len(rows) < count
    return Page(rows, count, _cursor(rows[-1], count) if has_more else None)


def _after_cursor(call: Call, listing: Listing, where: Where, limit: int | None) -> Page:
    try:
        last, count = map(int, base64.urlsafe_b64decode(call.query["cursor"]).split(b"."))
    except (ValueError, binascii.Error) as error:
        raise bad_request("cursor: expected the next_cursor of the page before") from error
    rest = Where([*where.conditions, f"{listing.seq} < ?"], [*where.arguments, last])
    size = MAX_PAGE if limit is None else limit
    sql = f"{_sql(listing.columns, listing, rest)} ORDER BY {listing.seq} DESC LIMIT ?"
    rows = call.state.store.all(sql, *rest.arguments, size + 1)
    page = rows[:size]
    return Page(page, count, _cursor(page[-1], count) if len(rows) > size > 0 else None)


def _cursor(last: Row, count: int) -> str:
    return base64.urlsafe_b64encode(f"{last['seq']}.{count}".encode()).decode()


def _sql(columns: str, listing: Listing, where: Where) -> str:
    return f"SELECT {columns} FROM {listing.source} {where.sql()}"  # noqa: S608 - parts are constants of this package


def _order(listing: Listing, names: list[str]) -> str:
    terms = []
    for name in names:
        direction = "DESC" if name.startswith("-") else "ASC"
        column = listing.order.get(name.removeprefix("-"))
        if column is None:
            raise bad_request(f"order_by: expected one of {', '.join(listing.order)}, found {name!r}")
        terms.append(f"{column} {direction}")
    return ", ".join([*terms, f"{listing.seq} DESC"])


def _whole(call: Call, name: str, default: int | None) -> int | None:
    text = call.query.get(name)
    if text is None:
        return default
    if not text.isdecimal():
        raise unprocessable(f"{name}: expected a whole number >= 0, found {text!r}")
    return int(text)
