"""The whole processing, offline, on its fixture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from picsellia_processing.tasks.packing import packed
from PIL import Image

if TYPE_CHECKING:
    from types import ModuleType

FOLDER = Path(__file__).parents[1]
FIXTURE = FOLDER / "fixture"


def test_the_shapes_of_the_fixture_are_found(dry_run: Any, metrics: ModuleType) -> None:
    run = dry_run(FOLDER, parameters={"confidence": 0.3})
    assert run.exit_code == 0, run.log
    assert run.report["assets"] == {"selected": 29, "processed": 28, "skipped": 0, "failed": 1}
    assert run.report["failures"][0]["asset"] == "truncated.jpg"
    truth = json.loads((FIXTURE / "ground_truth.json").read_text())
    assert metrics.map50(truth, run.annotations) >= 0.9
    names = {image["id"]: image["file_name"] for image in run.annotations["images"]}
    assert "empty.jpg" not in {names[each["image_id"]] for each in run.annotations["annotations"]}
    requests = run.report["requests"]["by_endpoint"]
    assert requests["POST /api/dataset/version/{}/bulk-annotations"] == 1, "for 28 images and all of their boxes"
    for chatter in ("oneDNN", "absl", "rebuild TensorFlow", "cuda", "WARNING"):
        assert chatter not in run.log.replace("cuda or cuda:N", "")


def test_outlines_are_written_where_the_dataset_version_holds_them(
    dry_run: Any, export: Any, mask_finder: Any, tmp_path: Path
) -> None:
    model = packed(export(mask_finder, (1, None, None, 3)), tmp_path / "zip", "masks")
    (tmp_path / "red").mkdir()
    Image.new("RGB", (80, 48), "red").save(tmp_path / "red" / "red.png")
    (tmp_path / "fixture.toml").write_text(
        'task = "pre_annotation"\n[dataset_version]\nname = "reds"\ntype = "SEGMENTATION"\nlabels = ["one", "two"]\n'
        '[model_version]\nname = "finder"\ntype = "SEGMENTATION"\nlabels = { 1 = "one", 2 = "two" }\n'
    )
    run = dry_run(FOLDER, fixture=tmp_path, images=tmp_path / "red", model_files={"model-latest": model})
    assert run.exit_code == 0, run.log
    first, second = sorted(run.annotations["annotations"], key=lambda each: each["category_id"])
    assert first["bbox"] == pytest.approx([0, 0, 40, 24], abs=1)
    assert second["bbox"] == pytest.approx([40, 12, 40, 12], abs=1)
    assert all(each["segmentation"] for each in (first, second))
