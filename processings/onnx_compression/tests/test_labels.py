"""Which labels of a DatasetVersion are classes of the model."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from picsellia_processing.errors import JobError


def version(type_: str, **repartition: int) -> Any:
    """Stands for a DatasetVersion with this many shapes of each label."""
    stats = SimpleNamespace(label_repartition=repartition)
    return SimpleNamespace(name="shapes", version="v1", type=SimpleNamespace(value=type_), retrieve_stats=lambda: stats)


def test_labels_are_matched_whatever_their_case_and_unknown_ones_left_out(
    labels: Any, models: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labels.LOGGER, "disabled", False)  # the SDK silences loggers that are older; in a Job none is
    given = version("OBJECT_DETECTION", Circle=3, square=1, hexagon=2, triangle=0)
    assert labels.class_of_label(given, models["detection"]) == {"Circle": "circle", "square": "square"}
    assert "the model has no such class: hexagon" in caplog.text


@pytest.mark.parametrize(
    ("task", "given", "why"),
    [
        (
            "detection",
            version("CLASSIFICATION", circle=1),
            "is of type CLASSIFICATION; a detection model is measured on",
        ),
        ("classification", version("OBJECT_DETECTION", circle=1), "is measured on one of type CLASSIFICATION or MULTI"),
        ("detection", version("OBJECT_DETECTION", circle=0), "shapes/v1 has no annotation to measure the model by"),
        ("detection", version("OBJECT_DETECTION", cat=5), "found cat; expected one of circle, square, triangle"),
    ],
)
def test_annotations_that_do_not_fit_are_refused(labels: Any, models: Any, task: str, given: Any, why: str) -> None:
    with pytest.raises(JobError) as refused:
        labels.class_of_label(given, models[task])
    assert why in str(refused.value)
