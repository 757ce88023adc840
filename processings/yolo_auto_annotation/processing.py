"""Annotate a DatasetVersion with an ultralytics model, and accept what it finds."""

from typing import Annotated

from picsellia.sdk.dataset_version import DatasetVersion
from picsellia_processing import Depends, Image, auto_annotation
from predictor import Predictor
from yolo import Found, YoloParameters, find, yolo


@auto_annotation(name="yolo-auto-annotation")
def annotate(
    images: list[Image],
    model: Annotated[Predictor, Depends(yolo)],
    parameters: YoloParameters,
    version: DatasetVersion,
) -> list[Found]:
    """Annotate each image with its objects, or its class."""
    return find(images, model, parameters, version)
