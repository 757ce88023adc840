"""`breakpoint()` in a dry-run: pdb on the terminal of `pxp dry-run`, from which the Job's processes are apart."""

from __future__ import annotations

import os
import sys
from pdb import Pdb
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

STDIN = 0
TERMINAL = "PXP_TERMINAL"
"""The variable that names the terminal to a Job's processes."""


def with_debugger(environ: Mapping[str, str]) -> dict[str, str]:
    """`environ` of a Job in which `breakpoint()` works; as it is without a terminal, or where a debugger is chosen."""
    if not os.isatty(STDIN) or "PYTHONBREAKPOINT" in environ:
        return dict(environ)
    terminal = os.ttyname(STDIN)
    return {**environ, TERMINAL: terminal, "PYTHONBREAKPOINT": f"{__name__}.{stop.__name__}"}


def stop() -> None:
    """Stop in the caller: what `breakpoint()` calls."""
    terminal = os.open(os.environ[TERMINAL], os.O_RDWR | os.O_NOCTTY)
    lines, screen = os.fdopen(terminal, closefd=False), os.fdopen(terminal, "w")
    debugger = Pdb(stdin=lines, stdout=screen, nosigint=True)
    debugger.set_trace(sys._getframe(1))  # noqa: SLF001 - there is no other way to name the caller
