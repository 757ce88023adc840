"""What comes as a model is not trusted: not its zip file, and not the program in it."""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from picsellia_processing.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

FIXTURE = Path(__file__).parents[1] / "fixture"
LINK = zipfile.ZipInfo("saved_model/variables")
LINK.external_attr = (stat.S_IFLNK | 0o777) << 16


@pytest.mark.parametrize("place", ["", "saved_model/", "exported/v1/saved_model/"])
def test_the_model_is_found_wherever_it_is(saved_model: ModuleType, tmp_path: Path, zipped: Any, place: str) -> None:
    path = zipped({f"{place}saved_model.pb": b"graph", f"{place}variables/variables.index": b"1", "notes/": b""})
    folder = saved_model.unpack(path, tmp_path / "model")
    assert folder == (tmp_path / "model" / place)
    assert (folder / "saved_model.pb").read_bytes() == b"graph"
    assert (folder / "variables" / "variables.index").read_bytes() == b"1"


@pytest.mark.parametrize(
    "name", ["../saved_model.pb", "a/../../b", "/saved_model.pb", "..\\saved_model.pb", "C:/saved_model.pb", LINK]
)
def test_a_path_that_leads_out_is_refused(saved_model: ModuleType, tmp_path: Path, zipped: Any, name: Any) -> None:
    path = zipped({"saved_model.pb": b"graph", name: b"/etc/passwd"})
    before = set(tmp_path.rglob("*"))
    with pytest.raises(UsageError, match=r"'model.zip' cannot be used: found a (link|path that leads out of it), "):
        saved_model.unpack(path, tmp_path / "model")
    assert set(tmp_path.rglob("*")) == before, "nothing is unpacked"


