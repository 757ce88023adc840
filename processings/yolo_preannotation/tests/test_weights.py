from __future__ import annotations

import io
import json
import os
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from picsellia_processing import Image, Labels
from picsellia_processing.errors import UsageError

if TYPE_CHECKING:
    from types import ModuleType

FOLDER = Path(__file__).parents[1]
MODEL = FOLDER / "fixture" / "model.pt"


@pytest.mark.parametrize("architecture", ["yolov8n", "yolo11n-seg", "yolo11n-cls", "yolo26n"])
def test_current_architectures_load_and_predict(
    processing: ModuleType, weights: ModuleType, version: Any, tmp_path: Path, architecture: str
) -> None:
    path = tmp_path / "best.pt"
    weights.import_ultralytics().YOLO(f"{architecture}.yaml").save(path)
    parameters, anything = processing.YoloParameters(image_size=64, confidence=0), version("MULTI")

    ready = processing.yolo(path, parameters, Labels((), open=True), anything)

    (found,) = processing.annotate([Image(np.zeros((64, 64, 3), np.uint8))], ready, parameters, anything)
    assert found


class Command:
    """Runs a command when it is unpickled without restrictions."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (self.command,)


@pytest.mark.parametrize(
    ("task", "path"),
    [
        ("detect", MODEL),
        ("segment", FOLDER / "tests" / "models" / "segmenter.pt"),
        ("classify", FOLDER / "tests" / "models" / "classifier.pt"),
    ],
)
def test_models_of_ultralytics_load(weights: ModuleType, task: str, path: Path) -> None:
    model = weights.load_weights(path)

    assert model.task == task
    assert set(model.names.values()) == {"circle", "square", "triangle"}


@pytest.mark.parametrize("place", ["model", "train_args", "names"])
def test_a_command_in_a_checkpoint_is_refused_and_not_run(weights: ModuleType, tmp_path: Path, place: str) -> None:
    trace, hostile = tmp_path / "executed", tmp_path / "best.pt"
    checkpoint = torch.load(MODEL, weights_only=False)
    command = Command(f"touch {trace}")
    if place == "names":
        checkpoint["model"].names = command
    else:
        checkpoint[place] = command
    torch.save(checkpoint, hostile)

    with pytest.raises(UsageError, match=r"'best.pt' cannot be used: found a reference to \w+.system"):
        weights.load_weights(hostile)

    assert not trace.exists()
    torch.load(hostile, weights_only=False)
    assert trace.exists(), "the checkpoint was not hostile after all"


def test_a_plain_pickle_is_refused_and_not_run(weights: ModuleType, tmp_path: Path) -> None:
    trace, hostile = tmp_path / "executed", tmp_path / "best.pt"
    hostile.write_bytes(pickle.dumps(Command(f"touch {trace}")))

    with pytest.raises(UsageError, match="not a PyTorch checkpoint"):
        weights.load_weights(hostile)

    assert not trace.exists()


def archive(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.pt", b""),
        ("page.pt", b"<html><body>404 not found</body></html>"),
        ("picture.pt", (FOLDER / "fixture" / "images" / "empty.jpg").read_bytes()),
        ("truncated.pt", MODEL.read_bytes()[:300_000]),
        ("documents.pt", archive("letter.txt", b"Dear all,")),
        ("nonsense.pt", archive("archive/data.pkl", b"no pickle")),
        ("model.onnx", MODEL.read_bytes()),
        ("model", MODEL.read_bytes()),
    ],
)
def test_what_is_no_checkpoint_is_named(weights: ModuleType, tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)

    with pytest.raises(
        UsageError, match=r"cannot be used: found .+; expected the weights of a model for detect"
    ) as error:
        weights.load_weights(path)

    assert repr(name) in str(error.value)


@pytest.mark.parametrize(
    "content",
    [
        {"weight": torch.zeros(3)},
        torch.zeros(3),
        {"model": {"weight": torch.zeros(3)}},
        {"model": torch.nn.Linear(2, 2)},
        {"model": None},
    ],
    ids=["state_dict", "tensor", "nested state_dict", "another architecture", "no model"],
)
def test_a_checkpoint_of_something_else_is_named(weights: ModuleType, tmp_path: Path, content: object) -> None:
    path = tmp_path / "best.pt"
    torch.save(content, path)

    with pytest.raises(UsageError, match="cannot be used: found a checkpoint that holds no model of ultralytics"):
        weights.load_weights(path)


def test_a_model_for_another_task_is_named(weights: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "best.pt"
    weights.import_ultralytics().YOLO("yolov8n-pose.yaml").save(path)

    with pytest.raises(UsageError, match=r"'best.pt' cannot be used: found a model for 'pose'; expected .* for detect"):
        weights.load_weights(path)


PREDICT = """
import json, os, sys
from pathlib import Path

REACHES_OUT = {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "subprocess.Popen", "os.system"}
tried, written = [], []

def note(event, arguments):
    if event in REACHES_OUT:
        tried.append([event, str(arguments)])
    opened = event == "open" and isinstance(arguments[0], str) and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    if opened or event in {"os.mkdir", "os.rename"}:
        written.append(os.path.realpath(arguments[0]))

sys.addaudithook(note)
sys.path.insert(0, os.getcwd())
import numpy as np
from types import SimpleNamespace
from picsellia_processing import Image, Labels
import processing

parameters, version = processing.YoloParameters(), SimpleNamespace(type=SimpleNamespace(value="OBJECT_DETECTION"))
model = processing.yolo(Path(sys.argv[1]), parameters, Labels(("circle",)), version)
processing.annotate([Image(np.zeros((90, 160, 3), np.uint8))] * 2, model, parameters, version)
print(json.dumps({"tried": tried, "written": written}))
"""


def test_it_writes_to_temporary_folders_alone_and_neither_downloads_nor_installs(tmp_path: Path) -> None:
    home, temporary = tmp_path / "home", tmp_path / "temporary"
    home.mkdir()
    temporary.mkdir()
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("YOLO_", "ULTRALYTICS_", "TORCH"))
    }
    environment = kept | {"HOME": str(home), "TMPDIR": str(temporary), "PYTHONDONTWRITEBYTECODE": "1"}

    done = subprocess.run(
        [sys.executable, "-c", PREDICT, str(MODEL)],
        cwd=FOLDER,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )

    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["tried"] == []
    assert [path for path in seen["written"] if not path.startswith((os.path.realpath(temporary), "/dev/"))] == []
    assert list(home.iterdir()) == []
    left = [
        path.name for path in temporary.iterdir() if not path.name.startswith("torchinductor_")
    ]  # torch's own cache
    assert left == [], "the settings of ultralytics are left behind"


def test_an_ultralytics_that_loads_anything_is_refused() -> None:
    code = "import ultralytics, weights; weights.import_ultralytics()"
    environment = {name: value for name, value in os.environ.items() if name != "ULTRALYTICS_SAFE_LOAD"}

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=FOLDER, env=environment, capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert "UsageError: weights cannot be loaded safely: found ultralytics" in done.stderr
