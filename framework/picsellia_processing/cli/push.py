"""Push the image that `pxp build` built last, and print what to deploy: registry/name:version@sha256:...

The version is the tag. One that the registry has already, with other content, is refused: what a Job runs must be what
was tested. Log in with `docker login`; this command takes no password.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from picsellia_processing.cli.interruption import terminable
from picsellia_processing.cli.target import FOLDER_HELP, processing_folder
from picsellia_processing.errors import ExitCode

if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare what `pxp push` takes."""
    add = parser.add_argument
    add("target", metavar="TARGET", type=Path, help=FOLDER_HELP)
    add("--registry", metavar="REGISTRY", required=True, help="where the image goes, as registry.example/acme")
    add("--overwrite", action="store_true", help="replace the version that is there; Jobs may be running it")
    add("--json", action="store_true", help="print the result as JSON, and nothing else, on stdout")


def run(arguments: argparse.Namespace) -> int:
    """Push and print the reference, by version and digest.

    Raises:
        UsageError: nothing was built, the folder has changed since, or the registry has another image of this version.
        ImageError: no Docker, no login, no registry, no right.
    """
    from picsellia_processing.container import docker  # noqa: PLC0415 - `pxp --help` does without
    from picsellia_processing.container.push import last_build, push_image  # noqa: PLC0415 - likewise
    from picsellia_processing.container.version import check_registry  # noqa: PLC0415 - likewise

    registry = check_registry(arguments.registry)
    folder = processing_folder(arguments.target)
    docker.check_docker()
    built = last_build(folder)
    with terminable():
        pushed = push_image(folder, built, registry, overwrite=arguments.overwrite)
    named = {"image": pushed.image, "tag": pushed.tag, "digest": pushed.digest, "reference": pushed.reference}
    print(json.dumps(named) if arguments.json else pushed.reference)
    return ExitCode.OK
