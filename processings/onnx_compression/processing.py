"""Compress an ONNX detector or classifier, and store what it became only if it is still as good."""

import zlib
from pathlib import Path
from typing import Annotated, Any

from accuracy import METRICS, accuracy_of
from compressing import compress
from labels import class_of_label
from model_file import OnnxModel, read_model
from parameters import FILE_NAMES, CompressionParameters
from picsellia.sdk.dataset_version import DatasetVersion
from picsellia_processing import Input, JobContext, ModelFile, ProducedModel, model_compression
from picsellia_processing.errors import JobError, ProcessingError
from pictures import Normalisation, Picture, read_pictures, split
from speed import pictures_per_second


@model_compression(name="onnx-compression", produces=list(FILE_NAMES.values()))
def compress_onnx(
    weights: Annotated[Path, ModelFile("model-onnx")],
    images: Annotated[DatasetVersion, Input("dataset_version_id")],
    context: JobContext,
    parameters: CompressionParameters,
) -> ProducedModel:
    """The compressed model; its size, accuracy and speed beside those of the model as it was."""
    assert context.model_version is not None
    model = read_model(weights, context.model_version.labels or {})
    labels = class_of_label(images, model)
    pictures = read_pictures(context, model, labels, Normalisation(parameters.mean, parameters.std))
    calibration, measured = split(pictures, parameters.calibration_images)
    before = accuracy_before(model, measured, parameters)
    path = compress(weights, calibration, parameters, context.folder)
    after = accuracy_of(path, model, measured)
    figures: dict[str, Any] = {
        "method": parameters.method,
        "images": {"calibration": len(calibration), "measured": len(measured)},
        "bytes": compared(weights.stat().st_size, path.stat().st_size),
        "bytes_packed": compared(packed_size(weights), packed_size(path)),
        METRICS[model.task]: compared(before, after),
    }
    context.metadata.update(figures)
    refuse_a_loss(METRICS[model.task], before, after, parameters)
    return ProducedModel(
        {FILE_NAMES[parameters.method]: path},
        figures | {"pictures_per_second": compared(*pictures_per_second((weights, path), measured[0].tensor()))},
        framework="ONNX",
    )


def accuracy_before(model: OnnxModel, pictures: list[Picture], parameters: CompressionParameters) -> float:
    """The accuracy of the model as it is.

    Raises:
        JobError: It is too low for a loss to be seen.
    """
    accuracy = accuracy_of(model.path, model, pictures)
    if accuracy < parameters.min_accuracy:
        raise JobError(
            f"the model as it is has a {METRICS[model.task]} of {accuracy:.3f} on {len(pictures)} images, less than "
            f"min_accuracy = {parameters.min_accuracy:g}: a loss would not show; see that the DatasetVersion and the "
            "order of the labels belong to the model, and that mean and std are those of its training"
        )
    return accuracy


def refuse_a_loss(metric: str, before: float, after: float, parameters: CompressionParameters) -> None:
    """See that the compressed model is as good as it must be.

    Raises:
        ProcessingError: It is not.
    """
    if before - after > parameters.max_accuracy_drop:
        raise ProcessingError(
            f"{parameters.method} costs {before - after:.3f} of {metric} ({before:.3f} before, {after:.3f} after), "
            f"more than max_accuracy_drop = {parameters.max_accuracy_drop:g}, so nothing is stored; compress less "
            "(layers = convolutions, method = float16, a lower sparsity), or calibrate on more images"
        )


def packed_size(path: Path) -> int:
    """How many bytes the file takes where it is stored or sent packed, which shows what pruning saves."""
    return len(zlib.compress(path.read_bytes()))


def compared(before: float, after: float) -> dict[str, float]:
    """Two figures and what the second is of the first, rounded."""
    return {"before": round(before, 3), "after": round(after, 3), "ratio": round(after / before, 3)}
