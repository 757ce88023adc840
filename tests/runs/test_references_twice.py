"""A second Job of a reference processing finds nothing to do: what the platform holds stays as it is."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.runs.references import REFERENCES, Reference

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", REFERENCES)
def test_twice_in_a_row(name: str, tmp_path: Path) -> None:
    with closing(Reference(name, tmp_path)) as reference:
        before = reference.state()
        first = reference.run(reference.launch())
        assert first.status == 0, first.output
        once = reference.state()
        assert once != before, "the first Job did nothing"
        second = reference.run(reference.launch())
        assert second.status == 0, second.output
        assert reference.state() == once
