"""A new task type is one module: nothing else is touched for whole Jobs to run it, report on it and refuse mistakes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from picsellia_processing.errors import DefinitionError
from picsellia_processing.loading import load

from tests.runs.rig import PROCESSINGS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.runs.rig import Rig


def test_a_job_of_a_task_type_of_ones_own(rig: Callable[..., Rig]) -> None:
    platform = rig()
    job_id = platform.launch({"stars": 8}, type="AUTO_TAGGING")
    first = platform.run("rating:rate", job_id)
    assert first.status == 0, first.output
    assert first.report["assets"] == {"selected": 30, "processed": 30, "skipped": 0, "failed": 0}
    tags = platform.asset_tags()
    assert len(tags) == 30
    assert tags["00.jpg"] == ["1 stars"]
    again = platform.run("rating:rate", job_id)
    assert again.status == 0, again.output
    assert platform.asset_tags() == tags


def test_a_result_it_does_not_take_fails_the_job(rig: Callable[..., Rig]) -> None:
    platform = rig()
    failed = platform.run("rating:rate", platform.launch({"stars": 6}, type="AUTO_TAGGING"))
    assert failed.status == 1
    assert "a rating is 1 to 6 stars; found " in failed.output


def test_its_check_and_its_options_are_asked(monkeypatch: pytest.MonkeyPatch, rig: Callable[..., Rig]) -> None:
    monkeypatch.chdir(PROCESSINGS)
    assert load("rating:rate").describe()["parameters"]["properties"]["stars"]["default"] == 5
    with pytest.raises(DefinitionError, match="it returns str; expected int, the stars of the image"):
        load("rating_wrongly:rate")
    platform = rig()
    refused = platform.run("rating:rate", platform.launch({"stars": 11}, type="AUTO_TAGGING"))
    assert refused.status == 2
    assert "stars" in refused.output
