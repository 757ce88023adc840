from __future__ import annotations

import inspect
import re

import pytest
from picsellia_processing import errors
from picsellia_processing.errors import (
    AssetError,
    DefinitionError,
    ExitCode,
    FixtureError,
    JobError,
    ParameterError,
    PlatformError,
    ProcessingError,
    ResultError,
    SkipAsset,
    TooManyFailuresError,
    UsageError,
)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (DefinitionError("f", ["m"]), 2),
        (ParameterError(["m"]), 2),
        (FixtureError("f", ["m"]), 2),
        (JobError("m"), 2),
        (UsageError("m"), 2),
        (ResultError("m"), 1),
        (TooManyFailuresError("m"), 1),
        (PlatformError("m"), 3),
        (AssetError("m"), 1),
        (SkipAsset("m"), 1),
    ],
    ids=lambda value: type(value).__name__,
)
def test_exit_codes(error: ProcessingError, code: int) -> None:
    assert isinstance(error, ProcessingError)
    assert error.exit_code == code


def test_exit_codes_are_those_of_a_shell() -> None:
    assert [(code.name, code.value) for code in ExitCode] == [
        ("OK", 0),
        ("FAILED", 1),
        ("USAGE", 2),
        ("PLATFORM", 3),
        ("TERMINATED", 143),
    ]


def test_the_tree_that_is_drawn_is_the_tree_there_is() -> None:
    """Each line of the drawing in the module's docstring is a class below the nearest line with less indentation."""
    above: list[tuple[int, str]] = []
    drawn: dict[str, str] = {}
    for line in (errors.__doc__ or "").splitlines():
        if found := re.match(r"^([ │├└─]*)(\w+(?:Error|Asset))\b", line):
            above = [each for each in above if each[0] < len(found[1])]
            drawn[found[2]] = above[-1][1] if above else "Exception"
            above.append((len(found[1]), found[2]))
    classes = {name: each for name, each in vars(errors).items() if inspect.isclass(each) and each is not ExitCode}
    own = {name: each for name, each in classes.items() if each.__module__ == errors.__name__}
    assert drawn == {name: each.__bases__[0].__name__ for name, each in own.items()}


def test_all_mistakes_are_shown_each_on_its_line() -> None:
    error = DefinitionError("annotate", iter(["one", "two"]))
    assert error.mistakes == ("one", "two")
    assert str(error) == "annotate cannot be used as a processing:\n  - one\n  - two"
    assert str(ParameterError(["a", "b"])) == "the parameters do not fit:\n  - a\n  - b"
    assert str(FixtureError("here", ["a"])) == "here cannot be used as a fixture:\n  - a"


def test_leaving_an_asset_out_is_no_usage_error() -> None:
    assert issubclass(SkipAsset, AssetError)
    assert not issubclass(SkipAsset, UsageError)
