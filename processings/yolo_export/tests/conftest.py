from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from picsellia_processing.loading import load

if TYPE_CHECKING:
    from types import ModuleType

FOLDER = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def processing() -> ModuleType:
    """processing.py, loaded as the framework loads it."""
    return sys.modules[load(str(FOLDER)).function.__module__]


@pytest.fixture(scope="session")
def comparison(processing: ModuleType) -> ModuleType:
    return importlib.import_module("comparison")


@pytest.fixture(scope="session")
def running(processing: ModuleType) -> ModuleType:
    return importlib.import_module("running")


@pytest.fixture(scope="session")
def pictures(processing: ModuleType) -> ModuleType:
    return importlib.import_module("pictures")


@pytest.fixture(scope="session")
def exporting(processing: ModuleType) -> ModuleType:
    return importlib.import_module("exporting")


@pytest.fixture(scope="session")
def weights(processing: ModuleType) -> ModuleType:
    return importlib.import_module("weights")
