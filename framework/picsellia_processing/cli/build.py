"""Build the image of a processing folder from its Dockerfile, see that it works, and say what it weighs.

hadolint reads the Dockerfile; Docker gets the files a run needs, with links resolved, and no secrets, fixtures or
tests; the image must be able to load its processing, whose description becomes a label. It is named after `name` and
`version` in the folder's pyproject.toml. `pxp push` pushes it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from picsellia_processing.cli.assignment import assignment
from picsellia_processing.cli.interruption import terminable
from picsellia_processing.cli.target import FOLDER_HELP, processing_folder
from picsellia_processing.errors import ExitCode

if TYPE_CHECKING:
    import argparse

    from picsellia_processing.container.build import BuildPlan
    from picsellia_processing.container.records import BuiltImage


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare what `pxp build` takes."""
    add = parser.add_argument
    add("target", metavar="TARGET", type=Path, help=FOLDER_HELP)
    add("--version", metavar="VERSION", dest="image_version", help="in place of the version in pyproject.toml")
    add("--tag", metavar="NAME:TAG", action="append", default=[], help="name the image this as well; may be repeated")
    add("--base", metavar="IMAGE", help="the base image, where the Dockerfile begins with ARG BASE")
    add("--budget", metavar="SIZE", help="fail when the image is heavier, unpacked, as 1.9GB")
    add(
        "--include", metavar="PATTERN", action="append", default=[],
        help="send this to Docker although it is left out otherwise, as `fixture`; may be repeated",
    )  # fmt: skip
    add("--platform", metavar="OS/CPU", default="linux/amd64", help="default: %(default)s, as the platform's machines")
    add(
        "--build-arg", metavar="NAME=VALUE", action="append", default=[], type=assignment,
        help="as of `docker build`; not for secrets, which it would show to everybody who has the image",
    )  # fmt: skip
    add("--secret", metavar="id=ID,src=PATH", action="append", default=[], help="as of `docker build`")
    add("--build-context", metavar="NAME=PATH", action="append", default=[], help="as of `docker build`")
    add("--no-cache", action="store_true", help="run every step of the Dockerfile again")
    add("--json", action="store_true", help="print the result as JSON, and nothing else, on stdout")


def run(arguments: argparse.Namespace) -> int:
    """Build and print the weight bill.

    Raises:
        UsageError: before anything is built: no version, no Dockerfile or one with mistakes, a bad link.
        ImageError: no Docker, a failing build, an image that cannot load its processing, or one above its budget.
    """
    from picsellia_processing.container import docker  # noqa: PLC0415 - `pxp --help` does without
    from picsellia_processing.container.build import build_image, source_date_epoch  # noqa: PLC0415 - likewise

    epoch = source_date_epoch(os.environ)
    plan = _plan(arguments)
    _lint(plan.context.dockerfile)
    docker.check_docker()
    with terminable():
        built = build_image(plan, epoch=epoch)
    print(built.model_dump_json(indent=2) if arguments.json else _summary(plan, built))
    return ExitCode.OK


def _plan(arguments: argparse.Namespace) -> BuildPlan:
    from picsellia_processing.container.build import BuildPlan, with_base  # noqa: PLC0415 - `pxp --help` does without
    from picsellia_processing.container.context_folder import gather  # noqa: PLC0415 - likewise
    from picsellia_processing.container.docker import BuildOptions  # noqa: PLC0415 - likewise
    from picsellia_processing.container.sizes import parse_size  # noqa: PLC0415 - likewise
    from picsellia_processing.container.version import check_image_name, read_version  # noqa: PLC0415 - likewise

    folder = processing_folder(arguments.target)
    context = gather(folder, arguments.include)
    options = BuildOptions(
        platform=arguments.platform,
        build_arg=dict(arguments.build_arg),
        secret=arguments.secret,
        build_context=arguments.build_context,
        no_cache=arguments.no_cache,
    )
    return BuildPlan(
        folder=folder,
        version=read_version(folder, arguments.image_version),
        context=context,
        include=arguments.include,
        options=with_base(options, context.dockerfile, arguments.base),
        tags=[check_image_name(tag) for tag in arguments.tag],
        budget=parse_size(arguments.budget) if arguments.budget else None,
    )


def _lint(dockerfile: Path) -> None:
    from picsellia_processing.container.lint import HOW_TO_INSTALL, find_hadolint, lint  # noqa: PLC0415 - likewise

    program = find_hadolint()
    if program is None:
        print(f"pxp: WARNING: the Dockerfile is NOT linted, hadolint is missing: {HOW_TO_INSTALL}", file=sys.stderr)
        return
    for remark in lint(dockerfile, program):
        print(f"pxp: {remark}", file=sys.stderr)


def _summary(plan: BuildPlan, built: BuiltImage) -> str:
    from picsellia_processing.container.sizes import size  # noqa: PLC0415 - `pxp --help` does without

    sent = f"{len(plan.context.files)} files of {size(plan.context.bytes)} sent to Docker"
    return "\n".join([f"{built.reference}  {built.id}", sent, *built.bill.lines()])
