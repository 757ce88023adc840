"""Whether the platform can be reached, and takes the token."""

from __future__ import annotations

from typing import TYPE_CHECKING

from picsellia_processing.doctor.check import Check, failed, fine
from picsellia_processing.errors import PlatformError, UsageError
from picsellia_processing.sdk.client import connect
from picsellia_processing.sdk.environment import read_access
from picsellia_processing.sdk.session import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Mapping

SOON = RetryPolicy(attempts=2, deadline=15)


def platform_check(variables: Mapping[str, str]) -> Check:
    """Whether the platform these variables name answers, and takes their token, which is never part of the answer."""
    try:
        environment = read_access(variables)
    except UsageError as error:
        mistakes = [line.removeprefix("  - ") for line in str(error).splitlines() if line.startswith("  - ")]
        return failed("platform", "; ".join(mistakes), "export api_token=... host=... organization_id=...")
    try:
        client = connect(environment, policy=SOON)
    except PlatformError as error:
        return failed("platform", str(error), "check host, organization_id, the network, and that the token is valid")
    return fine("platform", f"{environment.host} takes the token; organization {client.name}")
