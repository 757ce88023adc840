"""The ASGI application: who may ask, which handler answers, what goes wrong on purpose, and the ledger of it all.

Handlers run on the event loop, one at a time: they are short, and so the database has one writer without a lock.
"""

from __future__ import annotations

import asyncio
import errno
import hmac
import socket
import sqlite3
import struct
import time
import traceback
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.datastructures import QueryParams
from starlette.requests import ClientDisconnect, Request

from picsellia_processing.errors import UsageError

from . import faults
from .blob_endpoint import answer_blob
from .control import control
from .ledger import Entry
from .resources import ROUTES
from .routing import Router, template_of
from .wire import ApiError, Call, Reply, unprocessable

if TYPE_CHECKING:
    from asyncio import Transport
    from collections.abc import MutableMapping

    from starlette.responses import Response
    from starlette.types import Message, Receive, Scope, Send

    from .state import State

TRANSPORT = "picsellia_processing.transport"
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class Cut(Exception):  # noqa: N818 - not an error: the connection is to be cut here
    """Leave the request without an answer and cut its connection."""


@dataclass(slots=True)
class _Exchange:
    """One request on its way: what the ledger will say about it, and the fault it got."""

    method: str
    path: str
    template: str
    fault: str | None = None
    status: int = 0
    received: int = 0
    sent: int = 0
    emulated: bool = True
    started: float = field(default_factory=time.perf_counter)


