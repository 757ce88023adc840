"""Which labels of a DatasetVersion are classes of the model."""

from __future__ import annotations

from typing import Any

import pytest
from picsellia_processing.errors import JobError


def test_labels_are_matched_whatever_their_case_and_unknown_ones_left_out(
    labels: Any, models: Any, version: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labels.LOGGER, "disabled", False)  # the SDK silences loggers that are older; in a Job none is
    given = version("OBJECT_DETECTION", Circle=3, square=1, hexagon=2, triangle=0)
    assert labels.class_of_label(given, models["detection"]) == {"Circle": "circle", "square": "square"}
    assert "the model has no such class: hexagon" in caplog.text


@pytest.mark.parametrize(
    ("task", "given", "why"),
    [
        ("detection", ("CLASSIFICATION", "circle", 1), "is of type CLASSIFICATION; a detection model is measured on"),
        ("classification", ("OBJECT_DETECTION", "circle", 1), "is measured on one of type CLASSIFICATION or MULTI"),
        ("detection", ("OBJECT_DETECTION", "circle", 0), "shapes/v1 has no annotation to measure the model by"),
        ("detection", ("OBJECT_DETECTION", "cat", 5), "found cat; expected one of circle, square, triangle"),
    ],
)
def test_annotations_that_do_not_fit_are_refused(
    labels: Any, models: Any, version: Any, task: str, given: tuple[str, str, int], why: str
) -> None:
    type_, label, count = given
    with pytest.raises(JobError) as refused:
        labels.class_of_label(version(type_, **{label: count}), models[task])
    assert why in str(refused.value)
