"""Launch a Job of a registered processing on the platform, and follow it with --wait.

Given TARGET, its definition checks the parameters before anything is sent, and says how many CPUs and GPUs the Job
gets. Given the NAME of a processing, what it is registered with does. The platform is found by the environment:
api_token, host and organization_id, as in a container. With --wait the command ends as the Job does.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from picsellia_processing.cli.assignment import assignment, json_or_text
from picsellia_processing.errors import ExitCode, UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping

    from picsellia import Client
    from picsellia.sdk.job import Job

    from picsellia_processing.cli.project import JobNeeds
    from picsellia_processing.processing import Processing
    from picsellia_processing.registration import Registration

EXIT_CODES = {"SUCCEEDED": ExitCode.OK, "FAILED": ExitCode.FAILED, "KILLED": ExitCode.TERMINATED}


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare what `pxp launch` takes."""
    add = parser.add_argument
    add("target", metavar="TARGET|NAME", help="a processing folder or module:attribute; or a name on the platform")
    add("--on", metavar="WHAT", help="what it runs on: NAME/VERSION or an id; on a Datalake its name or id")
    add(
        "--file", action="append", default=[], metavar="FILENAME", help="an asset or data to select; may be repeated"
    )  # fmt: skip
    add("--query", metavar="Q", help="select assets or data in the platform's query language")
    add(
        "--parameter", action="append", default=[], metavar="NAME=VALUE", type=assignment,
        help="a parameter of the Job, as JSON or else as text; may be repeated",
    )  # fmt: skip
    add(
        "--input", action="append", default=[], metavar="NAME=VALUE", type=assignment,
        help="an input of the Job; a ModelVersion or the like by NAME/VERSION or id; may be repeated",
    )  # fmt: skip
    add("--cpu", type=int, metavar="N", help="CPUs of the Job (default: what the definition says)")
    add("--gpu", type=int, metavar="N", help="GPUs of the Job (default: likewise)")
    add("--again", metavar="JOB", help="launch with what this Job was launched with; only when it has ended")
    add("--wait", action="store_true", help="follow the Job, and end with its exit code")
    add("--json", action="store_true", help="print the Job as JSON, and nothing else, on stdout")


@dataclass(frozen=True, slots=True)
class _What:
    """The processing to launch; `definition` and `needs` where TARGET says more than its name."""

    name: str
    definition: Processing[..., Any] | None = None
    needs: JobNeeds | None = None


@dataclass(frozen=True, slots=True)
class _Request:
    """What a Job is to be launched with; `target` and `selection` are the SDK's objects."""

    target: Any
    selection: Any
    parameters: Mapping[str, Any]
    inputs: Mapping[str, Any]


def run(arguments: argparse.Namespace) -> int:
    """Launch the Job; 0, or with --wait the exit code of the Job.

    Raises:
        UsageError: before anything is launched: what is asked for does not fit, or is not there.
        PlatformError: the platform cannot be reached, or refuses.
    """
    from picsellia_processing.sdk.client import connect  # noqa: PLC0415 - loads the SDK
    from picsellia_processing.sdk.environment import read_access  # noqa: PLC0415 - `pxp --help` does without
    from picsellia_processing.sdk.launching import launch  # noqa: PLC0415 - loads the SDK
    from picsellia_processing.sdk.processings import ProcessingOnPlatform  # noqa: PLC0415 - likewise

    _check(arguments)
    access = read_access(os.environ)
    what = _read(arguments.target)
    client = connect(access)
    there = ProcessingOnPlatform(client, what.name)
    registration = there.read()
    if registration is None:
        raise UsageError(f"there is no processing {what.name!r} on {access.host}; `pxp deploy` registers one")
    request = _request(client, arguments, registration)
    _check_parameters(request.parameters, registration, what.definition)
    needs = what.needs
    job = launch(
        request.target,
        there.existing,
        request.selection,
        parameters=request.parameters,
        inputs=request.inputs,
        cpu=arguments.cpu if arguments.cpu is not None or needs is None else needs.cpu,
        gpu=arguments.gpu if arguments.gpu is not None or needs is None else needs.gpu,
    )
    say = _silence if arguments.json else _say
    say(f"Job {job.id} of {what.name} is launched.")
    status = _follow(client, job, say) if arguments.wait else job.status.value
    if arguments.json:
        print(json.dumps({"id": str(job.id), "processing": what.name, "status": status}))
    return EXIT_CODES[status] if arguments.wait else ExitCode.OK


