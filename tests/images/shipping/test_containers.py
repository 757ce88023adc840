"""`pxp platform --runner --containers`, with a real Docker Engine: no Job leaves a container, however it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from picsellia_processing.cli import runner as runner_module
from picsellia_processing.cli.containers import JOB_LABEL, RUNNER_LABEL, LocalContainers
from picsellia_processing.cli.runner import Runner
from picsellia_processing.container.docker import push
from picsellia_processing.errors import UsageError
from picsellia_processing.platform.process import LocalPlatform
from PIL import Image

from tests.images.shipping.author import FRAMEWORK, Author, Registry, docker
from tests.runs.rig import Rig

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

SECONDS = 300
PROCESSING = """
import json, os, shutil, time
from pathlib import Path
from typing import Annotated
from picsellia_processing import AnnotationParameters, Depends, Image, Rectangle, pre_annotation

class P(AnnotationParameters):
    fail: bool = False
    seconds: float = 0

def model():
    yield json.dumps({
        "job": os.environ["job_id"],
        "user": os.getuid(),
        "root": os.access("/", os.W_OK) or os.access("/processing", os.W_OK),
        "tmp": Path("/tmp/x").write_bytes(b"x") == 1,
        "shared": shutil.disk_usage("/dev/shm").total,
        "environment": sorted(os.environ),
    })
    print("the author lets go")

@pre_annotation(labels=["thing"], batch_size=1)
def boxes(image: Image, found: Annotated[str, Depends(model)], parameters: P) -> list[Rectangle]:
    print("FOUND", found)
    time.sleep(parameters.seconds)
    if parameters.fail:
        raise RuntimeError("on purpose")
    return [Rectangle("thing", 0, 0, 5, 5)]
"""
FIXTURE = """
task = "pre_annotation"
[dataset_version]
name = "things"
version = "v1"
type = "OBJECT_DETECTION"
labels = ["thing"]
images = "images"
"""
NEEDS = '[tool.pxp]\nflags = ["--shm-size=96m"]\n'
PROGRAM = """
import os, signal, sys, time
def let_go(*_):
    os.write(1, b"the handler was called\\n")  # it may come within the print below
    sys.exit(3)
