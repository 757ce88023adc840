"""The ASGI application: who may ask, which handler answers, and the ledger of it all.

Handlers run on the event loop, one at a time: they are short, and so the database has one writer without a lock.
"""

from __future__ import annotations

import asyncio
import errno
import hmac
import sqlite3
import traceback
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.datastructures import QueryParams
from starlette.requests import ClientDisconnect, Request

from picsellia_processing.errors import UsageError

from . import faults
from .blob_endpoint import answer_blob
from .control import control
from .exchange import Cut, Exchange, cut, header
from .resources import ROUTES
from .routing import Router, template_of
from .wire import ApiError, Call, Reply, unprocessable

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import Receive, Scope, Send

    from .state import State

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


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
        exchange = Exchange(scope["method"], scope["path"], template_of(scope["path"]))
        exchange.fault = self._state.faults.draw(exchange.method, exchange.path)
        if self._state.options.latency_ms:
            await asyncio.sleep(self._state.options.latency_ms / 1000)
        try:
            await self._answer(exchange, scope, receive, send)
        except Cut:
            exchange.status = 0
            cut(scope)
        except (ClientDisconnect, ConnectionError):
            exchange.status = 0
        finally:
            self._state.ledger.record(exchange.entry(), emulated=exchange.emulated)

    async def _answer(self, exchange: Exchange, scope: Scope, receive: Receive, send: Send) -> None:
        if exchange.fault == faults.RESET:
            raise Cut
        response = await self._respond(exchange, scope, receive)
        if exchange.fault == faults.LOST_REPLY:
            raise Cut
        await self._send(response, scope, receive, exchange.watched(send))

    async def _respond(self, exchange: Exchange, scope: Scope, receive: Receive) -> Reply | Response:
        try:
            if scope["path"].startswith("/blob/"):
                exchange.template = "/blob/{}"
                exchange.raise_status_fault()
                if exchange.method == "PUT":
                    exchange.raise_disk_fault()
                request = Request(scope, exchange.counted(receive))
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

    async def _respond_api(self, exchange: Exchange, scope: Scope, receive: Receive) -> Reply:
        raw_path = scope["raw_path"].decode("ascii")
        route, path = self._router.find(exchange.method, raw_path)
        if route is not None:
            exchange.template = route.template
        body = await exchange.body(scope, receive, self._max_body)
        exchange.raise_status_fault()
        if not hmac.compare_digest(header(scope, b"authorization"), self._authorization):
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
                exchange.raise_disk_fault()
        if isinstance(result, Reply):
            return result
        return Reply.of_json(result)

    async def _control(self, scope: Scope, receive: Receive) -> Reply:
        if not hmac.compare_digest(header(scope, b"authorization"), self._authorization):
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


def _is_full(error: Exception) -> bool:
    if isinstance(error, sqlite3.OperationalError):
        return "is full" in str(error) or "disk I/O" in str(error)
    return isinstance(error, OSError) and error.errno in _FULL
