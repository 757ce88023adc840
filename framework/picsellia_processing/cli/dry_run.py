"""Run a processing offline, exactly as its container would, and show what it did.

A local platform is started and filled from a fixture: the folder `fixture` of the processing, --fixture, or just a
folder of images (--images). A Job is launched on it through the Picsellia SDK, and run. The out folder then holds
report.html (a page with the pictures), report.json, annotations.json (COCO) and the platform's data.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from picsellia_processing.cli.interruption import terminable
from picsellia_processing.cli.out_folder import OutFolder
from picsellia_processing.cli.target import TARGET_HELP, check_target, fixture_of, target_name
from picsellia_processing.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from picsellia import Client
    from picsellia.sdk.dataset_version import DatasetVersion

    from picsellia_processing.fixture import Fixture
    from picsellia_processing.platform.process import LocalPlatform


@dataclass(frozen=True, slots=True)
class FixtureSource:
    """Where the fixture is read from: a folder with a `fixture.toml`, images of one's own, model files of one's own."""

    directory: Path | None
    images: Path | None
    model_files: Mapping[str, Path]


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare what `pxp dry-run` takes."""
    add = parser.add_argument
    add("target", metavar="TARGET", help=TARGET_HELP)
    add("--fixture", type=Path, metavar="DIR", help="folder with a fixture.toml (default: `fixture` beside TARGET)")
    add("--images", type=Path, metavar="DIR", help="images, or a COCO, YOLO or VOC data set, in place of the fixture's")
    add(
        "--model-file", action="append", default=[], metavar="NAME=PATH", type=_pair,
        help="a file of the ModelVersion; may be repeated",
    )  # fmt: skip
    add(
        "--parameter", action="append", default=[], metavar="NAME=VALUE", type=_pair,
        help="a parameter of the Job, as JSON or else as text; may be repeated",
    )  # fmt: skip
    add("--out", type=Path, metavar="DIR", help="folder for the results (default: pxp-out/NAME); recreated each time")
    add("--again", action="store_true", help="run another Job on the platform that the last dry-run left in --out")
    add("--json", action="store_true", help="print the report as JSON, and nothing else, on stdout")
    add("--latency-ms", type=float, default=0.0, metavar="MS", help="delay of every answer of the platform")
    add("--fault-rate", type=float, default=0.0, metavar="SHARE", help="share of requests that fail, 0 to 1")
    add("--seed-faults", type=int, default=0, metavar="N", help="draw other faults")


def run(arguments: argparse.Namespace) -> int:
    """Run the Job and write its results; returns the exit code of the Job.

    Raises:
        UsageError: before anything is started: wrong flags, a fixture with mistakes, an out folder that is not ours.
        PlatformError: the local platform does not answer.
    """
    from picsellia_processing.fixture import load_fixture  # noqa: PLC0415 - `pxp --help` does without

    check_target(arguments.target)
    parameters = {name: _value(text) for name, text in arguments.parameter}
    source = _fixture_source(arguments)
    fixture = load_fixture(source.directory, images=source.images, model_files=source.model_files)
    out = OutFolder((arguments.out or Path("pxp-out") / target_name(arguments.target)).resolve())
    seeded = out.reopen() if arguments.again else None
    if seeded is None:
        out.recreate()
    with terminable(), ExitStack() as stack:
        platform = _platform(arguments, out, None if arguments.again else source)
        stack.callback(platform.stop)
        platform.start()
        return _run_on(platform, arguments, out, fixture, parameters, seeded)


def _platform(arguments: argparse.Namespace, out: OutFolder, source: FixtureSource | None) -> LocalPlatform:
    from picsellia_processing.platform.process import LocalPlatform  # noqa: PLC0415 - `pxp --help` does without

    return LocalPlatform(
        data=out.platform,
        seed=source.directory if source else None,
        images=source.images if source else None,
        model_files=source.model_files if source else None,
        latency_ms=arguments.latency_ms,
        fault_rate=arguments.fault_rate,
        seed_faults=arguments.seed_faults,
    )


def _run_on(
    platform: LocalPlatform,
    arguments: argparse.Namespace,
    out: OutFolder,
    fixture: Fixture,
    parameters: Mapping[str, Any],
    seeded: Mapping[str, Any] | None,
) -> int:
    # While the platform starts.
    from picsellia_processing.cli.job_process import job_environment, run_job  # noqa: PLC0415
    from picsellia_processing.cli.launch import launch  # noqa: PLC0415
    from picsellia_processing.sdk.client import connect  # noqa: PLC0415
    from picsellia_processing.sdk.environment import Environment  # noqa: PLC0415

    platform.wait_ready()
    if seeded is None:
        seeded = platform.seeded
        out.remember(seeded)
    access = {"api_token": platform.api_token, "host": platform.host, "organization_id": platform.organization_id}
    client = connect(Environment(**access, job_id=""))
    job = launch(client, target_name(arguments.target), fixture, seeded, parameters)
    environment = job_environment(os.environ, job_id=str(job.id), platform=access)
    code = run_job(arguments.target, out.path, environment, quiet_stdout=arguments.json)
    if not out.report.is_file():
        print(f"pxp: the Job left no report in {out.path}", file=sys.stderr)
        return code
    _show(client, _dataset_version(client, seeded), out, as_json=arguments.json)
    return code


def _show(client: Client, version: DatasetVersion | None, out: OutFolder, *, as_json: bool) -> None:
    from picsellia_processing.cli.results import write_results  # noqa: PLC0415 - while the Job runs, nobody needs it
    from picsellia_processing.cli.summary import summarize  # noqa: PLC0415 - likewise
    from picsellia_processing.job.report import read  # noqa: PLC0415 - likewise

    report = read(out.report)
    write_results(client, version, report, out)
    if as_json:
        print(json.dumps(report.model_dump(mode="json") | {"paths": out.existing()}, indent=2))
    else:
        print(summarize(report, out))


def _dataset_version(client: Client, seeded: Mapping[str, Any]) -> DatasetVersion | None:
    from picsellia_processing.sdk.client import translated  # noqa: PLC0415 - loads the SDK

    if not seeded.get("dataset_version_id"):
        return None
    with translated("looking up the DatasetVersion"):
        return client.get_dataset_version_by_id(seeded["dataset_version_id"])


def _fixture_source(arguments: argparse.Namespace) -> FixtureSource:
    model_files = {name: Path(path) for name, path in arguments.model_file}
    beside = fixture_of(arguments.target)
    directory = arguments.fixture or (beside if beside.is_dir() else None)
    if directory is None and not arguments.images and not model_files:
        raise UsageError(
            f"there is nothing to run on: expected a fixture in {beside}, found none; "
            "write one, or give --fixture DIR, or --images DIR with your own images"
        )
    return FixtureSource(directory, arguments.images, model_files)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"expected NAME=VALUE, found {text!r}")
    return name, value


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
