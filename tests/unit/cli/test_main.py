from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import version

import pytest
from picsellia_processing.cli import COMMANDS, main

HEAVY = {"numpy", "picsellia", "requests", "starlette", "uvicorn", "PIL", "jinja2", "torch", "subprocess"}


def pxp(*words: str, **options) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "picsellia_processing", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, **options)


@pytest.mark.parametrize("words", [["--help"], *([command, "--help"] for command in COMMANDS)])
def test_help_loads_nothing_heavy(words):
    script = f"import sys; from picsellia_processing.cli import main\ntry: main({words!r})\nexcept SystemExit: pass\n"
    script += "print('loaded:', *sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    text, _, loaded = done.stdout.partition("loaded: ")
    assert text.startswith("usage: pxp")
    assert HEAVY & set(loaded.split()) == set()


def test_help_names_every_command_and_exit_code():
    text = pxp("--help").stdout
    assert all(name in text for name in COMMANDS)
    for code in (0, 1, 2, 3, 130, 143):
        assert f"\n  {code} " in text


def test_version():
    assert pxp("--version").stdout.strip() == f"picsellia-processing {version('picsellia-processing')}"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["dryrun", "x"], "there is no command 'dryrun' (did you mean dry-run?)"),
        (["nothing-like-it"], f"there is no command 'nothing-like-it'; there are {', '.join(COMMANDS)}"),
        (["dry-run", "x", "--fixtur", "y"], "--fixtur is not known here (did you mean --fixture?)"),
        (["dry-run", "x", "--parametre=a=1"], "--parametre is not known here (did you mean --parameter?)"),
        (["dry-run", "x", "y"], "y is not known here"),
        (["--verson"], "--verson is not known here (did you mean --version?)"),
        (["dry-run"], "the following arguments are required: TARGET"),
        (["dry-run", "x", "--parameter", "confidence"], "expected NAME=VALUE, found 'confidence'"),
        (["dry-run", "x", "--latency-ms", "slow"], "invalid float value: 'slow'"),
    ],
)
def test_wrong_words_are_refused_in_one_message(capsys, words, message):
    assert main(words) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("pxp: error: ")
    assert message in captured.err
    assert "--help`" in captured.err or "there is no command" in captured.err
    assert "Traceback" not in captured.err


def test_no_command_shows_the_help_and_is_wrong_use(capsys):
    assert main([]) == 2
    assert "usage: pxp" in capsys.readouterr().err


def test_debug_shows_where_it_came_from(capsys):
    assert main(["describe", "no/such/place", "--debug"]) == 2
    assert "Traceback" in capsys.readouterr().err
    assert main(["describe", "no/such/place"]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_a_reader_that_leaves_is_no_error(tmp_path):
    write_processing(tmp_path)
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "picsellia_processing", "describe", str(tmp_path)]
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    os.close(write)
    assert (done.returncode, done.stderr) == (1, "")


def test_what_importing_the_authors_module_raises_is_told_from_there_on(tmp_path):
    (tmp_path / "processing.py").write_text("import no_such_library\n")
    done = pxp("describe", str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.startswith(f"pxp: error: {tmp_path} cannot be loaded:\nTraceback")
    assert done.stderr.count("File ") == 1
    assert "No module named 'no_such_library'" in done.stderr


def test_describe_prints_the_definition(tmp_path):
    write_processing(tmp_path)
    done = pxp("describe", str(tmp_path))
    assert done.returncode == 0, done.stderr
    described = json.loads(done.stdout)
    assert described["name"] == "hello"
    assert "confidence" in json.dumps(described)


def test_describe_of_nothing(tmp_path):
    done = pxp("describe", str(tmp_path))
    assert done.returncode == 2
    assert "expected processing.py in it" in done.stderr


def write_processing(folder) -> None:
    (folder / "processing.py").write_text(
        "from picsellia_processing import Image, Parameters, Rectangle, pre_annotation\n"
        "class Ours(Parameters):\n    confidence: float = 0.5\n"
        "@pre_annotation\n"
        "def hello(image: Image, parameters: Ours) -> list[Rectangle]:\n    return []\n"
    )
