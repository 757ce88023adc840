import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import jsonschema
import numpy as np
import pytest
from picsellia_processing import (
    AnnotationParameters,
    Depends,
    Field,
    Image,
    Input,
    JobContext,
    ModelFile,
    Parameters,
    PreAnnotation,
    Processing,
    Rectangle,
    auto_annotation,
    pre_annotation,
)
from picsellia_processing.errors import DefinitionError
from picsellia_processing.task import Declaration
from picsellia_processing.tasks.pre_annotation import PRE_ANNOTATION

Boxes = list[list[Rectangle]]


class Device(StrEnum):
    CPU = "cpu"
    CUDA = "cuda"


class Area(Parameters):
    low: int = 0


class Settings(Parameters):
    confidence: float = Field(0.25, ge=0, le=1)


class AnnotatingSettings(AnnotationParameters):
    batch_size: int = Field(64, ge=1, le=10_000)
    device: Device = Device.CPU
    area: Area = Area()
    weights: str


def weights(path: Annotated[Path, ModelFile("weights")]) -> bytes:
    return path.read_bytes()


def mistakes(processing: Processing[..., Any]) -> tuple[str, ...]:
    with pytest.raises(DefinitionError) as caught:
        processing.check()
    assert caught.value.subject == processing.name
    return caught.value.mistakes


def test_a_decorated_function_stays_callable() -> None:
    @pre_annotation(batch_size=2)
    def annotate(images: list[Image], settings: Settings) -> Boxes:
        """Find them."""
        return [[Rectangle("a", 0, 0, image.width, settings.confidence)] for image in images]

    image = Image(np.zeros((3, 4, 3), np.uint8))
    assert annotate([image], settings=Settings(confidence=1)) == [[Rectangle("a", 0, 0, 4, 1)]]
    assert annotate.__doc__ == "Find them."
    assert annotate.name == "annotate"
    assert annotate.task is PRE_ANNOTATION
    assert repr(annotate) == "<pre_annotation 'annotate'>"
    annotate.check()


def test_with_and_without_parentheses() -> None:
    def find_them(image: Image) -> list[Rectangle]: ...

    assert auto_annotation(find_them).describe() == auto_annotation()(find_them).describe()
    assert auto_annotation(find_them).name == "find-them"
    assert auto_annotation(name="Find")(find_them).name == "Find"
    assert auto_annotation(find_them).task.name == "auto_annotation"


def test_a_class_and_a_function_are_the_same_processing() -> None:
    @pre_annotation(name="find", batch_size=16, existing="replace")
    def function(
        images: list[Image],
        data: Annotated[bytes, Depends(weights)],
        where: Annotated[str, Input("where")],
        settings: Settings,
    ) -> Boxes:
        """Find them."""

    class Find(PreAnnotation[Settings]):
        """Find them."""

        name = "find"
        batch_size = 16
        existing = "replace"

        def setup(self, data: Annotated[bytes, Depends(weights)], where: Annotated[str, Input("where")]) -> None: ...

        def process(self, images: list[Image]) -> Boxes: ...

    compiled = Processing.of_class(Find)
    compiled.check()
    assert compiled.describe() == function.describe()
    assert compiled.parameter_models == function.parameter_models == [Settings, AnnotationParameters]
    assert compiled.model_files == function.model_files == [ModelFile("weights")]


def test_a_description_is_a_json_schema_that_fits_what_is_accepted() -> None:
    @pre_annotation(batch_size=100)
    def annotate(image: Image, settings: AnnotatingSettings, other: Settings) -> list[Rectangle]: ...

    described = json.loads(json.dumps(annotate.describe()))
    schema = described["parameters"]
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    assert validator.is_valid({"weights": "w", "device": "cuda", "area": {"low": 1}, "confidence": 0.5})
    assert not validator.is_valid({"weights": "w", "device": "tpu"})
    assert not validator.is_valid({"weights": "w", "area": {"low": "x"}})
    assert not validator.is_valid({})
    assert schema["properties"]["batch_size"]["default"] == 100
    assert schema["properties"]["batch_size"]["maximum"] == 10_000
    assert schema["required"] == ["weights"]
    assert described["items"] == {"type": "Image", "batched": False}
    assert (described["task"], described["type"], described["target"]) == (
        "pre_annotation",
        "PRE_ANNOTATION",
        "DATASET_VERSION",
    )


def test_who_drives_has_no_items() -> None:
    @pre_annotation
    def annotate(context: JobContext) -> None: ...

    annotate.check()
    assert annotate.describe()["items"] is None


def test_options_are_the_tasks_unless_the_authors_class_has_them() -> None:
    @pre_annotation
    def mine(image: Image, settings: AnnotatingSettings) -> None: ...

    @pre_annotation
    def theirs(image: Image) -> None: ...

    assert mine.parameter_models == [AnnotatingSettings]
    assert theirs.parameter_models == [AnnotationParameters]


