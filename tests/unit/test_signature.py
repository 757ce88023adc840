# Without `from __future__ import annotations`: the functions below ask for things that are local to a test.

import functools
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import picsellia
import picsellia.sdk.job
import PIL.Image
import pytest
from picsellia.sdk.datalake import Datalake
from picsellia.sdk.dataset_version import DatasetVersion
from picsellia.sdk.model_version import ModelVersion
from picsellia_processing import Depends, Image, Input, JobContext, Labels, ModelFile, Parameters, Rectangle, Sample
from picsellia_processing.errors import DefinitionError
from picsellia_processing.inspection import is_generator, place_of, read_signature, summary_of
from picsellia_processing.signature import (
    ContextArgument,
    InputArgument,
    Items,
    LabelsArgument,
    ParametersArgument,
    Provider,
    ServerArgument,
)

if TYPE_CHECKING:
    from decimal import Decimal


class Settings(Parameters):
    confidence: float = 0.5


def line_of(function: Callable[..., Any]) -> str:
    return f"test_signature.py:{function.__code__.co_firstlineno}"


def mistakes(function: Callable[..., Any], **options: Any) -> tuple[str, ...]:
    with pytest.raises(DefinitionError) as caught:
        read_signature(function, **options)
    return caught.value.mistakes


@pytest.mark.parametrize(
    ("hint", "expected"),
    [
        (Image, Items(Image, batched=False)),
        (list[Image], Items(Image, batched=True)),
        (Sample, Items(Sample, batched=False)),
        (list[Sample], Items(Sample, batched=True)),
        (Annotated[list[Image], "at most 16", {"not": "hashable"}], Items(Image, batched=True)),
        (Settings, ParametersArgument(Settings)),
        (Annotated[Settings, ...], ParametersArgument(Settings)),
        (JobContext, ContextArgument()),
        (Labels, LabelsArgument()),
        (Annotated[Path, ModelFile("weights")], ModelFile("weights")),
        (Annotated[Path, "the weights", ModelFile("weights")], ModelFile("weights")),
        (Annotated[str, Input("name")], InputArgument(Input("name"), str)),
        (Annotated[list[int] | None, Input("name")], InputArgument(Input("name"), list[int] | None)),
        (picsellia.Client, ServerArgument("Client")),
        (picsellia.sdk.job.Job, ServerArgument("Job")),
        (DatasetVersion, ServerArgument("DatasetVersion")),
        (ModelVersion, ServerArgument("ModelVersion")),
        (Datalake, ServerArgument("Datalake")),
    ],
    ids=str,
)
def test_what_can_be_asked_for(hint: Any, expected: Any) -> None:
    def function(argument):
        """Asks for one thing."""

    function.__annotations__["argument"] = hint
    signature = read_signature(function)
    assert signature.arguments == {"argument": expected}
    assert signature.items == (expected if isinstance(expected, Items) else None)
    assert signature.all_of(type(expected)) == [expected]


def test_annotations_as_text() -> None:
    def function(images: "list[Image]", *, settings: "Settings", context: "JobContext") -> "list[list[Rectangle]]": ...

    signature = read_signature(function)
    assert list(signature.arguments) == ["images", "settings", "context"]
    assert signature.returns == list[list[Rectangle]]
    assert signature.place.startswith(f"{line_of(function)} test_annotations_as_text.function")


def test_names_that_only_a_type_checker_imports() -> None:
    def function(images: list[Image], price: "Decimal") -> None: ...

    (mistake,) = mistakes(function)
    assert mistake.startswith(line_of(function))
    assert "its annotations cannot be evaluated: name 'Decimal' is not defined" in mistake


def test_nothing_is_returned_or_not_said() -> None:
    def silent(images: list[Image]): ...

    def nothing(images: list[Image]) -> None: ...

    assert read_signature(silent).returns is None
    assert read_signature(nothing).returns is type(None)


def test_a_mark_outside_of_annotated() -> None:
    def default(images: list[Image], size: int = Depends(len)) -> None: ...  # type: ignore[assignment]

    def untyped(images: list[Image], size=Input("size")) -> None: ...  # noqa: B008

    def hint(images: list[Image], weights: ModelFile("weights")) -> None: ...  # type: ignore[valid-type]

    assert mistakes(default)[0].endswith(
        "argument 'size': Depends(...) stands by itself; write size: Annotated[..., Depends(...)]"
    )
    assert "write size: Annotated[..., Input(...)]" in mistakes(untyped)[0]
    assert "write weights: Annotated[..., ModelFile(...)]" in mistakes(hint)[0]


def test_an_argument_with_a_default_keeps_it_where_nothing_is_known_about_it() -> None:
    def function(images: list[Image], size: int = 3, extra=None, *, settings: Settings = Settings()) -> None: ...  # noqa: B008

    assert list(read_signature(function).arguments) == ["images", "settings"]


