"""From deploy to the end of a Job, offline: `pxp platform --runner` runs what is launched, and ends what is killed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
import requests
from picsellia_processing.cli import runner as runner_module
from picsellia_processing.cli.runner import LocalProcesses, Runner, targets_by_name
from picsellia_processing.errors import UsageError
from picsellia_processing.platform.process import LocalPlatform
from PIL import Image

from tests.runs.rig import Rig

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

SECONDS = 300
"""After so many, on however busy a machine, something hangs."""

IMAGE = "registry.example/p:1.0@sha256:" + "0" * 64
PXP = (sys.executable, "-m", "picsellia_processing")
BOXES = """
import time
from picsellia_processing import AnnotationParameters, Image, Rectangle, pre_annotation

class P(AnnotationParameters):
    fail: bool = False
    seconds: float = 0

@pre_annotation(labels=["thing"])
def boxes(image: Image, parameters: P) -> list[Rectangle]:
    time.sleep(parameters.seconds)
    if parameters.fail:
        raise RuntimeError("on purpose")
    return [Rectangle("thing", 0, 0, 5, 5)]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A processing folder and, in its fixture, four images."""
    folder = tmp_path / "boxes"
    images = folder / "fixture" / "images"
    images.mkdir(parents=True)
    (folder / "processing.py").write_text(BOXES)
    for number in range(4):
        Image.new("RGB", (32, 24), (number * 40, 0, 0)).save(images / f"{number}.png")
    (folder / "fixture" / "fixture.toml").write_text(
        'task = "pre_annotation"\n[dataset_version]\nname = "things"\nversion = "v1"\ntype = "OBJECT_DETECTION"\n'
        'labels = ["thing"]\nimages = "images"\n'
    )
    return folder


@pytest.fixture
def running(folder: Path, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """`pxp platform --runner`, and what it said when it was ready."""
    words = ("platform", "--json", "--seed", str(folder / "fixture"), "--runner", str(folder))
    with (
        (tmp_path / "runner.log").open("w") as log,
        subprocess.Popen([*PXP, *words], stdout=subprocess.PIPE, stderr=log, text=True) as process,
    ):
        yield process, json.loads(process.stdout.readline())
        process.kill()


def pxp(ready: Mapping[str, Any], *words: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "host": ready["host"], "api_token": ready["api_token"]}
    return subprocess.run([*PXP, *words], env=environ, capture_output=True, text=True, check=False, timeout=SECONDS)


def press(ready: Mapping[str, Any], job_id: str, button: str) -> requests.Response:
    headers = {"Authorization": f"Bearer {ready['api_token']}"}
    return requests.post(f"{ready['host']}/_platform/jobs/{job_id}/{button}", headers=headers, timeout=10)


def jobs(ready: Mapping[str, Any]) -> list[dict[str, Any]]:
    headers = {"Authorization": f"Bearer {ready['api_token']}"}
    return requests.get(f"{ready['host']}/_platform/jobs", headers=headers, timeout=10).json()["items"]


def wait_for(ready: Mapping[str, Any], job_id: str, *statuses: str) -> dict[str, Any]:
    while True:
        (job,) = [each for each in jobs(ready) if each["id"] == job_id]
        if job["status"] in statuses and (job["status"] == "RUNNING" or not job["held"]):
            return job
        time.sleep(0.05)


@pytest.mark.slow
def test_deploy_launch_fail_kill_and_run_again(
    running: tuple[subprocess.Popen[str], dict[str, Any]], folder: Path, tmp_path: Path
) -> None:
    process, ready = running
    assert pxp(ready, "deploy", str(folder), "--image", IMAGE, "--yes").returncode == 0

    failed = pxp(ready, "launch", str(folder), "--on", "things/v1", "--parameter", "fail=true", "--wait")
    assert failed.returncode == 1, failed.stdout + failed.stderr
    assert "on purpose" in failed.stdout  # its log is shown
    assert failed.stdout.rstrip().endswith("FAILED.")

    succeeded = pxp(ready, "launch", "boxes", "--on", "things/v1", "--wait")
    assert succeeded.returncode == 0, succeeded.stdout + succeeded.stderr
    assert "4/4 assets" in succeeded.stdout
    assert ready["api_token"] not in failed.stdout + failed.stderr + succeeded.stdout

    slow = pxp(ready, "launch", "boxes", "--on", "things/v1", "--parameter", "existing=replace",
               "--parameter", "seconds=0.5", "--json")  # fmt: skip
    job_id = json.loads(slow.stdout)["id"]
    wait_for(ready, job_id, "RUNNING")
    assert press(ready, job_id, "run-again").status_code == 409
    assert press(ready, job_id, "kill").json() == {"status": "KILLED"}
    assert wait_for(ready, job_id, "KILLED")["held"] is False  # its process has ended

    assert press(ready, job_id, "run-again").json() == {"status": "PENDING"}
    wait_for(ready, job_id, "RUNNING")

    process.send_signal(signal.SIGTERM)  # what runs is ended first, while there is a platform to tell
    assert process.wait(SECONDS) == 0
    log = (tmp_path / "runner.log").read_text()
    assert re.findall(r"^Job \S+: (\w+), exit code \S+$", log, re.MULTILINE) == [
        "FAILED", "SUCCEEDED", "KILLED", "FAILED",
    ]  # fmt: skip


def test_waiting_ends_with_a_killed_job(running: tuple[subprocess.Popen[str], dict[str, Any]], folder: Path) -> None:
    _, ready = running
    assert pxp(ready, "deploy", str(folder), "--image", IMAGE, "--yes").returncode == 0
    environ = {**os.environ, "host": ready["host"], "api_token": ready["api_token"]}
    words = ("launch", "boxes", "--on", "things/v1", "--parameter", "seconds=30", "--wait")
    with subprocess.Popen([*PXP, *words], env=environ, stdout=subprocess.PIPE, text=True) as waiting:
        job_id = re.search(r"Job (\S+) of boxes is launched", waiting.stdout.readline())[1]
        wait_for(ready, job_id, "RUNNING")
        press(ready, job_id, "kill")
        assert waiting.wait(SECONDS) == 143
        assert f"Job {job_id} KILLED." in waiting.stdout.read()


@pytest.fixture
def rig(folder: Path) -> Iterator[Rig]:
    with LocalPlatform(seed=folder / "fixture") as platform:
        rig = Rig(platform)
        yield rig
        rig.close()


def settle(runner: Runner, rig: Rig) -> None:
    """Let the runner look until nothing is left to be done."""
    while any(job["held"] or job["status"] == "PENDING" for job in rig.platform.jobs()):
        runner.look()
        time.sleep(0.05)


def sleeper(*, stubborn: bool) -> subprocess.Popen[bytes]:
    ignore = "signal.signal(signal.SIGTERM, signal.SIG_IGN);" if stubborn else ""
    script = f"import signal, sys, time; {ignore} print('ready', flush=True); time.sleep(600)"
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    process.stdout.readline()
    process.stdout.close()
    return process


@pytest.mark.parametrize(("stubborn", "ended_by"), [(False, signal.SIGTERM), (True, signal.SIGKILL)])
def test_what_is_killed_has_a_grace(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, stubborn: bool, ended_by: signal.Signals
) -> None:
    monkeypatch.setattr(runner_module, "GRACE_SECONDS", 0.3 if stubborn else 600)
    started: list[subprocess.Popen[bytes]] = []

    def start(_job: Mapping[str, Any]) -> subprocess.Popen[bytes]:
        started.append(sleeper(stubborn=stubborn))
        return started[-1]

    runner = Runner(rig.platform, start, at_once=1)
    job_id = rig.launch()
    runner.look()
    rig.platform.kill_job(job_id)
    settle(runner, rig)
    assert started[0].returncode == -ended_by
    assert rig.job(job_id)["status"] == "KILLED"


def test_a_process_that_says_nothing_has_failed(rig: Rig) -> None:
    runner = Runner(rig.platform, lambda _job: subprocess.Popen([sys.executable, "-c", "pass"]), at_once=1)
    job_id = rig.launch()
    settle(runner, rig)
    assert rig.job(job_id)["status"] == "FAILED"


def test_what_a_killed_runner_has_left_is_given_back(rig: Rig, capfd: pytest.CaptureFixture) -> None:
    job_id = rig.launch()
    rig.platform.take_job(job_id)
    Runner(rig.platform, lambda _job: None, at_once=1).give_back_lost()
    assert rig.job(job_id)["status"] == "FAILED"
    assert "its runner was killed" in capfd.readouterr().err
    assert rig.platform.run_job_again(job_id) == "PENDING"


def test_no_more_jobs_run_than_at_once(rig: Rig) -> None:
    runner = Runner(rig.platform, lambda _job: sleeper(stubborn=False), at_once=2)
    ids = [rig.launch() for _ in range(3)]
    runner.look()
    runner.look()
    assert [job["status"] for job in rig.platform.jobs()] == ["QUEUED", "QUEUED", "PENDING"]
    rig.platform.kill_job(ids[2])
    runner.end_all()


def test_a_job_without_a_target_here_has_failed(rig: Rig, tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    processes = LocalProcesses({}, platform={}, out=tmp_path, environ={})
    job_id = rig.launch()
    settle(Runner(rig.platform, processes, at_once=1), rig)
    assert rig.job(job_id)["status"] == "FAILED"
    assert "there is no TARGET here for the processing" in capfd.readouterr().err


def test_targets_have_names_of_their_own(folder: Path) -> None:
    assert targets_by_name([str(folder)]) == {"boxes": str(folder)}
    with pytest.raises(UsageError, match="both named 'boxes'"):
        targets_by_name([str(folder), str(folder)])
    with pytest.raises(UsageError, match="is not a processing folder"):
        targets_by_name([str(folder / "fixture")])


@pytest.mark.parametrize(
    "words",
    [["--runner", "x", "--at-once", "0"], ["--runner", "nowhere"], ["--containers"], ["--runner", "x", "--containers"]],
)
def test_wrong_use_is_refused_before_anything_starts(words: list[str]) -> None:
    done = subprocess.run([*PXP, "platform", *words], capture_output=True, text=True, check=False, timeout=SECONDS)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("pxp: error: ")


def test_containers_without_docker_are_refused_before_anything_starts(tmp_path: Path) -> None:
    words = [*PXP, "platform", "--runner", "--containers"]
    environ = {**os.environ, "PATH": str(tmp_path)}
    done = subprocess.run(words, env=environ, capture_output=True, text=True, check=False, timeout=SECONDS)
    assert done.returncode == 1
    assert done.stdout == ""
    assert "docker is not installed" in done.stderr
    assert "cure: " in done.stderr
