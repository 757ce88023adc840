from __future__ import annotations

import io
import ssl
import subprocess
import time
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from picsellia_processing.errors import PlatformError
from picsellia_processing.sdk import session as sdk_session
from picsellia_processing.sdk.session import (
    PlatformSession,
    RequestLog,
    RetryPolicy,
    TooSlowError,
    is_expired,
    pieces,
    retry_after,
)

from .scripted_server import (
    Script,
    broken_chunks,
    drip,
    hang,
    hang_up,
    reply,
    reply_then_close,
    reset,
    serve,
    truncated,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SECRET = "s3cr3t-signature"
OK = reply(200, b"done")


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_an_answer_worth_another_try_is_tried_again(script: Script, session: PlatformSession, status: int) -> None:
    script.then(reply(status), reply(status), OK)
    assert session.get(script.url + "/api/x").content == b"done"
    assert len(script.received) == 3
    assert session.log.by_endpoint == {"GET /api/x": 3}
    assert (session.log.total, session.log.retries) == (3, 2)


@pytest.mark.parametrize("status", [200, 204, 208, 301, 400, 401, 403, 404, 409, 413, 422, 501])
def test_any_other_answer_is_final(script: Script, session: PlatformSession, status: int) -> None:
    script.then(reply(status), OK)
    assert session.get(script.url + "/api/x").status_code == status
    assert len(script.received) == 1


@pytest.mark.parametrize(
    "fault", [reset, hang_up, truncated(b"x" * 100, 1), truncated(b"x" * 100, 100), broken_chunks], ids=range(5)
)
def test_a_connection_that_breaks_is_tried_again(
    script: Script, session: PlatformSession, fault: Callable[..., None]
) -> None:
    script.then(fault, fault, OK)
    assert session.get(script.url + "/api/x").content == b"done"
    assert len(script.received) == 3


@pytest.mark.parametrize("fault", [reset, hang_up, truncated(b"x" * 100, 1), reply(502), reply(503)], ids=range(5))
def test_what_may_be_done_only_once_is_not_tried_again(
    script: Script, session: PlatformSession, fault: Callable[..., None]
) -> None:
    script.then(reply(429), fault, OK)
    with session.once(), pytest.raises(PlatformError, match=r"POST http.*/api/x: "):
        session.post(script.url + "/api/x?" + SECRET)
    assert len(script.received) == 2
    assert session.get(script.url + "/api/x").content == b"done"


def test_an_answer_that_does_not_come_is_tried_again(script: Script, session: PlatformSession) -> None:
    script.then(hang(script), OK)
    assert session.get(script.url + "/api/x", timeout=0.1).content == b"done"


def test_an_answer_that_stops_half_way_is_tried_again(script: Script, session: PlatformSession) -> None:
    def stalls(handler: object) -> None:
        truncated(b"x" * 100, 50)(handler)
        hang(script)(handler)

    script.then(stalls, OK)
    assert session.get(script.url + "/api/x", timeout=0.2).content == b"done"


def test_an_answer_that_comes_byte_by_byte_is_tried_again(script: Script, session: PlatformSession) -> None:
    script.then(drip(script), *[OK] * 7)
    assert session.get(script.url + "/api/x", timeout=(10, 0.5)).content == b"done"
    assert session.log.retries >= 1


def test_an_answer_that_never_ends_says_so(script: Script, session: PlatformSession) -> None:
    session.policy = RetryPolicy(attempts=1)
    script.then(drip(script))
    with pytest.raises(PlatformError, match=r"no answer after 1 attempts \(TooSlowError\)"):
        session.get(script.url + "/api/x", timeout=(10, 1))


@pytest.mark.parametrize(("slowest", "enough"), [(1e-6, True), (1e6, False)])
def test_how_slow_is_too_slow(
    script: Script, session: PlatformSession, monkeypatch: pytest.MonkeyPatch, slowest: float, enough: bool
) -> None:
    def bit_by_bit(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "30")
        handler.end_headers()
        for _ in range(30):
            handler.wfile.write(b"x")
            handler.wfile.flush()
            script.released.wait(0.01)

    monkeypatch.setattr(sdk_session, "SLOWEST", slowest)
    script.then(bit_by_bit)
    with session.get(script.url + "/api/x", stream=True) as answer:
        if enough:
            assert b"".join(pieces(answer, 0)) == b"x" * 30
        else:
            with pytest.raises(TooSlowError):
                list(pieces(answer, 0))


def test_an_answer_larger_than_memory_is_given_up(
    script: Script, session: PlatformSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sdk_session, "LARGEST", 100)
    script.then(reply(200, b"x" * 100), reply(200, b"x" * 101))
    assert len(session.get(script.url + "/blob/a").content) == 100
    with pytest.raises(PlatformError, match=r"/blob/a: too large, more than 100 bytes$"):
        session.get(script.url + "/blob/a?sig=secret")
    assert session.log.retries == 0


def test_a_request_without_time_out_gets_one(script: Script, session: PlatformSession, monkeypatch) -> None:
    given: list[object] = []
    adapter = session.get_adapter(script.url)
    send = adapter.send

    def spy(request: object, **options: object) -> object:
        given.append(options["timeout"])
        return send(request, **options)

    monkeypatch.setattr(adapter, "send", spy)
    script.then(OK, OK)
    session.get(script.url + "/api/x")
    session.get(script.url + "/api/x", timeout=7)
    assert given[0] is not None
    assert given[1] == 7


def test_a_connection_that_the_server_closed_is_replaced(script: Script, session: PlatformSession) -> None:
    script.then(*[reply_then_close(b"%d" % number) for number in range(5)])
    assert [session.get(script.url + "/api/x").content for _ in range(5)] == [b"0", b"1", b"2", b"3", b"4"]
    assert len({each.connection for each in script.received}) == 5


def test_a_connection_is_kept(script: Script, session: PlatformSession) -> None:
    script.then(*[reply(503)] * 3, *[OK] * 5)
    for _ in range(5):
        session.get(script.url + "/api/x")
    assert len({each.connection for each in script.received}) == 1


def test_the_last_answer_is_given_when_no_attempt_is_left(
    script: Script, session: PlatformSession, pauses: list[float]
) -> None:
    script.then(*[reply(503, {"message": "busy"})] * 20)
    answer = session.get(script.url + "/api/x")
    assert (answer.status_code, answer.json()) == (503, {"message": "busy"})
    assert len(script.received) == 8
    assert len(pauses) == 7


def test_without_any_answer_the_endpoint_is_named(script: Script, session: PlatformSession) -> None:
    script.then(*[reset] * 20)
    with pytest.raises(PlatformError, match=r"^GET http://127.0.0.1:\d+/api/x: no answer after 8 attempts") as caught:
        session.get(script.url + "/api/x")
    assert caught.value.exit_code == 3


def test_pauses_stay_within_their_bounds(script: Script, session: PlatformSession, pauses: list[float]) -> None:
    session.policy = RetryPolicy(attempts=12, first_pause=1, longest_pause=20, deadline=1000)
    script.then(*[reply(500)] * 12 * 20)
    for _ in range(20):
        session.get(script.url + "/api/x")
    for attempt in range(11):
        drawn = pauses[attempt::11]
        assert 0 <= min(drawn) <= max(drawn) <= min(20, 2**attempt)
        assert len(set(drawn)) > 1


@pytest.mark.parametrize(("given", "expected"), [("7", 7), ("0.5", None), ("1000", 120), ("soon", None), ("", None)])
def test_retry_after_in_seconds(
    script: Script, session: PlatformSession, pauses: list[float], given: str, expected: float | None
) -> None:
    script.then(reply(429, headers={"Retry-After": given}), OK)
    session.get(script.url + "/api/x")
    if expected is None:
        assert pauses[0] <= 0.5
    else:
        assert pauses == [expected]


def test_retry_after_as_a_date(script: Script, session: PlatformSession, pauses: list[float]) -> None:
    script.then(reply(503, headers={"Retry-After": formatdate(time.time() + 100, usegmt=True)}), OK)
    session.get(script.url + "/api/x")
    assert 50 < pauses[0] <= 100


@given(st.text() | st.floats().map(str) | st.datetimes().map(lambda when: when.strftime("%a, %d %b %Y %H:%M:%S GMT")))
def test_any_retry_after_is_a_pause(value: str) -> None:
    assert retry_after(value) >= 0


def test_retry_after_that_goes_beyond_the_deadline_is_not_waited_for(
    script: Script, session: PlatformSession, pauses: list[float]
) -> None:
    session.policy = RetryPolicy(deadline=60)
    script.then(reply(429, headers={"Retry-After": "61"}), OK)
    assert session.get(script.url + "/api/x").status_code == 429
    assert pauses == []


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "XGET", "DELETE"])
def test_a_body_is_sent_again_whole(script: Script, session: PlatformSession, method: str) -> None:
    body = b"\0payload" * 20_000
    script.then(reply(503), reset, truncated(b"lost", 2), reply(201))
    assert session.request(method, script.url + "/api/x", data=body).status_code == 201
    assert [(each.method, each.body) for each in script.received] == [(method, body)] * 4


