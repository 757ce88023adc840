from __future__ import annotations

from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from picsellia_processing.errors import ExitCode, ParameterError
from picsellia_processing.parameters import Field, Parameters, resolve, suggestion
from picsellia_processing.tasks.annotating import AnnotationParameters
from pydantic import ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError


class Detection(Parameters):
    confidence: float = Field(0.25, ge=0, le=1)
    device: Literal["cpu", "cuda"] = "cpu"
    names: list[str] = Field([])


class Required(Parameters):
    weights: str


class Shared(Parameters):
    batch_size: int = 4
    confidence: float = 0.9


def mistakes(given: dict[str, Any], *models: type[Parameters], **defaults: Any) -> tuple[str, ...]:
    with pytest.raises(ParameterError) as caught:
        resolve(models, given, defaults)
    assert caught.value.exit_code == ExitCode.USAGE
    return caught.value.mistakes


def test_a_long_value_is_not_shown_whole() -> None:
    (mistake,) = mistakes({"confidence": "x" * 1000}, Detection)
    assert mistake.endswith("xxx...")
    assert len(mistake) < 300


def test_nothing_given_gives_the_defaults() -> None:
    (found,) = resolve([Detection], {}, {})
    assert found == Detection(confidence=0.25, device="cpu", names=[])


def test_values_as_a_platform_sends_them() -> None:
    (found,) = resolve([Detection], {"confidence": "0.5", "device": "cuda", "names": ["a"]}, {})
    assert (found.confidence, found.device, found.names) == (0.5, "cuda", ["a"])


def test_parameters_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Detection().confidence = 0.5


def test_an_unknown_name_is_refused_by_the_class_itself() -> None:
    with pytest.raises(ValidationError, match="extra"):
        Detection(confidense=0.5)


def test_a_wrong_default_is_found() -> None:
    class Wrong(Parameters):
        confidence: float = Field(2, le=1)

    assert mistakes({}, Wrong) == ("confidence: input should be less than or equal to 1; found 2",)


def test_an_unknown_name_comes_with_the_closest_and_all_others() -> None:
    (mistake,) = mistakes({"confidense": 1}, Detection)
    assert mistake == (
        "confidense: there is no such parameter (did you mean 'confidence'?); "
        "expected one of: confidence, device, names"
    )
    (mistake,) = mistakes({"xyz": 1}, Detection)
    assert "did you mean" not in mistake


def test_no_parameters_at_all() -> None:
    assert mistakes({"a": 1}, Parameters) == (
        "a: there is no such parameter; expected one of: none: this processing has no parameters",
    )
    assert mistakes({"a": 1})[0].startswith("a: there is no such parameter")


def test_all_mistakes_at_once() -> None:
    given = {"confidence": 2, "device": "tpu", "names": [1, "b"], "batchsize": 1, "existing": "drop", "model_config": 1}
    found = mistakes(given, Detection, Required, AnnotationParameters)
    assert [mistake.split(":")[0] for mistake in found] == [
        "batchsize",
        "model_config",
        "confidence",
        "device",
        "names.0",
        "weights",
        "existing",
    ]
    assert "did you mean 'batch_size'?" in found[0]
    assert "; found 2" in found[2]
    assert "'cpu' or 'cuda'; found 'tpu'" in found[3]
    assert found[5] == "weights: it has no default, so the Job must give it"


def test_a_mistake_in_a_shared_name_is_told_once() -> None:
    class Other(Parameters):
        confidence: float = Field(0.5, ge=0, le=1)

    assert len(mistakes({"confidence": 7}, Detection, Other)) == 1


@pytest.mark.parametrize("value", ["many", None, 1.5, [], float("nan"), float("inf")])
def test_a_value_of_the_wrong_type_is_shown(value: Any) -> None:
    assert mistakes({"batch_size": value}, AnnotationParameters)[0].endswith(f"; found {value!r}")


@pytest.mark.parametrize(
    ("given", "defaults", "expected"),
    [({}, {}, 4), ({}, {"batch_size": 8}, 8), ({"batch_size": 2}, {"batch_size": 8}, 2)],
)
def test_job_over_decorator_over_field(given: dict[str, Any], defaults: dict[str, Any], expected: int) -> None:
    for found in resolve([Shared, AnnotationParameters], given, defaults):
        assert found.batch_size == expected


def test_models_that_share_a_name_share_its_value() -> None:
    shared, detection = resolve([Shared, Detection], {}, {})
    assert shared.confidence == detection.confidence == 0.9
    detection, shared = resolve([Detection, Shared], {}, {})
    assert shared.confidence == detection.confidence == 0.25


def test_a_default_for_what_no_model_has_is_left_alone() -> None:
    (found,) = resolve([Detection], {}, {"batch_size": 3})
    assert found == Detection()


def test_a_validator_of_the_author() -> None:
    class Even(Parameters):
        size: int = 2

        @field_validator("size")
        @classmethod
        def even(cls, value: int) -> int:
            if value % 2:
                raise ValueError("must be even")
            return value

    class Silent(Parameters):
        low: int = 0
        high: int = 1

        @model_validator(mode="after")
        def ordered(self) -> Silent:
            if self.low > self.high:
                raise PydanticCustomError("order", "")
            return self

    assert mistakes({"size": 3}, Even) == ("size: must be even; found 3",)
    assert mistakes({"low": 3}, Silent)[0].startswith("parameters: ")


@given(st.dictionaries(st.text(max_size=12), st.none() | st.integers() | st.text(max_size=4) | st.lists(st.none())))
def test_whatever_a_job_gives_is_accepted_or_explained(given: dict[str, Any]) -> None:
    unknown = set(given) - set(Detection.model_fields) - set(AnnotationParameters.model_fields)
    found: tuple[str, ...] = ()
    try:
        resolve([Detection, AnnotationParameters], given, {})
    except ParameterError as error:
        found = error.mistakes
    assert len(found) >= len(unknown)
    assert all(any(mistake.startswith(f"{name}: ") for mistake in found) for name in unknown)


@given(st.lists(st.text(max_size=8), max_size=5), st.text(max_size=8))
def test_a_suggestion_is_a_known_name(known: list[str], name: str) -> None:
    hint = suggestion(name, known)
    assert hint == "" or any(hint == f" (did you mean {each!r}?)" for each in known)


def test_a_suggestion_ignores_case() -> None:
    assert suggestion("BATCHSIZE", ["batch_size"]) == " (did you mean 'batch_size'?)"
