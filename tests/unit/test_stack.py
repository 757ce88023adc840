"""A stack begins at the author's code."""

from __future__ import annotations

import dataclasses
import importlib
import json
from typing import TYPE_CHECKING

import pytest
from picsellia_processing import Image, Parameters
from picsellia_processing.image import Sample
from picsellia_processing.stack import authors_place, authors_trace, message_of

if TYPE_CHECKING:
    from pathlib import Path


def imported(name: str, code: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> BaseException:
    (folder / f"{name}.py").write_text(code)
    monkeypatch.syspath_prepend(folder)
    with pytest.raises(Exception) as raised:  # noqa: PT011 - each code raises another
        importlib.import_module(name)
    assert raised.value.__traceback__ is not None
    raised.value.__traceback__ = raised.value.__traceback__.tb_next  # as if a module of the package had imported it
    return raised.value


def test_importing_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trace = authors_trace(imported("undefined", "x = 1\ny = z\n", tmp_path, monkeypatch))
    assert "importlib" not in trace
    assert trace.count("File ") == 1
    assert trace.endswith("NameError: name 'z' is not defined\n")


def test_a_mistake_in_the_syntax_has_its_line_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trace = authors_trace(imported("unclosed", "x = (\n", tmp_path, monkeypatch))
    assert trace.startswith('  File "')
    assert "'(' was never closed" in trace
    assert "importlib" not in trace


def test_an_error_of_a_library_is_placed_where_the_author_called_it() -> None:
    def author() -> None:
        json.loads("{")

    with pytest.raises(ValueError, match="Expecting") as raised:
        author()
    assert authors_place(raised.value) == f"test_stack.py:{author.__code__.co_firstlineno + 1}"
    assert "json/decoder.py" in authors_trace(raised.value), "what the library did is of use"


def test_an_error_of_code_that_a_library_has_made_is_placed_where_the_author_called_it() -> None:
    def author() -> None:
        Image(None).pixels = None  # type: ignore[misc, arg-type, assignment]

    with pytest.raises(dataclasses.FrozenInstanceError) as raised:
        author()
    assert authors_place(raised.value) == f"test_stack.py:{author.__code__.co_firstlineno + 1}"


def test_a_name_that_parameters_do_not_have_is_placed_where_it_is_asked_for() -> None:
    def author() -> None:
        Parameters().treshold  # type: ignore[attr-defined]  # noqa: B018 - the mistake

    with pytest.raises(AttributeError) as raised:
        author()
    assert authors_place(raised.value).startswith("test_stack.py:")


def test_an_error_of_ours_alone_keeps_its_last_line() -> None:
    with pytest.raises(AttributeError) as raised:
        Sample(Image(None)).image.width  # type: ignore[arg-type]  # noqa: B018 - the mistake
    error = raised.value
    assert error.__traceback__ is not None
    error.__traceback__ = error.__traceback__.tb_next  # without the test
    assert "image.py" in authors_trace(error)


def test_an_error_whose_message_fails_has_one_all_the_same() -> None:
    class SpeechlessError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert message_of(ValueError("too small")) == "too small"
    assert message_of(SpeechlessError()) == "its message cannot be shown"
