from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings
from picsellia_processing.loading import load

if TYPE_CHECKING:
    from types import ModuleType

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

FOLDER = Path(__file__).parents[1]
CHECKPOINT = FOLDER / "fixture" / "yolox_nano.pth"
MODULES = (
    *("checkpoint", "comparison", "conversion", "network", "pictures", "running"),
    *(f"coreml.{name}" for name in ("arithmetic", "convolution", "reading", "shaping")),
)


@pytest.fixture(scope="session")
def processing() -> ModuleType:
    """processing.py, loaded as the framework loads it."""
    return sys.modules[load(str(FOLDER)).function.__module__]


@pytest.fixture(scope="session")
def modules(processing: ModuleType) -> SimpleNamespace:
    """The other modules of the processing, each under the last part of its name."""
    return SimpleNamespace(**{name.rpartition(".")[2]: importlib.import_module(name) for name in MODULES})


@pytest.fixture(scope="session")
def checkpoint(modules: SimpleNamespace) -> Any:
    """The trained nano."""
    return modules.checkpoint.load_checkpoint(CHECKPOINT)
