from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from picsellia_processing.errors import PlatformError
from picsellia_processing.sdk.client import connect, session_of, translated
from picsellia_processing.sdk.environment import Environment
from picsellia_processing.sdk.session import PlatformSession, RequestLog, RetryPolicy

from .platform_script import JOB, ORGANIZATION, connection_routes
from .scripted_server import Script, reply

if TYPE_CHECKING:
    from collections.abc import Iterator

    from picsellia import Client

TOKEN = "s3cr3t-token"
QUICK = RetryPolicy(attempts=2, first_pause=0)


@pytest.fixture
def routes(script: Script) -> dict[str, Any]:
    script.routes |= connection_routes()
    return script.routes


@pytest.fixture
def sessions() -> Iterator[list[PlatformSession]]:
    opened: list[PlatformSession] = []
    yield opened
    for session in opened:
        session.close()


def environment(script: Script, **more: Any) -> Environment:
    return Environment(TOKEN, JOB, **{"host": script.url, "organization_id": ORGANIZATION, **more})


def connected(script: Script, sessions: list[PlatformSession], **more: Any) -> Client:
    client = connect(environment(script, **more), policy=QUICK)
    sessions.append(session_of(client))
    return client


def test_connecting_takes_two_requests_that_carry_the_token(
    script: Script, routes: dict[str, Any], sessions: list[PlatformSession], capfd: pytest.CaptureFixture[str]
) -> None:
    log = RequestLog()
    client = connect(environment(script), log=log, policy=QUICK)
    sessions.append(session_of(client))
    assert client.name == "mine"
    assert log.by_endpoint == {"GET /api/home/ping": 1, "GET /api/organization/{}": 1}
    assert {each.headers["Authorization"] for each in script.received} == {f"Bearer {TOKEN}"}
    assert capfd.readouterr() == ("", "")


def test_connecting_by_name(script: Script, routes: dict[str, Any], sessions: list[PlatformSession]) -> None:
    routes["/api/organizations/find"] = {"id": ORGANIZATION}
    assert connected(script, sessions, organization_id=None, organization_name="mine").name == "mine"
    assert script.of("/api/organizations/find")[0].path.endswith("?name=mine")


def test_connecting_rides_out_a_busy_platform(
    script: Script, routes: dict[str, Any], sessions: list[PlatformSession]
) -> None:
    script.then(reply(503))
    assert connected(script, sessions).name == "mine"


@pytest.mark.parametrize("proxy", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_no_proxy_comes_between_this_machine_and_itself(
    script: Script,
    routes: dict[str, Any],
    sessions: list[PlatformSession],
    monkeypatch: pytest.MonkeyPatch,
    proxy: str,
) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(proxy, "http://127.0.0.1:1")
    assert connected(script, sessions).name == "mine"


def test_a_proxy_is_used_for_a_platform_elsewhere(
    script: Script, routes: dict[str, Any], sessions: list[PlatformSession], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", script.url)
    script.routes |= {f"http://platform.invalid{path}": answer for path, answer in connection_routes().items()}
    assert connected(script, sessions, host="http://platform.invalid").name == "mine"


@pytest.mark.parametrize(
    "answer",
    [
        reply(401, {"message": "who are you?"}),
        reply(404),
        reply(200, b"<html>a login page</html>"),
        reply(200, []),
        reply(200, {"username": "me"}),
        reply(500, b"oops"),
    ],
    ids=range(6),
)
def test_a_platform_that_is_none_or_refuses(script: Script, routes: dict[str, Any], answer: Any) -> None:
    routes["/api/home/ping"] = answer
    with pytest.raises(PlatformError, match=rf"^connecting to {script.url}: ") as caught:
        connect(environment(script), policy=QUICK)
    assert TOKEN not in str(caught.value) + repr(caught.value)
    assert caught.value.exit_code == 3


def test_no_platform_at_all() -> None:
    with pytest.raises(PlatformError, match=r"connecting to http://127.0.0.1:1: .*no answer after 2 attempts"):
        connect(Environment(TOKEN, JOB, host="http://127.0.0.1:1"), policy=QUICK)


def test_an_organization_that_is_not_there(script: Script, routes: dict[str, Any]) -> None:
    del routes[f"/api/organization/{ORGANIZATION}"]
    with pytest.raises(PlatformError, match="nothing at /api/organization"):
        connect(environment(script), policy=QUICK)


def test_only_clients_made_here_have_our_session() -> None:
    import requests

    class Connection:
        session = requests.Session()

    class Client:
        connection = Connection()

    with pytest.raises(TypeError, match="was not made by"):
        session_of(Client())


@pytest.mark.parametrize(
    "error", [KeyError("items"), IndexError("0"), TypeError("list"), AttributeError("get"), ValueError("no JSON")]
)
def test_an_answer_the_sdk_cannot_read_is_named_as_such(error: Exception) -> None:
    named = pytest.raises(PlatformError, match=f"^listing things: unexpected answer: {type(error).__name__}")
    with named, translated("listing things"):
        raise error


def test_what_is_not_the_sdks_passes_through() -> None:
    with pytest.raises(ZeroDivisionError), translated("doing"):
        _ = 1 / 0
    with pytest.raises(PlatformError, match=r"^inner$"), translated("doing"):
        raise PlatformError("inner")
