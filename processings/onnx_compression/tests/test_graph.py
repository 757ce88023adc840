"""Which layers decode, and which have learned something."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper


@pytest.fixture(scope="session")
def detector(compressing: Any, models: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The detector of the fixture as the methods get it."""
    path = tmp_path_factory.mktemp("graph") / "prepared.onnx"
    compressing._prepare(models["detection"].path, path, compressing.PER_CHANNEL)
    return onnx.load(path)


def test_a_detector_decodes_behind_its_last_convolutions(graph: Any, detector: Any) -> None:
    head = [node for node in detector.graph.node if node.name.startswith("/model.14/")]
    branches = ("/model.14/cv2", "/model.14/cv3")
    expected = [node.name for node in head if not node.name.startswith(branches)]
    assert graph.decoding_nodes(detector) == expected
    assert "/model.14/dfl/conv/Conv" in expected


def test_the_convolution_that_takes_a_mean_has_learned_nothing(graph: Any, detector: Any) -> None:
    learned = graph.convolution_weights(detector)
    convolutions = [node for node in detector.graph.node if node.op_type == "Conv"]
    assert len(learned) == len(convolutions) - 1
    assert all(each.dims[:2] != [1, 16] for each in learned)


def test_shared_weights_are_named_once_and_products_of_activations_are_no_layer(graph: Any) -> None:
    kernel = numpy_helper.from_array(np.ones((3, 3, 1, 1), np.float32), "kernel")
    nodes = [
        helper.make_node("Conv", ["images", "kernel"], ["a"], name="first"),
        helper.make_node("Conv", ["a", "kernel"], ["b"], name="second"),
        helper.make_node("MatMul", ["b", "b"], ["c"], name="product"),
        helper.make_node("Sigmoid", ["c"], ["output"], name="scores"),
    ]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, 8, 8]) for name in ("images", "output")]
    model = helper.make_model(helper.make_graph(nodes, "graph", values[:1], values[1:], [kernel]))
    assert graph.decoding_nodes(model) == ["product", "scores"]
    assert [each.name for each in graph.convolution_weights(model)] == ["kernel"]
