from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from picsellia_processing.run_lengths import pack, unpack

# What pycocotools writes for these runs.
KNOWN = [
    ([4], "4"),
    ([0, 4], "04"),
    ([0, 1, 3], "013"),
    ([3, 2, 1, 2, 4], "32103"),
]


@pytest.mark.parametrize(("runs", "counts"), KNOWN)
def test_strings_are_those_of_pycocotools(runs, counts):
    assert pack(runs) == counts
    assert unpack(counts) == runs


@given(st.lists(st.integers(0, 10**12), max_size=30))
def test_runs_survive_packing(runs):
    assert unpack(pack(runs)) == runs


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ("4!", "'!' at 1"),
        ("4\u00e9", "at 1"),
        ("P", "it ends within a number"),
        ("P" * 50, "'P' at 13"),
        ("O", "a run of -1 pixels at 0"),
        ("111K", "a run of -4 pixels at 3"),
    ],
)
def test_what_is_no_such_string_is_told(counts, told):
    with pytest.raises(ValueError, match="^.*" + told.replace("(", r"\(") + "$"):
        unpack(counts)
