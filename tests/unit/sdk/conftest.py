from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from picsellia_processing.sdk.session import PlatformSession

from .scripted_server import Script, serve

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def script() -> Iterator[Script]:
    """The script of a server that runs."""
    script = Script()
    server = serve(script)
    yield script
    script.released.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def pauses() -> list[float]:
    """The pauses a session made, instead of making them."""
    return []


@pytest.fixture
def session(pauses: list[float]) -> Iterator[PlatformSession]:
    """A session that does not wait, and no proxy in between."""
    with PlatformSession(sleep=pauses.append) as session:
        session.trust_env = False
        yield session
