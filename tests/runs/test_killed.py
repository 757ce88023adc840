"""Killed at any moment and run again, a Job ends in the state of one undisturbed run."""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from picsellia_processing.platform.process import LocalPlatform
from PIL import Image

from tests.runs.kill import kill, requests_made, wait_for_requests
from tests.runs.rig import Rig

if TYPE_CHECKING:
    from collections.abc import Iterator

ASSETS = 240
KILLS = 20


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    colours = np.random.default_rng(1).integers(0, 255, (ASSETS, 3), dtype=np.uint8)
    for number, colour in enumerate(colours):
        Image.new("RGB", (96, 64), tuple(map(int, colour))).save(folder / f"{number:04}.jpg")
    return folder


@pytest.fixture(scope="module", params=[0.0, 0.2], ids=["reliable", "faults"])
def rig(request: pytest.FixtureRequest, images: Path) -> Iterator[Rig]:
    with LocalPlatform(images=images, latency_ms=5, fault_rate=request.param, seed_faults=7) as platform:
        rig = Rig(platform)
        yield rig
        rig.close()


def test_killed_at_random_moments_and_run_again(rig: Rig, tmp_path: Path) -> None:
    rig.platform.clear_ledger()
    undisturbed = rig.run("corner:annotate")
    assert undisturbed.status == 0, undisturbed.output
    requests = requests_made(rig.platform)
    expected = rig.annotations()
    assert len(expected) == ASSETS

    moments = random.Random(11)
    cut_short = 0
    for number in range(KILLS):
        rig.version.delete_all_annotations()
        job_id = rig.launch()
        rig.platform.clear_ledger()
        process = rig.start("corner:annotate", job_id, tmp_path / str(number))
        wait_for_requests(rig.platform, process, moments.randrange(requests + 10))
        kill(process, moments.choice(["supervisor", "worker", "both"]))
        process.wait(30)
        cut_short += 0 < rig.annotation_count() < ASSETS
        again = rig.run("corner:annotate", job_id)
        assert again.status == 0, again.output
        assert again.report["assets"]["failed"] == 0
        assert rig.annotations() == expected
        assert rig.annotation_count() == ASSETS, "an asset was annotated twice"
    assert cut_short, "no kill fell into the work itself"