def _check(arguments: argparse.Namespace) -> None:
    mistakes = [
        (arguments.on is None) == (arguments.again is None) and "give --on WHAT, or --again JOB; one of them",
        arguments.again is not None and (arguments.file or arguments.query) and "--again comes with its own selection",
        arguments.file and arguments.query is not None and "select by --file or by --query, not by both",
        arguments.query is not None and not arguments.query.strip() and "--query is empty",
        any(n is not None and n < 0 for n in (arguments.cpu, arguments.gpu)) and "--cpu and --gpu are counts",
    ]
    found = [mistake for mistake in mistakes if mistake]
    if found:
        raise UsageError("; ".join(found) + "\nsee `pxp launch --help`")


def _read(target: str) -> _What:
    """What the first word means: a folder that is there, or anything with a colon, is TARGET."""
    if not Path(target).is_dir() and ":" not in target:
        return _What(target)
    from picsellia_processing.cli.project import read_project  # noqa: PLC0415 - only TARGET needs it
    from picsellia_processing.cli.target import check_target  # noqa: PLC0415 - likewise
    from picsellia_processing.processing import load  # noqa: PLC0415 - imports the author's code

    check_target(target)
    project = read_project(target)
    return _What(project.name, load(target), project.needs)


def _request(client: Client, arguments: argparse.Namespace, registration: Registration) -> _Request:
    from picsellia_processing.cli.job_request import read_inputs  # noqa: PLC0415 - loads the SDK
    from picsellia_processing.sdk.earlier_job import EarlierJob, read_earlier_job  # noqa: PLC0415 - likewise
    from picsellia_processing.sdk.launching import find, select  # noqa: PLC0415 - likewise

    earlier = EarlierJob(arguments.on, {}, {}, None)
    if arguments.again is not None:
        earlier = read_earlier_job(client, arguments.again, registration)
    inputs = read_inputs(client, {**earlier.inputs, **dict(arguments.input)}, registration)
    target = find(client, registration.target, earlier.target_id)
    selected = arguments.file or arguments.query is not None or earlier.selection is not None
    if selected and registration.target == "MODEL_VERSION":
        raise UsageError("there is nothing to select in a ModelVersion")
    if not selected and registration.target == "DATALAKE":
        raise UsageError("a Job on a Datalake needs a selection: give --file or --query")
    selection = None
    if selected:
        selection = select(target, filenames=arguments.file, query=arguments.query, ids=earlier.selection or ())
    given = {name: json_or_text(text) for name, text in arguments.parameter}
    return _Request(target, selection, {**earlier.parameters, **given}, inputs)


def _check_parameters(
    parameters: Mapping[str, Any], registration: Registration, definition: Processing[..., Any] | None
) -> None:
    from picsellia_processing.cli.job_request import check_by_definition, check_by_name  # noqa: PLC0415 - loads the SDK

    if definition is None:
        check_by_name(parameters, registration)
    else:
        check_by_definition(parameters, registration, definition)


def _follow(client: Client, job: Job, say: Callable[[str], object]) -> str:
    from picsellia_processing.sdk.following import statuses, stored_log  # noqa: PLC0415 - loads the SDK

    status = ""
    try:
        for status in statuses(job):
            say(f"{status}")
        log = stored_log(client, job)
    except KeyboardInterrupt:
        print(f"pxp: the Job {job.id} goes on", file=sys.stderr)
        raise
    say("The Job has stored no log." if log is None else log.rstrip())
    say(f"Job {job.id} {status}.")
    return status


def _say(line: str) -> None:
    print(line, flush=True)


def _silence(_line: str) -> None:
    """Print nothing."""
