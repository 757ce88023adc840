"""Import TensorFlow without its chatter, and find the device to compute on."""

from __future__ import annotations

import importlib
import os
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from picsellia_processing.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

_LEAST_LEVEL, _ALL = "TF_CPP_MIN_LOG_LEVEL", "0"
_ERROR_STREAM = 2


@cache
def import_tensorflow() -> Any:
    """The module tensorflow, which takes seconds to import.

    It says nothing but errors, unless the environment variable TF_CPP_MIN_LOG_LEVEL is 0.
    """
    if os.environ.setdefault(_LEAST_LEVEL, "3") == _ALL:
        return importlib.import_module("tensorflow")
    with _no_error_stream():  # some of what it writes while it loads heeds no setting
        tensorflow = importlib.import_module("tensorflow")
        tensorflow.config.list_physical_devices("GPU")
    tensorflow.get_logger().setLevel("ERROR")
    return tensorflow


@contextmanager
def _no_error_stream() -> Iterator[None]:
    """Within the block, what compiled code writes to standard error goes nowhere; exceptions are raised as ever."""
    kept, nowhere = os.dup(_ERROR_STREAM), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, _ERROR_STREAM)
        yield
    finally:
        os.dup2(kept, _ERROR_STREAM)
        os.close(kept)
        os.close(nowhere)


def available_device(asked: str) -> str:
    """The device as TensorFlow calls it, such as "/GPU:0": for "auto" the first GPU if there is one, else "/CPU:0".

    Raises:
        UsageError: A GPU was asked for that TensorFlow does not find here.
    """
    tensorflow = import_tensorflow()
    gpus = tensorflow.config.list_physical_devices("GPU")
    for gpu in gpus:
        tensorflow.config.experimental.set_memory_growth(gpu, enable=True)  # else it takes all the memory there is
    number = int(asked.partition(":")[2] or 0)
    if asked == "cpu" or (asked == "auto" and not gpus):
        return "/CPU:0"
    if number >= len(gpus):
        found = ", ".join(f"cuda:{index}" for index in range(len(gpus))) or "no GPU"
        raise UsageError(
            f"device={asked} cannot be used: TensorFlow {tensorflow.__version__} finds {found} here; give the "
            "container its GPU (docker run --gpus all) and install tensorflow[and-cuda], or ask for device=auto or cpu"
        )
    return f"/GPU:{number}"
