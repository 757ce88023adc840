"""Pre-annotate a DatasetVersion with a YOLOX detector, run by ONNX Runtime."""

from pathlib import Path
from typing import Annotated

from boxes import Boxes
from detector import Detector
from labelmap import class_names
from network import Network
from picsellia.sdk.model_version import ModelVersion
from picsellia_processing import AnnotationParameters, Depends, Field, Image, ModelFile, Rectangle, pre_annotation


class YoloxParameters(AnnotationParameters):
    """What a Job may set; the defaults are those of YOLOX's own demo."""

    confidence: float = Field(0.3, ge=0, le=1, description="The least score an object needs.")
    iou: float = Field(0.45, ge=0, le=1, description="Boxes of one class that overlap more are taken for one object.")
    max_detections: int = Field(300, ge=1, le=10_000, description="The most objects on one image, best score first.")
    image_size: int | None = Field(
        None,
        ge=32,
        le=4096,
        multiple_of=32,
        description="Side in pixels the model sees, if its file leaves it open.",
    )
    device: str = Field(
        "auto",
        pattern=r"^(auto|cpu|cuda(:\d+)?)$",
        description="auto (a GPU if there is one), cpu, cuda or cuda:N; a GPU that is not there is an error.",
    )


def yolox(
    file: Annotated[Path, ModelFile("*.onnx")], model_version: ModelVersion, parameters: YoloxParameters
) -> Detector:
    """The detector, made ready once per worker."""
    network = Network(file, parameters.device, parameters.batch_size, parameters.image_size)
    return Detector(network, class_names(model_version.labels, network.classes))


@pre_annotation(name="yolox-preannotation")
def annotate(
    images: list[Image], model: Annotated[Detector, Depends(yolox)], parameters: YoloxParameters
) -> list[list[Rectangle]]:
    """Propose the objects of each image."""
    found = model.detect(
        [image.pixels for image in images], parameters.confidence, parameters.iou, parameters.max_detections
    )
    return [rectangles(boxes, model.names) for boxes in found]


def rectangles(boxes: Boxes, names: tuple[str, ...]) -> list[Rectangle]:
    """The boxes as the platform has them, with the names of their classes."""
    return [
        Rectangle(names[index], left, top, right - left, bottom - top, score)
        for (left, top, right, bottom), score, index in zip(
            boxes.corners.tolist(), boxes.scores.tolist(), boxes.classes.tolist(), strict=True
        )
    ]
