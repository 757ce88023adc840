"""Tags and metadata of images, from a classifier and from their quality: what every processing of these shares."""

from pathlib import Path
from typing import Annotated

import numpy as np
from classifier import Activation, Classifier
from numpy.typing import NDArray
from onnx_session import open_session
from picsellia.sdk.model_version import ModelVersion
from picsellia_processing import DataTags, Field, Image, ModelFile, TaggingParameters
from picsellia_processing.errors import JobError
from preprocessing import Resize, preprocessing_of
from quality import measure, verdicts

_EXPECTED = (
    "expected an ONNX file of standard operators with its weights inside; attach one to the ModelVersion as "
    "'model-onnx'"
)


class TagParameters(TaggingParameters):
    """What a Job may set. A threshold of None asks for no such tag."""

    class_prefix: str = Field("class: ", description="What the tag of a class begins with.")
    confidence: float = Field(0.5, ge=0, le=1, description="The least score a class needs.")
    max_classes: int = Field(1, ge=1, description="The most classes an image is tagged with, best score first.")
    image_size: int | None = Field(
        None, ge=1, le=4096, description="Side in pixels the model sees; None: as the model says."
    )
    resize: Resize | None = Field(
        None,
        description="How a picture is brought to that size: crop to the middle, stretch, or pad with black; None: as "
        "the model's metadata say, else crop.",
    )
    mean: tuple[float, float, float] | None = Field(
        None, description="Of red, green and blue in 0..1, subtracted; None: as the model's metadata say."
    )
    std: tuple[float, float, float] | None = Field(
        None, description="Of red, green and blue in 0..1, divided by; None: as the model's metadata say."
    )
    activation: Activation | None = Field(
        None,
        description="What makes scores of the model's outputs; None: softmax, unless they add up to 1 already.",
    )
    device: str = Field(
        "auto",
        pattern=r"^(auto|cpu|cuda(:\d+)?)$",
        description="auto (a GPU if there is one), cpu, cuda or cuda:N; a GPU that is not there is an error.",
    )
    quality: bool = Field(default=True, description="Whether images are tagged for their quality.")
    quality_prefix: str = Field("quality: ", description="What a tag of quality begins with.")
    dark_below: float | None = Field(50, description="Mean grey level (0 to 255) below which an image is 'dark'.")
    bright_above: float | None = Field(200, description="Mean grey level above which an image is 'bright'.")
    low_contrast_below: float | None = Field(
        10, description="Standard deviation of the grey levels below which an image has 'low contrast'."
    )
    blurred_below: float | None = Field(
        100, description="Variance of the Laplacian below which an image is 'blurred'; see quality.py."
    )
    greyscale_below: float | None = Field(
        0.001, description="Share of coloured pixels (0 to 1) below which an image is 'greyscale'."
    )
    small_below: float | None = Field(128, description="Pixels of the shorter side below which an image is 'small'.")
    elongated_above: float | None = Field(
        3, description="Longer side by shorter side above which an image is 'elongated'."
    )


def classifier(
    parameters: TagParameters,
    weights: Annotated[Path, ModelFile("model-onnx")] | None = None,
    version: ModelVersion | None = None,
) -> Classifier | None:
    """The model, made ready once per worker; None where the Job has no ModelVersion.

    Raises:
        JobError: there is neither a model nor a quality to tag, or the labels of the ModelVersion do not fit.
        UsageError: the file is no classifier, does not say how pictures are prepared, or the GPU is not there.
    """
    if weights is None or version is None:
        if not parameters.quality:
            raise JobError(
                "there is nothing to tag: the Job has no ModelVersion, and quality = false; launch it with the input "
                "`model_version_id`, or with quality = true"
            )
        return None
    session = open_session(weights, parameters.device, _EXPECTED)
    preprocessing = preprocessing_of(
        session, size=parameters.image_size, resize=parameters.resize, mean=parameters.mean, std=parameters.std
    )
    return Classifier(session, preprocessing, version.labels or {}, parameters.activation, parameters.batch_size)


def describe(images: list[Image], model: Classifier | None, parameters: TagParameters) -> list[DataTags]:
    """The tags and the metadata of each image."""
    described = [DataTags() for _ in images]
    if model is not None:
        scores = model.classify([image.pixels for image in images])
        described = [class_tags(row, model.classes, parameters) for row in scores]
    if parameters.quality:
        described = [
            joined(said, quality_tags(image, parameters)) for said, image in zip(described, images, strict=True)
        ]
    return described


def class_tags(scores: NDArray[np.float32], classes: tuple[str, ...], parameters: TagParameters) -> DataTags:
    """The classes that are sure enough as tags; the best one, sure or not, as metadata."""
    best_first = np.argsort(-scores, kind="stable")
    sure = [index for index in best_first[: parameters.max_classes] if scores[index] >= parameters.confidence]
    return DataTags(
        [parameters.class_prefix + classes[index] for index in sure],
        {"class_name": classes[best_first[0]], "class_confidence": round(float(scores[best_first[0]]), 4)},
    )


def quality_tags(image: Image, parameters: TagParameters) -> DataTags:
    """What is wrong with an image as tags; what was measured as metadata."""
    quality = measure(image.pixels)
    limits = parameters.model_dump()
    return DataTags(
        [parameters.quality_prefix + name for name in verdicts(quality, limits)],
        {f"quality_{name}": round(value, 4) for name, value in quality._asdict().items()},
    )


def joined(first: DataTags, second: DataTags) -> DataTags:
    """Both."""
    return DataTags([*first.tags, *second.tags], {**first.metadata, **second.metadata})
