"""Finding objects, or the class, of images with an ultralytics model: what every processing of one shares."""

from pathlib import Path
from typing import Annotated, Any, TypeAlias

from picsellia.sdk.dataset_version import DatasetVersion
from picsellia_processing import (
    AnnotationParameters,
    Classification,
    Field,
    Image,
    Labels,
    ModelFile,
    Polygon,
    Rectangle,
)
from picsellia_processing.errors import JobError
from predictor import Predictor, available_device, labelled_classes
from weights import load_weights

Found: TypeAlias = list[Rectangle | Polygon | Classification]
"""What is found on one image."""

BOXES = "OBJECT_DETECTION"
HELD_BY = {
    "detect": (BOXES, "MULTI"),
    "segment": ("SEGMENTATION", BOXES, "MULTI"),
    "classify": ("CLASSIFICATION", "MULTI"),
}
"""The types of a DatasetVersion that hold what a model of each task finds."""


class YoloParameters(AnnotationParameters):
    """What a Job may set; the defaults are ultralytics' own."""

    confidence: float = Field(0.25, ge=0, le=1, description="The least score an object, or a class, needs.")
    iou: float = Field(0.7, ge=0, le=1, description="Boxes of one class that overlap more are taken for one object.")
    image_size: int | None = Field(
        None, ge=32, le=4096, multiple_of=32, description="Side in pixels the model sees; None: as in its training."
    )
    max_detections: int = Field(300, ge=1, le=10_000, description="The most objects on one image, best score first.")
    device: str = Field(
        "auto",
        pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$",
        description="auto (a GPU if there is one), cpu, mps, cuda or cuda:N; a GPU that is not there is an error.",
    )


def yolo(
    weights: Annotated[Path, ModelFile("pretrained-weights")],
    parameters: YoloParameters,
    labels: Labels,
    version: DatasetVersion,
) -> Predictor:
    """The model, made ready once per worker to look for the classes that have a label.

    Raises:
        JobError: the DatasetVersion does not hold what a model of this task finds.
    """
    device = available_device(parameters.device)
    model = load_weights(weights)
    if version.type.value not in HELD_BY[model.task]:
        raise JobError(
            f"the DatasetVersion is of type {version.type.value}, but {weights.name!r} is a model for {model.task!r}; "
            f"launch the Job with a model that fits, or on a DatasetVersion of type {' or '.join(HELD_BY[model.task])}"
        )
    return Predictor(
        model,
        device,
        parameters.batch_size,
        conf=parameters.confidence,
        iou=parameters.iou,
        max_det=parameters.max_detections,
        classes=labelled_classes(model.names, labels),
        **({"imgsz": parameters.image_size} if parameters.image_size else {}),
    )


def find(images: list[Image], model: Predictor, parameters: YoloParameters, version: DatasetVersion) -> list[Found]:
    """The objects, or the class, of each image."""
    results = model.predict([image.pixels for image in images])
    if model.task == "classify":
        return [best_class(result, parameters.confidence) for result in results]
    return [objects(result, outlined=version.type.value != BOXES) for result in results]


def objects(result: Any, *, outlined: bool) -> Found:
    """The outline of each object where the model segments and outlines are asked for, else its box."""
    labels = [result.names[int(index)] for index in result.boxes.cls.tolist()]
    scores = result.boxes.conf.tolist()
    if result.masks is not None and outlined:
        outlines = ([(float(x), float(y)) for x, y in outline] for outline in result.masks.xy)
        return [Polygon(*found) for found in zip(labels, outlines, scores, strict=True)]
    corners = result.boxes.xyxy.tolist()
    return [
        Rectangle(label, left, top, right - left, bottom - top, score)
        for label, (left, top, right, bottom), score in zip(labels, corners, scores, strict=True)
    ]


def best_class(result: Any, least_score: float) -> Found:
    """The most likely class, if it is likely enough."""
    score = float(result.probs.top1conf)
    return [Classification(result.names[result.probs.top1], score)] if score >= least_score else []
