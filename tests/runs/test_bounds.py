"""What a Job may cost: requests and memory. What it takes in time is measured by `make bench`, and asserted nowhere."""

from __future__ import annotations

import os
from math import ceil
from typing import TYPE_CHECKING

import pytest
from picsellia_processing.platform.process import LocalPlatform
from PIL import Image

from tests.runs.rig import Rig

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def rig_of(tmp_path: Path) -> Iterator[Callable[[int], Rig]]:
    """Starts a platform with so many small images on it, all of them links to one file."""
    opened: list[tuple[Rig, LocalPlatform]] = []

    def start(count: int) -> Rig:
        folder = tmp_path / str(count)
        folder.mkdir()
        picture = tmp_path / "picture.jpg"
        Image.effect_noise((160, 120), 60).convert("RGB").save(picture)
        for number in range(count):
            os.link(picture, folder / f"{number:05}.jpg")
        platform = LocalPlatform(images=folder)
        platform.start()
        rig = Rig(platform)
        opened.append((rig, platform))
        return rig

    yield start
    for rig, platform in opened:
        rig.close()
        platform.stop()


def requests_of(rig: Rig, count: int) -> dict[str, int]:
    """Run a Job and count what the platform was asked, by endpoint, without the lines of the log."""
    job_id = rig.launch()
    rig.platform.clear_ledger()
    run = rig.run("corner:annotate", job_id)
    assert run.status == 0, run.output
    assert run.report["assets"]["selected"] == count
    asked = rig.platform.ledger()["by_endpoint"]
    return {endpoint: number for endpoint, number in asked.items() if not endpoint.endswith("/logging")}


def test_requests_stay_near_one_for_each_asset(rig_of: Callable[[int], Rig]) -> None:
    count = 300
    rig = rig_of(count)
    asked = requests_of(rig, count)
    assert sum(asked.values()) <= count + ceil(count / 100) + ceil(count / 1000) + 20, asked
    assert asked["POST /api/dataset/version/{}/bulk-annotations"] == 3
    assert rig.annotation_count() == count

    again = requests_of(rig, count)
    assert sum(again.values()) <= ceil(count / 100) + ceil(count / 1000) + 20, "what is done is not fetched again"


def test_memory_does_not_grow_with_the_number_of_assets(rig_of: Callable[[int], Rig]) -> None:
    peaks = []
    for count in (1000, 4000):
        run = rig_of(count).run("corner:annotate")
        assert run.report["assets"]["processed"] == count, run.output
        peaks.append(run.report["peak_rss_bytes"])
    assert peaks[1] <= 1.1 * peaks[0]
