from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from picsellia_processing.sdk.client import connect
from picsellia_processing.sdk.environment import Environment
from picsellia_processing.sdk.session import PlatformSession, RetryPolicy

from .platform_script import JOB, ORGANIZATION, connection_routes
from .scripted_server import Script, serve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from picsellia import Client


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


@pytest.fixture
def client(script: Script) -> Iterator[Client]:
    """The vendor's Client, connected to the scripted server, with few and quick retries."""
    script.routes |= connection_routes()
    environment = Environment("s3cr3t-token", JOB, host=script.url, organization_id=ORGANIZATION)
    client = connect(environment, policy=RetryPolicy(attempts=2, first_pause=0))
    script.received.clear()
    yield client
    client.connection.session.close()
