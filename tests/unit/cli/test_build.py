"""What `pxp build` and `pxp push` refuse before they ask Docker for anything; the rest is in tests/images."""

from __future__ import annotations

from pathlib import Path

import pytest
from picsellia_processing.cli import main
from picsellia_processing.container.build import source_date_epoch
from picsellia_processing.errors import UsageError

DOCKERFILE = 'ARG BASE=base:1.0\nFROM ${BASE}\nCOPY . .\nCMD ["pxp", "run", "."]\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A processing folder, on a machine without Docker."""
    monkeypatch.setenv("PATH", str(tmp_path))
    folder = tmp_path / "bright"
    folder.mkdir()
    (folder / "processing.py").write_text("")
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "pyproject.toml").write_text('[project]\nname = "bright"\nversion = "1.0"\n')
    return folder


def refusal(capsys, *words: str) -> str:
    assert main(words) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err


@pytest.mark.parametrize(
    ("change", "words", "said"),
    [
        ({"processing.py": None}, [], "expected processing.py"),
        ({"Dockerfile": None}, [], "there is no Dockerfile"),
        ({"pyproject.toml": None}, [], "has no version"),
        ({"Dockerfile": "FROM base:1.0\n"}, ["--base", "other:1"], "ARG BASE"),
        ({"Dockerfile": "FROM base:latest\n"}, [], "DL3007"),
        ({}, ["--version", "latest"], "another image tomorrow"),
        ({}, ["--budget", "heavy"], "is no size"),
        ({}, ["--tag", "Bright"], "expected NAME:TAG"),
        ({}, ["--build-arg", "A"], "expected NAME=VALUE"),
    ],
)
def test_what_cannot_be_built_is_refused(folder, capsys, change, words, said):
    for name, text in change.items():
        (folder / name).unlink() if text is None else (folder / name).write_text(text)
    assert said in refusal(capsys, "build", str(folder), *words)
    assert not (folder / ".pxp").exists()


def test_what_was_not_built_is_not_pushed(folder, capsys):
    assert "is no registry" in refusal(capsys, "push", str(folder), "--registry", "https://registry.example")
    assert "--registry" in refusal(capsys, "push", str(folder))


def test_without_docker_the_cure_is_said_once_and_for_each_command(folder, capsys):
    for words in (["build", str(folder)], ["push", str(folder), "--registry", "registry.example/acme"]):
        assert main(words) == 1
        assert "docker is not installed" in capsys.readouterr().err


def test_the_time_of_an_image_is_that_of_the_environment_or_always_the_same():
    assert source_date_epoch({"SOURCE_DATE_EPOCH": "7"}) == 7
    assert source_date_epoch({}) == source_date_epoch({"PATH": "/"})
    with pytest.raises(UsageError, match="'yesterday'"):
        source_date_epoch({"SOURCE_DATE_EPOCH": "yesterday"})


def test_a_description_is_json_whatever_the_authors_module_prints(folder, capsys):
    (folder / "processing.py").write_text(
        "from picsellia_processing import Image, auto_tagging\nprint('loading')\n"
        "@auto_tagging\ndef tag(image: Image) -> str | None:\n    return None\n"
    )
    assert main(["describe", str(folder)]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("{")
    assert "loading" in captured.err
