"""What each method does to a model."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from picsellia_processing.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

METHODS = ["static_int8", "dynamic_int8", "float16", "pruning"]


@pytest.fixture
def compressed(
    compressing: Any, parameters: Any, pictures: Any, models: Any, samples: Any, context: Any, tmp_path: Path
) -> Callable[..., Path]:
    """Compress the model of a fixture, calibrated on eight pictures: `compressed("static_int8", layers="all")`."""

    def compress(method: str, task: str = "detection", **settings: Any) -> Path:
        model = models[task]
        known = {name: name for name in model.classes}
        job = context(samples[task][:8])
        job.folder = tmp_path / str(len(list(tmp_path.iterdir())))
        job.folder.mkdir()
        calibration = pictures.read_pictures(job, model, known, pictures.Normalisation())
        chosen = parameters.CompressionParameters(method=method, **settings)
        path: Path = compressing.compress(model.path, calibration, chosen, job.folder)
        return path

    return compress


def operators(path: Path) -> Counter[str]:
    return Counter(node.op_type for node in onnx.load(path).graph.node)


@pytest.mark.parametrize("method", METHODS)
def test_the_same_model_and_pictures_give_the_same_bytes_and_keep_the_metadata(
    compressed: Any, models: Any, method: str
) -> None:
    path = compressed(method)
    assert compressed(method).read_bytes() == path.read_bytes()
    said = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
    assert said == {entry.key: entry.value for entry in onnx.load(models["detection"].path).metadata_props}


@pytest.mark.parametrize(
    ("method", "task", "share"),
    [
        ("static_int8", "detection", 0.45),
        ("static_int8", "classification", 0.45),
        ("dynamic_int8", "detection", 0.4),
        ("dynamic_int8", "classification", 0.4),
        ("float16", "detection", 0.55),
        ("float16", "classification", 0.55),
    ],
)
def test_the_file_is_smaller_and_the_model_runs(
    compressed: Any, accuracy: Any, models: Any, method: str, task: str, share: float
) -> None:
    path, model = compressed(method, task), models[task]
    assert path.stat().st_size <= share * model.path.stat().st_size
    tensor = np.random.default_rng(0).random((1, 3, model.height, model.width), np.float32)
    expected, found = (accuracy.session(each).run(None, {"images": tensor})[0] for each in (model.path, path))
    assert found.shape == expected.shape
    assert found.dtype == np.float32
    assert np.abs(found - expected).max() > 0, "it is another model"


def test_layers_that_decode_keep_their_floats_unless_all_are_asked_for(compressed: Any) -> None:
    """The boxes are what comes out of a concatenation, with their scores: an integer for both has 256 steps."""
    assert output_is_integer(compressed("static_int8", layers="all"))
    assert not output_is_integer(compressed("static_int8"))
    by_layers = {layers: operators(compressed("static_int8", layers=layers)) for layers in ("convolutions", "all")}
    assert by_layers["convolutions"]["QuantizeLinear"] < by_layers["all"]["QuantizeLinear"]


def output_is_integer(path: Path) -> bool:
    graph = onnx.load(path).graph
    maker = next(node for node in graph.node if graph.output[0].name in node.output)
    return bool(maker.op_type == "DequantizeLinear")


def test_half_floats_leave_the_decoding_whole(compressed: Any) -> None:
    graph = onnx.load(compressed("float16")).graph
    weights = {each.name: each.data_type for each in graph.initializer if len(each.dims) == 4}
    kinds = Counter(weights.values())
    assert kinds == {TensorProto.FLOAT16: len(weights) - 1, TensorProto.FLOAT: 1}, "all but the mean of a distribution"


@pytest.mark.parametrize("sparsity", [0.2, 0.5])
def test_pruning_makes_the_least_weights_zero_and_no_other(compressed: Any, models: Any, sparsity: float) -> None:
    before, after = (kernels(path) for path in (models["detection"].path, compressed("pruning", sparsity=sparsity)))
    assert after.size == before.size
    assert (after == 0).mean() == pytest.approx(sparsity, abs=0.001)
    assert np.array_equal(np.sort(np.abs(before))[(after == 0).sum() :], np.sort(np.abs(after[after != 0])))


def kernels(path: Path) -> Any:
    """The weights of all convolutions but for the one that takes the mean of a distribution."""
    tensors = [numpy_helper.to_array(each) for each in onnx.load(path).graph.initializer if len(each.dims) == 4]
    return np.concatenate([each.ravel() for each in tensors if each.shape != (1, 16, 1, 1)])


def old(path: Path, *outermost: str) -> Path:
    """A classifier of opset 11, as older exporters write them."""
    rng = np.random.default_rng(0)
    tensors = {"kernels": rng.normal(size=(8, 3, 3, 3)), "matrix": rng.normal(size=(8, 2))}
    nodes = [
        helper.make_node("Conv", ["images", "kernels"], ["a"], strides=[2, 2]),
        helper.make_node("GlobalAveragePool", ["a"], ["b"]),
        helper.make_node("Squeeze", ["b"], ["c"], axes=[2, 3]),  # whose axes have moved since
        helper.make_node("MatMul", ["c", "matrix"], ["d" if outermost else "output"]),
        *(helper.make_node(name, ["d"], ["output"]) for name in outermost),
    ]
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, 32, 32])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 2])],
        [numpy_helper.from_array(values.astype(np.float32), name) for name, values in tensors.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=6), path)
    return path


@pytest.mark.parametrize("method", METHODS)
def test_a_model_of_old_operators_is_compressed(
    compressing: Any, parameters: Any, accuracy: Any, tmp_path: Path, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    source = old(tmp_path / "old.onnx")
    tensor = np.random.default_rng(1).random((1, 3, 32, 32), np.float32)
    calibration = [SimpleNamespace(tensor=lambda: tensor)]

    path = compressing.compress(source, calibration, parameters.CompressionParameters(method=method), tmp_path)

    expected, found = (accuracy.session(each).run(None, {"images": tensor})[0] for each in (source, path))
    assert np.abs(found - expected).max() < 0.1 * np.abs(expected).max() or method == "pruning"
    assert "Failed" not in caplog.text, "onnxruntime goes on where it cannot fold what is constant"


def test_old_operators_that_cannot_be_brought_up_are_named(compressing: Any, parameters: Any, tmp_path: Path) -> None:
    source = old(tmp_path / "old.onnx", "Upsampling")
    with pytest.raises(UsageError, match=r"'old\.onnx' cannot be compressed: found operators of opset 11, .* opset 13"):
        compressing.compress(source, [], parameters.CompressionParameters(), tmp_path)


def test_a_model_without_convolutions_is_refused(compressing: Any, parameters: Any, tmp_path: Path) -> None:
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, 8, 8]) for name in ("images", "output")]
    node = helper.make_node("Sigmoid", ["images"], ["output"])
    path = tmp_path / "best.onnx"
    graph = helper.make_graph([node], "graph", values[:1], values[1:])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    with pytest.raises(UsageError, match=r"'best\.onnx' cannot be compressed: it has no convolution"):
        compressing.compress(path, [], parameters.CompressionParameters(method="pruning"), tmp_path)