def test_a_file_is_sent_again_from_where_it_stood(script: Script, session: PlatformSession) -> None:
    script.then(reply(503), reset, reply(201))
    body = io.BytesIO(b"head|tail" * 10_000)
    body.seek(5)
    assert session.put(script.url + "/blob", data=body).status_code == 201
    assert {each.body for each in script.received} == {body.getvalue()[5:]}


def test_a_form_with_a_file_is_sent_again_whole(script: Script, session: PlatformSession) -> None:
    script.then(reply(503), reply(503), reply(201))
    session.post(script.url + "/form", data={"key": "v"}, files={"file": ("n", io.BytesIO(b"content" * 1000))})
    assert len({each.body for each in script.received}) == 1
    assert b"content" * 1000 in script.received[-1].body


def test_a_body_that_cannot_be_sent_twice_is_not_sent_short(script: Script, session: PlatformSession) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"once"

    script.then(reply(503), reply(201))
    with pytest.raises(PlatformError, match="PUT"):
        session.put(script.url + "/blob", data=pieces())
    assert len(script.received) == 1


def test_netrc_never_replaces_the_token(
    script: Script, session: PlatformSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password else\nmachine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("NO_PROXY", "*")
    session.trust_env = True
    script.then(OK, reply(307, headers={"Location": "/api/there"}), OK)
    for _ in range(2):
        session.get(script.url + "/api/x", headers={"Authorization": "Bearer token"})
    assert {each.headers.get("Authorization") for each in script.received} == {"Bearer token"}
    assert len(script.received) == 3


def test_the_token_does_not_follow_to_another_host(script: Script, session: PlatformSession) -> None:
    elsewhere = Script()
    server = serve(elsewhere.then(OK))
    try:
        script.then(reply(302, headers={"Location": elsewhere.url.replace("127.0.0.1", "localhost") + "/x"}))
        session.get(script.url + "/api/x", headers={"Authorization": "Bearer token"})
    finally:
        server.shutdown()
        server.server_close()
    assert "Authorization" not in elsewhere.received[0].headers


UNREACHABLE = {
    "refused": "http://127.0.0.1:1/blob",
    "no-scheme": "127.0.0.1/blob",
    "other-scheme": "s3://bucket/blob",
    "no-host": "http:///blob",
    "bad-port": "http://127.0.0.1:99999/blob",
    "bad-ipv6": "http://[::1/blob",
    "long-label": f"http://{'a' * 70}.invalid/blob",
    "empty-label": "http://a..invalid/blob",
    "nothing": "",
    "space": "http://exa mple/blob",
    "user-info": "http://user:s3cr3t-signature@127.0.0.1:1/blob",
}


@pytest.mark.parametrize("url", UNREACHABLE.values(), ids=UNREACHABLE)
def test_a_url_that_leads_nowhere_is_a_platform_error_without_its_query(session: PlatformSession, url: str) -> None:
    session.policy = RetryPolicy(attempts=2)
    with pytest.raises(PlatformError) as caught:
        session.get(f"{url}?sig={SECRET}", headers={"Authorization": f"Bearer {SECRET}"}, timeout=5)
    shown: BaseException | None = caught.value
    while shown is not None:
        assert SECRET not in str(shown) + repr(shown)
        shown = shown.__cause__ or (None if shown.__suppress_context__ else shown.__context__)


@pytest.mark.parametrize("fault", [reset, hang_up, truncated(b"x" * 10, 5), broken_chunks], ids=range(4))
def test_no_error_shows_token_or_signature(
    script: Script, session: PlatformSession, fault: Callable[..., None]
) -> None:
    script.then(*[fault] * 8)
    with pytest.raises(PlatformError) as caught:
        session.get(f"{script.url}/blob/a.jpg?X-Signature={SECRET}", headers={"Authorization": f"Bearer {SECRET}"})
    assert SECRET not in str(caught.value) + repr(caught.value)
    assert caught.value.__cause__ is None
    assert "/blob/a.jpg" in str(caught.value)
    assert SECRET not in repr(session) + repr(session.log) + repr(session.log.by_endpoint)


def test_redirects_in_a_circle_are_a_platform_error(script: Script, session: PlatformSession) -> None:
    script.routes["/api/x"] = reply(302, headers={"Location": f"/api/x?sig={SECRET}"})
    with pytest.raises(PlatformError, match="TooManyRedirects") as caught:
        session.get(script.url + "/api/x")
    assert SECRET not in str(caught.value)


def test_requests_are_counted_by_endpoint(script: Script, session: PlatformSession) -> None:
    script.then(*[OK] * 7)
    one, two = "00000000-0000-4000-8000-000000000001", "AAAAAAAA-0000-4000-8000-00000000000F"
    session.get(f"{script.url}/api/asset/{one}/annotations?limit=1")
    session.get(f"{script.url}/api/asset/{two}/annotations")
    session.post(f"{script.url}/api/v2/job/{one}/logging")
    session.get(f"{script.url}/api/dataset/17")
    session.get(f"{script.url}/blob/{one}.jpg?sig={SECRET}")
    session.get(f"{script.url}/blob/api/b.jpg")
    session.put(f"{script.url}/blob/b.jpg")
    assert session.log.by_endpoint == {
        "GET /api/asset/{}/annotations": 2,
        "POST /api/v2/job/{}/logging": 1,
        "GET /api/dataset/{}": 1,
        "GET <blob>": 2,
        "PUT <blob>": 1,
    }
    assert session.log.total == 7


def test_counts_add_up_over_threads() -> None:
    from concurrent.futures import ThreadPoolExecutor

    log = RequestLog()

    def count(number: int) -> None:
        for each in range(500):
            log.add("GET", f"http://host/api/{number}x/{each}x")
            assert log.total > 0

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count, range(8)))
    assert log.total == 4000


