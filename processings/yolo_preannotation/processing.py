"""Pre-annotate a DatasetVersion with an ultralytics model for detection, segmentation or classification."""

from typing import Annotated

from picsellia.sdk.dataset_version import DatasetVersion
from picsellia_processing import Depends, Image, pre_annotation
from predictor import Predictor
from yolo import Found, YoloParameters, find, yolo


@pre_annotation(name="yolo-preannotation")
def annotate(
    images: list[Image],
    model: Annotated[Predictor, Depends(yolo)],
    parameters: YoloParameters,
    version: DatasetVersion,
) -> list[Found]:
    """Propose the objects, or the class, of each image."""
    return find(images, model, parameters, version)
