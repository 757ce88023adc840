from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from picsellia_processing.loading import load

if TYPE_CHECKING:
    from types import ModuleType

FOLDER = Path(__file__).parents[1]
settings.register_profile("however long it takes", deadline=None)
settings.load_profile("however long it takes")


@pytest.fixture(scope="session")
def processing() -> ModuleType:
    """processing.py, loaded as the framework loads it."""
    return sys.modules[load(str(FOLDER)).function.__module__]


@pytest.fixture(scope="session")
def candidate(processing: ModuleType) -> ModuleType:
    return importlib.import_module("candidate")


@pytest.fixture(scope="session")
def choosing(processing: ModuleType) -> ModuleType:
    return importlib.import_module("choosing")


@pytest.fixture(scope="session")
def near_hashes(processing: ModuleType) -> ModuleType:
    return importlib.import_module("near_hashes")
