from __future__ import annotations

import json

import pytest
from picsellia_processing.cli import main


@pytest.fixture(autouse=True)
def bare(tmp_path, monkeypatch):
    """A machine without GPU, Docker and token."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    for name in ("api_token", "PICSELLIA_TOKEN"):
        monkeypatch.delenv(name, raising=False)


def checks(capsys, *words: str) -> tuple[int, dict[str, dict]]:
    code = main(["doctor", "--json", *words])
    return code, {check["name"]: check for check in json.loads(capsys.readouterr().out)}


def test_what_a_dry_run_needs_is_here(capsys):
    code, found = checks(capsys, "--for", "dry-run")
    assert code == 0
    assert {"python", "picsellia-processing", "gpu"} <= set(found)
    assert not {"docker", "platform"} & set(found)


@pytest.mark.parametrize(("purpose", "missing"), [("build", "docker"), ("push", "docker"), ("deploy", "platform")])
def test_what_is_needed_and_missing_ends_with_one_and_has_a_cure(capsys, purpose, missing):
    code, found = checks(capsys, "--for", purpose)
    assert code == 1
    assert found[missing]["status"] == "failed"
    assert found[missing]["cure"]


def test_everything_is_looked_at_unless_a_purpose_is_named(capsys):
    code, found = checks(capsys, "--registry", "registry.example/acme")
    assert code == 1
    assert {"python", "gpu", "docker", "buildx", "hadolint", "registry", "platform"} <= set(found)
    assert found["registry"]["cure"] == "docker login registry.example"


def test_a_target_has_its_requirements_looked_at(capsys, tmp_path):
    (tmp_path / "processing.py").write_text("")
    (tmp_path / "requirements.txt").write_text("numpy>=1\nno-such-package-anywhere\n")
    code, found = checks(capsys, str(tmp_path), "--for", "dry-run")
    assert code == 1
    assert "no-such-package-anywhere is missing" in found["requirements.txt"]["found"]
    assert main(["doctor", str(tmp_path / "nowhere")]) == 2


def test_a_python_that_a_target_does_not_ask_for_is_told(capsys, tmp_path):
    (tmp_path / "processing.py").write_text("")
    (tmp_path / "pyproject.toml").write_text('[project]\nrequires-python = ">=3.11,<3.11.1"\n')
    code, found = checks(capsys, str(tmp_path), "--for", "dry-run")
    assert code == 1
    assert "pyproject.toml asks for >=3.11,<3.11.1" in found["python"]["found"]


def test_a_project_that_cannot_be_read_is_one_check_of_many(capsys, tmp_path):
    (tmp_path / "processing.py").write_text("")
    (tmp_path / "pyproject.toml").write_text("[tool.pxp]\ncpus = 3\n")
    code, found = checks(capsys, str(tmp_path), "--for", "dry-run")
    assert code == 1
    assert "tool.pxp.cpus" in found["pyproject.toml"]["found"]
    assert {"picsellia-processing", "requirements.txt", "gpu"} < set(found)


def test_a_password_in_a_registry_is_refused_and_not_repeated(capsys):
    assert main(["doctor", "--registry", "ann:geheim@registry.example"]) == 2
    assert "geheim" not in "".join(capsys.readouterr())


def test_the_table_names_each_check_and_its_cure(capsys):
    assert main(["doctor", "--for", "deploy"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("ok  python ")
    assert any(line.startswith("!!  platform ") and "api_token is not set" in line for line in lines)
    assert lines[-1].strip().startswith("cure: export api_token=")
