"""A real HTTP server on loopback that answers from a script, however badly."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Step = Callable[[BaseHTTPRequestHandler], None]

PATIENCE = 30
"""Seconds after which a test that hangs is taken for one that fails."""


@dataclass(frozen=True)
class Received:
    """One request as the server saw it; `connection` tells connections apart."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: int


@dataclass
class Script:
    """What to answer, in order; when the steps are used up, by path; else 404. Keeps every request."""

    steps: deque[Step] = field(default_factory=deque)
    routes: dict[str, Any] = field(default_factory=dict)
    received: list[Received] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    url: str = ""

    def then(self, *steps: Step) -> Self:
        self.steps.extend(steps)
        return self

    def take(self, handler: BaseHTTPRequestHandler, body: bytes) -> Step:
        path = handler.path.partition("?")[0]
        with self._lock:
            self.received.append(
                Received(handler.command, handler.path, dict(handler.headers), body, handler.client_address[1])
            )
            if self.steps:
                return self.steps.popleft()
        for key in (f"{handler.command} {path}", path):
            if key in self.routes:
                answer = self.routes[key]
                return answer if callable(answer) else reply(200, answer)
        return reply(404, {"message": f"nothing at {path}"})

    def of(self, path: str) -> list[Received]:
        return [each for each in self.received if each.path.partition("?")[0] == path]


def reply(status: int = 200, body: Any = b"", headers: Mapping[str, str] | None = None) -> Step:
    """An ordinary answer; what is not bytes is sent as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()

    def step(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **(headers or {})}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(content)

    return step


def truncated(body: bytes, missing: int) -> Step:
    """An answer that ends `missing` bytes early."""

    def step(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body[: len(body) - missing])
        handler.close_connection = True

    return step


def drip(script: Script) -> Step:
    """An answer that comes, byte by byte, until the test is over."""

    def step(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        while not script.released.wait(0.01):
            handler.wfile.write(b"x")
            handler.wfile.flush()

    return step


def broken_chunks(handler: BaseHTTPRequestHandler) -> None:
    """A chunked answer that stops inside a chunk."""
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    handler.wfile.write(b"ff\r\nonly so much")
    handler.close_connection = True


def reset(handler: BaseHTTPRequestHandler) -> None:
    """No answer: the connection is reset."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.close_connection = True


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    """No answer: the connection is closed."""
    handler.close_connection = True


def reply_then_close(body: bytes) -> Step:
    """An answer that promises to keep the connection, and closes it."""

    def step(handler: BaseHTTPRequestHandler) -> None:
        reply(200, body, {"Connection": "keep-alive"})(handler)
        handler.close_connection = True

    return step


def hang(script: Script) -> Step:
    """No answer until the test is over."""

    def step(handler: BaseHTTPRequestHandler) -> None:
        script.released.wait(PATIENCE)
        handler.close_connection = True

    return step


def serve(script: Script, *, tls: Any = None) -> ThreadingHTTPServer:
    """Start a server for `script`; its address is in `script.url`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            step = script.take(self, body)
            with suppress(ConnectionError):
                step(self)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_XGET = answer  # noqa: N815 - the names http.server calls

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            pass

    server = Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    script.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, args=(0.005,), daemon=True).start()
    return server
