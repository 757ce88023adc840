"""Other ONNX files of the same detector as people export them, and files that are none, made of the fixture's model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def variant(model: Path, target: Path, change: Callable[[onnx.ModelProto], None]) -> Path:
    """The model with one change, at `target`."""
    changed = onnx.load(model)
    change(changed)
    onnx.save(changed, target)
    return target


def raw(model: onnx.ModelProto) -> None:
    """Exported without --decode_in_inference."""
    model.graph.output[0].name = _cells(model)


def _cells(model: onnx.ModelProto) -> str:
    """The tensor of all cells in one list, from which a decoded output is computed."""
    name: str = [node for node in model.graph.node if node.op_type == "Transpose"][-1].output[0]
    return name


def fixed_batch(size: int) -> Callable[[onnx.ModelProto], None]:
    """Exported without --dynamic."""

    def change(model: onnx.ModelProto) -> None:
        for tensor in (model.graph.input[0], model.graph.output[0]):
            tensor.type.tensor_type.shape.dim[0].dim_value = size

    return change


def any_size(model: onnx.ModelProto) -> None:
    """Exported with free sides."""
    height, width = model.graph.input[0].type.tensor_type.shape.dim[2:]
    height.dim_param, width.dim_param = "height", "width"
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_param = "cells"


def baked_size(model: onnx.ModelProto) -> None:
    """Says that it takes any size, but has the cells of one size built in."""
    any_size(model)
    zeros = numpy_helper.from_array(np.zeros((1, 525, 1), np.float32), "zeros")
    model.graph.initializer.append(zeros)
    model.graph.node.append(helper.make_node("Add", ["output", "zeros"], ["sum"]))
    model.graph.output[0].name = "sum"


def half_input(model: onnx.ModelProto) -> None:
    """Takes 16-bit floats."""
    _take(model, TensorProto.FLOAT16)


def byte_input(model: onnx.ModelProto) -> None:
    """Takes bytes."""
    _take(model, TensorProto.UINT8)


def _take(model: onnx.ModelProto, kind: int) -> None:
    model.graph.input[0].type.tensor_type.elem_type = kind
    _insert_first(model, lambda name, wanted: helper.make_node("Cast", [name], [wanted], to=TensorProto.FLOAT))


def rgb(model: onnx.ModelProto) -> None:
    """Takes RGB, and says so."""
    order = helper.make_tensor("order", TensorProto.INT64, [3], [2, 1, 0])
    model.graph.initializer.append(order)
    _insert_first(model, lambda name, wanted: helper.make_node("Gather", [name, "order"], [wanted], axis=1))
    says_rgb(model)


def says_rgb(model: onnx.ModelProto) -> None:
    """Says that it takes RGB."""
    helper.set_model_props(model, {"channels": "RGB"})


def _insert_first(model: onnx.ModelProto, make: Callable[[str, str], onnx.NodeProto]) -> None:
    name = model.graph.input[0].name
    wanted = f"{name}.wanted"
    for node in model.graph.node:
        node.input[:] = [wanted if each == name else each for each in node.input]
    model.graph.node.insert(0, make(name, wanted))


def two_outputs(model: onnx.ModelProto) -> None:
    """Gives its cells beside its boxes."""
    model.graph.output.append(helper.make_tensor_value_info(_cells(model), TensorProto.FLOAT, None))


def without_classes(model: onnx.ModelProto) -> None:
    """Finds objects without telling what they are."""
    _cut_output(model, axis=2, end=5)


def with_cells_missing(model: onnx.ModelProto) -> None:
    """Gives the first grid alone."""
    _cut_output(model, axis=1, end=400)


def _cut_output(model: onnx.ModelProto, axis: int, end: int) -> None:
    for name, value in (("starts", 0), ("ends", end), ("axes", axis)):
        model.graph.initializer.append(helper.make_tensor(name, TensorProto.INT64, [1], [value]))
    output = model.graph.output[0]
    model.graph.node.append(helper.make_node("Slice", [output.name, "starts", "ends", "axes"], ["cut"]))
    output.name = "cut"
    output.type.tensor_type.shape.dim[axis].dim_value = end


def classifier() -> onnx.ModelProto:
    """No detector at all: numbers in, numbers out."""
    graph = helper.make_graph(
        [helper.make_node("Softmax", ["numbers"], ["likelihoods"])],
        "classifier",
        [helper.make_tensor_value_info("numbers", TensorProto.FLOAT, ["batch", 10])],
        [helper.make_tensor_value_info("likelihoods", TensorProto.FLOAT, ["batch", 10])],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
