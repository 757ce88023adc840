"""How good a model is on annotated pictures: mAP50 of a detector, top-1 of a classifier."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from metrics import map50
from model_file import BOX
from picsellia_processing import Classification, Rectangle

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from model_file import OnnxModel
    from numpy.typing import NDArray
    from pictures import Picture, Truth

METRICS = {"detection": "mAP50", "classification": "top-1"}

OVERLAP = 0.7
"""Boxes of one class with a larger IoU are taken for one object, as in ultralytics' validation."""

LEAST_SCORE = 0.001
"""Boxes with less are left out, as in ultralytics' validation."""

MOST_OBJECTS = 100
"""Of one class on one picture; the metric looks at no more."""


def accuracy_of(path: Path, model: OnnxModel, pictures: Sequence[Picture]) -> float:
    """The accuracy of the file at `path`, which is `model` or what became of it: 0 to 1."""
    network = session(path)
    name = network.get_inputs()[0].name
    outputs = (network.run(None, {name: picture.tensor()})[0] for picture in pictures)
    if model.task == "classification":
        return top1(model.classes, outputs, pictures)
    suppression = NonMaximumSuppression()
    found = [objects(output, model.classes, suppression) for output in outputs]
    return map50(_coco([picture.truth for picture in pictures]), _coco(found))


def session(model: Path | bytes) -> Any:
    """An ONNX model, ready to run on the CPU."""
    import onnxruntime  # noqa: PLC0415 - whoever only reads the definition need not wait

    return onnxruntime.InferenceSession(
        model if isinstance(model, bytes) else str(model), providers=["CPUExecutionProvider"]
    )


def top1(classes: Sequence[str], outputs: Iterable[NDArray[np.float32]], pictures: Sequence[Picture]) -> float:
    """The share of pictures whose best score is that of an annotated class."""
    right = [
        bool(np.isfinite(output).all()) and classes[output[0].argmax()] in {each.label for each in picture.truth}
        for picture, output in zip(pictures, outputs, strict=True)
    ]
    return float(np.mean(right))


class NonMaximumSuppression:
    """ONNX's own operator of that name, one class at a time."""

    def __init__(self) -> None:
        from onnx import TensorProto, helper, numpy_helper  # noqa: PLC0415 - likewise

        constants = {"most": np.int64(MOST_OBJECTS), "overlap": np.float32(OVERLAP), "score": np.float32(LEAST_SCORE)}
        inputs = {"boxes": [1, None, BOX], "scores": [1, None, None]}
        graph = helper.make_graph(
            [helper.make_node("NonMaxSuppression", [*inputs, *constants], ["kept"], center_point_box=1)],
            "suppression",
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
            [helper.make_tensor_value_info("kept", TensorProto.INT64, [None, 3])],
            [numpy_helper.from_array(np.array([value]), name) for name, value in constants.items()],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        self._session = session(model.SerializeToString())

    def __call__(self, boxes: NDArray[np.float32], scores: NDArray[np.float32]) -> NDArray[np.int64]:
        """Class and anchor of each object (N x 2), given 1 x anchors x 4 boxes and 1 x classes x anchors scores."""
        kept: NDArray[np.int64] = self._session.run(None, {"boxes": boxes, "scores": scores})[0][:, 1:]
        return kept


def objects(
    output: NDArray[np.float32], classes: Sequence[str], suppression: NonMaximumSuppression
) -> tuple[Rectangle, ...]:
    """The objects in the output of a detector (1 x (4 + classes) x anchors), in pixels of its input."""
    boxes, scores = np.ascontiguousarray(output[:, :BOX].transpose(0, 2, 1)), np.ascontiguousarray(output[:, BOX:])
    found = []
    for index, anchor in suppression(boxes, scores):
        x, y, width, height = (float(value) for value in boxes[0, anchor])
        score = float(scores[0, index, anchor])
        found.append(Rectangle(classes[index], x - width / 2, y - height / 2, width, height, score))
    return tuple(found)


def _coco(objects_of_pictures: Sequence[Truth]) -> dict[str, Any]:
    """The objects of each picture as a COCO document."""
    labels = sorted({each.label for objects in objects_of_pictures for each in objects})
    return {
        "images": [{"id": number, "file_name": str(number)} for number in range(len(objects_of_pictures))],
        "categories": [{"id": label, "name": label} for label in labels],
        "annotations": [
            _annotation(number, each) for number, objects in enumerate(objects_of_pictures) for each in objects
        ],
    }


def _annotation(number: int, box: Rectangle | Classification) -> dict[str, Any]:
    assert isinstance(box, Rectangle)
    score = {} if box.confidence is None else {"score": box.confidence}
    return {"image_id": number, "category_id": box.label, "bbox": [box.x, box.y, box.width, box.height], **score}
