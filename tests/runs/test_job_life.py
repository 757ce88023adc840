"""The life of a Job, with real processes: small workers that speak the protocol, good and bad, and a local platform.

All Jobs are started at the first test and run beside each other; a test waits for its own.
"""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
import time
import warnings
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
import requests
from picsellia_processing.platform.process import LocalPlatform
from PIL import Image

with warnings.catch_warnings():
    # The SDK imports a deprecated name of beartype.
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    from picsellia import Client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from picsellia.sdk.job import Job

AT_ONCE = 4
LONG = 120.0
GRACE_OF_THE_RUNNER = 10.0
SIGNED = "https://bucket.example/a.jpg?X-Amz-Date=1&X-Amz-Signature=5ec2e7"

SUPERVISE = """
import json, os, sys
from pathlib import Path
from picsellia_processing.errors import ProcessingError
from picsellia_processing.job import supervisor
worker, out, constants = map(json.loads, sys.argv[1:])
for name, value in constants.items():
    setattr(supervisor, name, value)
try:
    sys.exit(supervisor.supervise("module:attr", out=Path(out), environ=dict(os.environ), worker=worker))
except ProcessingError as error:
    print(error, file=sys.stderr)
    sys.exit(error.exit_code)
"""

PROTOCOL = """
import json, os, signal, subprocess, sys, time
EVENTS = int(os.environ["PXP_EVENTS_FD"])
COMMANDS = os.fdopen(int(os.environ["PXP_COMMANDS_FD"]))
def say(event, **fields):
    os.write(EVENTS, json.dumps({"event": event, **fields}).encode() + b"\\n")
def command():
    return json.loads(COMMANDS.readline() or "null")
"""

BEGIN = 'print("started", command()["target"])\n'
DONE = 'say("finished")\n'


@dataclass
class Life:
    """A Job to run: its worker, and what is done to its supervisor once it has printed `until`."""

    worker: str
    until: str = ""
    then: Callable[[Started], None] | None = None
    faults: list[dict[str, Any]] = field(default_factory=list)
    environ: dict[str, str] = field(default_factory=dict)
    constants: dict[str, float] = field(default_factory=dict)
    alone: bool = False


@dataclass
class Started:
    """A supervisor at work."""

    process: subprocess.Popen[bytes]
    platform: LocalPlatform
    out: Path


@dataclass
class End:
    """What is left of a Job."""

    exit_code: int
    stdout: str
    stderr: str
    status: str
    lines: list[dict[str, Any]]
    stored: str | None
    out: Path
    seconds: float
    ledger: dict[str, Any]
    token: str

    @property
    def texts(self) -> list[str]:
        return [line["log"] for line in self.lines]

    @property
    def pids(self) -> dict[str, int]:
        """The processes that the worker said it left behind."""
        found = (re.fullmatch(r"(child|daemon) (\d+)", text) for text in self.texts)
        return {match[1]: int(match[2]) for match in found if match}

    @property
    def report(self) -> dict[str, Any]:
        return json.loads((self.out / "report.json").read_text())


def terminate(started: Started) -> None:
    """End it as the platform's runner does: SIGTERM, and SIGKILL when the grace is over."""
    started.process.terminate()
    try:
        started.process.wait(GRACE_OF_THE_RUNNER)
    except subprocess.TimeoutExpired:
        started.process.kill()


def interrupt(started: Started) -> None:
    started.process.send_signal(signal.SIGINT)


def kill(started: Started) -> None:
    started.process.kill()


def terminate_on_a_frozen_platform(started: Started) -> None:
    os.kill(started.platform.pid, signal.SIGSTOP)
    try:
        started.process.terminate()
        started.process.wait(LONG)
    finally:
        os.kill(started.platform.pid, signal.SIGCONT)


