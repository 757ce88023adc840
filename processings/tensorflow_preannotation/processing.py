"""Pre-annotate a DatasetVersion with a TensorFlow model for detection, as the Object Detection API exports it."""

from pathlib import Path
from typing import Annotated, TypeAlias

from detector import Detection, Detector, best, class_names
from masks import largest_outline, on_picture
from picsellia.sdk.dataset_version import DatasetVersion
from picsellia.sdk.model_version import ModelVersion
from picsellia_processing import (
    AnnotationParameters,
    Depends,
    Field,
    Image,
    JobContext,
    Mask,
    ModelFile,
    Polygon,
    Rectangle,
    pre_annotation,
)
from picsellia_processing.errors import JobError
from saved_model import load, unpack
from tensorflow_runtime import available_device

Found: TypeAlias = list[Rectangle | Polygon | Mask]
"""What is found on one image."""

OUTLINED = ("SEGMENTATION", "MASK")
"""The types of a DatasetVersion that the masks of a model are needed for."""

FARTHEST = 10
"""So many times the size of the picture away from it, nothing is found; so many pixels away, nearly everything."""


class TensorflowParameters(AnnotationParameters):
    """What a Job may set."""

    confidence: float = Field(0.5, ge=0, le=1, description="The least score an object needs.")
    max_detections: int = Field(100, ge=1, le=10_000, description="The most objects on one image, best score first.")
    device: str = Field(
        "auto",
        pattern=r"^(auto|cpu|cuda(:\d+)?)$",
        description="auto (a GPU if there is one), cpu, cuda or cuda:N; a GPU that is not there is an error.",
    )


def detector(
    file: Annotated[Path, ModelFile("model-latest")],
    model_version: ModelVersion,
    version: DatasetVersion,
    context: JobContext,
    parameters: TensorflowParameters,
) -> Detector:
    """The model, made ready once per worker."""
    names = class_names(model_version.labels or {})
    folder = unpack(file, context.folder / "model")
    device = available_device(parameters.device)
    model = Detector(load(folder, device), device, names, parameters.batch_size)
    if version.type.value in OUTLINED and not model.gives_masks:
        raise JobError(
            f"the DatasetVersion is of type {version.type.value}, but the model finds boxes alone: it has no output "
            "'detection_masks'; launch the Job with a model that gives masks, or on a DatasetVersion of rectangles"
        )
    return model


@pre_annotation(name="tensorflow-preannotation", batch_size=8)
def annotate(
    images: list[Image],
    model: Annotated[Detector, Depends(detector)],
    parameters: TensorflowParameters,
    version: DatasetVersion,
) -> list[Found]:
    """Propose the objects of each image, in the form that the DatasetVersion holds."""
    kind = version.type.value
    return [
        [
            shape(each, image, model.names, kind)
            for each in best(found, parameters.confidence, parameters.max_detections)
        ]
        for image, found in zip(images, model.detect([image.pixels for image in images]), strict=True)
    ]


def shape(found: Detection, image: Image, names: dict[int, str], kind: str) -> Rectangle | Polygon | Mask:
    """An object in pixels, in the form for a DatasetVersion of the type `kind`.

    Raises:
        JobError: the model knows a class that the ModelVersion has no label for, or its boxes are in pixels.
    """
    if found.number not in names:
        known = ", ".join(f"{number}: {name}" for number, name in names.items())
        raise JobError(
            f"the model found class {found.number}, which the labels of the ModelVersion do not name: {known}; correct "
            "the labels"
        )
    label = names[found.number]
    if (found.box > FARTHEST).any():
        raise JobError(
            f"the model's boxes are in pixels, such as {found.box.tolist()}; expected top, left, bottom, right in 0..1 "
            "of the picture, as the Object Detection API gives them; export it with normalized coordinates"
        )
    top, left, bottom, right = (found.box * [image.height, image.width, image.height, image.width]).tolist()
    if kind not in OUTLINED or found.mask is None:
        return Rectangle(label, left, top, right - left, bottom - top, found.score)
    mask = on_picture(found.mask, (left, top, right, bottom), image.width, image.height)
    if kind == "MASK":
        return Mask(label, mask, found.score)
    return Polygon(label, largest_outline(mask), found.score)
