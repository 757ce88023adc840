"""Say what this machine lacks for a processing, and the command that cures it; exit with 1 when something is needed.

Looks at Python and the installed packages, at GPU, driver and torch, at Docker, the logins to registries, and at the
platform that api_token, host and organization_id name. No secret is shown.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from picsellia_processing.cli.target import processing_folder
from picsellia_processing.errors import ExitCode

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from picsellia_processing.doctor.check import Check

PURPOSES = ("dry-run", "build", "push", "deploy")
MARKS = {"ok": "ok", "warning": "--", "failed": "!!"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare what `pxp doctor` takes."""
    add = parser.add_argument
    add("target", metavar="TARGET", type=Path, nargs="?", help="a processing folder, to look at its requirements.txt")
    add(
        "--for", dest="purposes", metavar="PURPOSE", action="append", choices=PURPOSES,
        help=f"look only at what this needs, one of {', '.join(PURPOSES)}; may be repeated (default: all)",
    )  # fmt: skip
    add("--registry", metavar="REGISTRY", help="the registry to push to, as registry.example/acme")
    add("--json", action="store_true", help="print the checks as JSON, and nothing else, on stdout")


def run(arguments: argparse.Namespace) -> int:
    """Look and print; FAILED when something needed is missing. Raises `UsageError` for a wrong TARGET or registry."""
    from picsellia_processing.container.version import check_registry  # noqa: PLC0415 - `pxp --help` does without

    folder = processing_folder(arguments.target) if arguments.target else None
    registry = check_registry(arguments.registry) if arguments.registry else None
    checks = list(_checks(folder, arguments.purposes or PURPOSES, registry))
    print(json.dumps([asdict(check) for check in checks], indent=2) if arguments.json else _table(checks))
    return ExitCode.FAILED if any(check.status == "failed" for check in checks) else ExitCode.OK


def _checks(folder: Path | None, purposes: Sequence[str], registry: str | None) -> Iterator[Check]:
    from picsellia_processing.doctor import account, docker_tools, gpu, interpreter, packages  # noqa: PLC0415 - slow

    yield interpreter.python_check(folder)
    yield packages.framework_packages()
    if folder is not None:
        yield packages.required_packages(folder)
    if "dry-run" in purposes:
        yield from packages.packages_of_the_same_files()
        yield from gpu.gpu_checks()
    if "build" in purposes or "push" in purposes:
        yield from docker_tools.build_checks()
    if "push" in purposes:
        yield docker_tools.login_check(registry)
    if "deploy" in purposes:
        yield account.platform_check(os.environ)


def _table(checks: Sequence[Check]) -> str:
    width = max(len(check.name) for check in checks)
    margin = " " * (width + 6)
    lines = []
    for check in checks:
        lines.append(f"{MARKS[check.status]}  {check.name:<{width}}  " + check.found.replace("\n", f"\n{margin}"))
        if check.cure:
            lines.append(f"{margin}cure: {check.cure}")
    return "\n".join(lines)
