from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from picsellia_processing.processing import load
from PIL import Image as Pillow

if TYPE_CHECKING:
    from types import ModuleType

FOLDER = Path(__file__).parents[1]
FIXTURE = FOLDER / "fixture"
CHECKPOINT = FIXTURE / "yolox_nano.pth"
LABELS = ["circle", "square", "triangle"]
SIZE = 160


@pytest.fixture(scope="session")
def processing() -> ModuleType:
    """processing.py, loaded as the framework loads it."""
    return sys.modules[load(str(FOLDER)).function.__module__]


class Modules:
    """The modules of the processing, by name."""

    def __getattr__(self, name: str) -> Any:
        return importlib.import_module(f"coreml.{name}" if (FOLDER / "coreml" / f"{name}.py").exists() else name)


@pytest.fixture(scope="session")
def modules(processing: ModuleType) -> Modules:
    return Modules()


@pytest.fixture(scope="session")
def checkpoint(modules: Modules) -> Any:
    """The trained nano."""
    return modules.checkpoint.load_checkpoint(CHECKPOINT)


@pytest.fixture(scope="session")
def pictures(modules: Modules) -> list[Any]:
    """The fixture's pictures as the model sees them: letterboxed, RGB."""
    paths = sorted((FIXTURE / "images").glob("shapes-*.jpg"))
    assert paths
    return [modules.running.letterboxed(np.asarray(Pillow.open(path).convert("RGB")), SIZE) for path in paths]
