"""`pxp new` makes a complete repository of a reference processing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REFERENCES = sorted(path.parent.name for path in (ROOT / "processings").glob("*/processing.py"))


def pxp(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-m", "picsellia_processing", *words]
    return subprocess.run(program, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("reference", REFERENCES)
def test_a_copy_is_whole_and_goes_by_its_own_name(reference: str, tmp_path: Path) -> None:
    made = pxp(tmp_path, "new", "our_thing", "--from", reference)
    assert made.returncode == 0, made.stderr
    copy, original = tmp_path / "our_thing", ROOT / "processings" / reference
    for name in ("processing.py", "pyproject.toml", "requirements.txt", "Makefile", "README.md", "fixture", "tests"):
        assert (copy / name).exists(), name
    for name in (".gitignore", ".dockerignore"):
        assert (copy / name).is_file(), name
    assert not [path for path in copy.rglob("*") if path.is_symlink()]
    assert not list(copy.rglob("__pycache__"))
    images = [path.relative_to(original) for path in original.joinpath("fixture").rglob("*") if path.suffix == ".jpg"]
    assert all((copy / path).read_bytes() == (original / path).read_bytes() for path in images)
    project = tomllib.loads((copy / "pyproject.toml").read_text())["project"]
    assert project["name"] == "our-thing"
    old = re.compile(rf"(?<![\w-])({reference}|{reference.replace('_', '-')})(?![\w-])")
    texts = [path for path in copy.rglob("*") if path.suffix in {".py", ".md", ".toml"}]
    assert not [path for path in texts if old.search(path.read_text())]
    assert not [path for path in texts if "processings/" in path.read_text()]
    assert "](../" not in (copy / "README.md").read_text()
    beside = [path.read_text() for path in texts if "FOLDER.parent" in path.read_text()]
    assert all("skipif" in text for text in beside), "a test may look for another reference, but not rely on it"


def test_make_test_passes_inside(tmp_path: Path) -> None:
    """From nothing but the built package: in a virtual environment of the new repository."""
    wheel = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path), str(ROOT)]
    subprocess.run(wheel, check=True)
    assert pxp(tmp_path, "new", "tiles", "--from", "image_tiler").returncode == 0
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "PYTEST", "COV"))}
    environment |= {"PIP_FIND_LINKS": str(tmp_path), "PIP_CONSTRAINT": str(ROOT / "constraints.txt")}
    environment.pop("PYTHONPATH", None)
    finished = subprocess.run(
        ["make", "test", f"PYTHON={sys.executable}"],
        cwd=tmp_path / "tiles",
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert re.search(r"^=+ \d+ passed", finished.stdout, re.MULTILINE), finished.stdout
    installed = tmp_path / "tiles" / ".venv" / "bin" / "pxp"
    listed = subprocess.run([installed, "new", "x", "--from", "nothing"], capture_output=True, text=True, check=False)
    assert all(reference in listed.stderr for reference in REFERENCES), "the package brings every reference along"
    made = subprocess.run(
        [installed, "new", "x", "--from", "image_tiler"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "FRAMEWORK" not in made.stdout, "an index has what came from one"


def test_a_copy_gets_the_framework_from_where_this_one_is_from(tmp_path: Path) -> None:
    """From a checkout, as here, the name alone would not do: it says what to set up with."""
    made = pxp(tmp_path, "new", "tiles", "--from", "image_tiler")
    command = re.search(r"make setup FRAMEWORK='picsellia-processing\[platform\] @ (file:\S+)'", made.stdout)
    assert command, made.stdout
    planned = subprocess.run(
        ["make", "--dry-run", "setup", f"FRAMEWORK={command[1]}"],
        cwd=tmp_path / "tiles", capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert f"'{command[1]}' --editable '.[dev]'" in planned.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("new", "mine", "--from", "yolo"), "there is no reference processing 'yolo'; --from takes one of"),
        (("new", "9mine", "--from", "image_tiler"), "'9mine' cannot name a processing: expected letters"),
        (("new", "nowhere/mine", "--from", "image_tiler"), "there is no folder nowhere to make mine in"),
        (("new", "taken", "--from", "image_tiler"), "taken is there already; choose another NAME, or remove it"),
        (("new", "mine"), "--from is missing; --from takes one of\n  albumentations_augmentation "),
    ],
)
def test_mistakes_are_named_and_leave_nothing(words: tuple[str, ...], said: str, tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    refused = pxp(tmp_path, *words)
    assert refused.returncode == 2
    assert said in refused.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
