"""The database: one SQLite connection, used by one thread, so that writes are serialised by construction."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    Row = sqlite3.Row

_UUID_FIXED_BITS = 0xF << 76 | 0x3 << 62
_UUID_VERSION_7 = 0x7 << 76 | 0x2 << 62


class Store:
    """SQL on the platform's tables. Every table has `seq`, its total order, and `id`, a UUID as text."""

    def __init__(self, path: Path, schemas: Iterable[str]) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None, cached_statements=512)
        self._connection.row_factory = sqlite3.Row
        # A killed server loses nothing: the system still holds what was written. Only a power cut may.
        self._connection.executescript(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-65536;"
        )
        self._connection.executescript("\n".join(schemas))

    def one(self, sql: str, *arguments: object) -> Row | None:
        """The first row, or None."""
        row: Row | None = self._connection.execute(sql, arguments).fetchone()
        return row

    def all(self, sql: str, *arguments: object) -> list[Row]:
        """Every row."""
        return self._connection.execute(sql, arguments).fetchall()

    def value(self, sql: str, *arguments: object) -> Any:
        """The first column of the first row, or None."""
        row = self.one(sql, *arguments)
        return None if row is None else row[0]

    def write(self, sql: str, *arguments: object) -> int:
        """Run one statement; the number of rows it touched."""
        return self._connection.execute(sql, arguments).rowcount

    def write_many(self, sql: str, rows: Iterable[tuple[object, ...]]) -> None:
        """Run one statement for every tuple of arguments."""
        self._connection.executemany(sql, rows)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is written inside is kept, or, when an exception leaves the block, nothing of it."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def close(self) -> None:
        """Close the database; the store is unusable afterwards."""
        self._connection.close()


def new_id() -> str:
    """A fresh UUID as text: version 7, whose order of creation keeps the indexes of a large database fast."""
    value = (time.time_ns() // 1_000_000 << 80) | int.from_bytes(os.urandom(10))
    digits = f"{value & ~_UUID_FIXED_BITS | _UUID_VERSION_7:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def now() -> str:
    """The time as the platform writes it: ISO 8601, UTC."""
    return datetime.now(UTC).isoformat()


def to_json(value: object) -> str | None:
    """`value` as JSON text for a column; None stays NULL."""
    return None if value is None else orjson.dumps(value).decode()


def from_json(text: str | None) -> Any:
    """What `to_json` stored."""
    return None if text is None else orjson.loads(text)


def as_list(values: Iterable[object]) -> str:
    """`values` as the argument of `json_each(?)`: a list of any length in one placeholder."""
    return orjson.dumps(list(values)).decode()
