"""What `pxp platform` does: serve until a signal, and say where once it is ready."""

from __future__ import annotations

import json
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from picsellia_processing.errors import ExitCode, UsageError

from .options import from_arguments

if TYPE_CHECKING:
    import argparse


def run(arguments: argparse.Namespace) -> int:
    """Serve the platform that `arguments` describe; 0 after SIGINT or SIGTERM. Raises UsageError."""
    with tempfile.TemporaryDirectory(prefix="picsellia-platform-") as temporary:
        options = from_arguments(arguments, arguments.data or Path(temporary))
        from .server import serve  # noqa: PLC0415 - the server is slow to load; mistakes above need none

        try:
            serve(options, partial(announce, as_json=arguments.json))
        except OSError as error:
            raise UsageError(f"the local platform cannot use {options.data}: {error}") from error
    return ExitCode.OK


def announce(ready: dict[str, Any], *, as_json: bool) -> None:
    """Say where the platform is, and what it was seeded with."""
    if as_json:
        text = json.dumps(ready, default=str)
    else:
        lines = [f"  {name:24} {value}" for name, value in ready.items() if value not in (None, {})]
        text = "\n".join(["The local platform is ready. Stop it with Ctrl-C.", *lines])
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
