"""Converting without noise in the log, and without waiting for what is not needed."""

from __future__ import annotations

import logging
import sys
import warnings
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import StringIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def quiet() -> Iterator[None]:
    """Without progress bars, remarks on the versions of libraries, and complaints that Apple's runtime is missing."""
    logging.getLogger("coremltools").setLevel(logging.ERROR)
    with warnings.catch_warnings(), redirect_stderr(StringIO()), redirect_stdout(StringIO()), _without_tensorflow():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _without_tensorflow() -> Iterator[None]:
    """Keep coremltools from importing TensorFlow, which takes seconds where it is there; only torch is converted."""
    if "tensorflow" in sys.modules:
        yield
        return
    sys.modules["tensorflow"] = None  # type: ignore[assignment]  # as importlib says: it cannot be imported
    try:
        yield
    finally:
        del sys.modules["tensorflow"]
