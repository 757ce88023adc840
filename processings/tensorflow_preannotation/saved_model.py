"""Get a SavedModel out of a zip file and load it, without trusting either.

A SavedModel is a program. Before TensorFlow sees it, its operations are looked through: it may compute, and hold
variables and tables, but neither read nor write files, nor use the network, nor call Python.
"""

from __future__ import annotations

import re
import shutil
import stat
import zipfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from picsellia_processing.errors import UsageError
from tensorflow_runtime import import_tensorflow

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

GRAPH = "saved_model.pb"
SIGNATURE = "serving_default"
LARGEST = 8 << 30
"""Bytes that a model may have when it is unpacked."""
MOST_FILES = 10_000

_EXPECTED = (
    "expected a zip file of the folder saved_model that the TensorFlow 2 Object Detection API exports, with "
    f"{GRAPH} and variables/ in it; attach it to the ModelVersion as 'model-latest'"
)
_REACHES_OUT = re.compile(r"File|PyFunc|Dataset|Iterator|Save|Restore|Debug|Summary|Remote|Send|Recv|Library")
_KEEPS_STATE = re.compile(
    r"(Stateful)?PartitionedCall|(Stateless)?(While|If|Case)|Assert|CheckNumerics(V2)?|Empty|GuaranteeConst|"
    r"VarHandleOp|VarIsInitializedOp|VariableShape|ReadVariableOp|Assign(Add|Sub)?VariableOp|DisableCopyOnRead|"
    r"DestroyResourceOp|ResourceGather(Nd)?|TensorArray\w*|(Anonymous|Mutable)*(Dense)?HashTable(OfTensors)?(V2)?|"
    r"InitializeTableV2|LookupTable(Export|Find|Import|Insert|Remove|Size)V2|StatelessRandomGetAlg|Placeholder"
)
"""Operations that TensorFlow counts as stateful and that stay within the model. All other stateful ones are refused."""
_SAVING = {"MergeV2Checkpoints", "RestoreV2", "SaveV2", "ShardedFilename"}


def unpack(path: Path, folder: Path) -> Path:
    """The folder of the SavedModel in a zip file, unpacked below `folder`, which is made.

    Raises:
        UsageError: it is no zip file, is damaged, would write outside `folder`, is too large, or holds no SavedModel or
            several of them.
    """
    if not zipfile.is_zipfile(path):
        raise UsageError(f"the model {path.name!r} cannot be used: found no zip file; {_EXPECTED}")
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        _check_members(path.name, members)
        folder.mkdir(parents=True)
        try:
            for member in members:
                _extract(archive, member, folder)
        except (zipfile.BadZipFile, EOFError, RuntimeError, NotImplementedError) as error:
            raise UsageError(f"the model {path.name!r} cannot be used: {error}; attach it again") from error
    found = sorted(graph.parent for graph in folder.rglob(GRAPH))
    if len(found) != 1:
        places = ", ".join(str(place.relative_to(folder)) for place in found) or "none"
        raise UsageError(f"the model {path.name!r} cannot be used: SavedModels in it: {places}; {_EXPECTED}")
    return found[0]


def _check_members(name: str, members: Sequence[zipfile.ZipInfo]) -> None:
    size = sum(member.file_size for member in members)
    if size > LARGEST or len(members) > MOST_FILES:
        raise UsageError(
            f"the model {name!r} cannot be used: found {len(members):,} files of {size:,} bytes in all; expected "
            f"at most {MOST_FILES:,} files and {LARGEST:,} bytes"
        )
    for member in members:
        place = PurePosixPath(member.filename.replace("\\", "/"))
        link = stat.S_ISLNK(member.external_attr >> 16)
        if place.is_absolute() or ".." in place.parts or ":" in place.parts[0] or link:
            what = "a link" if link else "a path that leads out of it"
            raise UsageError(f"the model {name!r} cannot be used: found {what}, {member.filename!r}; {_EXPECTED}")


def _extract(archive: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path) -> None:
    target = folder / member.filename
    if member.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(member) as packed, target.open("xb") as file:
        shutil.copyfileobj(packed, file, 1 << 20)  # never more than the size that was checked