def test_parameters_of_a_class_come_first_wherever_they_are_declared() -> None:
    class Base(PreAnnotation[Settings]):
        def setup(self, area: Area) -> None: ...

        def process(self, image: Image, settings: Settings) -> list[Rectangle]: ...

    class Derived(Base):
        pass

    assert Processing.of_class(Base).parameter_models == [Settings, Area, AnnotationParameters]
    assert Processing.of_class(Derived).parameter_models == [Settings, Area, AnnotationParameters]


def test_a_class_without_parameters_of_its_own() -> None:
    class Find(PreAnnotation):
        def process(self, image: Image) -> list[Rectangle]: ...

    assert Processing.of_class(Find).parameter_models == [AnnotationParameters]


def test_all_mistakes_of_a_class_at_once() -> None:
    class Find(PreAnnotation[Settings]):
        def setup(self, size: int) -> None: ...

        def process(self, images: list[Image], more) -> Boxes: ...

    found = mistakes(Processing.of_class(Find))
    assert ["'more'" in found[0], "'size'" in found[1]] == [True, True]
    assert f"test_processing.py:{Find.process.__code__.co_firstlineno}" in found[0]
    assert f"test_processing.py:{Find.setup.__code__.co_firstlineno}" in found[1]


def test_a_class_without_process() -> None:
    class Find(PreAnnotation[Settings]):
        def proces(self, images: list[Image]) -> Boxes: ...

    with pytest.raises(DefinitionError, match=r"Find: it has no method `process` \(did you mean 'proces'\?\)"):
        Processing.of_class(Find)


def test_an_option_there_is_not() -> None:
    @pre_annotation(bach_size=3)
    def annotate(image: Image) -> list[Rectangle]: ...

    (mistake,) = mistakes(annotate)
    assert "pre_annotation has no option 'bach_size' (did you mean 'batch_size'?); it has max_failure_rate" in mistake
    assert mistake.endswith("label_matching, labels, type, name")
    assert mistake.startswith("test_processing.py:")


def test_an_option_that_is_almost_a_keyword() -> None:
    @pre_annotation(label=["cat"])
    def annotate(image: Image) -> list[Rectangle]: ...

    (mistake,) = mistakes(annotate)
    assert "pre_annotation has no option 'label' (did you mean 'labels'?)" in mistake


@pytest.mark.parametrize(
    ("option", "value"), [("batch_size", 0), ("batch_size", "many"), ("existing", "drop"), ("max_failure_rate", 5)]
)
def test_a_default_that_its_option_does_not_take(option: str, value: Any) -> None:
    @pre_annotation(**{option: value})
    def annotate(image: Image) -> list[Rectangle]: ...

    class Annotate(PreAnnotation):
        def process(self, image: Image) -> list[Rectangle]: ...

    setattr(Annotate, option, value)
    for processing in (annotate, Processing.of_class(Annotate)):
        (mistake,) = mistakes(processing)
        assert f"default of {option}: " in mistake
        assert mistake.endswith(f"; found {value!r}")


def test_a_default_is_judged_by_the_authors_own_class() -> None:
    @pre_annotation(batch_size=9_000)
    def annotate(image: Image, settings: AnnotatingSettings) -> list[Rectangle]: ...

    annotate.check()


def test_a_model_file_is_named_by_a_parameter_there_is() -> None:
    def annotate(image: Image, weights: Annotated[Path, ModelFile("weights", parameter="file")]) -> None:
        del image, weights

    with pytest.raises(DefinitionError, match="'weights' is named by the parameter 'file', which none of its Param"):
        pre_annotation(labels=["thing"])(annotate).check()


def test_a_decorated_method_says_that_it_needs_a_self() -> None:
    class Model:
        @pre_annotation
        def annotate(self, image: Image) -> list[Rectangle]: ...

    assert "argument 'self' has no annotation" in mistakes(Model.annotate)[0]


# Loading. Each folder is loaded in a process of its own, as a worker does.


def test_labels_are_a_list_of_names() -> None:
    @pre_annotation(labels=["car", "bus"])
    def annotate(image: Image) -> list[Rectangle]: ...

    class Annotate(PreAnnotation):
        labels = ("car", "bus")

        def process(self, image: Image) -> list[Rectangle]: ...

    assert annotate.declaration == Processing.of_class(Annotate).declaration == Declaration(("car", "bus"))
    with pytest.raises(DefinitionError, match=r"labels is the text 'car'; expected a list of names: \['car'\]"):
        pre_annotation(labels="car")(annotate.function)


def test_a_declared_type_is_one_of_the_platform() -> None:
    @pre_annotation(type="OBJECT_DETECTOIN")
    def annotate(image: Image) -> list[Rectangle]: ...

    with pytest.raises(DefinitionError, match=r"test_processing.py:\d+ .*did you mean 'OBJECT_DETECTION'\?"):
        annotate.check()
