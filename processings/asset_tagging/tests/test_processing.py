"""The whole processing, offline, on its fixture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1]
FIXTURE = FOLDER / "fixture"
TRUTH = json.loads((FIXTURE / "ground_truth.json").read_text())


def tags_of(run: Any) -> dict[str, set[str]]:
    """What was written, by file name."""
    lines = (run.out / "predictions.jsonl").read_text().splitlines()
    return {said["filename"]: set(said["tags"]) for said in map(json.loads, lines)}


def test_the_fixture_is_tagged(dry_run: Any) -> None:
    run = dry_run(FOLDER)
    assert run.exit_code == 0, run.log
    assert run.report["assets"] == {"selected": 40, "processed": 39, "skipped": 0, "failed": 1}
    assert run.report["failures"][0]["asset"] == "truncated.jpg"
    tags = tags_of(run)
    assert {name: {tag for tag in found if tag.startswith("quality: ")} for name, found in tags.items()} == {
        name: {f"quality: {flaw}" for flaw in truth["quality"]} for name, truth in TRUTH.items()
    }
    right = [f"class: {truth['class']}" in tags[name] for name, truth in TRUTH.items()]
    assert sum(right) >= 0.95 * len(right)
    requests = run.report["requests"]["by_endpoint"]
    assert requests["POST /api/tag/{}/attach"] <= 10, "3 classes and 7 qualities, each attached to all of its at once"


def test_quality_alone_needs_no_model(dry_run: Any, tmp_path: Path) -> None:
    (tmp_path / "fixture.toml").write_text('task = "auto_tagging"\n[dataset_version]\nname = "patterns"\n')
    run = dry_run(
        FOLDER,
        fixture=tmp_path,
        images=FIXTURE / "images",
        parameters={"quality_prefix": "auto/", "dark_below": None, "small_below": 100},
    )
    assert run.exit_code == 0, run.log
    written = set().union(*tags_of(run).values())
    assert written == {
        f"auto/{word}" for word in ("bright", "low contrast", "blurred", "greyscale", "small", "elongated")
    }