@pytest.mark.parametrize(("status", "expected"), [(400, True), (401, True), (403, True), (404, False), (500, False)])
def test_expired(script: Script, session: PlatformSession, status: int, expected: bool) -> None:
    session.policy = RetryPolicy(attempts=1)
    script.then(reply(status))
    assert is_expired(session.get(script.url)) is expected


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A throw-away certificate for 127.0.0.1, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    )
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command.split(), *files], check=True, capture_output=True)
    return certificate, key


@pytest.fixture
def tls_script(certificate: tuple[Path, Path]) -> Iterator[Script]:
    """The script of a server with a certificate that nobody knows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    script = Script()
    server = serve(script, tls=context)
    yield script
    server.shutdown()
    server.server_close()


def test_a_ca_bundle_is_trusted(
    tls_script: Script, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/else.pem")
    monkeypatch.setenv("NO_PROXY", "*")
    with PlatformSession(ca_bundle=str(certificate[0])) as session:
        tls_script.then(OK, reply(302, headers={"Location": "/api/there"}), OK)
        assert session.get(tls_script.url + "/api/x").content == b"done"
        assert session.get(tls_script.url + "/api/x").content == b"done"


def test_an_unknown_certificate_is_refused_at_once_and_says_what_to_do(
    tls_script: Script, session: PlatformSession, pauses: list[float]
) -> None:
    with pytest.raises(PlatformError, match=r"certificate is not trusted.*PICSELLIA_CA_BUNDLE") as caught:
        session.get(f"{tls_script.url}/api/x?sig={SECRET}")
    assert pauses == []
    assert tls_script.received == []
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_tls_handshake_that_breaks_is_tried_again(session: PlatformSession, script: Script) -> None:
    with pytest.raises(PlatformError, match="after 8 attempts"):
        session.get(script.url.replace("http", "https"))
