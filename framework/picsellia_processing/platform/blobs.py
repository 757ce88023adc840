"""Bytes of objects: files under generated names, and the signed URLs that lead to them.

An object is what cloud storage holds under an object name. Its bytes live in `<data>/blobs` under a random name, or,
when seeded, wherever the seeder's file lies: that file is only ever read. Nobody's file name becomes a path here.
"""

from __future__ import annotations

import hmac
import re
import secrets
import time
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from .store import new_id
from .wire import ApiError

if TYPE_CHECKING:
    from .store import Row, Store

SCHEMA = """
CREATE TABLE IF NOT EXISTS object (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE,
    file TEXT, size INTEGER NOT NULL DEFAULT 0, content_type TEXT NOT NULL);
"""

_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,10}$")


@dataclass(frozen=True, slots=True)
class Blob:
    """An object that has bytes: where they are and how many."""

    id: str
    path: Path
    size: int
    content_type: str


class Blobs:
    """The objects of one platform. `url_ttl` is how many seconds a signed URL is good for."""

    def __init__(self, store: Store, folder: Path, url_ttl: float) -> None:
        self._store = store
        self._folder = folder
        self._url_ttl = url_ttl
        self._key = secrets.token_bytes(32)
        self.base_url = ""
        folder.mkdir(parents=True, exist_ok=True)

    def reserve(self, name: str, content_type: str) -> str:
        """The id of object `name`, made when there is none yet. It has no bytes before the first upload."""
        found: str | None = self._store.value("SELECT id FROM object WHERE name = ?", name)
        if found is not None:
            return found
        identifier = new_id()
        self._store.write(
            "INSERT INTO object (id, name, content_type) VALUES (?, ?, ?)", identifier, name, content_type
        )
        return identifier

    def put(self, name: str, content: bytes, content_type: str) -> str:
        """Store `content` as object `name`; its id."""
        identifier = self.reserve(name, content_type)
        path = self.new_file()
        path.write_bytes(content)
        self.keep(identifier, path, len(content))
        return identifier

    def new_file(self) -> Path:
        """A path that no blob uses yet."""
        return self._folder / secrets.token_hex(16)

    def part_file(self, identifier: str) -> Path:
        """Where the parts of a resumable upload of object `identifier` gather."""
        return self._folder / f"{identifier}.part"

    def part_size(self, identifier: str) -> int:
        """How many bytes of a resumable upload of object `identifier` are here."""
        path = self.part_file(identifier)
        return path.stat().st_size if path.exists() else 0

    def keep(self, identifier: str, path: Path, size: int) -> None:
        """Make the file at `path` the bytes of object `identifier`; an earlier upload's file is removed."""
        former: str | None = self._store.value("SELECT file FROM object WHERE id = ?", identifier)
        self._store.write("UPDATE object SET file = ?, size = ? WHERE id = ?", str(path), size, identifier)
        if former is not None and Path(former).parent == self._folder:
            Path(former).unlink(missing_ok=True)

    def find(self, identifier: str) -> Blob | None:
        """The blob of object `identifier`, or None when it has no bytes."""
        return self._blob(self._store.one("SELECT * FROM object WHERE id = ?", identifier))

    def find_by_name(self, name: str) -> Blob | None:
        """The blob of object `name`, or None when it has no bytes."""
        return self._blob(self._store.one("SELECT * FROM object WHERE name = ?", name))

    def sign(self, method: str, identifier: str, name: str) -> str:
        """An absolute URL for `method` on object `identifier`; it ends with the suffix of `name`."""
        expires = f"{time.time() + self._url_ttl:.3f}"
        signature = self._signature(method, identifier, expires)
        return f"{self.base_url}/blob/{identifier}{suffix_of(name)}?expires={expires}&signature={signature}"

    def check(self, method: str, identifier: str, expires: str, signature: str) -> None:
        """Raise 403 unless the URL was signed here for `method`, and is still good."""
        if not hmac.compare_digest(signature.encode(), self._signature(method, identifier, expires).encode()):
            raise ApiError(HTTPStatus.FORBIDDEN, "the signature of this URL is not valid: ask for a new presigned URL")
        if float(expires) <= time.time():
            raise ApiError(HTTPStatus.FORBIDDEN, "this URL has expired: ask for a new presigned URL")

    def expire_urls(self) -> None:
        """Make every URL signed so far invalid, as if its time were over."""
        self._key = secrets.token_bytes(32)

    def _signature(self, method: str, identifier: str, expires: str) -> str:
        return hmac.digest(self._key, f"{method} {identifier} {expires}".encode(), "sha256").hex()

    @staticmethod
    def _blob(row: Row | None) -> Blob | None:
        if row is None or row["file"] is None:
            return None
        return Blob(row["id"], Path(row["file"]), row["size"], row["content_type"])


def suffix_of(name: str) -> str:
    """The harmless suffix of a file name, such as `.jpg`, lower case; empty when there is none."""
    match = _SUFFIX.search(name)
    return match.group().lower() if match else ""
