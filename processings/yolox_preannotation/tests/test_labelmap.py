from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from picsellia_processing.errors import JobError

if TYPE_CHECKING:
    from types import ModuleType


def test_names_are_in_the_order_of_their_numbers_not_of_their_lines(labelmap: ModuleType) -> None:
    names = {str(number): f"class-{number}" for number in (10, 2, 0, 1, 11, 9, 8, 7, 6, 5, 4, 3)}

    assert labelmap.class_names(names, 12) == tuple(f"class-{number}" for number in range(12))


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ({"0": "cat", "1": "dog"}, r"3 classes apart, the ModelVersion has 2 labels \(0: cat, 1: dog\)"),
        ({str(number): "x" for number in range(80)}, "3 classes apart, the ModelVersion has 80 labels"),
        (
            {"1": "cat", "2": "dog", "3": "cow"},
            "the ModelVersion has 3 labels .*; expected one label for each .* 0 to 2",
        ),
        ({}, r"the ModelVersion has 0 labels \(none\)"),
        (None, r"the ModelVersion has 0 labels \(none\)"),
    ],
)
def test_labels_that_do_not_fit_are_refused_with_both_numbers(
    labelmap: ModuleType, names: dict[str, str] | None, found: str
) -> None:
    with pytest.raises(JobError, match=found):
        labelmap.class_names(names, 3)