def test_too_much_is_refused(
    saved_model: ModuleType, tmp_path: Path, zipped: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = zipped({"saved_model.pb": bytes(1001)})
    monkeypatch.setattr(saved_model, "LARGEST", 1000)
    with pytest.raises(UsageError, match=r"found 1 files of 1,001 bytes in all; expected at most"):
        saved_model.unpack(path, tmp_path / "model")
    monkeypatch.setattr(saved_model, "LARGEST", 2000)
    monkeypatch.setattr(saved_model, "MOST_FILES", 0)
    with pytest.raises(UsageError, match=r"expected at most 0 files"):
        saved_model.unpack(path, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_a_zip_file_that_lies_about_a_size_is_refused(saved_model: ModuleType, tmp_path: Path, zipped: Any) -> None:
    path = zipped({"saved_model.pb": bytes(100_000)})
    content, size = bytearray(path.read_bytes()), (100_000).to_bytes(4, "little")
    content[content.rindex(size) : content.rindex(size) + 4] = (10).to_bytes(4, "little")  # in the central directory
    path.write_bytes(content)
    with pytest.raises(UsageError, match="attach it again"):
        saved_model.unpack(path, tmp_path / "model")
    assert (tmp_path / "model" / "saved_model.pb").stat().st_size <= 10


def test_a_damaged_file_is_refused(saved_model: ModuleType, tmp_path: Path, zipped: Any) -> None:
    path = zipped({"saved_model.pb": np.random.default_rng(0).bytes(5000)})
    content = bytearray(path.read_bytes())
    content[2000] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(UsageError, match="attach it again"):
        saved_model.unpack(path, tmp_path / "model")


@pytest.mark.parametrize(
    ("names", "found"),
    [(["model.h5"], "none"), (["a/saved_model.pb", "b/saved_model.pb"], "a, b")],
    ids=["none", "two"],
)
def test_one_model_is_expected(
    saved_model: ModuleType, tmp_path: Path, zipped: Any, names: list[str], found: str
) -> None:
    with pytest.raises(UsageError, match=f"SavedModels in it: {found}; expected a zip file of the folder saved_model"):
        saved_model.unpack(zipped(dict.fromkeys(names, b"x")), tmp_path / "model")


def test_what_is_no_zip_file_is_refused(saved_model: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "model.zip").write_bytes(b"\x80\x04K\x01.")
    with pytest.raises(UsageError, match="found no zip file"):
        saved_model.unpack(tmp_path / "model.zip", tmp_path / "model")


def test_what_is_no_graph_is_refused(saved_model: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes(b"\xff" * 100)
    with pytest.raises(UsageError, match=r"saved_model.pb is no SavedModel"):
        saved_model.load(tmp_path, "/CPU:0")


def reading(tf: Any, pictures: Any, path: Path) -> Any:
    return tf.strings.length(tf.io.read_file(str(path)))


def writing(tf: Any, pictures: Any, path: Path) -> Any:
    with tf.control_dependencies([tf.io.write_file(str(path), "x")]):
        return tf.shape(pictures)[0]


def listing(tf: Any, pictures: Any, path: Path) -> Any:
    return tf.size(tf.io.matching_files(str(path)))


def printing(tf: Any, pictures: Any, path: Path) -> Any:
    tf.print("x", output_stream=f"file://{path}")
    return tf.shape(pictures)[0]


def calling_python(tf: Any, pictures: Any, path: Path) -> Any:
    def touch() -> Any:
        path.touch()
        return np.int32(1)

    return tf.numpy_function(touch, [], tf.int32)


def saving(tf: Any, pictures: Any, path: Path) -> Any:
    with tf.control_dependencies(
        [tf.raw_ops.SaveV2(prefix=str(path), tensor_names=["x"], shape_and_slices=[""], tensors=[[1]])]
    ):
        return tf.shape(pictures)[0]


def reading_inside_a_loop(tf: Any, pictures: Any, path: Path) -> Any:
    return tf.while_loop(lambda n: n < 1, lambda n: [n + reading(tf, pictures, path)], [0])[0]


@pytest.mark.parametrize(
    ("act", "operation"),
    [
        (reading, "ReadFile"),
        (writing, "WriteFile"),
        (saving, "SaveV2"),
        (listing, "MatchingFiles"),
        (printing, "PrintV2"),
        (calling_python, "PyFunc"),
        (reading_inside_a_loop, "ReadFile"),
    ],
)
def test_a_program_that_reaches_out_is_refused_and_not_run(
    saved_model: ModuleType, tensorflow: Any, export: Any, tmp_path: Path, act: Callable[..., Any], operation: str
) -> None:
    folder = export(lambda input_tensor: {"out": act(tensorflow, input_tensor, tmp_path / "touched")}, (1, 8, 8, 3))
    with pytest.raises(UsageError, match=rf"is refused, and nothing in it was run: .* \((Eager)?{operation}\)"):
        saved_model.load(folder, "/CPU:0")
    assert not (tmp_path / "touched").exists()


def edited(tensorflow: Any, folder: Path, edit: Callable[[Any], None]) -> None:
    from tensorflow.core.protobuf import saved_model_pb2

    stored = saved_model_pb2.SavedModel()
    stored.ParseFromString((folder / "saved_model.pb").read_bytes())
    edit(stored.meta_graphs[0])
    (folder / "saved_model.pb").write_bytes(stored.SerializeToString())


@pytest.mark.parametrize("forgets_functions", [False, True])
@pytest.mark.parametrize(("act", "operation"), [(reading, "ReadFile"), (saving, "SaveV2")])
def test_calling_itself_the_saver_does_not_help(
    saved_model: ModuleType,
    tensorflow: Any,
    export: Any,
    tmp_path: Path,
    act: Callable[..., Any],
    operation: str,
    forgets_functions: bool,
) -> None:
    folder = export(lambda input_tensor: {"out": act(tensorflow, input_tensor, tmp_path / "touched")}, (1, 8, 8, 3))

    def pretend(graph: Any) -> None:
        (output,) = graph.signature_def["serving_default"].outputs.values()
        graph.saver_def.restore_op_name = output.name
        if forgets_functions:
            graph.object_graph_def.ClearField("concrete_functions")

    edited(tensorflow, folder, pretend)
    with pytest.raises(UsageError, match=operation):
        saved_model.load(folder, "/CPU:0")


def test_an_operation_that_is_unknown_is_refused(saved_model: ModuleType, tensorflow: Any, export: Any) -> None:
    folder = export(lambda input_tensor: {"out": tensorflow.nn.relu(input_tensor)}, (1, 8, 8, 3))

    def rename(graph: Any) -> None:
        for function in graph.graph_def.library.function:
            for node in function.node_def:
                node.op = node.op.replace("Relu", "MyRelu")

    edited(tensorflow, folder, rename)
    with pytest.raises(UsageError, match=r"unknown or reach files, the network or Python \(MyRelu\)"):
        saved_model.load(folder, "/CPU:0")


def test_a_model_with_tables_and_loops_is_fine(saved_model: ModuleType, tensorflow: Any, export: Any) -> None:
    def count(input_tensor: Any) -> dict[str, Any]:
        sums = tensorflow.map_fn(
            lambda each: tensorflow.reduce_sum(tensorflow.cast(each, "int32")), input_tensor, "int32"
        )
        tensorflow.debugging.assert_non_negative(sums)
        return {"out": tensorflow.random.stateless_uniform([1], [1, 2]) + tensorflow.cast(sums, "float32")}

    model = saved_model.load(export(count, (None, 8, 8, 3)), "/CPU:0")
    assert list(model.signatures) == ["serving_default"]
