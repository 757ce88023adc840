"""The whole processing, offline, on its fixture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from picsellia_processing.pytest_plugin import DryRun, RunsDry

FOLDER = Path(__file__).parents[1]
FIXTURE = FOLDER / "fixture"


@pytest.fixture(scope="module")
def run(dry_run: RunsDry) -> DryRun:
    """The fixture, tiled."""
    run = dry_run(FOLDER)
    assert run.exit_code == 0, run.log
    return run


def test_the_fixture_is_tiled(run: DryRun) -> None:
    assert run.annotations is not None
    truth = json.loads((FIXTURE / "ground_truth.json").read_text())
    assert run.report["assets"] == {"selected": 6, "processed": 6, "skipped": 0, "failed": 0}
    assert run.report["output"]["name"] == "discs/tiles"
    # At 128 with 16 of overlap a side of up to 128 takes one tile, up to 240 two, up to 352 three.
    across = {width: -(-max(width - 16, 1) // 112) for width in range(1, 400)}
    expected = sum(across[image["width"]] * across[image["height"]] for image in truth["images"])
    assert run.report["produced"]["new images"] == expected
    tiles = run.annotations["images"]
    assert {(tile["width"], tile["height"]) for tile in tiles} == {(128, 128)}
    assert len(tiles) == expected
    assert len(run.annotations["annotations"]) == run.report["produced"]["shapes"] >= len(truth["annotations"])


def test_every_disc_is_on_the_tile_that_shows_it(run: DryRun) -> None:
    """Of the images that are stored upright: the middle of each disc is in a box of its colour on some tile."""
    assert run.annotations is not None
    truth = json.loads((FIXTURE / "ground_truth.json").read_text())
    names = {category["id"]: category["name"] for category in truth["categories"]}
    found = {category["id"]: category["name"] for category in run.annotations["categories"]}
    boxes: dict[int, list[tuple[str, list[float]]]] = {image["id"]: [] for image in run.annotations["images"]}
    for annotation in run.annotations["annotations"]:
        boxes[annotation["image_id"]].append((found[annotation["category_id"]], annotation["bbox"]))
    places: dict[str, list[tuple[str, float, float, float, float]]] = {}
    for image in run.annotations["images"]:
        stem, x, y, _ = image["file_name"].rsplit("-", 3)
        for label, (left, top, width, height) in boxes[image["id"]]:
            places.setdefault(stem, []).append((label, left + int(x[1:]), top + int(y[1:]), width, height))
    upright = {image["id"]: Path(image["file_name"]).stem for image in truth["images"] if image["id"] != 2}
    for annotation in truth["annotations"]:
        if annotation["image_id"] in upright:
            x, y, width, height = annotation["bbox"]
            label, middle_x, middle_y = names[annotation["category_id"]], x + width / 2, y + height / 2
            assert any(
                label == each and left <= middle_x <= left + w and top <= middle_y <= top + h
                for each, left, top, w, h in places[upright[annotation["image_id"]]]
            ), annotation


def test_tiles_larger_than_the_images_fail_the_job(dry_run: RunsDry) -> None:
    run = dry_run(FOLDER, parameters={"tile_width": 2000, "edge": "drop"})
    assert run.exit_code == 1
    assert "smaller than a tile of 2000 x 128" in run.report["reason"]
