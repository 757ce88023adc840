"""`python -m picsellia_processing.platform`: the platform alone, as `pxp platform` runs it."""

from __future__ import annotations

import argparse
import sys

from picsellia_processing.errors import UsageError

from .command import run
from .options import add_arguments


def main() -> int:
    """Run the command; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m picsellia_processing.platform", description=__doc__)
    add_arguments(parser)
    try:
        return run(parser.parse_args())
    except UsageError as error:
        sys.stderr.write(f"error: {error}\n")
        return int(error.exit_code)


if __name__ == "__main__":
    sys.exit(main())
