from __future__ import annotations

import pytest
from picsellia_processing.cli.figures import duration, size, with_commas


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ms"),
        (0.0804, "80 ms"),
        (4.24, "4.2 s"),
        (192, "3 min 12 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 0 s"),
        (7500, "2 h 5 min"),
    ],
)
def test_duration(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(("count", "text"), [(0, "0 MB"), (812e6, "812 MB"), (1.25e9, "1.25 GB")])
def test_size(count, text):
    assert size(count) == text


def test_with_commas():
    assert with_commas(1234567) == "1,234,567"
