"""Whole Jobs: one file is stored once it is verified, and none otherwise."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from picsellia_processing.errors import JobError, ParameterError
from picsellia_processing.parameters import resolve

if TYPE_CHECKING:
    from types import ModuleType

    from picsellia_processing.pytest_plugin import RunsDry

FOLDER = Path(__file__).parents[1]
FIXTURE = FOLDER / "fixture"
UPLOAD = "POST /api/model/version/{}/modelfiles"


def test_a_package_is_stored_whole_and_once(tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-m", "picsellia_processing", "dry-run", str(FOLDER), "--out", str(out)]
    stored = []
    for more in ([], ["--again"]):
        subprocess.run([*command, *more], check=True, stdin=subprocess.DEVNULL, capture_output=True)
        report = json.loads((out / "report.json").read_text())
        stored.append(report["produced"]["files stored"])
    assert stored == [1, 0]
    assert report["assets"]["failed"] == 0
    assert report["metadata"]["architecture"] == "yolox-nano"
    assert report["metadata"]["largest_error"]["box"] < 1
    assert report["metadata"]["largest_error"]["score"] < 5e-3
    (package,) = [
        path
        for path in (out / "platform").rglob("*")
        if path.is_file()
        and zipfile.is_zipfile(path)
        and any("mlpackage" in name for name in zipfile.ZipFile(path).namelist())
    ]
    names = {name.partition("/")[2] for name in zipfile.ZipFile(package).namelist() if not name.endswith("/")}
    assert names == {"Manifest.json", "Data/com.apple.CoreML/model.mlmodel", "Data/com.apple.CoreML/weights/weight.bin"}


def test_without_a_picture_there_is_no_comparison(modules: SimpleNamespace) -> None:
    unreadable = SimpleNamespace(images=lambda first: iter(()))
    with pytest.raises(JobError, match="none of the first 8 images of the DatasetVersion can be read"):
        modules.pictures.first_pictures(unreadable, 8)


def test_above_a_tolerance_the_job_fails_and_stores_nothing(dry_run: RunsDry, tmp_path: Path) -> None:
    """In the older format, made of another file, compared on made-up pictures."""
    fixture = fixture_with(tmp_path, r'"pretrained-weights"(.*)# Pictures.*(?=\[parameters\])', r'"another"\1')
    parameters = {"export_format": "neuralnetwork", "input_model_file_name": "another", "score_tolerance": 1e-12}
    run = dry_run(FOLDER, fixture=fixture, parameters=parameters)
    assert run.exit_code == 1, run.log
    assert "model-coreml does not compute what the checkpoint computes, so nothing is stored" in run.report["reason"]
    assert UPLOAD not in run.report["requests"]["by_endpoint"]


def test_other_classes_than_the_labels_are_refused(processing: ModuleType, tmp_path: Path) -> None:
    for labels in ({"0": "circle", "1": "square"}, {"zero": "circle", "one": "square", "two": "triangle"}, None):
        version, context = SimpleNamespace(labels=labels), SimpleNamespace(folder=tmp_path)
        with pytest.raises(JobError, match=r"the network tells 3 classes apart, the ModelVersion has \d labels"):
            processing.to_core_ml(FIXTURE / "yolox_nano.pth", version, context, processing.CoreMlParameters())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"export_format": "neuralnetwork", "compression": "int8"}, "compression needs the export_format mlprogram"),
        ({"image_size": 100}, "image_size: input should be a multiple of 32"),
        ({"precision": "int8"}, "precision: input should be 'float32' or 'float16'"),
    ],
)
def test_wrong_parameters_are_refused(processing: ModuleType, parameters: dict[str, Any], said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        resolve([processing.CoreMlParameters], parameters, {})


def fixture_with(folder: Path, pattern: str, replacement: str) -> Path:
    """A copy of the fixture, where the first place of fixture.toml that `pattern` matches is replaced."""
    copy = shutil.copytree(FIXTURE, folder / "fixture")
    text, count = re.subn(pattern, replacement, (copy / "fixture.toml").read_text(), count=1, flags=re.DOTALL)
    assert count == 1
    (copy / "fixture.toml").write_text(text)
    return copy
