"""Numbers of bytes, as people write and read them."""

from __future__ import annotations

import re

from picsellia_processing.errors import UsageError

UNITS = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9}


def parse_size(text: str) -> int:
    """Bytes of a text such as `1.9GB`, `300 MB` or `5000`.

    Raises:
        UsageError: it is none.
    """
    match = re.fullmatch(rf"(\d+(?:\.\d+)?)\s*({'|'.join(UNITS)}|)", text.strip())
    if match is None:
        raise UsageError(f"{text!r} is no size: expected a number and one of the units {', '.join(UNITS)}, as 1.9GB")
    return round(float(match[1]) * UNITS[match[2] or "B"])


def size(count: int) -> str:
    """`21 kB`, `263 MB`, `1.90 GB`."""
    if count >= UNITS["GB"]:
        return f"{count / UNITS['GB']:.2f} GB"
    unit = next(unit for unit in ("MB", "kB", "B") if count >= UNITS[unit] or unit == "B")
    return f"{count / UNITS[unit]:.0f} {unit}"
