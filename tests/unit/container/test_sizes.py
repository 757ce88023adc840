from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from picsellia_processing.container.sizes import parse_size, size
from picsellia_processing.errors import UsageError


@pytest.mark.parametrize(
    ("text", "count"), [("1.9GB", 1_900_000_000), ("300 MB", 300_000_000), ("21kB", 21_000), ("5000", 5000), ("7 B", 7)]
)
def test_sizes_are_read(text, count):
    assert parse_size(text) == count


@pytest.mark.parametrize("text", ["", "GB", "-1GB", "1.9 gigabytes", "1,9GB", "1e9", "1TB"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(UsageError, match=r"as 1\.9GB"):
        parse_size(text)


@given(st.integers(0, 10**13))
def test_what_is_shown_is_close_to_what_it_is(count):
    assert parse_size(size(count)) == pytest.approx(count, rel=0.34, abs=0.5)
    assert len(size(count)) <= 11


def test_how_sizes_look():
    assert [size(count) for count in (0, 999, 21_400, 263_000_000, 1_900_000_000)] == [
        "0 B", "999 B", "21 kB", "263 MB", "1.90 GB",
    ]  # fmt: skip
