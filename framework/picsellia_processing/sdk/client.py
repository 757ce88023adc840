"""Connecting to the platform through the vendor's Client."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import orjson
import picsellia
import picsellia.exceptions
import requests

from picsellia_processing.errors import JobError, PlatformError
from picsellia_processing.sdk.session import PlatformSession, RequestLog, RetryPolicy
from picsellia_processing.task import RejectedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from picsellia.sdk.job import Job
    from picsellia.sdk.processing import Processing

    from picsellia_processing.sdk.environment import Environment


def connect(
    environment: Environment, *, log: RequestLog | None = None, policy: RetryPolicy | None = None
) -> picsellia.Client:
    """Connect to the platform, with a session that retries and counts into `log`.

    Raises:
        PlatformError: the platform cannot be reached, or refuses the token or the organization.
    """
    logging.getLogger("picsellia").setLevel(logging.WARNING)
    session = PlatformSession(log=log, policy=policy, ca_bundle=environment.ca_bundle)
    if environment.is_local:
        session.trust_env = False
    with translated(f"connecting to {environment.host}"):
        return picsellia.Client(
            api_token=environment.api_token,
            organization_id=environment.organization_id,
            organization_name=environment.organization_name,
            host=environment.host,
            session=session,
        )


def find_job(client: picsellia.Client, job_id: str) -> Job:
    """The Job of this id.

    Raises:
        JobError: there is no such Job in the organization.
        PlatformError: the platform cannot be reached.
    """
    try:
        with translated(f"looking up the Job {job_id}"):
            return client.get_job_by_id(job_id)
    except PlatformError as error:
        if isinstance(error.__cause__, picsellia.exceptions.ResourceNotFoundError):
            raise JobError(
                f"there is no Job {job_id} in the organization {client.name!r}: check job_id, organization_id and host"
            ) from error
        raise


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turn what the SDK raises inside the block into `PlatformError`, saying what was being done.

    An answer that is not what the SDK expects makes it raise a ValueError (a ValidationError, a JSONDecodeError), a
    TypeError, a LookupError or an AttributeError.
    """
    try:
        yield
    except picsellia.exceptions.PicselliaError as error:
        raise PlatformError(f"{doing}: {describe(error)}") from error
    except requests.HTTPError as error:  # its message may hold a signed URL
        raise PlatformError(f"{doing}: the platform answered {error.response.status_code}") from None
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise PlatformError(f"{doing}: unexpected answer: {type(error).__name__}: {describe(error)}") from error


def encoded(content: Any) -> bytes:
    """What is to be sent, as JSON.

    Raises:
        RejectedError: JSON cannot hold it: a text that is no Unicode, or a whole number of more than 64 bits.
    """
    try:
        return orjson.dumps(content)
    except TypeError as error:
        raise RejectedError(f"it cannot be sent: {error}") from error


def describe(error: BaseException) -> str:
    """The message of an SDK error in one line, without its class where it says nothing."""
    text = " ".join(str(error).split())
    return text or type(error).__name__


def session_of(client: picsellia.Client | Processing) -> PlatformSession:
    """The session this client, or what it has found, sends with. Only for clients made by `connect`."""
    session: Any = client.connection.session
    if not isinstance(session, PlatformSession):
        raise TypeError("this client was not made by picsellia_processing.sdk.client.connect")
    return session
