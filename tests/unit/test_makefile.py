"""What a newcomer types first downloads no more than it needs."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def commands(target: str, folder: Path) -> str:
    """What make would run for `target` where there is no virtual environment yet."""
    words = ["make", "--dry-run", target, f"VENV={folder / 'venv'}"]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_the_demo_installs_what_it_runs_alone(tmp_path: Path) -> None:
    made = commands("demo", tmp_path)
    assert "--requirement processings/yolo_preannotation/requirements.txt\n" in made
    assert "requirements-dev.txt" not in made
    assert "tensorflow" not in made


def test_set_up_serves_the_demo_too(tmp_path: Path) -> None:
    made = commands("setup", tmp_path)
    assert "processings/tensorflow_preannotation/requirements.txt" in made
    assert f"touch {tmp_path / 'venv' / '.demo'} {tmp_path / 'venv' / '.ready'}" in made
