"""Ending on Ctrl-C and on SIGTERM alike: as an exception, so that what was started is stopped on the way out."""

from __future__ import annotations

import contextlib
import signal
import threading
from typing import TYPE_CHECKING

from picsellia_processing.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

INTERRUPTED = 130


class Terminated(KeyboardInterrupt):
    """SIGTERM, where Ctrl-C raises KeyboardInterrupt."""


@contextlib.contextmanager
def terminable() -> Iterator[None]:
    """Within the block, SIGTERM raises `Terminated`. Outside the main thread, where signals do not come, do nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def terminate(_number: int, _frame: FrameType | None) -> None:
        raise Terminated

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def exit_code(interrupt: KeyboardInterrupt) -> int:
    """What a command ends with that was told to stop."""
    return ExitCode.TERMINATED if isinstance(interrupt, Terminated) else INTERRUPTED
