"""Export an ultralytics model to other formats, and see that each computes what the checkpoint computes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from comparison import compare
from exporting import Checkpoint
from picsellia.sdk.dataset_version import DatasetVersion
from picsellia_processing import Field, Input, JobContext, ModelFile, ModelParameters, ProducedModel, model_conversion
from pictures import first_pictures, made_up_pictures
from running import READERS, by_kind, checkpoint, inputs_of

NAMES = {
    "onnx": "model-onnx",
    "torchscript": "model-torchscript",
    "openvino": "model-openvino",
    "coreml": "model-coreml",
}


class ExportParameters(ModelParameters):
    """What a Job may set. The tolerances are for 32-bit floats."""

    formats: tuple[Literal["onnx", "torchscript", "openvino", "coreml"], ...] = Field(
        ("onnx", "torchscript"), min_length=1, description="What it is exported to."
    )
    image_size: int | None = Field(
        None, ge=32, le=4096, multiple_of=32, description="Side in pixels the model sees; None: as in its training."
    )
    opset: int = Field(17, ge=12, le=20, description="Version of the ONNX operators.")
    box_tolerance: float = Field(0.05, gt=0, description="The most a box may differ from the checkpoint's, in pixels.")
    score_tolerance: float = Field(0.001, gt=0, le=1, description="The most a score may differ.")
    pictures: int = Field(8, ge=1, le=1000, description="How many pictures the models are compared on.")

    def chosen(self, names: Sequence[str]) -> list[str]:
        """The names of the files that are asked for."""
        return [name for name in names if name in {NAMES[each] for each in self.formats}]


@model_conversion(name="yolo-export", produces=list(NAMES.values()))
def export(
    weights: Annotated[Path, ModelFile("pretrained-weights")],
    context: JobContext,
    parameters: ExportParameters,
    images: Annotated[DatasetVersion, Input("dataset_version_id")] | None = None,
) -> ProducedModel:
    """A file of each format, compared on pictures of the DatasetVersion given as an input, or else on made-up ones."""
    source = Checkpoint(weights, context.folder, parameters.image_size)
    files = {name: source.to(name, parameters.opset) for name in dict.fromkeys(parameters.formats)}
    pictures = made_up_pictures(parameters.pictures) if images is None else first_pictures(context, parameters.pictures)

    inputs = inputs_of(pictures, source.image_size)
    tolerances = {"box": parameters.box_tolerance, "score": parameters.score_tolerance}
    reference = by_kind(checkpoint(source.reference()), source.classes)
    largest = {
        NAMES[name]: compare(NAMES[name], by_kind(READERS[name](path), source.classes), reference, inputs, tolerances)
        for name, path in files.items()
    }

    about = {"task": source.task, "image_size": source.image_size, "pictures": len(inputs)}
    return ProducedModel({NAMES[name]: path for name, path in files.items()}, {**about, "largest_error": largest})