@pytest.mark.parametrize("optional", [DatasetVersion | None, Optional[DatasetVersion]], ids=str)  # noqa: UP045
def test_what_the_job_may_not_have_is_optional_with_a_default(optional: Any) -> None:
    def function(
        version: optional = None,
        name: Annotated[str, Input("name")] = "x",
        count: Annotated[int, Input("n")] | None = None,
        weights: Annotated[Path, ModelFile("weights")] | None = None,
    ) -> None: ...

    function.__annotations__["version"] = optional
    assert read_signature(function).arguments == {
        "version": ServerArgument("DatasetVersion", required=False),
        "name": InputArgument(Input("name"), str, required=False),
        "count": InputArgument(Input("n"), int, required=False),
        "weights": ModelFile("weights", required=False),
    }


def test_optional_without_a_default_is_refused() -> None:
    def function(version: DatasetVersion | None) -> None: ...

    assert "cannot inject" in mistakes(function)[0]


class Method:
    def process(self, images: list[Image]) -> None: ...

    @staticmethod
    def still(images: list[Image]) -> None: ...

    @classmethod
    def of_class(cls, settings: Settings) -> int: ...

    def __call__(self, settings: Settings) -> int: ...


def test_methods() -> None:
    assert list(read_signature(Method.process, skip=("self",)).arguments) == ["images"]
    assert list(read_signature(Method().process).arguments) == ["images"]
    assert list(read_signature(Method.still, skip=("self",)).arguments) == ["images"]
    assert "'self' has no annotation" in mistakes(Method.process)[0]


def test_all_mistakes_at_once_each_with_its_line() -> None:
    def provider(images: list[Image], size: int) -> int: ...

    def function(
        one,
        two: int,
        images: list[Image],
        image: Image,
        made: Annotated[int, Depends(provider)],
        *args: int,
        **more: int,
    ) -> None: ...

    found = mistakes(function)
    assert [mistake.split(" ")[0] for mistake in found] == [
        line_of(each) for each in (function, function, provider, provider, function, function, function)
    ]
    assert [
        "'one' has no annotation" in found[0],
        "'two': cannot inject int" in found[1],
        "'images': images go to the processing's own function" in found[2],
        "'size': cannot inject int" in found[3],
        "*args" in found[4] and "only plain arguments" in found[4],
        "**more" in found[5],
        "'images' and 'image' both ask for the images; keep one" in found[6],
    ] == [True] * 7
    assert "Annotated[Path, ModelFile(...)]" in found[0]


def test_positional_only() -> None:
    def function(images: list[Image], /) -> None: ...

    assert "only plain arguments can be injected" in mistakes(function)[0]


@pytest.mark.parametrize("mark", [ModelFile, Input, Depends], ids=lambda mark: mark.__name__)
def test_a_mark_without_parentheses(mark: Any) -> None:
    def function(weights) -> None: ...

    function.__annotations__["weights"] = Annotated[Path, mark]
    assert mistakes(function) == (
        f"{place_of(function)}: argument 'weights': {mark.__name__} is missing its parentheses: {mark.__name__}(...)",
    )


def test_a_model_file_is_a_path() -> None:
    def function(weights: Annotated[str, ModelFile("weights")]) -> None: ...

    assert mistakes(function)[0].endswith("argument 'weights': a ModelFile is a pathlib.Path, not str")


@pytest.mark.parametrize(
    "hint",
    [
        [Image],
        {},
        {"a": Image},
        tuple[Image, ...],
        list,
        list[int],
        list[list[Image]],
        dict[str, Image],
        Image | None,
        Any,
        int,
        3,
        "nonsense(",
        Annotated[int, {"not": "hashable"}],
        type("DatasetVersion", (), {"__module__": "elsewhere"}),
    ],
    ids=str,
)
def test_what_cannot_be_asked_for_is_a_mistake_and_no_crash(hint: Any) -> None:
    def function(argument) -> None: ...

    function.__annotations__["argument"] = hint
    (mistake,) = mistakes(function)
    assert "argument 'argument': cannot inject" in mistake or "its annotations cannot be evaluated" in mistake


@pytest.mark.parametrize("hint", [PIL.Image, PIL.Image.Image, list[PIL.Image.Image]], ids=str)
def test_a_class_that_is_named_as_ours_is_told_apart(hint: Any) -> None:
    def function(argument) -> None: ...

    function.__annotations__["argument"] = hint
    (mistake,) = mistakes(function)
    assert ", which is PIL.Image" in mistake
    assert "`from picsellia_processing import Image`" in mistake


