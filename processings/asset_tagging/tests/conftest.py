from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from picsellia_processing import Image
from picsellia_processing.loading import load
from PIL import Image as Pillow
from PIL import ImageOps

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

FOLDER = Path(__file__).parents[1]
FIXTURE = FOLDER / "fixture"


@pytest.fixture(scope="session")
def processing() -> ModuleType:
    """processing.py, loaded as the framework loads it."""
    return sys.modules[load(str(FOLDER)).function.__module__]


@pytest.fixture(scope="session")
def tagging(processing: ModuleType) -> ModuleType:
    return importlib.import_module("tagging")


@pytest.fixture(scope="session")
def quality(processing: ModuleType) -> ModuleType:
    return importlib.import_module("quality")


@pytest.fixture(scope="session")
def scores(processing: ModuleType) -> Callable[..., Any]:
    function: Callable[..., Any] = importlib.import_module("classifier").scores
    return function


@pytest.fixture(scope="session")
def fixture_images() -> list[Image]:
    """The readable images of the fixture, decoded without the framework; EXIF applied."""
    paths = sorted(path for path in (FIXTURE / "images").iterdir() if path.name != "truncated.jpg")
    return [decoded(path) for path in paths]


def decoded(path: Path) -> Image:
    with Pillow.open(path) as file:
        return Image(np.array(ImageOps.exif_transpose(file).convert("RGB")), filename=path.name)


@pytest.fixture
def mean_colour(tmp_path: Path) -> Callable[..., Path]:
    """Writes a model with three outputs: the means of red, green and blue as they come in."""

    def write(
        shape: Sequence[int | str] = ("N", 3, 8, 8),
        *,
        dtype: int = TensorProto.FLOAT,
        axes: Sequence[int] = (2, 3),
        metadata: dict[str, str] | None = None,
    ) -> Path:
        rows = shape[0] if len(shape) > 0 else "N"
        graph = helper.make_graph(
            [helper.make_node("ReduceMean", ["pictures"], ["scores"], axes=list(axes), keepdims=0)],
            "mean_colour",
            [helper.make_tensor_value_info("pictures", dtype, list(shape))],
            [helper.make_tensor_value_info("scores", dtype, [rows, *["c"] * (len(shape) - len(axes) - 1)])],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        known = {"mean": "[0, 0, 0]", "std": "[1, 1, 1]"}
        helper.set_model_props(model, known if metadata is None else metadata)
        path = tmp_path / "mean-colour.onnx"
        onnx.save(model, path)
        return path

    return write
