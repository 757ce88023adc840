"""`pxp platform`: the local platform alone, for any program that uses the SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING

from picsellia_processing.platform.options import add_arguments

if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM; the exit code."""
    from picsellia_processing.platform.command import run as run_platform  # noqa: PLC0415 - loads the server

    return run_platform(arguments)
