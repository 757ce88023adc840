"""The whole processing, offline, on its fixture. What it shares with asset_tagging is tested there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

FOLDER = Path(__file__).parents[1]
FIXTURE = FOLDER / "fixture"


def test_the_fixture_gets_tags_and_metadata(dry_run: Any) -> None:
    run = dry_run(FOLDER)
    assert run.exit_code == 0, run.log
    assert run.report["target"]["type"] == "DATALAKE"
    truth = json.loads((FIXTURE / "ground_truth.json").read_text())
    found = [json.loads(line) for line in (run.out / "predictions.jsonl").read_text().splitlines()]
    assert {said["filename"] for said in found} == set(truth)
    for said in found:
        expected = truth[said["filename"]]
        assert {tag for tag in said["tags"] if tag.startswith("quality: ")} == {
            f"quality: {f}" for f in expected["quality"]
        }
        with Image.open(FIXTURE / "images" / said["filename"]) as file:
            upright = ImageOps.exif_transpose(file).convert("RGB")
        metadata = said["metadata"]
        assert (metadata["quality_width"], metadata["quality_height"]) == upright.size
        assert metadata["quality_brightness"] == pytest.approx(np.asarray(upright.convert("L")).mean(), abs=1)
        assert 0.5 <= metadata["class_confidence"] <= 1
        assert f"class: {metadata['class_name']}" in said["tags"]
    right = [said["metadata"]["class_name"] == truth[said["filename"]]["class"] for said in found]
    assert sum(right) >= 0.95 * len(right)
    assert run.report["requests"]["by_endpoint"]["PATCH /api/datalake/{}/data/bulk"] == 1


def test_an_unsure_class_is_no_tag_but_is_told_in_the_metadata(dry_run: Any) -> None:
    run = dry_run(FOLDER, parameters={"confidence": 1.0, "quality": False, "mean": [0, 0, 0], "std": [4, 4, 4]})
    assert run.exit_code == 0, run.log
    for line in (run.out / "predictions.jsonl").read_text().splitlines():
        said = json.loads(line)
        assert said["tags"] == []
        assert set(said["metadata"]) == {"class_name", "class_confidence"}
