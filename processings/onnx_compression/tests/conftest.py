from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from picsellia_processing import Classification, Image, Rectangle, Sample
from picsellia_processing.loading import load
from PIL import Image as Pillow

if TYPE_CHECKING:
    from types import ModuleType

FOLDER = Path(__file__).parents[1]
FIXTURES = {"detection": FOLDER / "fixture", "classification": FOLDER / "tests" / "classifier"}


@pytest.fixture(scope="session")
def processing() -> ModuleType:
    """processing.py, loaded as the framework loads it."""
    return sys.modules[load(str(FOLDER)).function.__module__]


def module(name: str) -> Any:
    """A fixture that is the module of this name."""

    @pytest.fixture(scope="session", name=name)
    def found(processing: ModuleType) -> ModuleType:
        return importlib.import_module(name)

    return found


accuracy = module("accuracy")
compressing = module("compressing")
graph = module("graph")
labels = module("labels")
model_file = module("model_file")
parameters = module("parameters")
pictures = module("pictures")


@pytest.fixture(scope="session")
def samples() -> dict[str, list[Sample]]:
    """The annotated images of the two fixtures by task, read without the framework."""
    return {task: read(folder) for task, folder in FIXTURES.items()}


def read(folder: Path) -> list[Sample]:
    truth = json.loads((folder / "ground_truth.json").read_text())
    names = {category["id"]: category["name"] for category in truth["categories"]}
    shapes: dict[int, list[Any]] = {image["id"]: [] for image in truth["images"]}
    for each in truth["annotations"]:
        label = names[each["category_id"]]
        shapes[each["image_id"]].append(
            Classification(label) if "classifier" in folder.name else Rectangle(label, *each["bbox"])
        )
    found = []
    for image in truth["images"]:
        with Pillow.open(folder / "images" / image["file_name"]) as file:
            found.append(Sample(Image(np.asarray(file.convert("RGB")).copy()), tuple(shapes[image["id"]])))
    return found


class Context:
    """Stands for a Job whose DatasetVersion has these samples."""

    model_version = SimpleNamespace(labels={})

    def __init__(self, folder: Path, samples: list[Sample]) -> None:
        self.folder = folder
        self._samples = samples
        self.done: list[Image] = []

    def samples(self, batch_size: int) -> list[list[Sample]]:
        return [self._samples[at : at + batch_size] for at in range(0, len(self._samples), batch_size)]

    def write(self, image: Image, result: Any) -> None:
        assert result == ()
        self.done.append(image)


@pytest.fixture
def context(tmp_path: Path) -> Any:
    """Makes a Context: `context(samples)`."""
    return lambda samples: Context(tmp_path, samples)


@pytest.fixture(scope="session")
def version() -> Any:
    """Stands for a DatasetVersion with this many shapes of each label: `version("OBJECT_DETECTION", circle=3)`."""

    def make(type_: str, **repartition: int) -> Any:
        stats = SimpleNamespace(label_repartition=repartition)
        type_of = SimpleNamespace(value=type_)
        return SimpleNamespace(name="shapes", version="v1", type=type_of, retrieve_stats=lambda: stats)

    return make


@pytest.fixture(scope="session")
def models(model_file: Any) -> dict[str, Any]:
    """The models of the two fixtures by task."""
    return {task: model_file.read_model(folder / "model.onnx", {}) for task, folder in FIXTURES.items()}
