"""What a container is told by its environment, read in one place."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from uuid import UUID

from picsellia_processing.errors import JobError

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
    token = variables.get("api_token", "").strip() or variables.get("PICSELLIA_TOKEN", "").strip()
    job_id = variables.get("job_id", "").strip()
    organization_id = variables.get("organization_id", "").strip()
    host = variables.get("host", "").strip() or DEFAULT_HOST
    ca_bundle = variables.get("PICSELLIA_CA_BUNDLE") or variables.get("REQUESTS_CA_BUNDLE") or None
    mistakes = []
    if not token:
        mistakes.append("api_token is not set: the token of a Picsellia account")
    if not job_id:
        mistakes.append("job_id is not set: the id of the Job to run")
    for name, value in (("job_id", job_id), ("organization_id", organization_id)):
        if value and not is_uuid(value):
            mistakes.append(f"{name} is not an id: found {value!r}, expected a UUID")
    if not _is_url(host):
        mistakes.append(f"host is not a URL: found {host!r}, expected one such as {DEFAULT_HOST}")
    if ca_bundle and not Path(ca_bundle).exists():
        mistakes.append(f"PICSELLIA_CA_BUNDLE (or REQUESTS_CA_BUNDLE): there is no file {ca_bundle}")
    if mistakes:
        listed = "".join(f"\n  - {mistake}" for mistake in mistakes)
        hint = "The platform sets these variables for a Job; to try a processing without one, use `pxp dry-run`."
        raise JobError(f"there is no Job to run:{listed}\n{hint}")
    return Environment(
        api_token=token,
        job_id=job_id,
        host=host,
        organization_id=organization_id or None,
        organization_name=variables.get("organization_name", "").strip() or None,
        ca_bundle=ca_bundle,
    )


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
