"""What is exported computes what the checkpoint computes, and what does not is caught."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from picsellia_processing.errors import ProcessingError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from picsellia_processing.pytest_plugin import RunsDry

pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")  # the format is what is asked for

FOLDER = Path(__file__).parents[1]
MODELS = FOLDER / "tests" / "models"
CHECKPOINTS = {
    "detect": FOLDER / "fixture" / "model.pt",
    "segment": MODELS / "segmenter.pt",
    "classify": MODELS / "classifier.pt",
}
FORMATS = ["onnx", "torchscript", "openvino", "coreml"]
TOLERANCES = {"box": 0.05, "score": 0.001}


@pytest.fixture
def inputs(running: ModuleType, pictures: ModuleType) -> list[Any]:
    found: list[Any] = running.inputs_of(pictures.made_up_pictures(3), 160)
    return found


class Compared(Protocol):
    """Exports a checkpoint to a format and compares the two."""

    def __call__(self, weights: Path, image_size: int, format_: str) -> dict[str, float]: ...


@pytest.fixture
def compared(
    exporting: ModuleType, comparison: ModuleType, running: ModuleType, pictures: ModuleType, tmp_path: Path
) -> Compared:
    def of(weights: Path, image_size: int, format_: str) -> dict[str, float]:
        source = exporting.Checkpoint(weights, tmp_path, image_size)
        run = running.READERS[format_](source.to(format_, 17))
        errors: dict[str, float] = comparison.compare(
            format_,
            running.by_kind(run, source.classes),
            running.by_kind(running.checkpoint(source.reference()), source.classes),
            running.inputs_of(pictures.made_up_pictures(3), image_size),
            TOLERANCES,
        )
        return errors

    return of


@pytest.mark.parametrize("task", CHECKPOINTS)
def test_every_task_is_exported_and_equal(compared: Compared, task: str) -> None:
    kinds = {"detect": {"box", "score"}, "segment": {"box", "score", "mask"}, "classify": {"score"}}[task]
    for format_ in FORMATS:
        errors = compared(CHECKPOINTS[task], 160, format_)
        assert errors.keys() == kinds
        assert max(errors.values()) < 1e-3


@pytest.mark.parametrize(
    ("architecture", "format_"),
    [
        *((architecture, "onnx") for architecture in ("yolov8n", "yolo11n-seg", "yolo11n-cls", "yolo26n")),
        ("yolov8n", "torchscript"),
        ("yolo26n", "openvino"),
        ("yolo11n-seg", "coreml"),
    ],
)
def test_current_architectures_are_exported_and_equal(
    weights: ModuleType, compared: Compared, tmp_path: Path, architecture: str, format_: str
) -> None:
    path = tmp_path / "best.pt"
    weights.import_ultralytics().YOLO(f"{architecture}.yaml").save(path)
    assert compared(path, 64, format_)


def test_a_second_run_makes_the_same_bytes_and_stores_nothing(dry_run: RunsDry) -> None:
    first = dry_run(FOLDER, parameters={"formats": FORMATS})
    assert first.exit_code == 0, first.log
    assert first.report["produced"]["files stored"] == 4
    assert first.report["assets"] == {"selected": 6, "processed": 6, "skipped": 0, "failed": 0}
    assert first.report["metadata"]["largest_error"].keys() == {f"model-{format_}" for format_ in FORMATS}
    for errors in first.report["metadata"]["largest_error"].values():
        assert errors["box"] < TOLERANCES["box"]
        assert errors["score"] < TOLERANCES["score"]

    command = [sys.executable, "-m", "picsellia_processing", "dry-run", str(FOLDER), "--out", str(first.out)]
    command += ["--parameter", f"formats={json.dumps(FORMATS)}", "--again"]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True)
    again = json.loads((first.out / "report.json").read_text())
    assert again["produced"]["files stored"] == 0
    assert again["metadata"]["largest_error"] == first.report["metadata"]["largest_error"]


def test_only_the_chosen_formats_are_made(processing: ModuleType) -> None:
    made = processing.export.declaration.produces
    assert processing.ExportParameters().chosen(made) == ["model-onnx", "model-torchscript"]
    assert processing.ExportParameters(formats=["openvino"]).chosen(made) == ["model-openvino"]


def swapped_channels(model: onnx.ModelProto) -> None:
    first = next(each for each in model.graph.initializer if list(each.dims)[1:] == [3, 3, 3])
    change(first, lambda kernel: kernel[:, ::-1])


def another_epsilon(model: onnx.ModelProto) -> None:
    """Batch normalisation is folded into the kernels: with 1e-2 for 1e-3 they are a little smaller."""
    for each in model.graph.initializer:
        if len(each.dims) == 4:
            change(each, lambda kernel: kernel * 0.996)


def a_number_that_is_none(model: onnx.ModelProto) -> None:
    last = [each for each in model.graph.initializer if len(each.dims) == 4][-2]
    change(last, lambda kernel: kernel * np.nan)


def change(tensor: onnx.TensorProto, how: Callable[[Any], Any]) -> None:
    values = np.ascontiguousarray(how(numpy_helper.to_array(tensor)), np.float32)
    tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))


@pytest.mark.parametrize("damage", [swapped_channels, another_epsilon, a_number_that_is_none])
def test_a_model_that_computes_something_else_is_caught(
    exporting: ModuleType,
    comparison: ModuleType,
    running: ModuleType,
    inputs: list[Any],
    tmp_path: Path,
    damage: Callable[[Any], None],
) -> None:
    checkpoint = exporting.Checkpoint(CHECKPOINTS["detect"], tmp_path, 160)
    path = checkpoint.to("onnx", 17)
    model = onnx.load(path)
    damage(model)
    onnx.save(model, path)
    reference = running.by_kind(running.checkpoint(checkpoint.reference()), 3)
    with pytest.raises(ProcessingError, match="model-onnx does not compute what the checkpoint computes"):
        comparison.compare("model-onnx", running.by_kind(running.onnx(path), 3), reference, inputs, TOLERANCES)


def test_a_model_of_other_outputs_is_caught(comparison: ModuleType, inputs: list[Any]) -> None:
    reference, exported = ({"score": [np.zeros(count, np.float32)]} for count in (5, 6))
    with pytest.raises(
        ProcessingError, match=r"its outputs are \{'score': \[\(6,\)\]\}; the checkpoint's are \{'score': \[\(5,\)\]\}"
    ):
        comparison.compare("it", lambda _: exported, lambda _: reference, inputs, TOLERANCES)


def test_coefficients_are_compared_as_masks_are(running: ModuleType) -> None:
    output, masks = np.zeros((1, 4 + 3 + 2, 10), np.float32), np.zeros((1, 2, 8, 8), np.float32)
    kinds = running.by_kind(lambda _: [output, masks], 3)(None)
    assert [each.shape for each in kinds["mask"]] == [(1, 2, 10), (1, 2, 8, 8)]
    assert kinds["score"][0].shape == (1, 3, 10)


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"\x80\x04}."], ids=["empty", "text", "pickle"])
def test_what_is_no_checkpoint_is_refused(exporting: ModuleType, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "best.pt"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"'best\.pt' cannot be used"):
        exporting.Checkpoint(path, tmp_path, None)


@pytest.mark.parametrize(
    ("architecture", "channels", "image_size", "found"),
    [
        ("yolov8n-p6", 3, 96, r"image_size=96: 'best\.pt' sees multiples of 64 pixels only; take 64 or 128"),
        ("yolov8n", 1, 64, r"'best\.pt' cannot be used: the model sees 1 channels; expected 3, RGB"),
        ("yolov8-rtdetr", 3, 64, r"'best\.pt' cannot be used: found an RT-DETR; expected a YOLO"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    weights: ModuleType,
    exporting: ModuleType,
    tmp_path: Path,
    architecture: str,
    channels: int,
    image_size: int,
    found: str,
) -> None:
    path, ultralytics = tmp_path / "best.pt", weights.import_ultralytics()
    kind = ultralytics.RTDETR if "rtdetr" in architecture else ultralytics.YOLO
    model = kind(f"{architecture}.yaml")
    if channels != 3:
        model.model = type(model.model)(f"{architecture}.yaml", ch=channels, verbose=False)
    model.save(path)
    with pytest.raises(UsageError, match=found):
        exporting.Checkpoint(path, tmp_path, image_size)


def test_above_a_tolerance_the_job_fails_and_stores_nothing(dry_run: RunsDry) -> None:
    run = dry_run(FOLDER, parameters={"score_tolerance": 1e-12, "formats": ["onnx"]})
    assert run.exit_code == 1
    assert "model-onnx does not compute what the checkpoint computes" in run.report["reason"]
    assert "POST /api/model/version/{}/modelfiles" not in run.report["requests"]["by_endpoint"]


def test_code_in_a_checkpoint_is_refused_and_not_run(exporting: ModuleType, tmp_path: Path) -> None:
    trace = tmp_path / "executed"

    class Command:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (trace,)

    checkpoint = torch.load(CHECKPOINTS["detect"], weights_only=False)
    torch.save({**checkpoint, "train_args": Command()}, tmp_path / "best.pt")
    with pytest.raises(UsageError, match="might run any code"):
        exporting.Checkpoint(tmp_path / "best.pt", tmp_path, None)
    assert not trace.exists()
