"""What an author logs is in the Job's log, as what is printed is."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.runs.rig import Rig


def test_information_is_logged_and_debugging_is_not(rig: Callable[..., Rig]) -> None:
    platform = rig()
    job_id = platform.launch(type="AUTO_TAGGING")
    run = platform.run("talkative:tag", job_id)
    assert run.status == 0, run.output
    log = platform.log(job_id)
    assert "seen 07.jpg" in log
    assert "looking at" not in log
    assert "http" not in log, "what the libraries of the framework log is none of the author's business"
