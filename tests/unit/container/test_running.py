"""What Docker is told about the container of a Job; that it does so is tested with an engine, in tests/images."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest
from picsellia_processing.cli.containers import LocalContainers

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "not-for-a-list-of-processes"
IMAGE = "registry.example/boxes:1.0@sha256:" + "0" * 64
JOB = {
    "id": "7", "docker_image": "registry.example/boxes", "docker_tag": "1.0@sha256:" + "0" * 64,
    "docker_flags": ["--shm-size=2g", "--cpus=1"], "cpu": 64, "gpu": 2,
}  # fmt: skip
RECORDER = """#!{python}
import json, os, sys
with open({told!r}, "a") as file:
    print(json.dumps([sys.argv[1:], os.environ.get("api_token"), os.environ.get("job_id")]), file=file)
print({{"info": "4", "image": "sha256:1"}}.get(sys.argv[1], ""), end="")
"""


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file where a program named docker leaves what it is told: words, api_token, job_id."""
    told = tmp_path / "told"
    program = tmp_path / "bin" / "docker"
    program.parent.mkdir()
    program.write_text(RECORDER.format(python=sys.executable, told=str(told)))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    return told


def run_a_job(tmp_path: Path) -> None:
    access = {"host": "http://127.0.0.1:1", "api_token": SECRET, "organization_id": "1"}
    with LocalContainers(platform=access, lock=tmp_path / "runner.lock") as containers:
        container = containers(JOB)
        while container.poll() is None:
            pass


def test_values_of_the_environment_are_in_no_command(told: Path, tmp_path: Path) -> None:
    run_a_job(tmp_path)
    calls = [json.loads(line) for line in told.read_text().splitlines()]
    assert not any(SECRET in word for words, *_ in calls for word in words)
    (run,) = [call for call in calls if call[0][0] == "run"]
    assert run[1:] == [SECRET, "7"]
    assert [word for word in run[0] if word.startswith("--env")] == [
        "--env=host", "--env=api_token", "--env=organization_id", "--env=job_id",
    ]  # fmt: skip


def test_registered_flags_have_the_last_word(told: Path, tmp_path: Path) -> None:
    run_a_job(tmp_path)
    (words,) = [words for words, *_ in map(json.loads, told.read_text().splitlines()) if words[0] == "run"]
    assert words[-3:] == ["--shm-size=2g", "--cpus=1", IMAGE]
    assert {"--cpus=4", "--gpus=2", "--read-only", "--network=host", "--pull=never"} < set(words)
