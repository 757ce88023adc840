"""The README is true: its programs, its tests and its commands run, in order, as they stand there."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterator

README = Path(__file__).parents[2] / "README.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
SOMEBODY_ELSES = (
    "make ",  # it would make a virtual environment
    ". .venv/",  # which this activates
    "pxp doctor", "pxp build", "pxp push",  # they need Docker: tests/images runs them
)  # fmt: skip
PLATFORM = "pxp platform "
PUSHED = {"image": "registry.example/thing-detector", "tag": "1.0.0", "digest": "sha256:" + "0" * 64}


def blocks(language: str) -> list[str]:
    return [text for found, text in BLOCK.findall(README.read_text()) if found == language]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every file the README shows, some photos, and a file of weights."""
    folder = tmp_path_factory.mktemp("readme")
    for text in (*blocks("python"), *blocks("toml")):
        name = re.match(r"# (\S+)\n", text)
        assert name, f"a block does not say what file it is: {text[:60]!r}"
        path = folder / name[1]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for place in ("photos", "detector/fixture/images", "lake/fixture/images"):
        (folder / place).mkdir()
        for number in range(3):
            photo = Image.new("RGB", (60, 40))
            photo.paste((255, 255, 255), (10 + number, 10, 30 + number, 20))
            photo.save(folder / place / f"{number}.png")
    for processing in ("detector", "converter"):
        (folder / processing / "fixture" / "weights.txt").write_text("12")
    (folder / "detector" / ".pxp").mkdir()
    (folder / "detector" / ".pxp" / "image.json").write_text(json.dumps(PUSHED))  # as `pxp push` leaves it
    return folder


@pytest.fixture(scope="module")
def environ(folder: Path) -> Iterator[dict[str, str]]:
    """The environment of the commands, with the platform that the README starts."""
    (command,) = [line for line in commands() if line.startswith(PLATFORM)]
    words = [sys.executable, "-m", "picsellia_processing", *command.split()[1:], "--json"]
    with subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as platform:
        ready = json.loads(platform.stdout.readline())
        yield {**os.environ, "host": ready["host"], "api_token": ready["api_token"]}
        platform.terminate()


def commands() -> list[str]:
    lines = [line.removeprefix("$ ") for text in blocks("console") for line in text.splitlines()]
    return [line for line in lines if not line.startswith(SOMEBODY_ELSES)]


def run(folder: Path, *words: str, environ: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, cwd=folder, env=environ, capture_output=True, text=True, check=False)


def test_the_commands_succeed_in_order(folder: Path, environ: dict[str, str]) -> None:
    assert len(commands()) >= 5
    for command in commands():
        if command.startswith(PLATFORM):
            continue
        program, *words = command.split()
        assert program == "pxp"
        finished = run(folder, sys.executable, "-m", "picsellia_processing", *words, environ=environ)
        assert finished.returncode == 0, f"{command}\n{finished.stdout}\n{finished.stderr}"
    assert (folder / "pxp-out" / "bright.annotate" / "report.html").is_file()


def test_the_tests_pass(folder: Path) -> None:
    finished = run(
        folder, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_bright.py", "test_photos.py"
    )
    assert finished.returncode == 0, finished.stdout
    assert "3 passed" in finished.stdout


@pytest.mark.parametrize("target", ["brightest:Annotate", "driven:annotate", "tagger:tag", "tidied:tidy"])
def test_every_other_program_is_a_processing_too(folder: Path, target: str) -> None:
    finished = run(folder, sys.executable, "-m", "picsellia_processing", "dry-run", target, "--images", "photos")
    assert finished.returncode == 0, finished.stdout + finished.stderr


def test_the_first_program_is_short() -> None:
    first = next(text for text in blocks("python"))
    assert len([line for line in first.splitlines() if line.strip() and not line.startswith("#")]) <= 12


def test_every_link_leads_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README.read_text())
    assert links
    for link in links:
        assert link.startswith("https://") or (README.parent / os.fspath(link)).exists(), link
