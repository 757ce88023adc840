"""`pxp platform`: the local platform alone, for any program that uses the SDK; with --runner, it runs Jobs, too.

A runner takes every PENDING Job and runs it in a process of its own, with the environment that a container would have.
Which TARGET a Job is for is told by the name that `pxp deploy` registers it under.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from picsellia_processing.cli.interruption import terminable
from picsellia_processing.errors import ExitCode, UsageError
from picsellia_processing.platform.options import add_arguments

if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_arguments(parser)
    parser.add_argument(
        "--runner", nargs="*", metavar="TARGET", help="run the Jobs of these processings (default: of the one here)"
    )
    parser.add_argument("--at-once", type=int, default=1, metavar="N", help="how many Jobs run at a time (default: 1)")


def run(arguments: argparse.Namespace) -> int:
    """Serve, and run Jobs if asked to, until SIGINT or SIGTERM; the exit code.

    Raises:
        UsageError: wrong use, or a platform that cannot be started.
        PlatformError: the platform that Jobs are run for has ended.
    """
    from picsellia_processing.platform.command import run as run_platform  # noqa: PLC0415 - loads the server

    if arguments.runner is None:
        return run_platform(arguments)
    if arguments.exit_with_parent or arguments.at_once < 1:
        raise UsageError("--runner goes without --exit-with-parent, and with at least one Job --at-once")
    return _run_with_jobs(arguments)


def _run_with_jobs(arguments: argparse.Namespace) -> int:
    """The platform is a process of its own, which outlives the Jobs; the runner is this one."""
    from picsellia_processing.cli.runner import (  # noqa: PLC0415 - `pxp --help` does without
        LocalProcesses,
        Runner,
        targets_by_name,
    )
    from picsellia_processing.platform.command import announce  # noqa: PLC0415 - likewise
    from picsellia_processing.platform.process import LocalPlatform  # noqa: PLC0415 - likewise

    targets = targets_by_name(arguments.runner or ["."])
    try:
        with terminable(), LocalPlatform(**_settings(arguments)) as platform:
            announce(platform.seeded, as_json=arguments.json)
            access = {name: platform.seeded[name] for name in ("host", "api_token", "organization_id")}
            processes = LocalProcesses(targets, platform=access, out=platform.data / "jobs", environ=os.environ)
            Runner(platform, processes, at_once=arguments.at_once).run()
    except KeyboardInterrupt:
        return ExitCode.OK


def _settings(arguments: argparse.Namespace) -> dict[str, Any]:
    """The arguments as `LocalPlatform` takes them."""
    same = (
        "data", "seed", "images", "annotated", "port", "latency_ms", "fault_rate", "seed_faults", "url_ttl",
        "max_body_mb", "job_payload", "job_polls",
    )  # fmt: skip
    return {**{name: getattr(arguments, name) for name in same}, "model_files": dict(arguments.model_file)}
