"""One request on its way through the application, and what goes wrong with it on purpose."""

from __future__ import annotations

import errno
import socket
import struct
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect

from . import faults
from .ledger import Entry
from .wire import ApiError, Reply

if TYPE_CHECKING:
    from asyncio import Transport

    from starlette.types import Message, Receive, Scope, Send

TRANSPORT = "picsellia_processing.transport"


class Cut(Exception):  # noqa: N818 - not an error: the connection is to be cut here
    """Leave the request without an answer and cut its connection."""


@dataclass(slots=True)
class Exchange:
    """What the ledger will say about one request, and the fault it got."""

    method: str
    path: str
    template: str
    fault: str | None = None
    status: int = 0
    received: int = 0
    sent: int = 0
    emulated: bool = True
    started: float = field(default_factory=time.perf_counter)

    def entry(self) -> Entry:
        """What happened, for the ledger."""
        return Entry(
            time=time.time(),
            method=self.method,
            path=self.template,
            status=self.status,
            received=self.received,
            sent=self.sent,
            duration=time.perf_counter() - self.started,
            fault=self.fault,
        )

    def counted(self, receive: Receive) -> Receive:
        """`receive`, noting the size."""

        async def counted() -> Message:
            message = await receive()
            self.received += len(message.get("body", b""))
            return message

        return counted

    async def body(self, scope: Scope, receive: Receive, limit: int) -> bytes | None:
        """The whole body; None when it is larger than `limit`. That is read to its end, too, or no reply arrives."""
        declared = header(scope, b"content-length")
        chunks: list[bytes] | None = None if declared.isdigit() and int(declared) > limit else []
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            chunk = message.get("body", b"")
            self.received += len(chunk)
            if chunks is not None:
                chunks.append(chunk)
                if self.received > limit:
                    chunks = None
            if not message.get("more_body", False):
                return None if chunks is None else b"".join(chunks)

    def watched(self, send: Send) -> Send:
        """`send`, noting status and size; the fault `truncate` cuts the connection half-way through the body."""

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.status = message["status"]
                await send(message)
                return
            body = message.get("body", b"")
            if self.fault == faults.TRUNCATE and body:
                await send({**message, "body": body[: len(body) // 2], "more_body": True})
                raise Cut
            self.sent += len(body)
            await send(message)

        return watched

    def raise_status_fault(self) -> None:
        """Refuse, where the fault is a status."""
        if self.fault is None or not self.fault.isdigit():
            return
        raise _FaultError(int(self.fault), f"fault {self.fault}, on purpose")

    def raise_disk_fault(self) -> None:
        """Raise what a full disk raises, where the fault is one."""
        if self.fault == faults.DISK_FULL:
            raise OSError(errno.ENOSPC, "No space left on device (on purpose)")


class _FaultError(ApiError):
    def reply(self) -> Reply:
        reply = super().reply()
        if self.status != HTTPStatus.TOO_MANY_REQUESTS:
            return reply
        return Reply(reply.status, reply.body, headers=((b"retry-after", b"0"),))


def header(scope: Scope, name: bytes) -> bytes:
    """The value of a header; empty where it is missing."""
    for key, value in scope["headers"]:
        if key == name:
            found: bytes = value
            return found
    return b""


def cut(scope: Scope) -> None:
    """Cut the connection of a request."""
    transport: Transport = scope[TRANSPORT]
    # Closing a socket that does not linger sends a reset instead of a polite end.
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
