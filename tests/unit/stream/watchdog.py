"""Run something that may deadlock, and fail instead."""

from __future__ import annotations

import faulthandler
import sys
import threading
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Result = TypeVar("Result")

PATIENCE = 30
"""Seconds that are far more than needed: what takes longer hangs."""


def within_patience(function: Callable[[], Result]) -> Result:
    """What `function` returns or raises, if it ends at all."""
    results: list[Result] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(function())
        except BaseException as error:  # noqa: BLE001 - raised again below
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    if thread.is_alive():
        faulthandler.dump_traceback(sys.__stderr__)
        raise AssertionError("it hangs; the threads are dumped to stderr")
    if errors:
        raise errors[0]
    return results[0]


def wait_until(event: threading.Event) -> None:
    """Wait for what is bound to happen."""
    assert event.wait(PATIENCE), "it never happened"
