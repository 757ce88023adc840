"""YOLOX to Core ML: convert, make the weights of convolutions smaller, and say inside the file how to use it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from coreml.quiet import quiet
from coreml.settling import settle

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from checkpoint import Checkpoint
    from numpy.typing import NDArray

Precision = Literal["float32", "float16"]
Compression = Literal["none", "int8", "palette8", "palette6"]

INPUT, OUTPUT = "image", "predictions"
PALETTE_ROUNDS = 30

LOSSES: dict[Precision | Compression, tuple[float, float]] = {
    "float32": (0.05, 0.001),
    "float16": (1.0, 0.005),
    "int8": (2.0, 0.05),
    "palette8": (2.0, 0.05),
    "palette6": (4.0, 0.2),
}
"""How much a box, in pixels, and a score may differ from the checkpoint's: the price of smaller numbers."""


def tolerances(precision: Precision, compression: Compression) -> dict[str, float]:
    """The largest difference of a "box" and of a "score" that this conversion is expected to make."""
    box, score = LOSSES[precision if compression == "none" else compression]
    return {"box": box, "score": score}


def to_program(
    checkpoint: Checkpoint,
    image_size: int,
    precision: Precision,
    compression: Compression = "none",
    *,
    takes_pictures: bool = True,
) -> Any:
    """The network as an ML program: a `coremltools.models.MLModel`.

    Its input is a picture, or else an array, of 1 x 3 x size x size: BGR, 0 to 255. Its output is that of `Yolox`.
    Weights that are compressed are those of convolutions: the grid that boxes are decoded with stays exact.
    """
    with quiet():
        from coremltools import precision as precisions  # noqa: PLC0415 - takes seconds, and speaks of what it misses
        from coremltools import target  # noqa: PLC0415 - likewise

        model = _converted(
            checkpoint,
            (1, 3, image_size, image_size),
            takes_pictures=takes_pictures,
            convert_to="mlprogram",
            compute_precision=precisions.FLOAT16 if precision == "float16" else precisions.FLOAT32,
            minimum_deployment_target=target.iOS15 if compression == "none" else target.iOS16,
        )
        return model if compression == "none" else _compressed(model, compression)


def to_neural_network(
    checkpoint: Checkpoint, image_size: int, precision: Precision, *, takes_pictures: bool = True
) -> Any:
    """The network as a neural network, the older format: the same, but "float16" says how weights are stored."""
    with quiet():
        from coremltools.models.neural_network import quantization_utils  # noqa: PLC0415 - likewise

        shape = (1, 3, image_size, image_size)
        model = _converted(checkpoint, shape, takes_pictures=takes_pictures, convert_to="neuralnetwork")
        return quantization_utils.quantize_weights(model, nbits=16) if precision == "float16" else model


def _converted(checkpoint: Checkpoint, shape: tuple[int, ...], *, takes_pictures: bool, **target: Any) -> Any:
    import coremltools  # noqa: PLC0415 - likewise
    import torch  # noqa: PLC0415 - whoever only reads the definition need not wait

    picture = coremltools.ImageType(INPUT, shape, color_layout=coremltools.colorlayout.BGR)
    array = coremltools.TensorType(INPUT, shape, dtype=np.float32)
    return coremltools.convert(
        # what is traced is compared with the network at the end, so not now
        torch.jit.trace(checkpoint.network, torch.zeros(shape), check_trace=False),  # type: ignore[no-untyped-call]  # torch's
        inputs=[picture if takes_pictures else array],
        outputs=[coremltools.TensorType(OUTPUT, dtype=np.float32)],
        **target,
    )


def _compressed(model: Any, compression: Compression) -> Any:
    from coremltools.optimize import coreml as optimize  # noqa: PLC0415 - likewise

    def of_convolutions(how: Any) -> Any:
        return optimize.OptimizationConfig(op_type_configs={"conv": how})

    if compression == "int8":
        quantizer = optimize.OpLinearQuantizerConfig(mode="linear_symmetric")
        return optimize.linear_quantize_weights(model, of_convolutions(quantizer))
    bits = 8 if compression == "palette8" else 6
    palettizer = optimize.OpPalettizerConfig(mode="custom", lut_function=lambda weights: palette(weights, bits))
    return optimize.palettize_weights(model, of_convolutions(palettizer))


def palette(weights: NDArray[Any], bits: int) -> tuple[NDArray[Any], NDArray[np.uint8]]:
    """The 2^bits values that stand for all weights, in ascending order, and which of them stands for each weight.

    One-dimensional k-means (Lloyd), begun from values that are spread evenly over the weights and over their range.
    """
    flat, half = weights.astype(np.float64).reshape(-1), 1 << bits - 1
    values = np.sort(
        np.concatenate([np.quantile(flat, np.linspace(0, 1, half)), np.linspace(flat.min(), flat.max(), half)])
    )
    for _ in range(PALETTE_ROUNDS):
        nearest = _nearest(values, flat)
        counts = np.bincount(nearest, minlength=len(values))
        sums = np.bincount(nearest, flat, len(values))
        values = np.where(counts > 0, sums / counts.clip(1), values)
    return values.astype(weights.dtype), _nearest(values, flat).astype(np.uint8)


def _nearest(values: NDArray[Any], flat: NDArray[Any]) -> NDArray[np.intp]:
    return np.searchsorted((values[1:] + values[:-1]) / 2, flat)


def save(model: Any, checkpoint: Checkpoint, image_size: int, labels: Sequence[str], path: Path) -> None:
    """Write the model, with all that an app must know to use it.

    The first conversion of a process gives the same bytes each time; coremltools numbers the names of later ones on.

    Args:
        model: What `to_program` or `to_neural_network` made.
        checkpoint: What it was made of.
        image_size: The side of its pictures in pixels.
        labels: The names of its classes, in their order.
        path: Where it goes, .mlpackage or .mlmodel.
    """
    model.short_description = f"YOLOX-{checkpoint.size}: finds {', '.join(labels)}"
    model.input_description[INPUT] = (
        f"{image_size} x {image_size} pixels, BGR, 0 to 255: the picture, resized to fit, in the top left corner, "
        "the rest grey (114)"
    )
    model.output_description[OUTPUT] = (
        "for each anchor: centre x, centre y, width and height in pixels of the input, objectness, and the score of "
        "each class; the score of a detection is objectness times that of the class; to be followed by "
        "non-maximum suppression"
    )
    model.user_defined_metadata.update(
        {
            "names": json.dumps(list(labels)),
            "image_size": str(image_size),
            "colours": "BGR",
            "range": "0 to 255",
            "letterbox": "top left, 114",
            "architecture": f"yolox-{checkpoint.size}",
        }
    )
    with quiet():
        model.save(str(path))
        settle(path)
