"""`python -m picsellia_processing` is `pxp`."""

import sys

from picsellia_processing.cli import main

if __name__ == "__main__":
    sys.exit(main())
