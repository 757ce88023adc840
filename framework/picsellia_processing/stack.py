"""An error of the author's code: what it says, and its stack from that code on, without what called it."""

from __future__ import annotations

import contextlib
import importlib
import sysconfig
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

_OWN = str(Path(__file__).parent)
_CALLERS = (_OWN, str(Path(importlib.__file__).parent), contextlib.__file__, "<frozen importlib")
"""Files that stand between a Job and the author's code."""
_LIBRARIES = (
    *_CALLERS,
    "<string>",  # code that a library has made, as a frozen dataclass
    *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
)


def authors_trace(error: BaseException) -> str:
    """The trace of an error from the author's first frame on; of this package the last frame, where it has none."""
    frame = last = error.__traceback__
    while frame is not None and _file(frame).startswith(_CALLERS):
        last, frame = frame, frame.tb_next
    if frame is None and last is not None and _file(last).startswith(_OWN):
        frame = last
    return "".join(traceback.format_exception(type(error), error, frame))


def message_of(error: BaseException) -> str:
    """What an error says: its `str`, which is the author's code, as the error may be, and may fail itself."""
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - see above
        return "its message cannot be shown"


def authors_place(error: BaseException) -> str:
    """`file.py:12`: the line of the author's that the error came through last; else where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    frame = next((each for each in reversed(frames) if not each.filename.startswith(_LIBRARIES)), frames[-1])
    return f"{Path(frame.filename).name}:{frame.lineno}"


def _file(frame: TracebackType) -> str:
    return frame.tb_frame.f_code.co_filename
