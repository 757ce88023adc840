import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_an_authors_code_is_typed() -> None:
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file", "pyproject.toml", "tests/typing/authoring.py"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
