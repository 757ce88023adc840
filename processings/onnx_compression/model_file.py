"""What an ONNX file holds: a detector or a classifier of which classes, for pictures of what size."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from picsellia_processing.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

BOX = 4
"""Rows of a detector's output that are a box: centre x, centre y, width, height."""

INTEGERS = frozenset({"QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "ConvInteger", "MatMulInteger"})
"""Operators that only a compressed model has."""

Task = Literal["detection", "classification"]


@dataclass(frozen=True, slots=True)
class OnnxModel:
    """A model that takes one picture (1 x 3 x height x width, RGB, float32) and gives one output.

    A detector's output is 1 x (4 + classes) x anchors, as ultralytics exports it without non-maximum suppression: boxes
    in pixels of the input, then scores. A classifier's is 1 x classes.

    Attributes:
        path: the file.
        task: what it does.
        classes: the names of its classes, in the order of its output.
        width: of its input in pixels.
        height: of its input in pixels.
    """

    path: Path
    task: Task
    classes: tuple[str, ...]
    width: int
    height: int


def read_model(path: Path, labels: Mapping[str, str]) -> OnnxModel:
    """See what the file at `path` holds.

    `labels` are those of the ModelVersion, by index; where it has none, the file must name its classes, as ultralytics
    writes them.

    Raises:
        UsageError: It is no ONNX file, compressed already, of another layout, or its classes do not fit.
    """
    proto = _load(path)
    height, width = _input_size(proto.graph, path)
    task, count = _output_layout(proto.graph, path)
    classes = _class_names(proto, labels, path)
    if len(classes) != count:
        raise _refusal(
            path,
            f"its output has {count} classes, but {len(classes)} are named: {', '.join(classes)}; correct the labels "
            "of the ModelVersion, or give the file that belongs to them",
        )
    return OnnxModel(path, task, classes, width, height)


def _load(path: Path) -> Any:
    import onnx  # noqa: PLC0415 - whoever only reads the definition need not wait

    try:
        onnx.checker.check_model(str(path))
        proto = onnx.load(path)
    except (onnx.checker.ValidationError, OSError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise _refusal(
            path, f"it is no whole ONNX file ({reason}); expected one file with its weights inside"
        ) from error
    if found := sorted({node.op_type for node in proto.graph.node} & INTEGERS):
        raise _refusal(path, f"it is compressed already: it has {', '.join(found)}; give the model of 32-bit floats")
    return proto


def _input_size(graph: Any, path: Path) -> tuple[int, int]:
    """Height and width of the one picture that the model takes."""
    from onnx import TensorProto  # noqa: PLC0415 - likewise

    constants = {each.name for each in graph.initializer}
    inputs = [each for each in graph.input if each.name not in constants]
    shapes = [_shape(each) for each in inputs]
    kinds = {each.type.tensor_type.elem_type for each in inputs}
    match shapes:
        case [[1 | str(), 3, int(height), int(width)]] if kinds == {TensorProto.FLOAT}:
            return height, width
    raise _refusal(
        path,
        f"its input is {_text(inputs)}; expected float32 1 x 3 x height x width; export it for one picture of a fixed "
        "size, in 32-bit floats",
    )


def _output_layout(graph: Any, path: Path) -> tuple[Task, int]:
    """What the model does, and for how many classes."""
    match [_shape(each) for each in graph.output]:
        case [[1 | str(), int(classes)]]:
            return "classification", classes
        case [[1 | str(), int(rows), int(anchors)]] if BOX < rows < anchors:
            return "detection", rows - BOX
    raise _refusal(
        path,
        f"its output is {_text(graph.output)}; expected 1 x classes (a classifier), or 1 x (4 + classes) x anchors (a "
        "detector); export a detector without non-maximum suppression, as yolo_export does",
    )


def _class_names(proto: Any, labels: Mapping[str, str], path: Path) -> tuple[str, ...]:
    metadata = {entry.key: entry.value for entry in proto.metadata_props}
    named = {str(index): str(name) for index, name in (labels or _literal(metadata.get("names", "{}"))).items()}
    if not named:
        raise _refusal(path, "nobody names its classes; give the ModelVersion its labels")
    expected = [str(index) for index in range(len(named))]
    if set(expected) != set(named):
        raise _refusal(path, f"its classes are numbered {', '.join(named)}; expected {', '.join(expected)}")
    return tuple(named[index] for index in expected)


def _literal(text: str) -> dict[Any, Any]:
    """A dictionary, or a list, as Python writes it, which is how ultralytics stores names; empty if it is none."""
    try:
        value = ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return {}
    if isinstance(value, list):
        return dict(enumerate(value))
    return value if isinstance(value, dict) else {}


def _shape(value: Any) -> list[int | str]:
    """The sides of an input or output: a number where it is fixed, else a name."""
    return [each.dim_value or each.dim_param or "?" for each in value.type.tensor_type.shape.dim]


def _text(values: Sequence[Any]) -> str:
    """Inputs or outputs in words: `float32 1 x 3 x 160 x 160`."""
    from onnx import helper  # noqa: PLC0415 - likewise

    def text(value: Any) -> str:
        kind = value.type.tensor_type.elem_type
        name = helper.tensor_dtype_to_np_dtype(kind).name if kind else "no tensor"
        return f"{name} {' x '.join(map(str, _shape(value)))}"

    return " and ".join(map(text, values)) or "none"


def _refusal(path: Path, why: str) -> UsageError:
    return UsageError(f"the model file {path.name!r} cannot be compressed: {why}")
