"""`pxp platform`: the local platform alone, for any program that uses the SDK; with --runner, it runs Jobs, too.

A runner takes every PENDING Job and runs it in a process of its own, with the environment that a container would have.
Which TARGET a Job is for is told by the name that `pxp deploy` registers it under.

With --containers, and no TARGET, a Job runs in a container of the very image that is registered, pulled where Docker
does not have it: as user 42420, read-only but for /tmp, without capabilities, with the CPUs and GPUs of the Job and the
registered flags. It has the network of this machine; Docker Desktop has to be told to allow that.
"""

from __future__ import annotations

import os
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from picsellia_processing.cli.interruption import terminable
from picsellia_processing.errors import ExitCode, UsageError
from picsellia_processing.platform.options import add_arguments

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from picsellia_processing.cli.runner import JobProcess
    from picsellia_processing.platform.process import LocalPlatform

    _JobsOf = Callable[[LocalPlatform], AbstractContextManager[Callable[[Mapping[str, Any]], JobProcess]]]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_arguments(parser)
    parser.add_argument(
        "--runner", nargs="*", metavar="TARGET", help="run the Jobs of these processings (default: of the one here)"
    )
    parser.add_argument(
        "--containers", action="store_true", help="with --runner: run Jobs in Docker, in their registered images"
    )
    parser.add_argument("--at-once", type=int, default=1, metavar="N", help="how many Jobs run at a time (default: 1)")


def run(arguments: argparse.Namespace) -> int:
    """Serve, and run Jobs if asked to, until SIGINT or SIGTERM; the exit code.

    Raises:
        UsageError: wrong use, or a platform that cannot be started.
        ImageError: Jobs are to run in containers, and Docker is not there or does not answer.
        PlatformError: the platform that Jobs are run for has ended.
    """
    from picsellia_processing.platform.command import run as run_platform  # noqa: PLC0415 - loads the server

    if arguments.runner is None:
        if arguments.containers:
            raise UsageError("--containers goes with --runner")
        return run_platform(arguments)
    if arguments.exit_with_parent or arguments.at_once < 1:
        raise UsageError("--runner goes without --exit-with-parent, and with at least one Job --at-once")
    return _run_with_jobs(arguments)


def _run_with_jobs(arguments: argparse.Namespace) -> int:
    """The platform is a process of its own, which outlives the Jobs; the runner is this one."""
    from picsellia_processing.cli.runner import Runner  # noqa: PLC0415 - `pxp --help` does without
    from picsellia_processing.platform.command import announce  # noqa: PLC0415 - likewise
    from picsellia_processing.platform.process import LocalPlatform  # noqa: PLC0415 - likewise

    jobs_of = _containers(arguments) if arguments.containers else _processes(arguments)
    try:
        with terminable(), LocalPlatform(**_settings(arguments)) as platform, jobs_of(platform) as start:
            announce(platform.seeded, as_json=arguments.json)
            Runner(platform, start, at_once=arguments.at_once).run()
    except KeyboardInterrupt:
        return ExitCode.OK


def _processes(arguments: argparse.Namespace) -> _JobsOf:
    from picsellia_processing.cli.runner import LocalProcesses, targets_by_name  # noqa: PLC0415 - likewise

    targets = targets_by_name(arguments.runner or ["."])
    return lambda platform: nullcontext(
        LocalProcesses(targets, platform=platform.access, out=platform.data / "jobs", environ=os.environ)
    )


def _containers(arguments: argparse.Namespace) -> _JobsOf:
    from picsellia_processing.cli.containers import LocalContainers  # noqa: PLC0415 - likewise
    from picsellia_processing.container.docker import daemon_version  # noqa: PLC0415 - likewise

    if arguments.runner:
        raise UsageError(
            f"--containers takes no TARGET, found {arguments.runner[0]!r}: "
            "what runs is the image that `pxp deploy` has registered"
        )
    daemon_version()
    return lambda platform: LocalContainers(platform=platform.access, lock=platform.data / "runner.lock")


def _settings(arguments: argparse.Namespace) -> dict[str, Any]:
    """The arguments as `LocalPlatform` takes them."""
    same = (
        "data", "seed", "images", "annotated", "port", "latency_ms", "fault_rate", "seed_faults", "url_ttl",
        "max_body_mb", "job_payload", "job_polls",
    )  # fmt: skip
    return {**{name: getattr(arguments, name) for name in same}, "model_files": dict(arguments.model_file)}
