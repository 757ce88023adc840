"""Load ultralytics weights without trusting them, without a download and without an installation."""

from __future__ import annotations

import importlib
import os
import re
import zipfile
from functools import cache
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from picsellia_processing.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

TASKS = ("detect", "segment", "classify")
_EXPECTED = (
    "expected the weights of a model for " + ", ".join(TASKS) + " as ultralytics writes them, such as best.pt of a"
    " training; attach that file to the ModelVersion"
)


def load_weights(path: Path) -> Any:
    """The `ultralytics.YOLO` of a checkpoint, on the CPU.

    Nothing in the file is executed: it may refer to the layers of torch and ultralytics, and to nothing else.

    Raises:
        UsageError: `path` is no checkpoint of ultralytics, refers to something else than layers, or holds a model of a
            task that is not one of `TASKS`.
    """
    ultralytics = import_ultralytics()
    if path.suffix != ".pt" or not zipfile.is_zipfile(path):
        raise _refusal(path, f"a file of {path.stat().st_size} bytes that is not a PyTorch checkpoint (.pt)")
    try:
        model = ultralytics.YOLO(str(path.resolve()))
    except Exception as error:
        raise _refusal(path, _what_it_holds(error)) from error
    if not isinstance(model.model, ultralytics.nn.tasks.BaseModel):
        raise _refusal(path, f"a checkpoint that holds no model of ultralytics, but a {type(model.model).__name__}")
    if model.task not in TASKS:
        raise _refusal(path, f"a model for {model.task!r}")
    return model


@cache
def import_ultralytics() -> ModuleType:
    """The package ultralytics, imported so that it loads weights safely and uses neither the network nor pip.

    Raises:
        UsageError: ultralytics or torch is too old to restrict what weights may refer to, or something else imported
            ultralytics before without that restriction.
    """
    os.environ.update({"ULTRALYTICS_SAFE_LOAD": "1", "YOLO_OFFLINE": "1", "YOLO_AUTOINSTALL": "0"})
    os.environ.setdefault("YOLO_CONFIG_DIR", _settings_folder().name)
    os.environ.setdefault("YOLO_VERBOSE", "0")
    from torchvision_ops import ensure_torchvision  # noqa: PLC0415 - imports torch

    ensure_torchvision()
    torch, ultralytics = importlib.import_module("torch"), importlib.import_module("ultralytics")
    restricts = hasattr(torch.serialization, "get_unsafe_globals_in_checkpoint")
    if not (restricts and getattr(ultralytics.utils, "SAFE_LOAD", False)):
        raise UsageError(
            f"weights cannot be loaded safely: found ultralytics {ultralytics.__version__} and torch"
            f" {torch.__version__}; expected ultralytics 8.4.190 or newer, imported by this processing first, and torch"
            " 2.6 or newer; install the requirements.txt of this processing"
        )
    return ultralytics


@cache
def _settings_folder() -> TemporaryDirectory[str]:
    """Where ultralytics keeps its settings while this process lives."""
    return TemporaryDirectory(prefix="ultralytics-")


def _refusal(path: Path, found: str) -> UsageError:
    return UsageError(f"the weights {path.name!r} cannot be used: found {found}; {_EXPECTED}")


def _what_it_holds(error: Exception) -> str:
    reason = f"{error.__cause__ or error}"
    if foreign := re.search(r"GLOBAL (\S+)", reason):
        return f"a reference to {foreign[1]}, which is no layer of a model and might run any code"
    return f"a checkpoint that holds no model of ultralytics ({type(error).__name__}: {reason.strip().splitlines()[0]})"
