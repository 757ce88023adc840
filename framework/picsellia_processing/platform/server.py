"""Runs a platform in this process, on a loopback port, until a signal or the end of its parent."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import socket
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from picsellia_processing.errors import UsageError

try:
    import uvicorn
    from uvicorn.protocols.http.h11_impl import H11Protocol

    from .application import Application
    from .exchange import TRANSPORT
except ImportError as error:
    raise UsageError(
        f"the local platform needs the module {error.name!r}: pip install 'picsellia-processing[platform]'"
    ) from error

from .seed import seed
from .state import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.types import Receive, Scope, Send

    from .options import Options

HOST = "127.0.0.1"
KEEP_ALIVE_SECONDS = 600
LONGEST_HEAD = 1024 * 1024  # bytes: the SDK puts lists of ids and tags into URLs
LAST_REQUESTS_SECONDS = 1.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def serve(options: Options, announce: Callable[[dict[str, Any]], None]) -> None:
    """Serve until SIGINT or SIGTERM. `announce` gets host, token and what was seeded once connections are accepted.

    Raises UsageError when the port is taken, or the seed cannot be used.
    """
    with _listen(options.port) as listener:
        state = State.open(options)
        try:
            state.blobs.base_url = f"http://{HOST}:{listener.getsockname()[1]}"
            seeded = _seeded(state)
            ready = {
                "host": state.blobs.base_url,
                "api_token": options.token,
                "organization_id": state.organization.id,
                "data": str(options.data),
                **seeded,
            }
            server = _Server(_config(Application(state)), lambda: announce(ready))
            if options.exit_with_parent:
                server.stop_at_end_of_stdin()
            server.run(sockets=[listener])
        finally:
            state.store.close()


def _seeded(state: State) -> dict[str, Any]:
    options = state.options
    if options.seed is None and options.images is None and not options.model_files:
        return {"datalake_id": state.organization.datalake_id}
    from picsellia_processing.fixture import load_fixture  # noqa: PLC0415 - needed only to seed

    fixture = load_fixture(
        options.seed, images=options.images, model_files=dict(options.model_files), annotated=options.annotated
    )
    return seed(state, fixture)


def _listen(port: int) -> socket.socket:
    # With the protocol spelled out: asyncio sets TCP_NODELAY only then, and without it every reply takes 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        if error.errno not in {errno.EADDRINUSE, errno.EACCES}:
            raise
        raise UsageError(
            f"port {port} on {HOST} cannot be used: {error.strerror}; give another one, or 0 for any"
        ) from error
    return listener


def _config(application: Application) -> uvicorn.Config:
    # h11, because httptools refuses the vendor's XGET.
    return uvicorn.Config(
        application,
        http=_Protocol,
        ws="none",
        loop="asyncio",
        lifespan="off",
        interface="asgi3",
        access_log=False,
        log_level="warning",
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        h11_max_incomplete_event_size=LONGEST_HEAD,
        date_header=False,
    )


class _Protocol(H11Protocol):
    """Hands the connection to the application, which may have to cut it."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        application = self.app

        async def with_transport(scope: Scope, receive: Receive, send: Send) -> None:
            scope[TRANSPORT] = self.transport
            await application(scope, receive, send)

        self.app = with_transport


class _Server(uvicorn.Server):
    """A server that says when it is ready, and for which a signal is a clean and quick end.

    Uvicorn itself polls for its end, at a tenth of a second in each of its stages, and then dies of the signal.
    """

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready
        self._end = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def stop(self) -> None:
        """Begin the end, from whichever thread."""
        self.should_exit = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._end.set)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        self._ready()

    async def main_loop(self) -> None:
        await self._end.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for listener in (*self.servers, *(sockets or ())):
            listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        if self.server_state.tasks:
            await asyncio.wait(self.server_state.tasks, timeout=LAST_REQUESTS_SECONDS)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        former = {number: signal.signal(number, lambda *_: self.stop()) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)

    def stop_at_end_of_stdin(self) -> None:
        """End when the process that holds the other end of stdin has gone."""

        def wait() -> None:
            # Not sys.stdin: a thread that waits in its buffer delays the end of the interpreter.
            while os.read(sys.stdin.fileno(), 4096):
                pass
            self.stop()

        threading.Thread(target=wait, name="parent-watch", daemon=True).start()