def load(folder: Path, device: str) -> Any:
    """The SavedModel in `folder` on `device`, as `tf.saved_model.load` returns it.

    Raises:
        UsageError: it cannot be loaded, has no signature `SIGNATURE`, or holds an operation it may not hold.
    """
    tensorflow = import_tensorflow()
    check_operations(folder / GRAPH)
    try:
        with tensorflow.device(device):
            model = tensorflow.saved_model.load(folder)
    except Exception as error:
        reason = str(error).strip().splitlines()[0]
        raise UsageError(
            f"the SavedModel cannot be loaded: TensorFlow {tensorflow.__version__} says {reason!r}; {_EXPECTED}"
        ) from error
    if SIGNATURE not in model.signatures:
        found = ", ".join(model.signatures) or "none"
        raise UsageError(f"the SavedModel has no signature {SIGNATURE!r}; its signatures: {found}; {_EXPECTED}")
    return model


def check_operations(graph: Path) -> None:
    """Look through the operations of a SavedModel, without running any.

    What only saves and restores a model's variables may do that as well: it is not run.

    Raises:
        UsageError: the file is no SavedModel, or one of its operations is unknown or reaches out of the model.
    """
    import_tensorflow()
    from google.protobuf.message import DecodeError  # noqa: PLC0415 - comes with tensorflow
    from tensorflow.core.protobuf import saved_model_pb2  # noqa: PLC0415 - likewise

    stored = saved_model_pb2.SavedModel()
    try:
        stored.ParseFromString(graph.read_bytes())
    except DecodeError as error:
        raise UsageError(f"{graph.name} is no SavedModel: {error}; {_EXPECTED}") from error
    for meta_graph in stored.meta_graphs:
        running, saving = _operations(meta_graph)
        foreign = sorted(each for each in running | (saving - _SAVING) if not _stays_inside(each))
        if foreign:
            raise UsageError(
                f"the SavedModel is refused, and nothing in it was run: it holds operations that are unknown or reach "
                f"files, the network or Python ({', '.join(foreign)}); export it for inference, with the input type "
                "image_tensor, and without custom operations"
            )


def _stays_inside(operation: str) -> bool:
    from tensorflow.python.framework import op_def_registry  # noqa: PLC0415 - loads tensorflow

    known = op_def_registry.get(operation)
    if known is None or _REACHES_OUT.search(operation):
        return False
    return not known.is_stateful or bool(_KEEPS_STATE.fullmatch(operation))


def _operations(meta_graph: Any) -> tuple[set[str], set[str]]:
    """The operations of a model: all that may ever run, and those that only its saver would run."""
    functions = {function.signature.name: function.node_def for function in meta_graph.graph_def.library.function}
    named = set(meta_graph.object_graph_def.concrete_functions)
    savers = _savers(meta_graph)
    saver = [node for node in meta_graph.graph_def.node if node.name in savers]
    others = [node for node in meta_graph.graph_def.node if node.name not in savers]
    others += [node for name in named for node in functions.get(name, ())]
    only_saving = _called(saver, functions) - _called(others, functions) - named
    for name in functions.keys() - only_saving:
        others += functions[name]
    return {node.op for node in others}, {node.op for name in only_saving for node in functions.get(name, ())}


def _savers(meta_graph: Any) -> set[str]:
    """The names of the nodes that save and restore the variables, and that nothing else makes use of."""
    saver = meta_graph.saver_def
    used = [name for node in meta_graph.graph_def.node for name in node.input]
    used += [output.name for each in meta_graph.signature_def.values() for output in each.outputs.values()]
    used += [name for collection in meta_graph.collection_def.values() for name in collection.node_list.value]
    return {_node(saver.save_tensor_name), _node(saver.restore_op_name)} - {_node(name) for name in used}


def _node(reference: str) -> str:
    """The name of the node that a tensor ("node:1") or a control input ("^node") refers to."""
    return reference.lstrip("^").partition(":")[0]


def _called(nodes: Iterable[Any], functions: dict[str, Any]) -> set[str]:
    """The names of the functions that nodes call, and those that these call in turn."""
    called: set[str] = set()
    waiting = list(nodes)
    while waiting:
        for value in waiting.pop().attr.values():
            for name in {value.func.name, *(each.name for each in value.list.func)} - {""} - called:
                called.add(name)
                waiting += functions.get(name, ())
    return called
