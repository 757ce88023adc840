"""One HTTP session for everything that goes to the platform: retried, counted, quiet about secrets.

The SDK takes a `requests.Session` of one's own; this one retries what the SDK lets fail (429, 5xx, time-outs, resets
and truncated bodies) with exponential back-off and full jitter, honours `Retry-After`, and counts every request by
endpoint. Back-off after "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015).
"""

from __future__ import annotations

import io
import random
import re
import threading
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
import urllib3.exceptions
from requests.adapters import HTTPAdapter
from requests.exceptions import (
    ChunkedEncodingError,
    ConnectionError,  # noqa: A004
    ContentDecodingError,
    RequestException,
    SSLError,
    Timeout,
)
from requests.utils import rewind_body

from picsellia_processing.errors import PlatformError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from requests import PreparedRequest, Response

RETRIED_STATUS = frozenset({429, 500, 502, 503, 504})
RETRIED_ERRORS = (ConnectionError, Timeout, ChunkedEncodingError, ContentDecodingError)
POOL_SIZE = 64
TIMEOUT = (30, 300)
"""Seconds to connect, and between two pieces of an answer, where a request says nothing."""
FILE_TIMEOUT = (10, 60)
"""The same for the files of a storage."""
PIECE = 1 << 17
SLOWEST = 1024
"""Bytes a second. A body that comes more slowly is given up, once it has taken what one piece of it may take."""

LARGEST = 1 << 30
"""Bytes of a body that is held in memory: what the largest picture takes as a file, at 16 bits."""

_ID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}|(?<=/)\d+(?=/|$)")
_BLOB = "GET <blob>"


class TooSlowError(ConnectionError):
    """An answer comes so slowly that it would take for ever."""