class Application:
    """Answers the platform's API from one `State`."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._router = Router(ROUTES)
        self._authorization = f"Bearer {state.options.token}".encode()
        self._max_body = int(state.options.max_body_mb * 1024 * 1024)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        if scope["path"].startswith("/_platform/"):
            await self._send(await self._control(scope, receive), scope, receive, send)
            return
        exchange = _Exchange(scope["method"], scope["path"], template_of(scope["path"]))
        exchange.fault = self._state.faults.draw(exchange.method, exchange.path)
        if self._state.options.latency_ms:
            await asyncio.sleep(self._state.options.latency_ms / 1000)
        try:
            await self._answer(exchange, scope, receive, send)
        except Cut:
            exchange.status = 0
            _cut(scope)
        except (ClientDisconnect, ConnectionError):
            exchange.status = 0
        finally:
            self._record(exchange)

    async def _answer(self, exchange: _Exchange, scope: Scope, receive: Receive, send: Send) -> None:
        if exchange.fault == faults.RESET:
            raise Cut
        response = await self._respond(exchange, scope, receive)
        if exchange.fault == faults.LOST_REPLY:
            raise Cut
        await self._send(response, scope, receive, _watched(exchange, send))

    async def _respond(self, exchange: _Exchange, scope: Scope, receive: Receive) -> Reply | Response:
        try:
            if scope["path"].startswith("/blob/"):
                exchange.template = "/blob/{}"
                _raise_status_fault(exchange)
                if exchange.method == "PUT":
                    _raise_disk_fault(exchange)
                request = Request(scope, _counted(exchange, receive))
                return await answer_blob(self._state, request, scope["path"].removeprefix("/blob/"))
            return await self._respond_api(exchange, scope, receive)
        except ApiError as error:
            return error.reply()
        except OverflowError:
            return unprocessable("a number is larger than the database can hold").reply()
        except (ClientDisconnect, ConnectionError):
            raise
        except Exception as error:  # noqa: BLE001 - a mistake of the platform must not end it
            if _is_full(error):
                message = f"the disk of the local platform is full: {error}"
                return ApiError(HTTPStatus.INSUFFICIENT_STORAGE, message).reply()
            traceback.print_exc()
            return ApiError(500, f"the local platform made a mistake: {type(error).__name__}: {error}").reply()

    async def _respond_api(self, exchange: _Exchange, scope: Scope, receive: Receive) -> Reply:
        raw_path = scope["raw_path"].decode("ascii")
        route, path = self._router.find(exchange.method, raw_path)
        if route is not None:
            exchange.template = route.template
        body = await _body(exchange, scope, receive, self._max_body)
        _raise_status_fault(exchange)
        if not hmac.compare_digest(_header(scope, b"authorization"), self._authorization):
            raise ApiError(HTTPStatus.UNAUTHORIZED, "the token is missing or not the one of this platform")
        if body is None:
            raise ApiError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body is larger than {self._max_body} bytes")
        if route is None:
            exchange.emulated = False
            raise ApiError(
                HTTPStatus.NOT_IMPLEMENTED,
                f"{exchange.method} {exchange.template} is not emulated by the local platform",
            )
        call = Call(self._state, path, QueryParams(scope["query_string"]), body)
        if exchange.method == "GET":
            result = route.handler(call)
        else:
            with self._state.store.transaction():
                result = route.handler(call)
                _raise_disk_fault(exchange)
        if isinstance(result, Reply):
            return result
        return Reply.of_json(result)

    async def _control(self, scope: Scope, receive: Receive) -> Reply:
        if not hmac.compare_digest(_header(scope, b"authorization"), self._authorization):
            return ApiError(HTTPStatus.UNAUTHORIZED, "the token is missing or not the one of this platform").reply()
        try:
            return await control(self._state, Request(scope, receive))
        except ApiError as error:
            return error.reply()
        except UsageError as error:
            return ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)).reply()

    @staticmethod
    async def _send(response: Reply | Response, scope: Scope, receive: Receive, send: Send) -> None:
        if not isinstance(response, Reply):
            await response(scope, receive, send)
            return
        headers = [
            (b"content-type", response.content_type.encode()),
            (b"content-length", str(len(response.body)).encode()),
            *response.headers,
        ]
        if response.status == HTTPStatus.NO_CONTENT:
            headers = list(response.headers)
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": response.body})

    def _record(self, exchange: _Exchange) -> None:
        entry = Entry(
            time=time.time(),
            method=exchange.method,
            path=exchange.template,
            status=exchange.status,
            received=exchange.received,
            sent=exchange.sent,
            duration=time.perf_counter() - exchange.started,
            fault=exchange.fault,
        )
        self._state.ledger.record(entry, emulated=exchange.emulated)


async def _body(exchange: _Exchange, scope: Scope, receive: Receive, limit: int) -> bytes | None:
    """The whole body; None when it is larger than `limit`. It is read to its end all the same, or no reply arrives."""
    declared = _header(scope, b"content-length")
    chunks: list[bytes] | None = None if declared.isdigit() and int(declared) > limit else []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk = message.get("body", b"")
        exchange.received += len(chunk)
        if chunks is not None:
            chunks.append(chunk)
            if exchange.received > limit:
                chunks = None
        if not message.get("more_body", False):
            return None if chunks is None else b"".join(chunks)


def _watched(exchange: _Exchange, send: Send) -> Send:
    """`send`, noting status and size; with the fault `truncate`, the connection is cut half-way through the body."""

    async def watched(message: Message) -> None:
        if message["type"] == "http.response.start":
            exchange.status = message["status"]
            await send(message)
            return
        body = message.get("body", b"")
        if exchange.fault == faults.TRUNCATE and body:
            await send({**message, "body": body[: len(body) // 2], "more_body": True})
            raise Cut
        exchange.sent += len(body)
        await send(message)

    return watched


def _counted(exchange: _Exchange, receive: Receive) -> Receive:
    async def counted() -> Message:
        message = await receive()
        exchange.received += len(message.get("body", b""))
        return message

    return counted


def _raise_status_fault(exchange: _Exchange) -> None:
    if exchange.fault is None or not exchange.fault.isdigit():
        return
    raise _FaultError(int(exchange.fault), f"fault {exchange.fault}, on purpose")


class _FaultError(ApiError):
    def reply(self) -> Reply:
        reply = super().reply()
        if self.status != HTTPStatus.TOO_MANY_REQUESTS:
            return reply
        return Reply(reply.status, reply.body, headers=((b"retry-after", b"0"),))


def _raise_disk_fault(exchange: _Exchange) -> None:
    if exchange.fault == faults.DISK_FULL:
        raise OSError(errno.ENOSPC, "No space left on device (on purpose)")


def _is_full(error: Exception) -> bool:
    if isinstance(error, sqlite3.OperationalError):
        return "is full" in str(error) or "disk I/O" in str(error)
    return isinstance(error, OSError) and error.errno in _FULL


def _header(scope: Scope, name: bytes) -> bytes:
    for key, value in scope["headers"]:
        if key == name:
            found: bytes = value
            return found
    return b""


def _cut(scope: MutableMapping[str, Any]) -> None:
    transport: Transport = scope[TRANSPORT]
    # Closing a socket that does not linger sends a reset instead of a polite end.
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
