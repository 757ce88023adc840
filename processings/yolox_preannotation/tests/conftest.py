from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from picsellia_processing import Image
from picsellia_processing.loading import load
from PIL import Image as Pillow
from PIL import ImageOps

if TYPE_CHECKING:
    from types import ModuleType

FOLDER = Path(__file__).parents[1]
FIXTURE = FOLDER / "fixture"
MODEL = FIXTURE / "model.onnx"
NAMES = ("circle", "square", "triangle")


@pytest.fixture(scope="session")
def processing() -> ModuleType:
    """processing.py, loaded as the framework loads it."""
    return sys.modules[load(str(FOLDER)).function.__module__]


@pytest.fixture(scope="session")
def letterbox(processing: ModuleType) -> ModuleType:
    return importlib.import_module("letterbox")


@pytest.fixture(scope="session")
def boxes(processing: ModuleType) -> ModuleType:
    return importlib.import_module("boxes")


@pytest.fixture(scope="session")
def network(processing: ModuleType) -> ModuleType:
    return importlib.import_module("network")


@pytest.fixture(scope="session")
def labelmap(processing: ModuleType) -> ModuleType:
    return importlib.import_module("labelmap")


@pytest.fixture(scope="session")
def metrics() -> ModuleType:
    return _imported_from(Path(__file__).parent, "metrics")


@pytest.fixture(scope="session")
def variants() -> ModuleType:
    """What makes other files of the fixture's model."""
    pytest.importorskip("onnx", reason="pip install onnx: other kinds of ONNX files are made with it")
    return _imported_from(Path(__file__).parent, "variants")


@pytest.fixture(scope="session")
def make_fixture() -> ModuleType:
    return _imported_from(FIXTURE, "make_fixture")


@pytest.fixture(scope="session")
def yolox(request: pytest.FixtureRequest) -> ModuleType:
    """The published package, which is installed into the cache of pytest when first asked for."""
    pytest.importorskip("torch", reason="pip install torch torchvision: the published YOLOX needs them")
    published = _imported_from(FIXTURE, "published")
    try:
        module: ModuleType = published.import_yolox(request.config.cache.mkdir("published") / "yolox-0.4.3")
    except published.CannotInstallError as error:
        pytest.skip(f"NOT COMPARED WITH THE PUBLISHED YOLOX, since pip cannot install it here: {error}")
    return module


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
        picture = ImageOps.exif_transpose(file).convert("RGB")
    return Image(np.ascontiguousarray(picture), filename=path.name)