LIVES = {
    "ignores SIGTERM": Life(
        BEGIN + "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('ready')\ntime.sleep(600)", "ready", terminate
    ),
    "ignores SIGTERM on a platform that does not answer": Life(
        BEGIN + "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('ready')\ntime.sleep(600)",
        "ready",
        terminate_on_a_frozen_platform,
        alone=True,
    ),
    "lingers": Life(BEGIN + DONE + "time.sleep(600)", constants={"LINGER_SECONDS": 0.2}),
    "many lines over time": Life(
        BEGIN
        + "for at in range(100):\n"
        + "    print('\\n'.join(f'line {at * 100 + of}' for of in range(100)))\n"
        + "    time.sleep(0.03)\n"
        + DONE,
        alone=True,
    ),
    "succeeds": Life(
        "print('importing')\n"
        + BEGIN
        + """
from picsellia_processing.job.channel import Chapter, Sender
print("zero")
Sender(EVENTS).send(Chapter("Work"))
print("one")
say("progress", done=1, total=2, text="1/2 assets")
say("failure", asset="b.jpg", asset_id="2", stage="decode", reason="truncated")
say("snapshot", report={"name": "stub", "assets": {"selected": 2, "processed": 1, "failed": 1}, "seconds": 4.5})
say("progress", done=2, total=2, text="2/2 assets")
"""
        + DONE
    ),
    "no such module": Life("import nothing_of_this_name"),
    "raises at import, loudly": Life("print('x' * 70_000)\nraise RuntimeError('no GPU here')"),
    "os._exit(0)": Life(BEGIN + "os._exit(0)"),
    "sys.exit(0)": Life(BEGIN + "sys.exit(0)"),
    "SIGKILL": Life(BEGIN + "os.kill(os.getpid(), signal.SIGKILL)"),
    "segmentation fault": Life(BEGIN + "import ctypes\nctypes.string_at(0)"),
    "ends by SIGTERM": Life(BEGIN + "print('ready')\ntime.sleep(600)", "ready", terminate),
    "stops when told": Life(
        BEGIN
        + "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        + "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        + "print('ready')\n"
        + "told = command()\n"
        + "say('snapshot', report={'shapes': 7})\n"
        + "say('failed', reason=f'told to {told[\"command\"]}', traceback='', exit_code=143)\n"
        + "sys.exit(143)",
        "ready",
        interrupt,
    ),
    "finishes although told to stop": Life(
        BEGIN + "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('ready')\ncommand()\n" + DONE, "ready", terminate
    ),
    "SIGTERM while it is imported": Life("print('ready')\ntime.sleep(600)", "ready", terminate),
    "prints an exit code": Life(BEGIN + "print('--ec-- 0')\nsys.exit(1)"),
    "100,000 lines": Life(BEGIN + "print('\\n'.join(f'line {at}' for at in range(100_000)))\n" + DONE),
    "secrets": Life(
        BEGIN
        + "token = os.environ['api_token']\n"
        + "for part in (token[:9], token[9:], '\\n', token * 3, '\\n'):\n"
        + "    sys.stdout.write(part)\n"
        + "    time.sleep(0.05)\n"
        + f"url = {SIGNED!r}\n"
        + "print(url)\n"
        + "say('chapter', name=url)\n"
        + "print(os.environ['REGISTRY_PASSWORD'])\n"
        + "say('progress', done=1, total=1, text=token)\n"
        + "say('failure', asset=token, asset_id='1', stage='fetch', reason=url)\n"
        + "say('snapshot', report={'parameters': {'key': token}})\n"
        + "say('failed', reason=f'cannot fetch {url}', traceback=f'Traceback\\n  {token}', exit_code=1)\n"
        + "sys.exit(1)",
        environ={"REGISTRY_PASSWORD": "correct horse battery"},
    ),
    "binary": Life(BEGIN + "sys.stdout.buffer.write(bytes(range(256)) * 400 + b'\\nplain\\n')\n" + DONE),
    "carriage returns": Life(
        BEGIN
        + "for at in range(0, 101, 5):\n"
        + "    sys.stderr.write(f'\\r{at:3}%')\n"
        + "    time.sleep(0.02)\n"
        + "print()\n"
        + "print('after')\n"
        + DONE
    ),
    "leaves a daemon behind": Life(
        BEGIN
        + "sleep = [sys.executable, '-c', 'import time; time.sleep(600)']\n"
        + "print('daemon', subprocess.Popen(sleep, start_new_session=True).pid)\n"
        + "print('child', subprocess.Popen(sleep).pid)\n"
        + DONE
        + "os._exit(0)"
    ),
    "leaves a daemon behind and crashes": Life(
        BEGIN
        + "sleep = [sys.executable, '-c', 'import time; time.sleep(600)']\n"
        + "print('daemon', subprocess.Popen(sleep, start_new_session=True).pid)\n"
        + "os.kill(os.getpid(), signal.SIGKILL)"
    ),
    "floods events": Life(
        BEGIN
        + "for at in range(30_000):\n"
        + "    say('failure', asset=f'{at}.jpg', asset_id=str(at), stage='fetch', reason='404')\n"
        + "    if at % 100 == 0:\n"
        + "        os.write(EVENTS, b'garbage \\xff\\n{}\\n')\n"
        + "say('snapshot', report={'assets': {'selected': 30_000, 'failed': 30_000}})\n"
        + DONE
    ),
    "closes events": Life(BEGIN + "os.close(EVENTS)\nprint('closed')"),
    "last words": Life(
        BEGIN
        + "say('failed', reason='2 labels are missing', traceback='Traceback:\\n  line 1\\n  line 2', exit_code=2)\n"
        + "sys.exit(2)"
    ),
    "no such Job": Life("time.sleep(600)", environ={"job_id": "00000000-0000-0000-0000-000000000000"}),
    "wrong token": Life("time.sleep(600)", environ={"api_token": "not-the-token"}),
    "no Job": Life("time.sleep(600)", environ={"job_id": ""}),
    "RUNNING is refused": Life("time.sleep(600)", faults=[{"path": "/job/{}/running", "fault": 409}]),
    "SUCCEEDED is refused": Life(BEGIN + DONE, faults=[{"path": "/job/{}/succeed", "fault": 403}]),
    "the log is refused": Life(BEGIN + DONE, faults=[{"path": "/job/{}/logging", "fault": 413}]),
    "the platform stumbles": Life(
        BEGIN + "print('one')\n" + DONE,
        faults=[
            {"path": "/job/{}/succeed", "fault": "reset", "times": 2},
            {"path": "/job/{}/logging", "fault": 503, "times": 2},
        ],
    ),
    "the supervisor is killed": Life(
        BEGIN
        + "print('ready')\n"
        + "word = command()\n"
        + "open(os.environ['MARKER'] + '.new', 'w').write(repr(word))\n"
        + "os.rename(os.environ['MARKER'] + '.new', os.environ['MARKER'])",
        "ready",
        kill,
        environ={"MARKER": "{out}/marker"},
    ),
}


