from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from picsellia_processing import Image, Labels
from picsellia_processing.loading import load
from PIL import Image as Pillow
from PIL import ImageOps

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

FOLDER = Path(__file__).parents[1]
FIXTURE = FOLDER / "fixture"
WEIGHTS = {
    "detect": FIXTURE / "model.pt",
    "segment": FOLDER / "tests" / "models" / "segmenter.pt",
    "classify": FOLDER / "tests" / "models" / "classifier.pt",
}
TYPES = {"detect": "OBJECT_DETECTION", "segment": "SEGMENTATION", "classify": "CLASSIFICATION"}


@pytest.fixture(scope="session")
def processing() -> ModuleType:
    """processing.py, loaded as the framework loads it."""
    return sys.modules[load(str(FOLDER)).function.__module__]


@pytest.fixture(scope="session")
def weights(processing: ModuleType) -> ModuleType:
    return importlib.import_module("weights")


@pytest.fixture(scope="session")
def predictor(processing: ModuleType) -> ModuleType:
    return importlib.import_module("predictor")


@pytest.fixture(scope="session")
def torchvision_ops(processing: ModuleType) -> ModuleType:
    return importlib.import_module("torchvision_ops")


@pytest.fixture(scope="session")
def metrics() -> ModuleType:
    return _imported_from(Path(__file__).parent, "metrics")


@pytest.fixture(scope="session")
def shapes() -> ModuleType:
    return _imported_from(FIXTURE, "shapes")


@pytest.fixture(scope="session")
def make_fixture(shapes: ModuleType) -> ModuleType:
    return _imported_from(FIXTURE, "make_fixture")


def _imported_from(folder: Path, name: str) -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        return importlib.import_module(name)


@pytest.fixture(scope="session")
def fixture_images() -> dict[str, Image]:
    """The readable images of the fixture by file name, decoded without the framework; EXIF applied."""
    return {path.name: decoded(path) for path in sorted((FIXTURE / "images").iterdir()) if path.name != "truncated.jpg"}


def decoded(path: Path) -> Image:
    with Pillow.open(path) as file:
        picture = ImageOps.exif_transpose(file)
    if picture.mode.startswith("I"):
        picture = Pillow.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
    return Image(np.ascontiguousarray(picture.convert("RGB")), filename=path.name)


@pytest.fixture(scope="session")
def version() -> Callable[[str], Any]:
    """Stands for a DatasetVersion of a type, or of the one that holds what a model of a task finds."""
    return lambda name: SimpleNamespace(type=SimpleNamespace(value=TYPES.get(name, name)))


@pytest.fixture(scope="session")
def model(processing: ModuleType, version: Callable[[str], Any]) -> Callable[..., object]:
    """Makes the model of a task ready: `model("detect", labels=("circle",), confidence=0.5)`."""

    def make(
        task: str,
        labels: tuple[str, ...] = ("circle", "square", "triangle"),
        holds: str | None = None,
        **parameters: object,
    ) -> object:
        return processing.yolo(
            WEIGHTS[task], processing.YoloParameters(**parameters), Labels(labels), version(holds or task)
        )

    return make
