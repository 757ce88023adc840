"""What a file must be to be compressed; each other one is refused with what was found and expected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from picsellia_processing.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

LABELS = {"0": "cat", "1": "dog"}
PICTURE = [1, 3, 32, 32]


def write(
    path: Path,
    outputs: list[list[int | str]],
    picture: list[int | str] = PICTURE,  # type: ignore[assignment]
    kind: int = TensorProto.FLOAT,
    names: str = "",
    operator: str = "Identity",
) -> Path:
    """A model of this input and these outputs; what it computes does not matter here."""
    nodes = [helper.make_node(operator, ["images"], [f"output{n}"]) for n in range(len(outputs))]
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("images", kind, picture)],
        [helper.make_tensor_value_info(f"output{n}", kind, shape) for n, shape in enumerate(outputs)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    if names:
        helper.set_model_props(model, {"names": names})
    onnx.save(model, path)
    return path


def test_a_detector_and_a_classifier_are_told_by_their_output(model_file: Any, tmp_path: Path) -> None:
    detector = model_file.read_model(write(tmp_path / "a.onnx", [[1, 6, 84]], [1, 3, 32, 64]), LABELS)
    assert (detector.task, detector.classes, detector.width, detector.height) == ("detection", ("cat", "dog"), 64, 32)
    classifier = model_file.read_model(write(tmp_path / "b.onnx", [["batch", 2]], ["batch", 3, 32, 32]), LABELS)
    assert (classifier.task, classifier.classes) == ("classification", ("cat", "dog"))


def test_classes_are_in_the_order_of_their_numbers(model_file: Any, tmp_path: Path) -> None:
    names = {str(number): f"class {number}" for number in (10, 2, 0, 1, 3, 4, 5, 6, 7, 8, 9)}
    model = model_file.read_model(write(tmp_path / "a.onnx", [[1, 11]]), names)
    assert model.classes == tuple(f"class {number}" for number in range(11))


def test_a_file_may_name_its_classes_where_the_model_version_does_not(model_file: Any, tmp_path: Path) -> None:
    path = write(tmp_path / "a.onnx", [[1, 2]], names="{0: 'cat', 1: 'dog'}")
    assert model_file.read_model(path, {}).classes == ("cat", "dog")
    assert model_file.read_model(path, {"0": "Katze", "1": "Hund"}).classes == ("Katze", "Hund")
    older = write(tmp_path / "b.onnx", [[1, 2]], names="['cat', 'dog']")
    assert model_file.read_model(older, {}).classes == ("cat", "dog")


@pytest.mark.parametrize(
    ("model", "labels", "why"),
    [
        ({"outputs": [[1, 7, 84]]}, LABELS, "its output has 3 classes, but 2 are named: cat, dog; correct the labels"),
        ({"outputs": [[1, 3]]}, LABELS, "its output has 3 classes, but 2 are named"),
        ({"outputs": [[1, 300, 6]]}, LABELS, "its output is float32 1 x 300 x 6; expected 1 x classes"),
        ({"outputs": [[1, 38, 84], [1, 32, 8, 8]]}, LABELS, "float32 1 x 38 x 84 and float32 1 x 32 x 8 x 8; expected"),
        (
            {"outputs": [[1, 2]], "picture": [1, 3, "height", "width"]},
            LABELS,
            "1 x 3 x height x width; expected float32",
        ),
        ({"outputs": [[1, 2]], "picture": [1, 1, 32, 32]}, LABELS, "its input is float32 1 x 1 x 32 x 32; expected"),
        ({"outputs": [[1, 2]], "picture": [8, 3, 32, 32]}, LABELS, "its input is float32 8 x 3 x 32 x 32; expected"),
        ({"outputs": [[1, 2]], "kind": TensorProto.FLOAT16}, LABELS, "its input is float16 1 x 3 x 32 x 32; expected"),
        ({"outputs": [[1, 2]]}, {}, "nobody names its classes; give the ModelVersion its labels"),
        ({"outputs": [[1, 2]], "names": "open('x')"}, {}, "nobody names its classes"),
        ({"outputs": [[1, 2]]}, {"1": "cat", "2": "dog"}, "its classes are numbered 1, 2; expected 0, 1"),
    ],
)
def test_what_does_not_fit_is_refused(
    model_file: Any, tmp_path: Path, model: dict[str, Any], labels: dict[str, str], why: str
) -> None:
    path = write(tmp_path / "best.onnx", **model)
    with pytest.raises(UsageError, match=r"'best\.onnx' cannot be compressed: ") as refused:
        model_file.read_model(path, labels)
    assert why in str(refused.value)


@pytest.mark.parametrize(
    "content", [b"", b"no model", b"\x80\x04}.", b"\x08\x08"], ids=["empty", "text", "pickle", "cut"]
)
def test_what_is_no_onnx_file_is_refused(model_file: Any, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "best.onnx"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"'best\.onnx' cannot be compressed: it is no whole ONNX file"):
        model_file.read_model(path, LABELS)


def test_a_cut_off_file_is_refused(model_file: Any, models: Any, tmp_path: Path) -> None:
    path = tmp_path / "best.onnx"
    path.write_bytes(models["detection"].path.read_bytes()[:-1000])
    with pytest.raises(UsageError, match="it is no whole ONNX file"):
        model_file.read_model(path, LABELS)


def test_weights_outside_the_file_are_refused(model_file: Any, tmp_path: Path) -> None:
    path = write(tmp_path / "best.onnx", [[1, 2]])
    model = onnx.load(path)
    model.graph.initializer.append(numpy_helper.from_array(np.zeros(9, np.float32), "weights"))
    onnx.save(model, path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    (tmp_path / "weights.bin").unlink()
    with pytest.raises(UsageError, match="expected one file with its weights inside"):
        model_file.read_model(path, LABELS)


def test_a_compressed_model_is_refused(
    model_file: Any, compressing: Any, parameters: Any, models: Any, tmp_path: Path
) -> None:
    settings = parameters.CompressionParameters(method="dynamic_int8")
    path = compressing.compress(models["classification"].path, [], settings, tmp_path)
    with pytest.raises(UsageError, match="it is compressed already: it has ConvInteger, "):
        model_file.read_model(path, {})
