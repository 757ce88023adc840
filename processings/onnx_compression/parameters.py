"""What a Job may set."""

from collections.abc import Sequence
from typing import Annotated, Literal

from picsellia_processing import Field, ModelParameters

FILE_NAMES = {
    "static_int8": "model-onnx-static-int8",
    "dynamic_int8": "model-onnx-dynamic-int8",
    "float16": "model-onnx-float16",
    "pruning": "model-onnx-pruned",
}
"""The name on the ModelVersion of what each method makes."""

Layers = Literal["convolutions", "all_but_decoding", "all"]
Positive = Annotated[float, Field(gt=0)]


class CompressionParameters(ModelParameters):
    """How a model is compressed, and how much it may lose by it."""

    method: Literal["static_int8", "dynamic_int8", "float16", "pruning"] = Field(
        "static_int8",
        description="static_int8: weights and activations as 8-bit integers; dynamic_int8: weights alone, activations "
        "while it runs; float16: both as half floats; pruning: the least weights become 0.",
    )
    layers: Layers = Field(
        "all_but_decoding",
        description="What becomes integers: the convolutions; everything but the layers that make boxes and scores of "
        "what the last convolutions give; or those too, which wrecks most detectors.",
    )
    sparsity: float = Field(0.2, gt=0, lt=1, description="The share of the convolutions' weights that pruning makes 0.")
    calibration_images: int = Field(
        64, ge=1, description="How many images, at most half of them, are put aside to find the ranges of activations."
    )
    max_accuracy_drop: float = Field(0.02, ge=0, le=1, description="The most accuracy that may be lost.")
    min_accuracy: float = Field(
        0.3, gt=0, le=1, description="The least accuracy the model must have as it is, for a loss to mean something."
    )
    mean: tuple[float, float, float] = Field(
        (0.0, 0.0, 0.0), description="Of red, green and blue in training, 0 to 1: is subtracted."
    )
    std: tuple[Positive, Positive, Positive] = Field(
        (1.0, 1.0, 1.0), description="Of red, green and blue in training: is divided by."
    )

    def chosen(self, names: Sequence[str]) -> list[str]:
        """The one file that the method makes."""
        return [name for name in names if name == FILE_NAMES[self.method]]
