"""What a container is told by its environment, read in one place."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from uuid import UUID

from picsellia_processing.errors import JobError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_HOST = "https://app.picsellia.com"


@dataclass(frozen=True, slots=True)
class Environment:
    """The platform's variables: `api_token`, `job_id`, and where to find the platform.

    `ca_bundle` is the path of a custom CA bundle (`PICSELLIA_CA_BUNDLE`, else `REQUESTS_CA_BUNDLE`).
    """

    api_token: str = field(repr=False)
    job_id: str
    host: str = DEFAULT_HOST
    organization_id: str | None = None
    organization_name: str | None = None
    ca_bundle: str | None = None

    @property
    def is_local(self) -> bool:
        """Whether the platform is on this machine, so that no proxy may come between."""
        return urlsplit(self.host).hostname in {"127.0.0.1", "localhost", "::1"}


def read_environment(variables: Mapping[str, str]) -> Environment:
    """Read the variables the platform gives a container.

    Raises:
        JobError: `api_token` or `job_id` is missing, an id, the host or the CA bundle is not one. All mistakes at once.
    """
    environment = _read(variables)
    mistakes = _mistakes(environment, needs_job=True)
    if mistakes:
        hint = "The platform sets these variables for a Job; to try a processing without one, use `pxp dry-run`."
        raise JobError(f"there is no Job to run:{_listed(mistakes)}\n{hint}")
    return environment


def read_access(variables: Mapping[str, str]) -> Environment:
    """Read the variables that say where the platform is and who asks. The `job_id` is empty.

    Raises:
        UsageError: `api_token` is missing, an id, the host or the CA bundle is not one. All mistakes at once.
    """
    environment = _read({**variables, "job_id": ""})
    mistakes = _mistakes(environment, needs_job=False)
    if mistakes:
        hint = "Set api_token (or PICSELLIA_TOKEN), and host and organization_id where they are not the usual ones."
        raise UsageError(f"the platform cannot be asked:{_listed(mistakes)}\n{hint}")
    return environment


def _read(variables: Mapping[str, str]) -> Environment:
    values = {name: value.strip() for name, value in variables.items()}
    return Environment(
        api_token=values.get("api_token") or values.get("PICSELLIA_TOKEN") or "",
        job_id=values.get("job_id") or "",
        host=values.get("host") or DEFAULT_HOST,
        organization_id=values.get("organization_id") or None,
        organization_name=values.get("organization_name") or None,
        ca_bundle=variables.get("PICSELLIA_CA_BUNDLE") or variables.get("REQUESTS_CA_BUNDLE") or None,
    )


def _mistakes(environment: Environment, *, needs_job: bool) -> list[str]:
    mistakes = []
    if not environment.api_token:
        mistakes.append("api_token is not set: the token of a Picsellia account")
    if needs_job and not environment.job_id:
        mistakes.append("job_id is not set: the id of the Job to run")
    for name, value in (("job_id", environment.job_id), ("organization_id", environment.organization_id)):
        if value and not is_uuid(value):
            mistakes.append(f"{name} is not an id: found {value!r}, expected a UUID")
    if "@" in environment.host:
        mistakes.append("host holds an @: it takes no user and no password, as it is shown; the token is api_token")
    elif not _is_url(environment.host):
        mistakes.append(f"host is not a URL: found {environment.host!r}, expected one such as {DEFAULT_HOST}")
    if environment.ca_bundle and not Path(environment.ca_bundle).exists():
        mistakes.append(f"PICSELLIA_CA_BUNDLE (or REQUESTS_CA_BUNDLE): there is no file {environment.ca_bundle}")
    return mistakes


def _listed(mistakes: list[str]) -> str:
    return "".join(f"\n  - {mistake}" for mistake in mistakes)


def is_uuid(value: str) -> bool:
    """Whether the platform could have given this id."""
    try:
        UUID(value)
    except ValueError:
        return False
    return True


def _is_url(value: str) -> bool:
    try:
        parts = urlsplit(value)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
