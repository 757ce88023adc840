"""Convert a YOLOX checkpoint to Core ML, and see that the stored file computes what the checkpoint computes."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from comparison import compare
from conversion import Compression, Precision, save, to_neural_network, to_program, tolerances
from labelmap import class_names
from picsellia.sdk.dataset_version import DatasetVersion
from picsellia.sdk.model_version import ModelVersion
from picsellia_processing import Field, Input, JobContext, ModelFile, ModelParameters, ProducedModel, model_conversion
from pictures import first_pictures, made_up_pictures
from pydantic import model_validator

if TYPE_CHECKING:
    from checkpoint import Checkpoint

PRODUCED = "model-coreml"
SOURCE = "pretrained-weights"
SMALL, LARGE = 416, 640


class CoreMlParameters(ModelParameters):
    """What a Job may set. The tolerances are by default those of the precision and the compression."""

    export_format: Literal["mlprogram", "neuralnetwork"] = Field(
        "mlprogram", description="mlprogram (iOS 15 and newer) or neuralnetwork (older too)."
    )
    input_model_file_name: str = Field(SOURCE, min_length=1, description="Which file of the ModelVersion is converted.")
    image_size: int | None = Field(
        None, ge=32, le=4096, multiple_of=32, description="Side in pixels; None: 416 for nano and tiny, else 640."
    )
    precision: Precision = Field("float16", description="What it computes with; float32 is twice as big.")
    image_input: bool = Field(default=True, description="Whether it takes a picture (BGR), or else an array.")
    compression: Compression = Field("none", description="Of the weights of convolutions.")
    box_tolerance: float | None = Field(None, gt=0, description="The most a box may differ, in pixels.")
    score_tolerance: float | None = Field(None, gt=0, le=1, description="The most a score may differ.")
    pictures: int = Field(8, ge=1, le=1000, description="How many pictures both are compared on.")

    @model_validator(mode="after")
    def _only_programs_are_compressed(self) -> "CoreMlParameters":
        if self.export_format == "neuralnetwork" and self.compression != "none":
            raise ValueError("compression needs the export_format mlprogram")
        return self

    @property
    def is_exact(self) -> bool:
        """Whether no number is made smaller, so that even boxes that nobody keeps must be the same."""
        return self.precision == "float32" and self.compression == "none"


@model_conversion(name="yolox-to-coreml", produces=[PRODUCED])
def to_core_ml(
    weights: Annotated[Path, ModelFile(SOURCE, parameter="input_model_file_name")],
    model_version: ModelVersion,
    context: JobContext,
    parameters: CoreMlParameters,
    images: Annotated[DatasetVersion, Input("dataset_version_id")] | None = None,
) -> ProducedModel:
    """One Core ML file, read back and compared on pictures of the DatasetVersion given as an input, or made-up ones."""
    from checkpoint import load_checkpoint  # noqa: PLC0415 - torch: whoever only reads the definition need not wait
    from coreml.reading import read_model  # noqa: PLC0415 - likewise
    from running import letterboxed, of_core_ml, of_network, seen  # noqa: PLC0415 - likewise

    checkpoint = load_checkpoint(weights)
    labels = class_names(model_version.labels, checkpoint.classes)
    size = parameters.image_size or (SMALL if checkpoint.size in ("nano", "tiny") else LARGE)
    pictures = made_up_pictures(parameters.pictures) if images is None else first_pictures(context, parameters.pictures)

    path = stored(checkpoint, size, labels, parameters, context.folder)

    largest = compare(
        PRODUCED,
        of_core_ml(read_model(path)),
        of_network(checkpoint.network),
        [letterboxed(picture, size) for picture in pictures],
        allowed(parameters),
        judged=None if parameters.is_exact else seen,
    )
    about = {"architecture": f"yolox-{checkpoint.size}", "classes": len(labels), "image_size": size}
    return ProducedModel({PRODUCED: path}, {**about, "pictures": len(pictures), "largest_error": largest})


def stored(
    checkpoint: "Checkpoint", size: int, labels: Sequence[str], parameters: CoreMlParameters, folder: Path
) -> Path:
    """The converted model as a file or package in `folder`."""
    precision, is_picture = parameters.precision, parameters.image_input
    if parameters.export_format == "mlprogram":
        path = folder / f"yolox-{checkpoint.size}.mlpackage"
        model = to_program(checkpoint, size, precision, parameters.compression, takes_pictures=is_picture)
    else:
        path = folder / f"yolox-{checkpoint.size}.mlmodel"
        model = to_neural_network(checkpoint, size, precision, takes_pictures=is_picture)
    save(model, checkpoint, size, labels, path)
    return path


def allowed(parameters: CoreMlParameters) -> dict[str, float]:
    """The largest differences of a box and of a score: those the Job gives, else those of the conversion."""
    given = {"box": parameters.box_tolerance, "score": parameters.score_tolerance}
    usual = tolerances(parameters.precision, parameters.compression)
    return usual | {kind: most for kind, most in given.items() if most is not None}
