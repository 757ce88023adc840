from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from picsellia_processing.image import AssetReference
from picsellia_processing.job.predictions import FILE_NAME, Predictions
from picsellia_processing.task import Record, WrittenShape

if TYPE_CHECKING:
    from pathlib import Path


def record(number: int, *shapes: WrittenShape, filename: str = "a.jpg") -> Record:
    return Record(AssetReference(str(number), filename, "http://host/a.jpg?sig=s3cr3t"), {"secret": 1}, shapes)


def lines(out: Path) -> list[object]:
    return [json.loads(line) for line in (out / FILE_NAME).read_bytes().splitlines()]


def test_one_line_for_each_asset_with_its_scores(tmp_path: Path) -> None:
    box = WrittenShape("rectangle", "Car", "car", 0.25, {"x": 1, "y": 2, "w": 3, "h": 4})
    outline = WrittenShape("polygon", "Car", "car", None, {"polygon": [[0, 0], [1, 0], [1, 1]]})
    with Predictions(tmp_path) as predictions:
        predictions.add([record(1, box, outline), record(2)])
        predictions.add([])
        predictions.add([record(3)])
    assert lines(tmp_path) == [
        {
            "asset_id": "1",
            "filename": "a.jpg",
            "annotations": [
                {"type": "rectangle", "label": "Car", "confidence": 0.25, "x": 1, "y": 2, "w": 3, "h": 4},
                {"type": "polygon", "label": "Car", "confidence": None, "polygon": [[0, 0], [1, 0], [1, 1]]},
            ],
        },
        {"asset_id": "2", "filename": "a.jpg", "annotations": []},
        {"asset_id": "3", "filename": "a.jpg", "annotations": []},
    ]


def test_lines_are_there_as_soon_as_they_are_added(tmp_path: Path) -> None:
    with Predictions(tmp_path / "made" / "on the way") as predictions:
        predictions.add([record(1)])
        assert len(lines(tmp_path / "made" / "on the way")) == 1


@pytest.mark.parametrize("filename", ["caf\ud800e.jpg", "a\nb\0.jpg", '"', "猫.jpg"])
def test_a_name_is_one_line_whatever_is_in_it(tmp_path: Path, filename: str) -> None:
    with Predictions(tmp_path) as predictions:
        predictions.add([record(1, filename=filename)])
    (line,) = lines(tmp_path)
    assert line["filename"] == filename.encode("utf-8", "backslashreplace").decode()


def test_without_a_folder_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Predictions(None) as predictions:
        predictions.add([record(1)])
    assert list(tmp_path.iterdir()) == []


def test_no_signature_is_kept(tmp_path: Path) -> None:
    with Predictions(tmp_path) as predictions:
        predictions.add([record(1)])
    assert b"s3cr3t" not in (tmp_path / FILE_NAME).read_bytes()


def test_a_file_of_an_earlier_job_is_replaced(tmp_path: Path) -> None:
    for number in (1, 2):
        with Predictions(tmp_path) as predictions:
            predictions.add([record(number)])
    assert [line["asset_id"] for line in lines(tmp_path)] == ["2"]
