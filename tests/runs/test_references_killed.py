"""A reference processing that is killed in the middle, and run again, ends where an undisturbed run ends."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.runs.kill import kill, wait_for_requests
from tests.runs.references import REFERENCES, Reference

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", REFERENCES)
def test_killed_in_the_middle_and_run_again(name: str, tmp_path: Path) -> None:
    with closing(Reference(name, tmp_path / "undisturbed")) as undisturbed:
        job_id = undisturbed.launch()
        undisturbed.platform.clear_ledger()
        finished = undisturbed.run(job_id)
        assert finished.status == 0, finished.output
        requests = undisturbed.platform.ledger()["total"]
        expected = undisturbed.state()

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