signal.signal(signal.SIGTERM, let_go if os.environ["MANNER"] == "polite" else signal.SIG_IGN)
print("begun", flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def author(base: str, tmp_path_factory: pytest.TempPathFactory) -> Author:
    """An author whose processing says where it runs, with twenty images in its fixture."""
    folder = tmp_path_factory.mktemp("author") / "boxes"
    author = Author(folder, base, f"boxes-{uuid4().hex[:8]}")
    author.begin()
    dockerfile = (folder / "Dockerfile").read_text() + 'CMD ["pxp", "run", "."]\n'
    project = (folder / "pyproject.toml").read_text() + NEEDS
    author.write({"processing.py": PROCESSING, "Dockerfile": dockerfile, "pyproject.toml": project})
    author.write({"fixture/fixture.toml": FIXTURE})
    (folder / "fixture" / "images").mkdir()
    for number in range(20):
        Image.new("RGB", (32, 24), (number * 10, 0, 0)).save(folder / "fixture" / "images" / f"{number}.png")
    return author


@pytest.fixture(scope="module")
def pushed(author: Author, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The image of the author, in a registry and nowhere else."""
    with Registry(tmp_path_factory.mktemp("registry")) as registry:
        name = f"{registry.address}/{author.image}"
        docker("buildx", "build", "--quiet", "--load", "--provenance=false", f"--tag={name}", str(author.folder))
        reference = f"{name}@{push(name)}"
        docker("image", "rm", "--force", name)
        yield reference
        docker("image", "rm", "--force", reference)


@dataclass
class Running:
    """A platform with a runner, in a process of its own."""

    process: subprocess.Popen[str]
    log: Path
    ready: dict[str, Any]

    def environment(self) -> dict[str, str]:
        return {"host": self.ready["host"], "api_token": self.ready["api_token"]}

    def containers(self, *states: str) -> list[str]:
        label = f"{RUNNER_LABEL}={self.ready['data']}/runner.lock"
        return docker("ps", "--all", "--quiet", f"--filter=label={label}", *states).split()

    def end(self, *signals: signal.Signals) -> int:
        for each in signals:
            self.process.send_signal(each)
            time.sleep(0.5)
        return self.process.wait(SECONDS)


@contextmanager
def runner(log: Path, *words: str) -> Iterator[Running]:
    command = [sys.executable, "-m", "picsellia_processing", "platform", "--json", "--runner", "--containers"]
    environment = {**os.environ, "PYTHONPATH": str(FRAMEWORK.parent), "OF_THIS_MACHINE": "yes"}
    with (
        log.open("w") as stderr,
        subprocess.Popen(
            [*command, *words], env=environment, stdout=subprocess.PIPE, stderr=stderr, text=True,
        ) as process,
    ):  # fmt: skip
        line = process.stdout.readline()
        assert line, log.read_text()
        running = Running(process, log, json.loads(line))
        try:
            yield running
        finally:
            process.terminate()
            process.wait(SECONDS)


def seeded(author: Author) -> tuple[str, str]:
    return "--seed", str(author.folder / "fixture")


def launch(author: Author, running: Running, *words: str) -> subprocess.CompletedProcess[str]:
    author.environment = running.environment()
    return author.pxp("launch", str(author.folder), "--on", "things/v1", *words)


def begin(author: Author, running: Running, *words: str) -> str:
    """Launch a slow Job, wait until its function is called, and return the Job's id."""
    launched = launch(author, running, "--json", "--parameter", "seconds=2", "--parameter", "existing=replace", *words)
    job_id = str(json.loads(launched.stdout)["id"])
    until(lambda: f'"job": "{job_id}"' in running.log.read_text(), running.log.read_text)
    return job_id


def until(happened: Callable[[], object], otherwise: Callable[[], str] = str) -> None:
    """Wait for something; that it never happens fails the test."""
    end = time.monotonic() + SECONDS
    while not happened():
        assert time.monotonic() < end, otherwise()
        time.sleep(0.05)


def deploy(author: Author, running: Running, image: str) -> None:
    author.environment = running.environment()
    done = author.pxp("deploy", str(author.folder), "--image", image, "--yes")
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_what_is_registered_runs_as_on_the_platform(author: Author, pushed: str, tmp_path: Path) -> None:
    with runner(tmp_path / "log", *seeded(author)) as running:
        deploy(author, running, pushed)
        done = launch(author, running, "--wait")
        assert done.returncode == 0, done.stdout + done.stderr + running.log.read_text()
        assert "20/20 assets" in done.stdout
        found = json.loads(re.search(r"^FOUND (.*)$", done.stdout, re.MULTILINE)[1])
        assert found["user"] == 42420
        assert (found["root"], found["tmp"]) == (False, True)
        assert found["shared"] == 96 << 20
        assert {"api_token", "host", "organization_id", "job_id"} < set(found["environment"])
        assert "OF_THIS_MACHINE" not in found["environment"]

        failed = launch(author, running, "--parameter", "fail=true", "--parameter", "existing=replace", "--wait")
        assert failed.returncode == 1
        until(lambda: "exit code 1" in running.log.read_text())
        log = running.log.read_text()
        assert f"pulls {pushed}" in log
        assert log.count("pulls") == 1
        assert re.findall(r"^Job \S+: (\w+), exit code (\d+)$", log, re.MULTILINE) == [
            ("SUCCEEDED", "0"), ("FAILED", "1"),
        ]  # fmt: skip
        assert running.ready["api_token"] not in log
        assert running.containers() == []


@pytest.mark.slow
def test_a_runner_that_is_ended_ends_its_jobs(author: Author, pushed: str, tmp_path: Path) -> None:
    with runner(tmp_path / "log", *seeded(author), "--at-once", "2") as running:
        deploy(author, running, pushed)
        begin(author, running)
        begin(author, running)
        both = running.containers("--filter=status=running")
        assert docker("inspect", "--format={{.HostConfig.NanoCpus}}", *both).split() == ["1000000000"] * 2
        assert running.end(signal.SIGTERM) == 0
        assert running.containers() == []
        log = running.log.read_text()
        assert log.count("the author lets go") == 2
        assert re.findall(r"(\w+), exit code (\d+)$", log, re.MULTILINE) == [("FAILED", "143")] * 2


@pytest.mark.slow
def test_a_runner_that_is_interrupted_twice_leaves_nothing(author: Author, pushed: str, tmp_path: Path) -> None:
    with runner(tmp_path / "log", *seeded(author)) as running:
        deploy(author, running, pushed)
        begin(author, running, "--parameter", "seconds=60")
        assert running.end(signal.SIGINT, signal.SIGINT) == 0
        assert running.containers() == []


@pytest.mark.slow
def test_what_a_killed_runner_leaves_is_removed_by_the_next(author: Author, pushed: str, tmp_path: Path) -> None:
    data = ("--data", str(tmp_path / "data"))
    with runner(tmp_path / "first", *data, *seeded(author)) as killed:
        deploy(author, killed, pushed)
        job_id = begin(author, killed, "--parameter", "seconds=60")
        assert len(killed.containers()) == 1
        assert killed.end(signal.SIGKILL) == -signal.SIGKILL
    with runner(tmp_path / "second", *data) as running:
        assert killed.containers() == []
        until(lambda: "its runner was killed" in running.log.read_text())
        assert f"Job {job_id}: FAILED: its runner was killed" in running.log.read_text()


# A runner in the test's own process, and a container that is no more than a program


@pytest.fixture(scope="module")
def program(base: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An image that waits for SIGTERM: a MANNER is polite, or is not."""
    folder = tmp_path_factory.mktemp("program")
    (folder / "program.py").write_text(PROGRAM)
    (folder / "Dockerfile").write_text(f'FROM {base}\nCOPY program.py /\nCMD ["python3", "/program.py"]\n')
    name = f"program-{uuid4().hex[:8]}:1"
    docker("buildx", "build", "--quiet", "--load", "--provenance=false", f"--tag={name}", str(folder))
    yield name
    docker("image", "rm", "--force", name)


class Jobs:
    """Jobs of images, and a runner that looks after them whenever it is waited for something."""

    def __init__(self, rig: Rig, containers: LocalContainers) -> None:
        self.rig = rig
        self.runner = Runner(rig.platform, containers, at_once=1)

    def launch(self, image: str, flags: Sequence[str] = (), *, gpu: int = 0) -> str:
        name, _, tag = image.rpartition(":")
        processing = self.rig.client.create_processing(
            name=uuid4().hex, target="DATASET_VERSION", type="PRE_ANNOTATION", default_cpu=64, default_gpu=gpu,
            default_parameters={}, docker_image=name, docker_tag=tag, docker_flags=list(flags),
        )  # fmt: skip
        return str(self.rig.version.launch_processing(processing).id)

    def until(self, happened: Callable[[], object]) -> None:
        def look() -> object:
            self.runner.look()
            return happened()

        until(look)

    def ended(self, job_id: str) -> str | None:
        """The status the Job has ended with; None before that."""
        (job,) = [each for each in self.rig.platform.jobs() if each["id"] == job_id]
        return str(job["status"]) if not job["held"] and job["status"] not in ("PENDING", "QUEUED") else None


@pytest.fixture
def jobs(author: Author, tmp_path: Path) -> Iterator[Jobs]:
    with LocalPlatform(seed=author.folder / "fixture") as platform:
        rig = Rig(platform)
        access = {"host": platform.host, "api_token": platform.api_token, "organization_id": platform.organization_id}
        with LocalContainers(platform=access, lock=tmp_path / "runner.lock") as containers:
            yield Jobs(rig, containers)
        rig.close()


@dataclass
class Heard:
    """What was said on stderr so far."""

    capfd: pytest.CaptureFixture[str]
    text: str = ""

    def __contains__(self, what: str) -> bool:
        self.text += self.capfd.readouterr().err
        return what in self.text


@pytest.fixture
def heard(capfd: pytest.CaptureFixture[str]) -> Heard:
    return Heard(capfd)


def containers_of(job_id: str) -> list[str]:
    return docker("ps", "--all", "--quiet", f"--filter=label={JOB_LABEL}={job_id}").split()


@pytest.mark.parametrize(("manner", "grace", "code"), [("polite", 600, 3), ("stubborn", 0.3, -9)])
def test_what_is_killed_has_a_grace(
    jobs: Jobs, program: str, heard: Heard, monkeypatch: pytest.MonkeyPatch, manner: str, grace: float, code: int
) -> None:
    monkeypatch.setattr(runner_module, "GRACE_SECONDS", grace)
    job_id = jobs.launch(program, [f"--env=MANNER={manner}"])  # with 64 CPUs, which Docker does not have
    jobs.until(lambda: "begun" in heard)
    jobs.rig.platform.kill_job(job_id)
    jobs.until(lambda: jobs.ended(job_id))
    assert f"Job {job_id}: KILLED, exit code {code}\n" in heard
    assert ("the handler was called" in heard) == (manner == "polite")
    assert containers_of(job_id) == []


def test_a_container_whose_client_is_killed_goes_with_it(jobs: Jobs, program: str, heard: Heard) -> None:
    job_id = jobs.launch(program, ["--env=MANNER=polite"])
    jobs.until(lambda: "begun" in heard)
    jobs.runner._running[job_id].process._client.kill()
    jobs.until(lambda: jobs.ended(job_id))
    assert f"Job {job_id}: FAILED, exit code -9" in heard
    assert containers_of(job_id) == []


def test_an_image_that_is_nowhere_fails_its_job_and_no_other(jobs: Jobs, program: str, heard: Heard) -> None:
    image = "127.0.0.1:1/nowhere:1.0@sha256:" + "0" * 64
    nowhere = jobs.launch(image)
    jobs.until(lambda: jobs.ended(nowhere))
    assert "connection refused" in heard
    assert f"pulls {image}\n" in heard
    assert "Docker could not pull the image, for the reason above" in heard
    assert "`pxp push` puts" in heard
    assert f"Job {nowhere}: FAILED, exit code 125" in heard
    job_id = jobs.launch(program, ["--env=MANNER=polite"])
    jobs.until(lambda: "begun" in heard)
    jobs.rig.platform.kill_job(job_id)
    jobs.until(lambda: jobs.ended(job_id))


def test_a_container_that_docker_does_not_start_says_why(jobs: Jobs, program: str, heard: Heard) -> None:
    job_id = jobs.launch(program, ["--no-such-flag"], gpu=1)
    jobs.until(lambda: jobs.ended(job_id))
    assert "unknown flag: --no-such-flag" in heard
    assert "Docker could not start the container, for the reason above" in heard
    assert "--gpu 0" in heard
    assert containers_of(job_id) == []


def test_containers_of_the_dead_are_removed_and_no_others(program: str, tmp_path: Path, jobs: Jobs) -> None:
    (tmp_path / "dead.lock").touch()
    (tmp_path / "away").mkdir()
    locks = {name: tmp_path / f"{name}.lock" for name in ("dead", "runner", "unknown")}
    started = {
        name: docker("run", "--detach", "--env=MANNER=polite", f"--label={RUNNER_LABEL}={lock}", program)
        for name, lock in locks.items()
    }
    started["foreign"] = docker("run", "--detach", "--env=MANNER=polite", program)
    try:
        with LocalContainers(platform={}, lock=tmp_path / "away" / "runner.lock"):
            left = docker("ps", "--all", "--quiet", "--no-trunc").split()
            assert [name for name, each in started.items() if each in left] == ["runner", "unknown", "foreign"]
    finally:
        subprocess.run(["docker", "rm", "--force", *started.values()], check=False, capture_output=True)


def test_a_platform_has_one_runner(base: str, tmp_path: Path) -> None:
    with (
        LocalContainers(platform={}, lock=tmp_path / "runner.lock"),
        pytest.raises(UsageError, match="has a runner already"),
        LocalContainers(platform={}, lock=tmp_path / "runner.lock"),
    ):
        pass
