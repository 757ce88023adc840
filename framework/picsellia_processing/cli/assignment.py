"""NAME=VALUE as the commands take it."""

from __future__ import annotations

import argparse
import json
import math
from typing import Any


def assignment(text: str) -> tuple[str, str]:
    """Name and value of `NAME=VALUE`; an argparse type."""
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"expected NAME=VALUE, found {text!r}")
    return name, value


def add_parameters(parser: argparse.ArgumentParser) -> None:
    """Declare --parameter: `arguments.parameter` are pairs of texts."""
    parser.add_argument(
        "--parameter", action="append", default=[], metavar="NAME=VALUE", type=assignment,
        help="a parameter of the Job, as JSON or else as text; may be repeated",
    )  # fmt: skip


def json_or_text(text: str) -> Any:
    """What `text` is as JSON, or else itself. JSON has no infinity and no NaN: they would be sent as null."""
    try:
        return json.loads(text, parse_constant=_finite, parse_float=_finite)
    except ValueError:
        return text


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number
