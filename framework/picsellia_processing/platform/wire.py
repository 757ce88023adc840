"""One call of the API as handlers see it: its path, query and body, the reply they give, and how they refuse."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from starlette.datastructures import QueryParams

    from .state import State

    Handler = Callable[["Call"], "Reply | dict[str, Any] | list[Any] | None"]

MAX_NAME = 1024


class ApiError(Exception):
    """A refusal in the vendor's form: a status and a body `{"message", "detail"}`."""

    def __init__(self, status: int, message: str, detail: list[str] | None = None) -> None:
        super().__init__(message)
        self.status = int(status)
        self.message = message
        self.detail = detail or []

    def reply(self) -> Reply:
        """The refusal as a reply."""
        return Reply.of_json({"message": self.message, "detail": self.detail}, self.status)


def not_found(what: str, value: object) -> ApiError:
    """404: `what` with `value` does not exist."""
    return ApiError(HTTPStatus.NOT_FOUND, f"{what} {value!r} does not exist on this platform")


def conflict(message: str) -> ApiError:
    """409: it exists already, or is in a state that does not allow it."""
    return ApiError(HTTPStatus.CONFLICT, message)


def bad_request(message: str, detail: list[str] | None = None) -> ApiError:
    """400: understood and refused."""
    return ApiError(HTTPStatus.BAD_REQUEST, message, detail)


def unprocessable(*detail: str) -> ApiError:
    """422: the body or the query does not have the form the endpoint takes. `detail` names every mistake."""
    return ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "the request does not have the expected form", list(detail))


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer held in memory."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: tuple[tuple[bytes, bytes], ...] = ()

    @classmethod
    def of_json(cls, value: object, status: int = HTTPStatus.OK) -> Reply:
        """`value` as JSON."""
        return cls(int(status), orjson.dumps(value))

    @classmethod
    def created(cls, value: object) -> Reply:
        """201 with `value` as JSON."""
        return cls.of_json(value, HTTPStatus.CREATED)

    @classmethod
    def nothing(cls) -> Reply:
        """204, no body."""
        return cls(HTTPStatus.NO_CONTENT, b"")


@dataclass(frozen=True, slots=True)
class Call:
    """One request, matched to a route. `path` holds the values of the template's placeholders, in order."""

    state: State
    path: tuple[str, ...]
    query: QueryParams
    body: bytes

    def json(self) -> Any:
        """The body as JSON, whatever it holds. Raises 400 when it is not JSON."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise bad_request(f"the body is not JSON: {error}") from error

    def fields(self) -> Fields:
        """The body as an object. Raises 400 or 422 when it is not one."""
        value = self.json()
        if not isinstance(value, dict):
            raise unprocessable(f"body: expected an object, found {kind_of(value)}")
        return Fields(value)

    def ids(self) -> list[str]:
        """The body as a bare list of ids."""
        return _ids("body", self.json())


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of a JSON object, read with their types. Every reader raises 422 naming the field."""

    values: dict[str, Any]
    place: str = field(default="")

    def __contains__(self, name: str) -> bool:
        return self.values.get(name) is not None

    def string(self, name: str, *, limit: int = MAX_NAME) -> str:
        """A required text of 1 to `limit` characters without NUL."""
        value = self.optional_string(name, limit=limit)
        if not value:
            raise unprocessable(f"{self.place}{name}: expected a text, found {kind_of(self.values.get(name))}")
        return value

    def optional_string(self, name: str, *, limit: int = MAX_NAME) -> str | None:
        """A text, or None when absent or null."""
        value = self.values.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise unprocessable(f"{self.place}{name}: expected a text, found {kind_of(value)}")
        if len(value) > limit or "\0" in value:
            raise unprocessable(f"{self.place}{name}: expected at most {limit} characters and no NUL")
        return value

    def choice(self, name: str, allowed: Collection[str], default: str | None = None) -> str:
        """One of `allowed`; `default` when absent, if there is one."""
        value = self.values.get(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or value not in allowed:
            raise unprocessable(f"{self.place}{name}: expected one of {', '.join(allowed)}, found {value!r}")
        return value

    def mapping(self, name: str) -> dict[str, Any] | None:
        """An object, or None when absent or null."""
        value = self.values.get(name)
        if value is not None and not isinstance(value, dict):
            raise unprocessable(f"{self.place}{name}: expected an object, found {kind_of(value)}")
        return value

    def boolean(self, name: str, *, default: bool = False) -> bool:
        """A boolean; `default` when absent."""
        value = self.values.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise unprocessable(f"{self.place}{name}: expected true or false, found {kind_of(value)}")
        return value

    def number(self, name: str, *, default: float) -> float:
        """A number that is not negative; `default` when absent."""
        value = self.values.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            raise unprocessable(f"{self.place}{name}: expected a number >= 0, found {value!r}")
        return float(value)

    def optional_integer(self, name: str) -> int | None:
        """A whole number that is not negative, or None when absent or null."""
        value = self.values.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise unprocessable(f"{self.place}{name}: expected a whole number >= 0, found {value!r}")
        return value

    def ids(self, name: str) -> list[str]:
        """A required list of ids."""
        return _ids(f"{self.place}{name}", self.values.get(name))

    def optional_ids(self, name: str) -> list[str] | None:
        """A list of ids, or None when absent or null."""
        return self.ids(name) if name in self else None


def kind_of(value: object) -> str:
    """What a JSON value is, in words for an error message."""
    names = {type(None): "nothing", bool: "a boolean", int: "a number", float: "a number", str: "a text"}
    return names.get(type(value), "a list" if isinstance(value, list) else "an object")


def _ids(place: str, value: object) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise unprocessable(f"{place}: expected a list of ids, found {kind_of(value)}")
    return value
