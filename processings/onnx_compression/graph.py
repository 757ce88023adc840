"""Which layers of an ONNX graph have learned something, and which only turn their result into boxes and scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

LEARNED = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul"})


def decoding_nodes(model: Any) -> list[str]:
    """The names of the nodes between the last learned layers and the outputs, in the order of the graph.

    A detector has its coordinates there, which 256 steps are too few for. A convolution whose weights are 0, 1, 2, ...
    is one of them: it takes the mean of a distribution, as YOLO does to place the sides of a box.
    """
    makers = {output: node for node in model.graph.node for output in node.output}
    weights = {each.name: each for each in model.graph.initializer}
    pending, found = [output.name for output in model.graph.output], set()
    while pending:
        node = makers.get(pending.pop())
        if node is not None and node.name not in found and not _is_learned(node, weights):
            found.add(node.name)
            pending += node.input
    return [node.name for node in model.graph.node if node.name in found]


def convolution_weights(model: Any) -> list[Any]:
    """The initializers that are the weights of learned convolutions, each once."""
    weights = {each.name: each for each in model.graph.initializer}
    names = dict.fromkeys(
        node.input[1]
        for node in model.graph.node
        if node.op_type in ("Conv", "ConvTranspose") and node.input[1] in weights and _is_learned(node, weights)
    )
    return [weights[name] for name in names]


def _is_learned(node: Any, weights: Mapping[str, Any]) -> bool:
    from onnx import numpy_helper  # noqa: PLC0415 - whoever only reads the definition need not wait

    own = [weights[name] for name in node.input if name in weights]
    if node.op_type not in LEARNED or not own:
        return False
    values = numpy_helper.to_array(own[0]).ravel()
    return not np.array_equal(values, np.arange(values.size))
