"""What a type checker knows about an author's code. Checked by `mypy --strict`, where an unused ignore is an error."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, assert_type

from picsellia_processing import (
    AnnotationParameters,
    Depends,
    Field,
    Image,
    JobContext,
    Mask,
    ModelFile,
    Parameters,
    PreAnnotation,
    Processing,
    Rectangle,
    Sample,
    Shape,
    auto_annotation,
    data_augmentation,
    dataset_version_creation,
    pre_annotation,
)


class MyParameters(Parameters):
    confidence: float = Field(0.25, ge=0, le=1)


class Options(AnnotationParameters):
    batch_size: int = 32


def model(weights: Annotated[Path, ModelFile("weights")]) -> Iterator[bytes]:
    yield weights.read_bytes()


@pre_annotation
def plain(images: list[Image]) -> list[list[Rectangle]]:
    return [[] for _ in images]


@auto_annotation(
    batch_size=16, existing="replace", label_matching="add", max_failure_rate=0.5, name="x", labels=["car"]
)
def with_options(
    image: Image, data: Annotated[bytes, Depends(model)], parameters: MyParameters, *, scale: float = 1
) -> list[Shape]:
    return [Rectangle("car", 0, 0, image.width * scale, image.height, parameters.confidence)]


@data_augmentation(keep_originals=True, batch_size=4)
def augmented(samples: list[Sample]) -> list[list[Sample]]:
    return [[sample] for sample in samples]


@dataset_version_creation
def curated(sample: Sample) -> Sample | None:
    return sample


@pre_annotation()
def driven(context: JobContext) -> None:
    for batch in context.samples(batch_size=2):
        assert_type(batch, list[Sample])
        for sample in batch:
            context.write(sample.image, sample.annotations)
    for images in context.images():
        assert_type(images, list[Image])


def a_decorated_function_keeps_its_type(image: Image) -> None:
    assert_type(plain([image]), list[list[Rectangle]])
    assert_type(curated(Sample(image)), Sample | None)
    assert_type(with_options(image, b"", MyParameters()), list[Shape])
    with_options(image, b"", parameters=MyParameters(confidence=1), scale=2)
    processing: Processing[..., Any] = plain
    function: Callable[[list[Image]], list[list[Rectangle]]] = plain
    assert_type(processing.name, str)
    function([image])
    plain(image)  # type: ignore[arg-type]
    plain()  # type: ignore[call-arg]
    plain([image], more=1)  # type: ignore[call-arg]
    with_options(image, "", MyParameters())  # type: ignore[arg-type]
    with_options(image, b"", Options())  # type: ignore[arg-type]
    plain.nonsense  # type: ignore[attr-defined]  # noqa: B018


def a_wrong_keyword_is_an_error(function: Callable[[Image], list[Shape]]) -> None:
    pre_annotation(batch_size=2)(function)
    pre_annotation(bach_size=2)(function)  # type: ignore[call-overload]
    pre_annotation(batch_size="2")(function)  # type: ignore[call-overload]
    pre_annotation(existing="drop")(function)  # type: ignore[call-overload]
    pre_annotation(label_matching=True)(function)  # type: ignore[call-overload]
    pre_annotation(function, batch_size=2)  # type: ignore[call-overload]
    pre_annotation(3)  # type: ignore[call-overload]


class Annotate(PreAnnotation[MyParameters]):
    batch_size = 16

    def setup(self, data: Annotated[bytes, Depends(model)]) -> None:
        assert_type(self.parameters, MyParameters)
        assert_type(self.parameters.confidence, float)
        self.parameters.batch_size  # type: ignore[attr-defined]  # noqa: B018
        self.parameters.confidence = 1  # type: ignore[misc]

    def process(self, images: list[Image]) -> list[list[Rectangle]]:
        return [[] for _ in images]


class WithOptions(PreAnnotation[Options]):
    def process(self, image: Image) -> list[Mask]:
        assert_type(self.parameters.batch_size, int)
        assert_type(self.parameters.max_failure_rate, float)
        return [Mask("car", image.pixels[..., 0] > 0)]


class Wrong(PreAnnotation[int]):  # type: ignore[type-var]
    """Parameters are a class of parameters."""


def values_are_typed(rectangle: Rectangle) -> None:
    assert_type(rectangle.confidence, float | None)
    rectangle.x = 2  # type: ignore[misc]
    Rectangle("car", 0, 0, 1)  # type: ignore[call-arg]
    Rectangle(1, 0, 0, 1, 1)  # type: ignore[arg-type]
    MyParameters(confidense=1)  # type: ignore[call-arg]
