"""Register a processing on the platform, or bring what is registered up to date.

What differs is shown first; --yes writes it. The image is the one that `pxp push` pushed last, fixed by its digest.
What its Jobs need (CPUs, GPUs, flags of the container, types of inputs) stands in the table tool.pxp of its
pyproject.toml. The platform is found by the environment: api_token, host and organization_id, as in a container.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from picsellia_processing.cli.target import TARGET_HELP, check_target, folder_of
from picsellia_processing.errors import ExitCode, PlatformError, UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Sequence

    from picsellia_processing.registration import Plan
    from picsellia_processing.sdk.processings import Step


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare what `pxp deploy` takes."""
    add = parser.add_argument
    add("target", metavar="TARGET", help=TARGET_HELP)
    add("--image", metavar="NAME:TAG@DIGEST", help="the image (default: the one that `pxp push` pushed last)")
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--plan", action="store_true", help="show what differs, and write nothing")
    choice.add_argument("--yes", action="store_true", help="write what differs")
    add("--prune", action="store_true", help="remove default parameters and inputs that are not in the definition")
    add("--json", action="store_true", help="print what was found and done as JSON, and nothing else, on stdout")


def run(arguments: argparse.Namespace) -> int:
    """Show what differs, and write it with --yes; 0 when nothing is left to do, or with --plan.

    Raises:
        UsageError: before anything is written: wrong use, a definition with mistakes, a name that is taken.
        PlatformError: the platform cannot be reached, or refuses; it says what was written and what was not.
    """
    from picsellia_processing.cli.definition import define  # noqa: PLC0415 - `pxp --help` does without
    from picsellia_processing.cli.image_reference import find_image  # noqa: PLC0415 - likewise
    from picsellia_processing.registration import compare  # noqa: PLC0415 - likewise
    from picsellia_processing.sdk.client import connect  # noqa: PLC0415 - loads the SDK
    from picsellia_processing.sdk.environment import read_access  # noqa: PLC0415 - likewise
    from picsellia_processing.sdk.processings import ProcessingOnPlatform  # noqa: PLC0415 - likewise

    check_target(arguments.target)
    access = read_access(os.environ)
    wanted = define(arguments.target, find_image(folder_of(arguments.target), arguments.image))
    registered = ProcessingOnPlatform(connect(access), wanted.name)
    plan = compare(registered.read(), wanted, prune=arguments.prune)
    say = _silence if arguments.json else print
    for line in _lines(plan, access.host):
        say(line)
    _refuse_fixed(plan)
    if arguments.yes:
        _carry_out(registered.steps(plan), say)
    if arguments.json:
        print(json.dumps(_as_json(plan, written=arguments.yes), indent=2))
    if plan.differences and not (arguments.plan or arguments.yes):
        raise UsageError("nothing was written: --yes writes this, --plan only shows it")
    return ExitCode.OK


def _lines(plan: Plan, host: str) -> Iterator[str]:
    state = "is to be made" if plan.before is None else "differs" if plan.differences or plan.fixed else "is up to date"
    yield f"The processing {plan.goal.name} on {host} {state}."
    yield from (f"  {difference}" for difference in plan.differences)
    if plan.undeclared:
        yield "Not in the definition, and kept (a Job refuses parameters it does not know; --prune removes them):"
        yield from (f"  {subject}" for subject in plan.undeclared)


def _refuse_fixed(plan: Plan) -> None:
    if plan.fixed:
        listed = "".join(f"\n  {difference}" for difference in plan.fixed)
        raise UsageError(
            f"there is a processing {plan.goal.name!r} that differs in what cannot be changed:{listed}\n"
            "nothing was written; deploy under another name ([project] name in pyproject.toml), or delete that one"
        )


def _carry_out(steps: Sequence[Step], say: Callable[[str], object]) -> None:
    for number, step in enumerate(steps):
        try:
            step.act()
        except PlatformError as error:
            written, left = (", ".join(each.name for each in part) for part in (steps[:number], steps[number:]))
            raise PlatformError(
                f"{error}\nwritten: {written or 'nothing'}\nnot written, or not known to be: {left}\n"
                "deploy again: it writes the rest"
            ) from error
        say(f"written: {step.name}")


def _as_json(plan: Plan, *, written: bool) -> dict[str, Any]:
    return {
        "name": plan.goal.name,
        "exists": plan.before is not None or written,
        "differences": [asdict(difference) for difference in plan.differences],
        "undeclared": list(plan.undeclared),
        "written": written and bool(plan.differences),
    }


def _silence(_line: str) -> None:
    """Print nothing."""
