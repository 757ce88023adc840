"""What holds for every image: they all are made of this one."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest

from ...conftest import docker, wait_for

UID = 42420
IMAGES = Path(__file__).parents[2]
BASES = {path.parent.name for path in IMAGES.glob("*/Dockerfile")}
SURVEY = IMAGES.parent / "framework" / "picsellia_processing" / "container" / "survey.py"
READ_ONLY = ("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")
LARGEST = {  # MB unpacked, MB compressed
    "cpu": (300, 120),
    "onnxruntime": (600, 200),
    "torch": (1300, 420),
    "yolo_preannotation": (1900, 650),
    "cuda": (8000, 4500),
}


def test_it_is_not_larger_than_it_may_be(image, measured):
    unpacked = image.unpacked_bytes / 1e6
    compressed = sum(layer["size"] for layer in image.layers) / 1e6
    measured(f"{image.target}: {unpacked:.0f} MB unpacked, {compressed:.0f} MB compressed")

    for budget, size in zip(LARGEST.get(image.name, ()), (unpacked, compressed), strict=False):
        assert size <= budget


def test_it_says_what_it_is(image):
    if image.name not in BASES:
        pytest.skip("the labels of a processing are put on by `pxp build`")
    labels = image.config["Labels"]

    assert labels["org.opencontainers.image.title"] == f"processing-{image.name}"
    assert labels["org.opencontainers.image.licenses"] == "MIT"
    assert re.fullmatch(r"\d+\.\d+\.\d+", labels["org.opencontainers.image.version"])
    assert re.fullmatch(r"[0-9a-f]{40}", labels["org.opencontainers.image.revision"])
    assert labels["org.opencontainers.image.description"]


def test_an_init_process_comes_first(image):
    assert image.config["Entrypoint"] == ["tini", "-g", "--"]
    assert image.shell("cat /proc/1/comm").strip() == "tini"


def test_nobody_is_root(image):
    assert image.config["User"] == f"{UID}:{UID}"
    assert image.shell("id -u; id -g; id -un").split() == [str(UID), str(UID), "processing"]


@pytest.mark.parametrize("user", [f"{UID}:{UID}", "12345:0", "1000:1000"])
def test_any_user_can_work_on_a_read_only_root_with_nothing_but_tmp(image, user):
    script = (
        "import getpass, os, pathlib, tempfile; import picsellia, picsellia_processing, PIL, simplejpeg; "
        "getpass.getuser(); tempfile.mkdtemp(); pathlib.Path.home().joinpath('x').touch(); print('fine')"
    )

    assert image.run("python", "-c", script, options=("--user", user, *READ_ONLY)).strip() == "fine"
    assert "usage: pxp" in image.run("pxp", "--help", options=("--user", user, *READ_ONLY))


def test_nothing_can_be_written_but_what_is_temporary(image):
    writable = image.shell("find / -xdev -writable ! -type l ! -path '/tmp*' ! -path '/var/tmp*' 2>/dev/null || true")

    assert [path for path in writable.splitlines() if not path.startswith(("/dev", "/proc", "/run/lock"))] == []


def test_files_belong_to_root(image):
    assert image.as_root("find / -xdev ! -user root ! -path /var/cache/apt/archives/partial").strip() == ""


def test_there_is_no_compiler(image):
    if "cuda-devel" in image.lineage:
        pytest.skip("it is there for its compiler")

    assert image.shell("command -v gcc cc g++ c++ clang make ld || true").strip() == ""
    assert image.shell("ls /usr/include/stdio.h 2>&1 || true").strip().endswith("No such file or directory")


def test_packages_bring_nothing_that_no_run_reads(image):
    if image.name not in BASES:
        pytest.skip("what a processing adds is its author's, who is told of it by `pxp build`")
    folders = image.shell("find /opt/processing/lib/*/site-packages -mindepth 2 -type d -name include").splitlines()
    survey = json.loads(image.run("python3", "-c", SURVEY.read_text(), options=("--user", "0:0")))
    places = [(each["kind"], place["name"]) for each in survey["needless"] for place in each["places"]]
    found = [*(("headers", folder) for folder in folders), *places]

    may = {"headers"} if "cuda-devel" in image.lineage else set()
    assert [each for each in found if "/opt/processing" in each[1] and each[0] not in may] == []


def test_nothing_is_left_of_how_it_was_built(image):
    left = image.as_root(
        "find /var/cache/pip /var/lib/apt/lists /var/cache/apt/archives /run/secrets /root /tmp /wheels -type f "
        "! -name lock ! -path /root/.bashrc ! -path /root/.profile ! -path /root/.wget-hsts 2>/dev/null || true"
    )
    secrets = image.as_root("find / -xdev \\( -name '.env*' -o -name '*.key' -o -name .git -o -name id_rsa \\)")

    assert left.strip() == ""
    assert secrets.strip() == ""


def test_packages_fit_together_and_are_the_locked_ones(image):
    assert "No broken requirements found" in image.run("python", "-m", "pip", "check")
    locked = dict(
        re.findall(r"^([a-z0-9-]+)==(\S+)", image.shell("cat /opt/processing/requirements/*.txt"), re.MULTILINE)
    )
    freeze = image.run("python", "-m", "pip", "list", "--format=freeze")
    installed = {name.lower().replace("_", "-"): version for name, version in re.findall(r"(\S+)==(\S+)", freeze)}

    assert {name: version for name, version in installed.items() if name in locked} == {
        name: version for name, version in locked.items() if name in installed
    }
    assert {"picsellia", "pydantic", "numpy", "pip"} <= locked.keys() & installed.keys()
    assert "picsellia-processing" in installed


def test_bytecode_is_there_and_does_not_depend_on_times(image):
    script = (
        "import picsellia_processing, pathlib, importlib.util as u; "
        "pyc = pathlib.Path(u.cache_from_source(picsellia_processing.__file__)); print(pyc.read_bytes()[4])"
    )

    assert image.run("python", "-c", script).strip() == "3"  # checked, by the content of the source


WAITING = "import signal, sys, time; print('ready', flush=True); time.sleep(60)"
HANDLING = (  # which does not print: the signal may come within the other print
    "import os, signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: os.write(1, b'handled') and sys.exit(5)); "
    "print('ready', flush=True); time.sleep(60)"
)


@pytest.mark.parametrize(
    ("entrypoint", "program", "code", "says"),
    [
        ((), HANDLING, 5, "handled"),
        ((), WAITING, 143, "ready"),
        (("--entrypoint", "run"), HANDLING, 5, "handled"),
        (("--entrypoint", "run"), WAITING, 143, "ready"),
    ],
    ids=["handler", "no handler", "handler of an old image", "old image without a handler"],
)
def test_it_stops_when_told_to(image, measured, entrypoint, program, code, says):
    container = docker("run", "--detach", *entrypoint, image.reference, "python", "-c", program).stdout.strip()
    try:
        wait_for("ready", container)
        start = time.perf_counter()
        docker("stop", "--time", "30", container)
        measured(f"{image.target}: stopped after {time.perf_counter() - start:.2f} s")
        assert docker("wait", container).stdout.strip() == str(code)
        assert says in docker("logs", container).stdout
    finally:
        docker("rm", "--force", container, code=None)


def test_how_long_a_command_takes_to_start(image, measured):
    start = time.perf_counter()
    image.run("true")
    empty = time.perf_counter() - start
    image.run("pxp", "--help")
    measured(f"{image.target}: started after {empty:.2f} s, and pxp {time.perf_counter() - start - empty:.2f} s later")