def test_nested_depends() -> None:
    def weights(path: Annotated[Path, ModelFile("weights")]) -> bytes: ...

    def device(settings: Settings) -> str: ...

    def model(data: Annotated[bytes, Depends(weights)], where: Annotated[str, Depends(device)]) -> int: ...

    def function(
        images: list[Image], model: Annotated[int, Depends(model)], where: Annotated[str, Depends(device)]
    ) -> None: ...

    signature = read_signature(function)
    provider = signature.arguments["model"]
    assert isinstance(provider, Provider)
    assert provider.function is model
    assert signature.all_of(ModelFile) == [ModelFile("weights")]
    assert signature.all_of(ParametersArgument) == [ParametersArgument(Settings)]
    assert [each.function for each in signature.all_of(Provider)] == [weights, device, model]


def test_many_layers_of_providers_are_read_once_each() -> None:
    def bottom(path: Annotated[Path, ModelFile("weights")]) -> int: ...

    layer = bottom
    for _ in range(60):

        def above(a, b, below=layer) -> int: ...

        above.__annotations__ |= {"a": Annotated[int, Depends(layer)], "b": Annotated[int, Depends(layer)]}
        layer = above
    assert len(read_signature(layer).arguments) == 2  # read twice at each layer, it would not end: 2 ** 60 readings


def test_functions_that_depend_on_each_other_in_a_circle() -> None:
    def first(other) -> int: ...

    def second(other: Annotated[int, Depends(first)]) -> int: ...

    first.__annotations__["other"] = Annotated[int, Depends(second)]

    def function(images: list[Image], made: Annotated[int, Depends(first)]) -> None: ...

    (mistake,) = mistakes(function)
    assert mistake.startswith(line_of(second))
    assert "in a circle" in mistake
    assert mistake.endswith(
        "first -> test_functions_that_depend_on_each_other_in_a_circle.second -> "
        "test_functions_that_depend_on_each_other_in_a_circle.first"
    )


def test_a_function_that_depends_on_itself() -> None:
    def function(made) -> int: ...

    function.__annotations__["made"] = Annotated[int, Depends(function)]
    assert "in a circle" in mistakes(function)[0]


class Model:
    def __init__(self, weights: Annotated[Path, ModelFile("weights")]) -> None:
        self.weights = weights


def test_a_class_provides_what_it_makes() -> None:
    def function(model: Annotated[Model, Depends(Model)]) -> None: ...

    assert read_signature(function).all_of(ModelFile) == [ModelFile("weights")]


@pytest.mark.parametrize("provider", [lambda: 3, Method.of_class, Method().of_class], ids=range(3))
def test_other_callables_provide_too(provider: Any) -> None:
    def function(made) -> None: ...

    function.__annotations__["made"] = Annotated[int, Depends(provider)]
    assert isinstance(read_signature(function).arguments["made"], Provider)


@pytest.mark.parametrize("provider", [3, "yolo", None, Method()], ids=range(4))
def test_a_provider_that_is_none(provider: Any) -> None:
    def function(made) -> None: ...

    function.__annotations__["made"] = Annotated[int, Depends(provider)]
    assert mistakes(function)


@pytest.mark.parametrize("provider", [dict, int, functools.partial(int, "3"), print, sys.getsizeof], ids=str)
def test_a_provider_that_cannot_be_read_is_a_mistake_and_no_crash(provider: Any) -> None:
    def function(made) -> None: ...

    function.__annotations__["made"] = Annotated[int, Depends(provider)]
    with suppress(DefinitionError):
        read_signature(function)


def test_nobody_awaits() -> None:
    async def function(images: list[Image]) -> list[list[Rectangle]]: ...

    assert mistakes(function)[0].endswith("it is async, and nobody awaits it; make it a plain function")


def test_setup_gets_no_images() -> None:
    def setup(images: list[Image]) -> None: ...

    assert "not to this one" in mistakes(setup, streams=False)[0]


def test_wrapped_functions_are_read_through() -> None:
    def function(images: list[Image]) -> None:
        yield

    @functools.wraps(function)
    def wrapper(*args: Any, **keywords: Any) -> Any:
        return function(*args, **keywords)

    assert list(read_signature(wrapper).arguments) == ["images"]
    assert place_of(wrapper) == place_of(function)
    assert is_generator(wrapper)


def test_a_signature_cannot_be_changed() -> None:
    def function(images: list[Image]) -> None: ...

    with pytest.raises(AttributeError):
        read_signature(function).returns = int


def test_summary() -> None:
    def documented() -> None:
        """First line.

        More.
        """

    class Undocumented(Parameters):
        pass

    assert summary_of(documented) == "First line.\n\nMore."
    assert summary_of(lambda: None) == ""
    assert summary_of(Undocumented) == ""
