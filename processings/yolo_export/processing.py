"""Export an ultralytics model to ONNX and TorchScript, and see that both compute what the checkpoint computes."""

from itertools import chain, islice
from pathlib import Path
from typing import Annotated

import numpy as np
from comparison import READERS, compare, inputs_of, made_up_pictures
from exporting import Checkpoint
from numpy.typing import NDArray
from picsellia.sdk.dataset_version import DatasetVersion
from picsellia_processing import Field, Input, JobContext, ModelFile, ModelParameters, ProducedModel, model_conversion


class ExportParameters(ModelParameters):
    """What a Job may set. The tolerances are for 32-bit floats."""

    image_size: int | None = Field(
        None, ge=32, le=4096, multiple_of=32, description="Side in pixels the model sees; None: as in its training."
    )
    opset: int = Field(17, ge=12, le=20, description="Version of the ONNX operators.")
    box_tolerance: float = Field(0.05, gt=0, description="The most a box may differ from the checkpoint's, in pixels.")
    score_tolerance: float = Field(0.001, gt=0, le=1, description="The most a score may differ.")
    pictures: int = Field(8, ge=1, le=1000, description="How many pictures the models are compared on.")


@model_conversion(name="yolo-export", produces=["model-onnx", "model-torchscript"])
def export(
    weights: Annotated[Path, ModelFile("pretrained-weights")],
    context: JobContext,
    parameters: ExportParameters,
    images: Annotated[DatasetVersion, Input("dataset_version_id")] | None = None,
) -> ProducedModel:
    """Both files, compared on pictures of the DatasetVersion given as an input, or else on made-up ones."""
    assert context.folder is not None
    checkpoint = Checkpoint(weights, context.folder, parameters.image_size)
    files = {"model-onnx": checkpoint.to_onnx(parameters.opset), "model-torchscript": checkpoint.to_torch_script()}
    pictures = made_up_pictures(parameters.pictures) if images is None else first_pictures(context, parameters.pictures)
    inputs = inputs_of(pictures, checkpoint.image_size)
    tolerances = {"box": parameters.box_tolerance, "score": parameters.score_tolerance}
    reference = checkpoint.reference()
    largest = {name: compare(name, READERS[name](path), reference, inputs, tolerances) for name, path in files.items()}
    about = {"task": checkpoint.task, "image_size": checkpoint.image_size, "pictures": len(inputs)}
    return ProducedModel(files, {**about, "largest_error": largest})


def first_pictures(context: JobContext, count: int) -> list[NDArray[np.uint8]]:
    """The pixels of the first images of the DatasetVersion that can be read."""
    pictures: list[NDArray[np.uint8]] = []
    for image in islice(chain.from_iterable(context.images()), count):
        pictures.append(image.pixels.copy())  # its memory is given back with the next one
        context.write(image, ())
    return pictures
