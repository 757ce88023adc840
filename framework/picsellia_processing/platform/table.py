"""The tables of objects that have an id and, most of them, a name: how one is found, added, and kept the only one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .store import new_id
from .wire import conflict, not_found

if TYPE_CHECKING:
    from .store import Row, Store


@dataclass(frozen=True, slots=True)
class Table:
    """A table called `name`; messages call one of its objects so, too.

    Columns are given by name. Their names are code of this package, and go into the SQL; values never do.
    """

    name: str

    def find(self, store: Store, **columns: object) -> Row | None:
        """The first object with these values, or None."""
        conditions = " AND ".join(f"{column} = ?" for column in columns)
        return store.one(f"SELECT * FROM {self.name} WHERE {conditions}", *columns.values())  # noqa: S608 - see above

    def get(self, store: Store, **columns: object) -> Row:
        """The first object with these values. Raises 404, which names the last of them."""
        row = self.find(store, **columns)
        if row is None:
            raise not_found(self._words, _last(columns))
        return row

    def refuse_second(self, store: Store, *, but: str | None = None, **columns: object) -> None:
        """Raise 409, which names the last of these values, when an object other than the one with id `but` has them."""
        row = self.find(store, **columns)
        if row is not None and row["id"] != but:
            raise conflict(f"{self._words} {_last(columns)!r} exists already")

    def add(self, store: Store, **columns: object) -> str:
        """The id of a new object with these values."""
        values = {"id": new_id(), **columns}
        placeholders = ", ".join("?" * len(values))
        store.write(
            f"INSERT INTO {self.name} ({', '.join(values)}) VALUES ({placeholders})",  # noqa: S608 - see above
            *values.values(),
        )
        return str(values["id"])

    @property
    def _words(self) -> str:
        return self.name.replace("_", " ")


def _last(columns: dict[str, object]) -> object:
    return list(columns.values())[-1]
