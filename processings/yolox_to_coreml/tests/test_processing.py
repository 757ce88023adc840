"""Whole Jobs: one file is stored once it is verified, and none otherwise."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch

if TYPE_CHECKING:
    from picsellia_processing.pytest_plugin import RunsDry

FOLDER = Path(__file__).parents[1]
FIXTURE = FOLDER / "fixture"
CHECKPOINT = FIXTURE / "yolox_nano.pth"
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


def test_the_older_format_and_another_file_above_a_tolerance(dry_run: RunsDry, tmp_path: Path) -> None:
    """Also without pictures of a DatasetVersion."""
    fixture = fixture_with(tmp_path, files={"another": "yolox_nano.pth"}, without="dataset_version")
    parameters = {"export_format": "neuralnetwork", "input_model_file_name": "another", "score_tolerance": 1e-12}
    run = dry_run(FOLDER, fixture=fixture, parameters=parameters)
    assert run.exit_code == 1, run.log
    assert "model-coreml does not compute what the checkpoint computes, so nothing is stored" in run.report["reason"]
    assert UPLOAD not in run.report["requests"]["by_endpoint"]


def test_other_classes_than_the_labels_are_refused(dry_run: RunsDry, tmp_path: Path) -> None:
    fixture = fixture_with(tmp_path, labels=["circle", "square"])
    run = dry_run(FOLDER, fixture=fixture)
    assert run.exit_code == 2
    assert "the checkpoint finds 3 classes, but the ModelVersion " in run.report["reason"]
    assert "has 2 labels (circle, square); give it the checkpoint's classes as labels" in run.report["reason"]
    assert UPLOAD not in run.report["requests"]["by_endpoint"]


def test_what_is_no_checkpoint_is_refused(dry_run: RunsDry, tmp_path: Path) -> None:
    path = tmp_path / "best.pth"
    torch.save({"model": torch.nn.Linear(2, 2).state_dict()}, path)
    run = dry_run(FOLDER, model_files={"pretrained-weights": path})
    assert run.exit_code == 2
    assert "'best.pth' cannot be used: found another architecture" in run.report["reason"]


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"export_format": "neuralnetwork", "compression": "int8"}, "compression needs the export_format mlprogram"),
        ({"input_model_file_name": "weights"}, "it has no file 'weights'"),
        ({"image_size": 100}, "image_size"),
    ],
)
def test_a_wrong_launch_is_refused(dry_run: RunsDry, parameters: dict[str, Any], said: str) -> None:
    run = dry_run(FOLDER, parameters=parameters)
    assert run.exit_code == 2
    assert said in run.log


def fixture_with(
    folder: Path, *, labels: list[str] | None = None, files: dict[str, str] | None = None, without: str = ""
) -> Path:
    """The fixture with other labels or files of the ModelVersion, and without one of its tables."""
    content = tomllib.loads((FIXTURE / "fixture.toml").read_text())
    model = content["model_version"]
    model |= {"labels": labels or model["labels"], "files": files or model["files"]}
    content.pop(without, None)
    tables = {name: table for name, table in content.items() if isinstance(table, dict)}
    lines = [f"{name} = {json.dumps(value)}" for name, value in content.items() if name not in tables]
    for name, table in tables.items():
        lines += [f"[{name}]", *(f"{key} = {toml(value)}" for key, value in table.items())]
    (folder / "fixture.toml").write_text("\n".join(lines))
    (folder / CHECKPOINT.name).symlink_to(CHECKPOINT)
    (folder / "images").symlink_to(FIXTURE / "images")
    return folder


def toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml(each)}" for key, each in value.items()) + "}"
    return json.dumps(value)
