"""The rules of a .dockerignore; tests/images compares them with Docker's own reading."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from picsellia_processing.container.dockerignore import IgnoreRules
from picsellia_processing.errors import UsageError

NAME = st.text("abc.", min_size=1, max_size=4).filter(lambda name: name.strip("."))
PATH = st.lists(NAME, min_size=1, max_size=4).map("/".join)


@pytest.mark.parametrize(
    ("lines", "left_out", "kept"),
    [
        (["*.log"], ["x.log", ".log"], ["a/x.log", "x.logs"]),
        (["**/*.log"], ["x.log", "a/x.log", "a/b/x.log"], ["x.txt"]),
        (["data"], ["data", "data/a", "data/b/c"], ["datas", "a/data"]),
        (["/data/", "./more"], ["data/a", "more"], ["a/more"]),
        (["**/cache"], ["cache", "a/cache/x", "a/b/cache"], ["a/caches"]),
        (["a/**"], ["a/b", "a/b/c"], ["a", "b"]),
        (["a/**/z"], ["a/z", "a/b/z", "a/b/c/z"], ["z", "a/zz"]),
        (["file?.py", "[a-c]1"], ["file1.py", "b1"], ["file.py", "file12.py", "d1"]),
        (["*", "!*.py"], ["a.txt", "d/x"], ["a.py"]),
        (["data", "!data/small"], ["data/big"], ["data/small"]),
        (["!a", "a"], ["a"], []),
        (["# a", "", "   ", "a  "], ["a"], ["# a"]),
        ([r"a\*"], ["a*"], ["ab"]),
        (["a+b(c)"], ["a+b(c)"], ["aab(c)"]),
    ],
)
def test_the_last_rule_that_matches_decides(lines, left_out, kept):
    rules = IgnoreRules(lines)
    assert [path for path in left_out if not rules.leave_out(path)] == []
    assert [path for path in kept if rules.leave_out(path)] == []


def test_a_line_that_is_no_pattern_is_refused():
    with pytest.raises(UsageError, match=r"\[z-a\]"):
        IgnoreRules(["[z-a]"])


@given(PATH)
def test_a_path_is_left_out_by_itself_by_its_folders_and_by_everything(path):
    assert IgnoreRules([path]).leave_out(path)
    assert IgnoreRules([path.split("/")[0]]).leave_out(path)
    assert IgnoreRules(["**"]).leave_out(path)
    assert IgnoreRules([f"**/{path.rpartition('/')[2]}"]).leave_out(path)


@given(st.lists(PATH, max_size=4), PATH)
def test_what_is_brought_back_last_is_kept(lines, path):
    assert not IgnoreRules([*lines, f"!{path}"]).leave_out(path)
