"""Run a processing offline, exactly as its container would, and show what it did.

A local platform is started and filled from a fixture: the folder `fixture` of the processing, --fixture, or just a
folder of images (--images). A Job is launched on it through the Picsellia SDK, and run. The out folder then holds
report.html (a page with the pictures), report.json, annotations.json (COCO) and the platform's data.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from picsellia_processing.cli.assignment import add_parameters, assignment, json_or_text
from picsellia_processing.cli.interruption import terminable
from picsellia_processing.cli.out_folder import OutFolder
from picsellia_processing.cli.target import TARGET_HELP, check_target, fixture_of, target_name
from picsellia_processing.errors import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from picsellia import Client
    from picsellia.sdk.datalake import Datalake
    from picsellia.sdk.dataset_version import DatasetVersion

    from picsellia_processing.fixture import Fixture
    from picsellia_processing.platform.process import LocalPlatform


SEEDED_IDS = ("dataset_version_id", "datalake_id", "model_version_id")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be run, on what, and where its results go. The fixture has been read: there is nothing wrong with it.

    `platform` are settings of `LocalPlatform`; `seeded` are the ids an earlier dry-run left, with --again.
    """

    target: str
    fixture: Fixture
    parameters: Mapping[str, Any]
    out: OutFolder
    platform: Mapping[str, Any]
    seeded: Mapping[str, str] | None


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare what `pxp dry-run` takes."""
    add = parser.add_argument
    add("target", metavar="TARGET", help=TARGET_HELP)
    add("--fixture", type=Path, metavar="DIR", help="folder with a fixture.toml (default: `fixture` beside TARGET)")
    add("--images", type=Path, metavar="DIR", help="images, or a COCO, YOLO or VOC data set, in place of the fixture's")
    add("--annotated", action="store_true", help="keep what the data set in --images has drawn on its images")
    add(
        "--model-file", action="append", default=[], metavar="NAME=PATH", type=assignment,
        help="a file of the ModelVersion; may be repeated",
    )  # fmt: skip
    add_parameters(parser)
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
    from picsellia_processing.platform.process import LocalPlatform  # noqa: PLC0415 - `pxp --help` does without

    plan = _plan(arguments)
    with terminable(), ExitStack() as stack:
        platform = LocalPlatform(**plan.platform)
        stack.callback(platform.stop)
        platform.start()
        return _run_on(platform, plan, as_json=arguments.json)


def _plan(arguments: argparse.Namespace) -> Plan:
    from picsellia_processing.fixture import load_fixture  # noqa: PLC0415 - `pxp --help` does without

    check_target(arguments.target)
    images, model_files = arguments.images, {name: Path(path) for name, path in arguments.model_file}
    if arguments.annotated and images is None:
        raise UsageError("--annotated keeps what a data set has drawn on its images; give the data set as --images DIR")
    directory = arguments.fixture or _fixture_beside(arguments.target, needed=not images and not model_files)
    fixture = load_fixture(directory, images=images, model_files=model_files, annotated=arguments.annotated)
    if arguments.annotated and not any(image.annotation for image in fixture.images):
        raise UsageError(
            f"--annotated keeps what a data set has drawn on its images; nothing is in {images}, which was read as a "
            f"{fixture.source}: correct the path, or leave out --annotated"
        )
    out = OutFolder((arguments.out or Path("pxp-out") / target_name(arguments.target)).resolve())
    platform = {
        "data": out.platform,
        "latency_ms": arguments.latency_ms,
        "fault_rate": arguments.fault_rate,
        "seed_faults": arguments.seed_faults,
    }
    if arguments.again:
        seeded = out.reopen()
    else:
        out.recreate()
        seeded = None
        platform |= {
            "seed": directory,
            "images": images,
            "model_files": model_files,
            "annotated": arguments.annotated,
        }
    parameters = {name: json_or_text(text) for name, text in arguments.parameter}
    return Plan(arguments.target, fixture, parameters, out, platform, seeded)


def _fixture_beside(target: str, *, needed: bool) -> Path | None:
    fixture = fixture_of(target)
    if fixture.is_dir():
        return fixture
    if needed:
        raise UsageError(
            f"there is nothing to run on: expected a fixture in {fixture}, found none; "
            "write one, or give --fixture DIR, or --images DIR with your own images"
        )
    return None


def _run_on(platform: LocalPlatform, plan: Plan, *, as_json: bool) -> int:
    # These take their time while the platform starts.
    from picsellia_processing.cli.debugger import with_debugger  # noqa: PLC0415
    from picsellia_processing.cli.fixture_job import launch  # noqa: PLC0415
    from picsellia_processing.cli.job_process import job_environment, run_job  # noqa: PLC0415
    from picsellia_processing.sdk.client import connect  # noqa: PLC0415
    from picsellia_processing.sdk.environment import Environment  # noqa: PLC0415

    platform.wait_ready()
    seeded = plan.seeded
    if seeded is None:
        seeded = {name: platform.seeded[name] for name in SEEDED_IDS if name in platform.seeded}
        plan.out.remember(seeded)
    client = connect(Environment(**platform.access, job_id=""))
    job = launch(client, target_name(plan.target), plan.fixture, seeded, plan.parameters)
    environment = with_debugger(job_environment(os.environ, job_id=str(job.id), platform=platform.access))
    code = run_job(plan.target, plan.out.path, environment, quiet_stdout=as_json)
    if plan.out.report.is_file():
        _show(client, plan.fixture, seeded, plan.out, as_json=as_json)
    else:
        print(f"pxp: the Job left no report in {plan.out.path}", file=sys.stderr)
    return code


def _show(client: Client, fixture: Fixture, seeded: Mapping[str, Any], out: OutFolder, *, as_json: bool) -> None:
    from picsellia_processing.cli.results import write_results  # noqa: PLC0415 - only once the Job has ended
    from picsellia_processing.cli.summary import summarize  # noqa: PLC0415 - likewise
    from picsellia_processing.job.report import read  # noqa: PLC0415 - likewise

    report = read(out.report)
    shown = report.output.id if report.output is not None else seeded.get("dataset_version_id")
    version, lake = _dataset_version(client, shown), _datalake(client, fixture, seeded)
    write_results(client, version, report, out, lake=lake)
    if as_json:
        print(json.dumps(report.model_dump(mode="json") | {"paths": out.existing()}, indent=2))
    else:
        print(summarize(report, out))


def _datalake(client: Client, fixture: Fixture, seeded: Mapping[str, Any]) -> Datalake | None:
    from picsellia_processing.sdk.client import translated  # noqa: PLC0415 - loads the SDK

    if fixture.datalake is None:
        return None
    with translated("looking up the Datalake"):
        return client.get_datalake(id=seeded["datalake_id"])


def _dataset_version(client: Client, version_id: str | None) -> DatasetVersion | None:
    from picsellia_processing.sdk.client import translated  # noqa: PLC0415 - loads the SDK

    if not version_id:
        return None
    with translated("looking up the DatasetVersion"):
        return client.get_dataset_version_by_id(version_id)
