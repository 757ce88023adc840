"""Run the Job that the environment names: the entrypoint of a processing's container.

The platform sets api_token, job_id, host and organization_id. The Job is marked RUNNING, and SUCCEEDED or FAILED at
the end; all that is printed goes to its log. To try a processing without a Job, use `pxp dry-run`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from picsellia_processing.cli.target import TARGET_HELP

if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pxp run`."""
    parser.add_argument("target", metavar="TARGET", help=TARGET_HELP)
    parser.add_argument("--out", metavar="DIR", type=Path, help="keep report.json, log.txt and the worker's files here")


def run(arguments: argparse.Namespace) -> int:
    """Run the Job and return the exit code of the container."""
    from picsellia_processing.job.supervisor import supervise  # noqa: PLC0415 - only this command needs it

    return supervise(arguments.target, out=arguments.out, environ=dict(os.environ))
