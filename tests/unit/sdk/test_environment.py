from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from picsellia_processing.errors import ExitCode, JobError, UsageError
from picsellia_processing.sdk.environment import DEFAULT_HOST, read_access, read_environment

if TYPE_CHECKING:
    from pathlib import Path

JOB = "11111111-1111-4111-8111-111111111111"
ORGANIZATION = "22222222-2222-4222-8222-222222222222"
GIVEN = {"api_token": "t0ken", "job_id": JOB}


def test_what_the_platform_gives() -> None:
    found = read_environment(
        {**GIVEN, "host": "https://my.platform", "organization_id": ORGANIZATION, "organization_name": "mine"}
    )
    assert (found.api_token, found.job_id, found.host) == ("t0ken", JOB, "https://my.platform")
    assert (found.organization_id, found.organization_name) == (ORGANIZATION, "mine")


def test_what_need_not_be_given() -> None:
    found = read_environment({**GIVEN, "host": "", "organization_id": " ", "organization_name": ""})
    assert found.host == DEFAULT_HOST
    assert found.organization_id is found.organization_name is found.ca_bundle is None


def test_white_space_around_a_value_is_not_part_of_it() -> None:
    found = read_environment({"api_token": "t0ken\n", "job_id": f" {JOB}\n", "host": " http://127.0.0.1:8 \n"})
    assert (found.api_token, found.job_id, found.host) == ("t0ken", JOB, "http://127.0.0.1:8")


def test_the_sdks_own_variable_stands_in_for_the_token() -> None:
    assert read_environment({"PICSELLIA_TOKEN": "other", "job_id": JOB}).api_token == "other"
    assert read_environment({"PICSELLIA_TOKEN": "other", **GIVEN}).api_token == "t0ken"


def test_all_mistakes_at_once(tmp_path: Path) -> None:
    missing = tmp_path / "ca.pem"
    with pytest.raises(JobError) as caught:
        read_environment(
            {
                "api_token": " ",
                "job_id": "seven",
                "organization_id": "mine",
                "host": "app.picsellia.com",
                "REQUESTS_CA_BUNDLE": str(missing),
            }
        )
    assert str(caught.value).splitlines() == [
        "there is no Job to run:",
        "  - api_token is not set: the token of a Picsellia account",
        "  - job_id is not an id: found 'seven', expected a UUID",
        "  - organization_id is not an id: found 'mine', expected a UUID",
        "  - host is not a URL: found 'app.picsellia.com', expected one such as https://app.picsellia.com",
        f"  - PICSELLIA_CA_BUNDLE (or REQUESTS_CA_BUNDLE): there is no file {missing}",
        "The platform sets these variables for a Job; to try a processing without one, use `pxp dry-run`.",
    ]
    assert caught.value.exit_code == ExitCode.USAGE


def test_nothing_set() -> None:
    with pytest.raises(JobError, match=r"(?s)api_token is not set.*job_id is not set.*pxp dry-run"):
        read_environment({})


@pytest.mark.parametrize("host", ["localhost:8000", "ftp://host", "http://", "http://[::1", "http://h:port", "//h"])
def test_a_host_that_is_no_url(host: str) -> None:
    with pytest.raises(JobError, match="host is not a URL"):
        read_environment({**GIVEN, "host": host})


def test_a_password_in_the_host_is_refused_and_not_repeated() -> None:
    with pytest.raises(UsageError, match="it takes no user and no password") as refused:
        read_access({**GIVEN, "host": "https://ann:geheim@my.platform"})
    assert "geheim" not in str(refused.value)


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("http://127.0.0.1:8000", True),
        ("http://localhost:8000/", True),
        ("http://LOCALHOST", True),
        ("http://[::1]:8000", True),
        ("https://app.picsellia.com", False),
        ("https://localhost.evil.example", False),
        ("https://127.0.0.1.evil.example", False),
    ],
)
def test_local(host: str, local: bool) -> None:
    assert read_environment({**GIVEN, "host": host}).is_local is local


def test_own_ca_bundle_wins(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours.pem", tmp_path / "theirs.pem"
    ours.touch()
    theirs.touch()
    both = {**GIVEN, "PICSELLIA_CA_BUNDLE": str(ours), "REQUESTS_CA_BUNDLE": str(theirs)}
    assert read_environment(both).ca_bundle == str(ours)
    assert read_environment({**both, "PICSELLIA_CA_BUNDLE": ""}).ca_bundle == str(theirs)


def test_the_token_is_not_shown() -> None:
    assert "t0ken" not in repr(read_environment(GIVEN))


def test_access_needs_no_job() -> None:
    found = read_access({**GIVEN, "organization_id": ORGANIZATION, "host": "https://my.platform"})
    assert (found.api_token, found.job_id, found.organization_id) == ("t0ken", "", ORGANIZATION)
    assert read_access({"PICSELLIA_TOKEN": "other"}).host == DEFAULT_HOST
    assert read_access({**GIVEN, "job_id": "seven"}).job_id == ""


def test_all_mistakes_of_access_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        read_access({"organization_id": "mine", "host": "app.picsellia.com"})
    lines = str(caught.value).splitlines()
    assert [line.split()[1] for line in lines[1:-1]] == ["api_token", "organization_id", "host"]
    assert "Set api_token" in lines[-1]
