"""The whole processing, offline, on its fixture."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[1]
FIXTURE = FOLDER / "fixture"
TRUTH = json.loads((FIXTURE / "ground_truth.json").read_text())
NAMES = {image["file_name"] for image in TRUTH["images"]}
FLAWED = {name for name in NAMES if name.startswith("flaw-")}


def kept(run: Any) -> set[str]:
    return {image["file_name"] for image in run.annotations["images"]}


def scene(name: str) -> int:
    """The number of the scene that a picture shows."""
    number = re.search(r"\d+", name)
    assert number is not None
    return int(number[0])


@pytest.fixture(scope="module")
def run(dry_run: Any) -> Any:
    """The fixture, curated as it says."""
    run = dry_run(FOLDER)
    assert run.exit_code == 0, run.log
    return run


@pytest.fixture(scope="module")
def wholes() -> dict[int, set[str]]:
    """What was kept, by batch size."""
    return {}


@pytest.mark.parametrize("batch_size", [1, 10])
def test_every_scene_is_kept_once(dry_run: Any, wholes: dict[int, set[str]], batch_size: int) -> None:
    """Copies lie far from what they are copies of, so none of them share a batch."""
    run = dry_run(FOLDER, parameters={"max_images": None, "batch_size": batch_size})
    assert run.exit_code == 0, run.log
    assert len(kept(run)) == 20
    assert {scene(name) for name in kept(run)} == set(range(20))
    assert not kept(run) & FLAWED
    assert run.report["skipped"] == {
        "too small": 1,
        "too dark": 1,
        "too bright": 1,
        "blurred": 2,
        "near-duplicate": 5,
    }
    assert run.report["assets"] == {"selected": 30, "processed": 20, "skipped": 10, "failed": 0}
    wholes[batch_size] = kept(run)
    assert len(set(map(frozenset, wholes.values()))) == 1, "the same, whatever shares a batch"


def test_every_image_that_left_is_named_with_what_was_found(run: Any) -> None:
    left = dict(re.findall(r"left out: (\S+), (.*)", run.log))
    assert set(left) == NAMES - kept(run)
    assert left["flaw-small.jpg"] == "too small: 77 x 58"
    assert left["copy-of-00-smaller.png"] == "near-duplicate: 0 of 128 bits differ from scene-00.jpg"
    assert re.fullmatch(r"blurred: sharpness \d\.\d", left["flaw-blurred-0.jpg"])
    assert run.report["skipped"]["over the budget"] == 6
    assert run.report["metadata"] == {
        "images kept of each class": {"(none)": "4 of 5", "blue": "4 of 7", "red": "6 of 18"}
    }


def test_annotations_are_carried_and_no_byte_is_sent(run: Any) -> None:
    truth = {image["id"]: image["file_name"] for image in TRUTH["images"]}
    found = {image["id"]: image["file_name"] for image in run.annotations["images"]}
    expected = sorted((truth[a["image_id"]], a["bbox"]) for a in TRUTH["annotations"])
    carried = sorted((found[a["image_id"]], a["bbox"]) for a in run.annotations["annotations"])
    assert carried == [(name, box) for name, box in expected if name in kept(run)]
    assert run.report["produced"] == {"kept images": 14}
    assert not any("data/upload" in endpoint for endpoint in run.report["requests"]["by_endpoint"])
