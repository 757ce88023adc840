"""The ways to make an ONNX model smaller or faster; the same model and pictures give the same bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from graph import convolution_weights, decoding_nodes
from picsellia_processing.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from parameters import CompressionParameters, Layers
    from pictures import Picture


PER_CHANNEL = 13
"""The version of ONNX's operators from which on each channel of a weight may have a range of its own."""


def compress(path: Path, calibration: Sequence[Picture], parameters: CompressionParameters, folder: Path) -> Path:
    """Compress the model at `path` into `folder`; what its metadata says is kept.

    Raises:
        UsageError: There is nothing in it to compress, or its operators are too old.
    """
    import onnx  # noqa: PLC0415 - whoever only reads the definition need not wait

    prepared, target = folder / "prepared.onnx", folder / f"{path.stem}-{parameters.method}.onnx"
    _prepare(path, prepared, least_version=PER_CHANNEL if parameters.method == "static_int8" else 1)
    match parameters.method:
        case "static_int8":
            static_int8(prepared, target, calibration, parameters.layers)
        case "dynamic_int8":
            dynamic_int8(prepared, target, parameters.layers)
        case "float16":
            float16(prepared, target)
        case "pruning":
            pruning(prepared, target, parameters.sparsity)
    model = onnx.load(target)
    del model.metadata_props[:]
    model.metadata_props.extend(onnx.load(path).metadata_props)
    target.write_bytes(model.SerializeToString(deterministic=True))
    onnx.checker.check_model(str(target))
    return target


def static_int8(source: Path, target: Path, calibration: Sequence[Picture], layers: Layers) -> None:
    """Weights and activations become 8-bit integers, whose ranges are those seen on the pictures.

    Activations are unsigned and weights signed, as x86 CPUs multiply them: twice as fast as with both signed.
    """
    import onnx  # noqa: PLC0415 - likewise
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static  # noqa: PLC0415 - likewise

    quantize_static(
        source,
        target,
        CalibrationReader(calibration, onnx.load(source).graph.input[0].name),
        quant_format=QuantFormat.QDQ,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        per_channel=True,
        **_chosen(source, layers),
    )


def dynamic_int8(source: Path, target: Path, layers: Layers) -> None:
    """Weights become 8-bit integers, and activations while the model runs, so that no picture is needed."""
    from onnxruntime.quantization import QuantType, quantize_dynamic  # noqa: PLC0415 - likewise

    quantize_dynamic(source, target, weight_type=QuantType.QUInt8, **_chosen(source, layers))


def float16(source: Path, target: Path) -> None:
    """All but the layers that decode becomes half floats: above 512 they are half a pixel apart."""
    import onnx  # noqa: PLC0415 - likewise
    from onnxruntime.transformers.float16 import convert_float_to_float16  # noqa: PLC0415 - likewise
    from onnxruntime.transformers.onnx_model import OnnxModel  # noqa: PLC0415 - likewise

    model = onnx.load(source)
    halved = convert_float_to_float16(model, keep_io_types=True, node_block_list=decoding_nodes(model))
    once = {tuple(node.output): node for node in halved.graph.node}  # a value is cast anew for each layer that reads it
    del halved.graph.node[:]
    halved.graph.node.extend(once.values())
    OnnxModel(halved).topological_sort()
    onnx.save(halved, target)


def pruning(source: Path, target: Path, sparsity: float) -> None:
    """The least weights of all convolutions together become 0: a file of the same size, which packs better."""
    import onnx  # noqa: PLC0415 - likewise
    from onnx import numpy_helper  # noqa: PLC0415 - likewise

    model = onnx.load(source)
    weights = convolution_weights(model)
    values = [numpy_helper.to_array(each) for each in weights]
    limit = np.quantile(np.concatenate([np.abs(each).ravel() for each in values]), sparsity)
    for weight, value in zip(weights, values, strict=True):
        pruned = np.where(np.abs(value) < limit, 0, value).astype(value.dtype)
        weight.CopyFrom(numpy_helper.from_array(pruned, weight.name))
    onnx.save(model, target)


class CalibrationReader:
    """Pictures, one after the other, as ONNX Runtime's calibration asks for them."""

    def __init__(self, pictures: Sequence[Picture], name: str) -> None:
        self._feeds: Iterator[dict[str, Any]] = ({name: picture.tensor()} for picture in pictures)

    def get_next(self) -> dict[str, Any] | None:
        """The next input of the model by name; None at the end."""
        return next(self._feeds, None)


def _prepare(path: Path, prepared: Path, least_version: int) -> None:
    """Raise the version of the operators, fold what is constant, and give every node a name to be left out by."""
    import onnx  # noqa: PLC0415 - likewise
    from onnxruntime.quantization.shape_inference import quant_pre_process  # noqa: PLC0415 - likewise

    quant_pre_process(_of_version(path, least_version), prepared, skip_symbolic_shape=True)
    model = onnx.load(prepared)
    for number, node in enumerate(model.graph.node):
        node.name = node.name or f"{node.op_type}-{number}"
    if not convolution_weights(model):
        raise UsageError(f"the model file {path.name!r} cannot be compressed: it has no convolution with weights in it")
    onnx.save(model, prepared)


def _of_version(path: Path, least: int) -> Any:
    """The model at `path`, with the operators of that version of ONNX where its own are older."""
    import onnx  # noqa: PLC0415 - likewise

    model = onnx.load(path)
    found = next((each.version for each in model.opset_import if not each.domain), least)
    if found >= least:
        return model
    try:
        return onnx.version_converter.convert_version(model, least)
    except RuntimeError as error:
        raise UsageError(
            f"the model file {path.name!r} cannot be compressed: found operators of opset {found}, which cannot be "
            f"brought to {least}; export it with opset {least} or newer, or choose another method"
        ) from error


def _chosen(source: Path, layers: Layers) -> dict[str, Any]:
    """What `layers` means to ONNX Runtime."""
    import onnx  # noqa: PLC0415 - likewise

    if layers == "all":
        return {}
    only = {"op_types_to_quantize": ["Conv"]} if layers == "convolutions" else {}
    return {"nodes_to_exclude": decoding_nodes(onnx.load(source)), **only}
