"""Numbers as people read them."""

from __future__ import annotations

MINUTE = 60
GIGABYTE = 1e9
MEGABYTE = 1e6


def with_commas(number: float) -> str:
    """12345 -> `12,345`."""
    return f"{number:,.0f}"


def duration(seconds: float) -> str:
    """`80 ms`, `4.2 s`, `3 min 12 s`, `2 h 5 min`."""
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if round(seconds, 1) < MINUTE:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), MINUTE)
    return f"{minutes} min {rest} s" if minutes < MINUTE else f"{minutes // MINUTE} h {minutes % MINUTE} min"


def size(count: float) -> str:
    """A number of bytes: `812 MB`, `1.25 GB`."""
    return f"{count / GIGABYTE:.2f} GB" if count >= GIGABYTE else f"{count / MEGABYTE:.0f} MB"
