"""Print everything known from a processing's definition, as JSON: parameters, target, inputs, model files.

The definition is loaded, nothing is run.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from picsellia_processing.cli.target import TARGET_HELP, load_target
from picsellia_processing.errors import ExitCode

if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare what `pxp describe` takes."""
    parser.add_argument("target", metavar="TARGET", help=TARGET_HELP)


def run(arguments: argparse.Namespace) -> int:
    """Print the description. Raises `DefinitionError` for a target that is not a processing."""
    import json  # noqa: PLC0415 - `pxp --help` does without
    from contextlib import redirect_stdout  # noqa: PLC0415 - likewise

    with redirect_stdout(sys.stderr):  # what the author's modules print when imported is no JSON
        description = load_target(arguments.target).describe()
    print(json.dumps(description, indent=2, default=str, ensure_ascii=False))
    return ExitCode.OK
