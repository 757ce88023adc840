"""Fixtures for the tests of a processing; pytest finds them once this package is installed.

    def test_every_image_is_annotated(dry_run):
        run = dry_run("my_processing", parameters={"confidence": 0.5})
        assert run.exit_code == 0
        assert run.report["assets"]["failed"] == 0

Starting the processes of a dry-run takes seconds. Tests that look at the same one can share it:

    @pytest.fixture(scope="module")
    def run(dry_run):
        return dry_run("my_processing")
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from picsellia_processing.platform.process import LocalPlatform


@dataclass(frozen=True, slots=True)
class DryRun:
    """A finished dry-run.

    Attributes:
        exit_code: 0 when the Job succeeded; see `pxp --help` for the others.
        report: the contents of report.json; empty when the Job did not start.
        annotations: the end state of the platform as COCO; None where there is none.
        log: what was printed to standard error: the Job's log, or why it did not start.
        out: the folder with all that was produced.
    """

    exit_code: int
    report: Mapping[str, Any]
    annotations: Mapping[str, Any] | None
    log: str
    out: Path


class RunsDry(Protocol):
    """What the fixture `dry_run` is."""

    def __call__(
        self,
        target: str | Path,
        *,
        fixture: str | Path | None = None,
        images: str | Path | None = None,
        model_files: Mapping[str, str | Path] | None = None,
        parameters: Mapping[str, Any] | None = None,
    ) -> DryRun:
        """Run `pxp dry-run` on a processing, with the options of the same names, and wait for its end."""
        ...


@pytest.fixture
def local_platform() -> Iterator[LocalPlatform]:
    """An empty local platform of the test's own; gone when the test ends."""
    from picsellia_processing.platform.process import LocalPlatform  # noqa: PLC0415 - only who asks for it pays

    with LocalPlatform() as platform:
        yield platform


@pytest.fixture(scope="session")
def dry_run(tmp_path_factory: pytest.TempPathFactory) -> RunsDry:
    """Runs a processing offline, as `pxp dry-run` does, each time in a folder of its own.

    Fixtures of any scope may use it.
    """

    def run(
        target: str | Path,
        *,
        fixture: str | Path | None = None,
        images: str | Path | None = None,
        model_files: Mapping[str, str | Path] | None = None,
        parameters: Mapping[str, Any] | None = None,
    ) -> DryRun:
        out = tmp_path_factory.mktemp("dry-run") / "out"
        options = [
            *(("--fixture", os.fspath(fixture)) if fixture is not None else ()),
            *(("--images", os.fspath(images)) if images is not None else ()),
            *(word for name, path in (model_files or {}).items() for word in ("--model-file", f"{name}={path}")),
            *(word for key, value in (parameters or {}).items() for word in ("--parameter", _assignment(key, value))),
        ]
        finished = subprocess.run(  # noqa: S603 - this program itself
            [sys.executable, "-m", "picsellia_processing", "dry-run", os.fspath(target), "--out", str(out), *options],
            capture_output=True,
            text=True,
            check=False,
        )
        report, annotations = out / "report.json", out / "annotations.json"
        return DryRun(
            exit_code=finished.returncode,
            report=json.loads(report.read_text()) if report.exists() else {},
            annotations=json.loads(annotations.read_text()) if annotations.exists() else None,
            log=finished.stdout + finished.stderr,
            out=out,
        )

    return run


def _assignment(key: str, value: Any) -> str:
    return f"{key}={json.dumps(value)}"
