from __future__ import annotations

import importlib
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from picsellia_processing.loading import load

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

FOLDER = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def processing() -> ModuleType:
    """processing.py, loaded as the framework loads it."""
    return sys.modules[load(str(FOLDER)).function.__module__]


@pytest.fixture(scope="session")
def saved_model(processing: ModuleType) -> ModuleType:
    return importlib.import_module("saved_model")


@pytest.fixture(scope="session")
def detector(processing: ModuleType) -> ModuleType:
    return importlib.import_module("detector")


@pytest.fixture(scope="session")
def masks(processing: ModuleType) -> ModuleType:
    return importlib.import_module("masks")


@pytest.fixture(scope="session")
def tensorflow(processing: ModuleType) -> Any:
    return importlib.import_module("tensorflow_runtime").import_tensorflow()


@pytest.fixture(scope="session")
def metrics() -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).parent)
        return importlib.import_module("metrics")


@pytest.fixture
def export(tensorflow: Any, tmp_path: Path) -> Callable[..., Path]:
    """Writes a SavedModel of a function of pictures: `export(function, (None, 64, 64, 3))` is its folder."""

    def write(function: Callable[..., Any], shape: Sequence[int | None], dtype: str = "uint8") -> Path:
        signature = [tensorflow.TensorSpec(shape, dtype, name="input_tensor")]
        place = tmp_path / "exported" / "saved_model"
        module = tensorflow.Module()
        module.unused = tensorflow.Variable(1.0)  # a saver without variables has nothing to save
        tensorflow.saved_model.save(module, place, signatures=tensorflow.function(function, input_signature=signature))
        return place

    return write


@pytest.fixture
def red_finder(tensorflow: Any) -> Callable[..., Any]:
    """Finds two objects on each picture: one as sure as the picture is red, in its left half, and one half as sure."""

    def find(input_tensor: Any) -> dict[str, Any]:
        red = tensorflow.reduce_mean(tensorflow.cast(input_tensor, "float32")[..., 0], [1, 2]) / 255
        count = tensorflow.shape(red)[0]
        boxes = tensorflow.constant([[[0.0, 0.0, 1.0, 0.5], [0.25, 0.5, 0.75, 1.0], [0, 0, 1, 1]]])
        return {
            "detection_boxes": tensorflow.tile(boxes, [count, 1, 1]),
            "detection_scores": tensorflow.stack([red / 2, red, red], -1),
            "detection_classes": tensorflow.tile([[1.0, 2.0, 3.0]], [count, 1]),
            "num_detections": tensorflow.fill([count], 2.0),  # the third is only there to fill up
        }

    return find


@pytest.fixture
def mask_finder(tensorflow: Any, red_finder: Callable[..., Any]) -> Callable[..., Any]:
    """The same with masks as the Object Detection API gives them: the upper half of each object's box."""

    def find(input_tensor: Any) -> dict[str, Any]:
        found: dict[str, Any] = red_finder(input_tensor)
        upper = tensorflow.concat([tensorflow.ones((1, 3, 4, 8)), tensorflow.zeros((1, 3, 4, 8))], 2)
        return found | {"detection_masks": tensorflow.tile(upper, [tensorflow.shape(input_tensor)[0], 1, 1, 1])}

    return find


@pytest.fixture
def zipped(tmp_path: Path) -> Callable[..., Path]:
    """Writes a zip file: `zipped({"saved_model/saved_model.pb": b"..."})`; a name may be a ZipInfo."""

    def write(contents: dict[Any, bytes]) -> Path:
        path = tmp_path / "model.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in contents.items():
                archive.writestr(name, content)
        return path

    return write
