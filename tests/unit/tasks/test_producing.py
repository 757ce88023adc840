"""What a processing on a ModelVersion, or one in the general form, may look like."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import pytest
from picsellia_processing import (
    Image,
    JobContext,
    ModelCompression,
    ModelFile,
    ModelParameters,
    Processing,
    ProducedModel,
    Rectangle,
    model_compression,
    model_conversion,
    processing,
)
from picsellia_processing.errors import DefinitionError

Weights = Annotated[Path, ModelFile("weights")]


def one_path(weights: Weights) -> Path:
    return weights


def mapping(weights: Weights) -> dict[str, Path]:
    return {"a": weights}


def produced(weights: Weights) -> ProducedModel | dict[str, Path]:
    return {"a": weights}


def unsaid(weights: Weights):
    return {"a": weights}


def anything(weights: Weights) -> Any:
    return {"a": weights}


@pytest.mark.parametrize("function", [mapping, produced, unsaid, anything])
@pytest.mark.parametrize("produces", [(), ("a",), ("a", "b")])
def test_what_is_fine(function: Callable[..., Any], produces: tuple[str, ...]) -> None:
    model_conversion(produces=produces)(function).check()
    model_conversion(function).check()


def test_a_single_path_has_one_name() -> None:
    model_compression(produces=["a"])(one_path).check()
    for produces in ((), ("a", "b")):
        with pytest.raises(DefinitionError, match=f"returns one Path, but declares {len(produces)} names"):
            model_compression(produces=produces)(one_path).check()


def shapes(weights: Weights) -> list[Rectangle]:
    return []


def nothing(weights: Weights) -> None:
    pass


def images(images: list[Image]) -> dict[str, Path]:
    return {}


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (shapes, r"it returns list\[.*Rectangle\]; expected Path, dict\[str, Path\] or ProducedModel"),
        (nothing, "it returns NoneType; expected Path"),
        (images, "images are not streamed to a task on a ModelVersion"),
    ],
)
def test_what_is_not(function: Callable[..., Any], message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        model_conversion(function).check()


@pytest.mark.parametrize(
    ("produces", "message"),
    [
        (["a", "a"], "produces names 'a' twice"),
        (["a", " "], r"produces\[1\] is ' '"),
        (["a", 3], r"produces\[1\] is 3"),
    ],
)
def test_names_that_cannot_be(produces: list[Any], message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        model_conversion(produces=produces)(mapping).check()


def test_a_single_text_is_no_list_of_names() -> None:
    with pytest.raises(DefinitionError, match=r"produces is the text 'model-onnx'; expected .*\['model-onnx'\]"):
        model_conversion(produces="model-onnx")(mapping)


def test_an_option_of_another_task_is_unknown() -> None:
    decorate: Any = model_conversion
    with pytest.raises(DefinitionError, match=r"has no option 'batch_size'.*it has replace"):
        decorate(batch_size=4)(mapping).check()


class Shrink(ModelCompression[ModelParameters]):
    """Make it smaller."""

    produces = ("small",)
    replace = True

    def process(self, weights: Weights) -> Path:
        return weights


def test_a_class_is_described_as_a_function_is() -> None:
    described = Processing.of_class(Shrink).describe()
    assert described["type"] == "MODEL_COMPRESSION"
    assert described["target"] == "MODEL_VERSION"
    assert described["produces"] == ["small"]
    assert described["model_files"] == ["weights"]
    assert described["parameters"]["properties"]["replace"]["default"] is True
    assert described["items"] is None


def test_the_function_stays_callable(tmp_path: Path) -> None:
    assert model_conversion(produces=["a"])(one_path)(tmp_path) == tmp_path


def drives(context: JobContext) -> None:
    pass


def test_the_general_form_drives_and_returns_nothing() -> None:
    general = processing(target="DATASET_VERSION", type="AUTO_TAGGING", name="x")(drives)
    general.check()
    assert (general.task.target, general.task.type, general.name) == ("DATASET_VERSION", "AUTO_TAGGING", "x")
    assert general.describe()["parameters"] == {"type": "object", "properties": {}, "required": []}
    with pytest.raises(DefinitionError, match="the general form returns nothing"):
        processing(target="MODEL_VERSION")(mapping).check()
    with pytest.raises(DefinitionError, match="the general form streams no images"):
        processing(target="DATASET_VERSION")(images).check()


def test_a_target_that_is_none_is_named() -> None:
    target: Any = "DATASET_VERSIONS"
    with pytest.raises(DefinitionError, match=r"no target 'DATASET_VERSIONS' \(did you mean 'DATASET_VERSION'\?\)"):
        processing(target=target)(drives)
