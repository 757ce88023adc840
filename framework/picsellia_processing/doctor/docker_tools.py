"""Whether images can be built and pushed from this machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field, ValidationError

from picsellia_processing.container import docker
from picsellia_processing.container.lint import HOW_TO_INSTALL, find_hadolint
from picsellia_processing.doctor.check import Check, failed, fine, warning
from picsellia_processing.errors import ImageError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

DOCKER_HUB = "https://index.docker.io/v1/"
"""What Docker writes for docker.io in its configuration."""


def build_checks() -> list[Check]:
    """Docker, its builder, and what reads Dockerfiles."""
    return [_version("docker", docker.daemon_version), _version("buildx", docker.buildx_version), _hadolint()]


def login_check(registry: str | None) -> Check:
    """Whether there is a login to a registry (to any, when None is named). What the login is, is not looked at."""
    try:
        logins = registry_logins()
    except UsageError as error:
        return failed("registry", str(error), "correct or remove it, and run docker login again")
    if registry is None:
        if not logins:
            return warning("registry", "Docker has no login to any registry", "docker login REGISTRY")
        return fine("registry", f"logins to {', '.join(sorted(logins))}")
    host = registry.partition("/")[0]
    if _names_of(host) & logins:
        return fine("registry", f"there is a login to {host}")
    return failed("registry", f"Docker has no login to {host}", f"docker login {host}")


def registry_logins() -> set[str]:
    """The registries that Docker's configuration has a login to. The logins themselves stay where they are.

    Raises:
        UsageError: there is a configuration, and it is none.
    """
    path = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker") / "config.json"
    try:
        configuration = _Configuration.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return set()
    except (OSError, ValidationError):  # what it says may hold a login
        raise UsageError(f"{path} cannot be read as Docker's configuration") from None
    return set(configuration.auths or {}) | set(configuration.cred_helpers or {})


class _Configuration(BaseModel):
    auths: dict[str, Any] | None = None
    cred_helpers: dict[str, Any] | None = Field(default=None, alias="credHelpers")


def _names_of(host: str) -> set[str]:
    return {host, f"https://{host}", *([DOCKER_HUB] if host in {"docker.io", "index.docker.io"} else [])}


def _version(name: str, ask: Callable[[], str]) -> Check:
    try:
        return fine(name, ask())
    except ImageError as error:
        return failed(name, error.found, error.cure)


def _hadolint() -> Check:
    program = find_hadolint()
    if program is None:
        return warning("hadolint", "not installed: Dockerfiles are built without being read first", HOW_TO_INSTALL)
    return fine("hadolint", program)
