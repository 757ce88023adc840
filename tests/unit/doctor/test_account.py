from __future__ import annotations

import socket

from picsellia_processing.doctor.account import platform_check
from picsellia_processing.doctor.check import Status
from picsellia_processing.platform.process import LocalPlatform


def test_a_platform_that_takes_the_token_and_one_that_does_not():
    with LocalPlatform() as platform:
        variables = {
            "api_token": platform.api_token,
            "host": platform.host,
            "organization_id": platform.organization_id,
        }
        accepted = platform_check(variables)
        refused = platform_check({**variables, "api_token": "geheim"})
    assert accepted.status == Status.OK
    assert platform.host in accepted.found
    assert platform.api_token not in repr(accepted)
    assert refused.status == Status.FAILED
    assert "geheim" not in repr(refused)
    assert "token" in refused.cure


def test_a_platform_that_does_not_answer():
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        host = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        check = platform_check({"api_token": "geheim", "host": host})
    assert check.status == Status.FAILED
    assert host in check.found
    assert "geheim" not in repr(check)


def test_without_a_token_all_that_is_missing_is_named():
    check = platform_check({"host": "nowhere", "organization_id": "me"})
    assert check.status == Status.FAILED
    assert "api_token is not set" in check.found
    assert "organization_id is not an id" in check.found
    assert "\n" not in check.found
