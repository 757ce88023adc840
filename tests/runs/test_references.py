"""The promise of a re-run, kept by every reference processing, on all that a local platform holds."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.runs.kill import kill, requests_made, wait_for_requests
from tests.runs.references import REFERENCES, Reference

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", REFERENCES)
def test_run_again_and_killed_in_the_middle_it_ends_where_one_run_ends(name: str, tmp_path: Path) -> None:
    with closing(Reference(name, tmp_path / "undisturbed")) as undisturbed:
        before = undisturbed.state()
        job_id = undisturbed.launch()
        undisturbed.platform.clear_ledger()
        finished = undisturbed.run(job_id)
        assert finished.status == 0, finished.output
        requests = requests_made(undisturbed.platform)
        expected = undisturbed.state()
        assert expected != before, "the Job did nothing"
        second = undisturbed.run(undisturbed.launch())
        assert second.status == 0, second.output
        assert undisturbed.state() == expected, "a second Job found something to do"

    with closing(Reference(name, tmp_path / "killed", latency_ms=20)) as killed:
        job_id = killed.launch()
        killed.platform.clear_ledger()
        process = killed.rig.start(killed.target, job_id, tmp_path / "out")
        wait_for_requests(killed.platform, process, requests * 2 // 3)
        kill(process, "both")
        process.wait(30)
        assert killed.state() != expected, "it was not in the middle"
        again = killed.run(job_id)
        assert again.status == 0, again.output
        assert killed.state() == expected