@dataclass(slots=True)
class RequestLog:
    """Counts of the requests that were sent, retries included, by `METHOD /path/{}`. Thread-safe."""

    by_endpoint: Counter[str] = field(default_factory=Counter)
    retries: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, method: str, url: str) -> None:
        """Count one request. Anything outside the platform's API is a file, counted as one endpoint."""
        path = urlsplit(url).path
        endpoint = f"{method} {_ID.sub('{}', path)}" if path.startswith("/api/") else _BLOB.replace("GET", method)
        with self._lock:
            self.by_endpoint[endpoint] += 1

    def add_retry(self) -> None:
        """Count one repeated attempt."""
        with self._lock:
            self.retries += 1

    @property
    def total(self) -> int:
        """How many requests were sent."""
        with self._lock:
            return self.by_endpoint.total()


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long a failing request is tried again: `attempts` in all, and no longer than `deadline` seconds.

    The n-th pause is drawn uniformly from 0 to `first_pause * 2**n`, at most `longest_pause` seconds; a server's
    `Retry-After` comes in its place when it is longer.
    """

    attempts: int = 8
    first_pause: float = 0.25
    longest_pause: float = 15.0
    deadline: float = 180.0
    longest_retry_after: float = 120.0


class PlatformSession(requests.Session):
    """A session that keeps trying, within `policy`, and then raises `PlatformError` naming the endpoint.

    `verify` is a path to a CA bundle, or True for the system's. Threads may share a session. `sleep` is called for
    every pause; returning early from it (a stop, a test) is allowed.
    """

    def __init__(
        self,
        *,
        policy: RetryPolicy | None = None,
        log: RequestLog | None = None,
        ca_bundle: str | None = None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        super().__init__()
        self.policy = policy or RetryPolicy()
        self.log = log or RequestLog()
        self.ca_bundle = ca_bundle
        self.pause = sleep
        self.auth = _leave_as_is
        self._once = False
        adapter = HTTPAdapter(pool_connections=POOL_SIZE, pool_maxsize=POOL_SIZE, max_retries=0)
        self.mount("https://", adapter)
        self.mount("http://", adapter)

    @contextmanager
    def once(self) -> Iterator[None]:
        """Within the block nothing is sent again that may have been done: only what a 429 has turned away is.

        Where it is not known whether it was done, `PlatformError` is raised. Other threads must not send meanwhile.
        """
        self._once = True
        try:
            yield
        finally:
            self._once = False

    def request(self, method: str, url: str, **options: Any) -> Response:  # type: ignore[override]  # options pass through
        """Send a request as `requests` does, with the CA bundle of this session, and never without a time-out.

        Raises:
            PlatformError: no attempt got an answer, or none can be had: a malformed URL, redirects in a circle.
        """
        if self.ca_bundle:
            options.setdefault("verify", self.ca_bundle)
        options["timeout"] = options.get("timeout") or TIMEOUT
        try:
            return super().request(method, url, **options)
        except (RequestException, urllib3.exceptions.HTTPError) as error:  # its message may hold a signed URL
            raise PlatformError(f"{method} {_without_secrets(str(url))}: {type(error).__name__}") from None

    def rebuild_auth(self, prepared_request: PreparedRequest, response: Response) -> None:
        """Keep the token on a redirect within the host, drop it on one that leaves, and never ask ~/.netrc."""
        leaves = self.should_strip_auth(str(response.request.url), str(prepared_request.url))  # type: ignore[no-untyped-call]
        if leaves:
            prepared_request.headers.pop("Authorization", None)

    def send(self, request: PreparedRequest, **options: Any) -> Response:
        """Send until there is an answer that is not worth another try.

        Raises:
            PlatformError: no attempt got an answer.
        """
        method, url = str(request.method), str(request.url)
        started = time.monotonic()
        attempt = 1
        while True:
            self.log.add(method, url)
            answer, cause = self._attempt(request, options)
            if answer is not None and answer.status_code not in RETRIED_STATUS:
                return answer
            if self._once and (answer is None or answer.status_code != HTTPStatus.TOO_MANY_REQUESTS):
                what = cause if answer is None else f"the platform answered {answer.status_code}"
                raise PlatformError(f"{method} {_without_secrets(url)}: {what}")
            pause = self._pause_after(attempt, answer)
            if attempt == self.policy.attempts or time.monotonic() - started + pause > self.policy.deadline:
                break
            self.log.add_retry()
            if answer is not None:
                answer.close()
            self.pause(pause)
            _rewind(request)
            attempt += 1
        if answer is not None:
            return answer
        raise PlatformError(f"{method} {_without_secrets(url)}: no answer after {attempt} attempts ({cause})")

    def _attempt(self, request: PreparedRequest, options: dict[str, Any]) -> tuple[Response | None, str]:
        try:
            answer = super().send(request, **{**options, "stream": True})
            if not options.get("stream") and not isinstance(answer.raw, io.BytesIO):  # of redirects: it has been read
                answer.raw = io.BytesIO(_whole(answer, options["timeout"]))
                answer.content  # noqa: B018 - requests keeps what it has read
        except SSLError as error:
            if "CERTIFICATE_VERIFY_FAILED" not in str(error):
                return None, _short(error)
            raise PlatformError(
                f"{_without_secrets(str(request.url))}: the certificate is not trusted ({_short(error)}); "
                "if your network uses a CA of its own, set PICSELLIA_CA_BUNDLE to the path of its certificate"
            ) from None
        except RETRIED_ERRORS as error:
            return None, _short(error)
        else:
            return answer, ""

    def _pause_after(self, attempt: int, answer: Response | None) -> float:
        drawn = random.uniform(0, min(self.policy.longest_pause, self.policy.first_pause * 2 ** (attempt - 1)))  # noqa: S311
        if answer is None:
            return drawn
        asked = retry_after(answer.headers.get("Retry-After"))
        return max(drawn, min(asked, self.policy.longest_retry_after))


def pieces(answer: Response, patience: float) -> Iterator[bytes]:
    """The body as it comes; in requests' own pieces of 10 KiB, fetching an image takes half as much CPU again.

    Raises one of `RETRIED_ERRORS` where it ends early, or would take for ever: after `patience` seconds it has to come
    at `SLOWEST` on average.
    """
    began, length = time.monotonic(), 0
    try:
        while piece := answer.raw.read1(PIECE, decode_content=True):
            if length and time.monotonic() - began > max(patience, length / SLOWEST):
                answer.close()
                raise TooSlowError
            length += len(piece)
            yield piece
    except urllib3.exceptions.ReadTimeoutError as error:
        raise ConnectionError(error) from error
    except urllib3.exceptions.DecodeError as error:
        raise ContentDecodingError(error) from error
    except urllib3.exceptions.SSLError as error:
        raise SSLError(error) from error
    except urllib3.exceptions.ProtocolError as error:
        raise ChunkedEncodingError(error) from error


def _whole(answer: Response, timeout: float | tuple[float, float]) -> bytes:
    """The body, at once.

    Raises:
        PlatformError: it is larger than `LARGEST`: it would take all the memory there is.
    """
    body, length = [], 0
    for piece in pieces(answer, timeout[1] if isinstance(timeout, tuple) else timeout):
        body.append(piece)
        length += len(piece)
        if length > LARGEST:
            answer.close()
            raise PlatformError(f"{_without_secrets(answer.url)}: too large, more than {LARGEST:,} bytes")
    return b"".join(body)


def retry_after(value: str | None) -> float:
    """Seconds a `Retry-After` header asks for: a number or an HTTP date; 0 when absent or unreadable."""
    if not value:
        return 0.0
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return 0.0


def is_expired(answer: Response) -> bool:
    """Whether a signed URL was refused, as storages do once it is too old: with 400 where its token is (S3, Google)."""
    return answer.status_code in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}


def _leave_as_is(request: PreparedRequest) -> PreparedRequest:
    """Stand in for `auth`, so that an entry in ~/.netrc never replaces the platform's token."""
    return request


def _rewind(request: PreparedRequest) -> None:
    body: Any = request.body  # also a file or an iterator, whatever the stubs say
    if body is not None and not isinstance(body, (bytes, str)):
        rewind_body(request)


def _without_secrets(url: str) -> str:
    """The URL without query and user, also when it is malformed."""
    return re.sub(r"(?<=//)[^/]*@", "", re.split(r"[?#]", url, maxsplit=1)[0])


def _short(error: Exception) -> str:
    reason = type(error).__name__
    cause = error.args[0] if error.args else error
    inner = getattr(cause, "reason", None)
    return f"{reason}: {inner}" if inner is not None and "?" not in str(inner) else reason