class Rig:
    """A platform with one DatasetVersion, and Jobs on it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        images = folder / "images"
        images.mkdir(parents=True)
        Image.new("RGB", (8, 8)).save(images / "a.png")
        self.platform = LocalPlatform(images=images).start().wait_ready()
        self._client = Client(
            api_token=self.platform.api_token,
            organization_id=self.platform.organization_id,
            host=self.platform.host,
        )
        self._version = self._client.get_dataset_version_by_id(self.platform.seeded["dataset_version_id"])
        self._processing = self._client.create_processing(
            "stub",
            "DATASET_VERSION",
            default_cpu=1,
            default_gpu=0,
            default_parameters={},
            docker_image="a",
            docker_tag="b",
        )

    def close(self) -> None:
        self._client.connection.session.close()
        self.platform.stop()

    def launch(self) -> Job:
        return self._version.launch_processing(self._processing)

    def live(self, name: str, job: Job) -> End:
        life = LIVES[name]
        out = self._folder / name.replace("/", " ") / "out"
        environ = {
            **os.environ,
            "api_token": self.platform.api_token,
            "host": self.platform.host,
            "organization_id": self.platform.organization_id,
            "job_id": str(job.id),
            **{key: value.replace("{out}", str(out)) for key, value in life.environ.items()},
        }
        worker = [sys.executable, "-c", PROTOCOL + life.worker]
        arguments = [json.dumps(each) for each in (worker, str(out), life.constants)]
        with subprocess.Popen(
            [sys.executable, "-c", SUPERVISE, *arguments], env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            said = _read_until(process, life.until) if life.then else b""
            began = time.monotonic()
            if life.then:
                life.then(Started(process, self.platform, out))
            stdout, stderr = process.communicate(timeout=LONG)
        seconds = time.monotonic() - began
        payload = job.sync()
        return End(
            process.returncode,
            (said + stdout).decode(),
            stderr.decode(),
            payload["status"],
            self.platform.job_lines(str(job.id)),
            self._stored(payload["logging_object_name"]),
            out,
            seconds,
            self.platform.ledger(),
            self.platform.api_token,
        )

    def _stored(self, name: str | None) -> str | None:
        if name is None:
            return None
        url = self._client.connection.init_download(name)
        return requests.get(url, timeout=LONG).content.decode()


def _read_until(process: subprocess.Popen[bytes], text: str) -> bytes:
    """Read the output up to the line `text`, and no further: its pipe is buffered by nobody in between."""
    said = b""
    while text.encode() + b"\n" not in said:
        readable, _, _ = select.select([process.stdout], [], [], LONG)
        assert readable, f"{text!r} was not printed, but {said!r}"
        assert process.stdout is not None
        chunk = os.read(process.stdout.fileno(), 1)
        assert chunk, f"ended without printing {text!r}: {said!r}"
        said += chunk
    return said


@pytest.fixture(scope="module")
def lives(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[End]]]:
    folder = tmp_path_factory.mktemp("lives")
    rig = Rig(folder / "shared")
    jobs = {name: rig.launch() for name, life in LIVES.items() if not life.alone}
    rig.platform.set_faults(
        [
            {**fault, "path": fault["path"].format(job.id) + "$", "method": "POST"}
            for name, job in jobs.items()
            for fault in LIVES[name].faults
        ]
    )
    pool = ThreadPoolExecutor(AT_ONCE)
    ends = {
        name: pool.submit(_alone, folder / name, name) if life.alone else pool.submit(rig.live, name, jobs[name])
        for name, life in LIVES.items()
    }
    yield ends
    pool.shutdown(cancel_futures=True)
    rig.close()
    for end in ends.values():
        if not end.cancelled() and end.exception() is None and "daemon" in (pids := end.result().pids):
            os.kill(pids["daemon"], signal.SIGKILL)


def _alone(folder: Path, name: str) -> End:
    rig = Rig(folder)
    try:
        return rig.live(name, rig.launch())
    finally:
        rig.close()


@pytest.fixture
def live(lives: dict[str, Future[End]]) -> Callable[[str], End]:
    return lambda name: lives[name].result(LONG)


def test_a_job_that_succeeds(live):
    end = live("succeeds")
    assert (end.exit_code, end.status, end.stderr) == (0, "SUCCEEDED", "")
    assert end.texts == ["importing", "started module:attr", "zero", "one", "2/2 assets", "The Job succeeded."]
    assert [line["line_nb"] for line in end.lines] == list(range(6))
    assert [line["part"] for line in end.lines] == ["Start"] * 3 + ["Work"] * 3
    assert [line["final"] for line in end.lines][-1]
    everything = "importing\nstarted module:attr\nzero\n--- Work ---\none\n1/2 assets\n2/2 assets\nThe Job succeeded.\n"
    assert end.stdout == end.stored == (end.out / "log.txt").read_text() == everything
    assert {key: end.report[key] for key in ("status", "reason", "name", "assets", "failures", "seconds")} == {
        "status": "succeeded",
        "reason": None,
        "name": "stub",
        "assets": {"selected": 2, "processed": 1, "skipped": 0, "failed": 1},
        "failures": [{"asset": "b.jpg", "asset_id": "2", "stage": "decode", "reason": "truncated"}],
        "seconds": 4.5,
    }


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("no such module", 'ended with exit status 1; the last line it printed: "ModuleNotFoundError: No module named'),
        ("raises at import, loudly", 'ended with exit status 1; the last line it printed: "RuntimeError: no GPU here"'),
        ("os._exit(0)", "ended with exit status 0 before its work was done"),
        ("sys.exit(0)", "ended with exit status 0 before its work was done"),
        ("SIGKILL", "was killed by SIGKILL: probably out of memory"),
        ("segmentation fault", "was killed by SIGSEGV"),
        ("prints an exit code", "ended with exit status 1"),
        ("closes events", "ended with exit status 0 before its work was done"),
        ("leaves a daemon behind and crashes", "was killed by SIGKILL"),
        ("lingers", "had not ended 0.2 s after its work was done and was killed"),
    ],
)
def test_whatever_ends_the_worker_the_job_has_failed_and_says_why(live, name, reason):
    end = live(name)
    assert (end.exit_code, end.status) == (1, "FAILED")
    assert end.texts[-1].startswith("The Job failed: the worker ")
    assert reason in end.texts[-1]
    assert end.lines[-1]["final"]
    assert end.stored is not None
    assert end.stored.splitlines()[-1] == end.texts[-1]
    assert (end.report["status"], end.report["reason"]) == ("failed", end.texts[-1].removeprefix("The Job failed: "))


def test_the_trace_of_a_crash_is_in_the_log(live):
    assert "Traceback (most recent call last):" in live("no such module").texts
    assert any("Fatal Python error: Segmentation fault" in text for text in live("segmentation fault").texts)


def test_the_last_words_of_the_worker_are_the_last_of_the_log(live):
    end = live("last words")
    assert (end.exit_code, end.status) == (2, "FAILED")
    assert end.texts[-4:] == ["The Job failed: 2 labels are missing", "Traceback:", "  line 1", "  line 2"]
    assert end.report["reason"] == "2 labels are missing"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("ends by SIGTERM", "ended by SIGTERM before all work was done"),
        ("SIGTERM while it is imported", "ended by SIGTERM before all work was done"),
        ("ignores SIGTERM", "the worker had not ended 7 s after SIGTERM and was killed"),
        ("stops when told", "SIGINT: told to stop"),
    ],
)
def test_a_job_that_is_ended_has_failed_before_the_runner_kills_it(live, name, reason):
    end = live(name)
    assert (end.exit_code, end.status) == (143, "FAILED")
    assert end.texts[-1] == f"The Job was terminated: {reason}"
    assert any(text.endswith(": the Job is asked to end") for text in end.texts)
    assert (end.report["status"], end.report["reason"]) == ("terminated", reason)
    assert end.stored is not None


def test_a_job_that_is_ended_keeps_what_its_worker_said_last(live):
    assert live("stops when told").report["shapes"] == 7


def test_a_job_that_was_done_when_it_was_ended_has_succeeded(live):
    end = live("finishes although told to stop")
    assert (end.exit_code, end.status) == (0, "SUCCEEDED")


def test_a_job_ends_in_time_although_the_platform_does_not_answer(live):
    end = live("ignores SIGTERM on a platform that does not answer")
    assert end.exit_code == 143
    assert "reporting the status: given up, the platform did not answer in time" in end.stdout
    assert end.report["status"] == "terminated"


def test_10_000_lines_take_few_requests(live):
    end = live("many lines over time")
    assert (end.exit_code, end.status) == (0, "SUCCEEDED")
    assert [text for text in end.texts if text.startswith("line ")] == [f"line {at}" for at in range(10_000)]
    assert end.ledger["by_endpoint"]["POST /api/v2/job/{}/logging"] <= 10_000 / 100 + end.seconds + 1


def test_100_000_lines_at_once_are_all_in_the_stored_log(live):
    end = live("100,000 lines")
    assert (end.exit_code, end.status) == (0, "SUCCEEDED")
    assert end.stored is not None
    assert end.stored.splitlines() == [
        "started module:attr",
        *(f"line {at}" for at in range(100_000)),
        "The Job succeeded.",
    ]
    assert end.stdout == end.stored
    numbers = [line["line_nb"] for line in end.lines]
    assert numbers[-1] == 100_001
    kept = {
        int(text.removeprefix("line ")): number
        for text, number in zip(end.texts, numbers, strict=True)
        if text[:5] == "line "
    }
    assert all(number == at + 1 for at, number in kept.items())


def test_no_secret_leaves(live):
    end = live("secrets")
    assert end.exit_code == 1
    everything = json.dumps([end.stdout, end.stderr, end.stored, end.lines, end.report])
    assert [secret for secret in (end.token, "5ec2e7", "correct horse") if secret in everything] == []
    assert end.texts[1:4] == ["[redacted]", "[redacted]" * 3, "https://bucket.example/a.jpg?[redacted]"]
    assert end.texts[-3:] == [
        "The Job failed: cannot fetch https://bucket.example/a.jpg?[redacted]",
        "Traceback",
        "  [redacted]",
    ]
    assert end.report["failures"][0]["asset"] == "[redacted]"
    assert end.report["parameters"] == {"key": "[redacted]"}


def test_binary_output_is_text_in_the_log(live):
    end = live("binary")
    assert (end.exit_code, end.status) == (0, "SUCCEEDED")
    assert "plain" in end.texts
    assert "\ufffd" in end.stdout


def test_progress_by_carriage_returns_replaces_itself(live):
    end = live("carriage returns")
    assert end.texts == ["started module:attr", "100%", "after", "The Job succeeded."]
    assert end.stored == "started module:attr\n100%\nafter\nThe Job succeeded.\n"


def test_processes_left_behind_hold_up_nothing(live):
    end = live("leaves a daemon behind")
    assert (end.exit_code, end.status) == (0, "SUCCEEDED")
    with pytest.raises(ProcessLookupError):
        os.kill(end.pids["child"], 0)


def test_a_flood_of_events_is_taken_and_its_garbage_left_out(live):
    end = live("floods events")
    assert (end.exit_code, end.status) == (0, "SUCCEEDED")
    assert end.report["assets"]["failed"] == 30_000
    assert len(end.report["failures"]) == 10_000


@pytest.mark.parametrize(
    ("name", "exit_code", "message"),
    [
        ("no Job", 2, "job_id is not set"),
        ("no such Job", 2, "there is no Job 00000000-0000-0000-0000-000000000000 in the organization"),
        ("wrong token", 3, "connecting to http://127.0.0.1"),
        ("RUNNING is refused", 2, "cannot be run, it is PENDING"),
    ],
)
def test_a_job_that_cannot_be_opened_ends_the_worker_and_says_why(live, name, exit_code, message):
    end = live(name)
    assert end.exit_code == exit_code
    assert message in end.stderr
    assert end.status not in {"RUNNING", "FAILED", "SUCCEEDED"}
    assert end.lines == []


def test_a_status_that_cannot_be_reported_is_an_error_of_the_container(live):
    end = live("SUCCEEDED is refused")
    assert (end.exit_code, end.status) == (3, "RUNNING")
    assert "reporting the status: " in end.stdout


def test_a_log_that_the_platform_does_not_take_does_not_fail_the_job(live):
    end = live("the log is refused")
    assert (end.exit_code, end.status, end.lines) == (0, "SUCCEEDED", [])
    assert end.stored == "started module:attr\nThe Job succeeded.\n"


def test_a_platform_that_stumbles_is_asked_again(live):
    end = live("the platform stumbles")
    assert (end.exit_code, end.status) == (0, "SUCCEEDED")
    assert end.texts == ["started module:attr", "one", "The Job succeeded."]


def test_a_worker_whose_supervisor_was_killed_sees_the_end_of_its_commands(live):
    end = live("the supervisor is killed")
    assert end.exit_code == -signal.SIGKILL
    marker = end.out / "marker"
    deadline = time.monotonic() + LONG
    while not marker.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert marker.read_text() == "None"
