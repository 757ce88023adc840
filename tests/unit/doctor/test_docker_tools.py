from __future__ import annotations

import json

import pytest
from picsellia_processing.doctor.check import Status
from picsellia_processing.doctor.docker_tools import build_checks, login_check

CONFIGURATION = {
    "auths": {"registry.example": {"auth": "Z2VoZWlt"}, "https://index.docker.io/v1/": {}},
    "credHelpers": {"eu.gcr.io": "gcloud"},
}


@pytest.fixture
def logins(tmp_path, monkeypatch):
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    (tmp_path / "config.json").write_text(json.dumps(CONFIGURATION))


@pytest.mark.parametrize(
    "registry", ["registry.example/acme", "registry.example", "docker.io/acme", "eu.gcr.io/project"]
)
def test_a_login_is_found_where_docker_keeps_it(logins, registry):
    assert login_check(registry).status == Status.OK


def test_a_missing_login_has_its_cure(logins):
    check = login_check("registry.gitlab.com/acme")
    assert (check.status, check.cure) == (Status.FAILED, "docker login registry.gitlab.com")


def test_logins_are_listed_by_registry_alone(logins):
    check = login_check(None)
    assert check.found == "logins to eu.gcr.io, https://index.docker.io/v1/, registry.example"
    assert "Z2VoZWlt" not in repr(check)


@pytest.mark.parametrize("text", [None, "{}", '{"auths": null, "credHelpers": {}}'])
def test_without_a_configuration_there_is_no_login(tmp_path, monkeypatch, text):
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    if text:
        (tmp_path / "config.json").write_text(text)
    assert login_check(None).status == Status.WARNING
    assert login_check("registry.example").status == Status.FAILED


@pytest.mark.parametrize("text", ["no json", "[]", '{"auths": ["Z2VoZWlt"]}', '{"credHelpers": "Z2VoZWlt"}'])
def test_a_configuration_that_docker_cannot_read_is_told_and_not_shown(tmp_path, monkeypatch, text):
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    (tmp_path / "config.json").write_text(text)
    for registry in (None, "registry.example"):
        check = login_check(registry)
        assert check.status == Status.FAILED
        assert check.found == f"{tmp_path}/config.json cannot be read as Docker's configuration"


def test_without_docker_the_checks_say_so(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    checks = {check.name: check for check in build_checks()}
    assert checks["docker"].status == checks["buildx"].status == Status.FAILED
    assert "not installed" in checks["docker"].found
    assert checks["docker"].cure.startswith("https://")
