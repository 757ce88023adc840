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
from typing import TYPE_CHECKING, Any

from picsellia_processing.cli.assignment import add_parameters, assignment, json_or_text
from picsellia_processing.cli.interruption import terminable
from picsellia_processing.errors import ExitCode, PlatformError, UsageError
from picsellia_processing.place import is_folder

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from picsellia import Client
    from picsellia.sdk.job import Job

    from picsellia_processing.cli.job_request import Wish
    from picsellia_processing.processing import Processing
    from picsellia_processing.project import JobNeeds

EXIT_CODES = {"SUCCEEDED": ExitCode.OK, "FAILED": ExitCode.FAILED, "KILLED": ExitCode.TERMINATED}


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare what `pxp launch` takes."""
    add = parser.add_argument
    add("target", metavar="TARGET|NAME", help="a processing folder or module:attribute; or a name on the platform")
    add("--on", metavar="WHAT", help="what it runs on: NAME/VERSION or an id; on a Datalake its name or id")
    add("--file", action="append", default=[], metavar="FILENAME", help="select an asset or data; may be repeated")
    add("--query", metavar="Q", help="select assets or data in the platform's query language")
    add_parameters(parser)
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
class _Named:
    """The processing to launch: its name, and where TARGET tells more than that, its definition and its needs."""

    name: str
    definition: Processing[..., Any] | None = None
    needs: JobNeeds | None = None


def run(arguments: argparse.Namespace) -> int:
    """Launch the Job; 0, or with --wait the exit code of the Job.

    Raises:
        UsageError: before anything is launched: what is asked for does not fit, or is not there.
        PlatformError: the platform cannot be reached, or refuses.
    """
    from picsellia_processing.cli.job_request import make_request  # noqa: PLC0415 - loads the SDK
    from picsellia_processing.sdk.client import connect  # noqa: PLC0415 - likewise
    from picsellia_processing.sdk.environment import read_access  # noqa: PLC0415 - `pxp --help` does without
    from picsellia_processing.sdk.launching import launch  # noqa: PLC0415 - loads the SDK
    from picsellia_processing.sdk.processings import ProcessingOnPlatform  # noqa: PLC0415 - likewise

    _check(arguments)
    access = read_access(os.environ)
    named = _read(arguments.target)
    client = connect(access)
    registered = ProcessingOnPlatform(client, named.name)
    registration = registered.read()
    if registration is None:
        raise UsageError(f"there is no processing {named.name!r} on {access.host}; `pxp deploy` registers one")
    request = make_request(client, registration, named.definition, _wish(arguments, named.needs))
    job = launch(registered.existing, request)
    say = _silence if arguments.json else _say
    say(f"Job {job.id} of {named.name} is launched.")
    status = _follow(client, job, say) if arguments.wait else job.status.value
    if arguments.json:
        print(json.dumps({"id": str(job.id), "processing": named.name, "status": status}))
    return EXIT_CODES[status] if arguments.wait else ExitCode.OK


def _wish(arguments: argparse.Namespace, needs: JobNeeds | None) -> Wish:
    from picsellia_processing.cli.job_request import Wish  # noqa: PLC0415 - loads the SDK

    def count(name: str) -> int | None:
        given: int | None = getattr(arguments, name)
        return getattr(needs, name, None) if given is None else given

    return Wish(
        on=arguments.on,
        again=arguments.again,
        filenames=arguments.file,
        query=arguments.query,
        parameters={name: json_or_text(text) for name, text in arguments.parameter},
        inputs=dict(arguments.input),
        cpu=count("cpu"),
        gpu=count("gpu"),
    )


def _check(arguments: argparse.Namespace) -> None:
    from picsellia_processing.sdk.environment import is_uuid  # noqa: PLC0415 - `pxp --help` does without

    selects = [arguments.again is not None, bool(arguments.file), arguments.query is not None]
    counts = [count for count in (arguments.cpu, arguments.gpu) if count is not None]
    mistakes = {
        "give --on WHAT, or --again JOB; one of them": (arguments.on is None) == (arguments.again is None),
        "select by --file, by --query, or as --again does; by one of them": sum(selects) > 1,
        f"--again takes the id of a Job, as `pxp launch` prints it; found {arguments.again!r}": (
            arguments.again is not None and not is_uuid(arguments.again)
        ),
        "--query is empty": arguments.query is not None and not arguments.query.strip(),
        "--cpu and --gpu are counts": any(count < 0 for count in counts),
    }
    found = [mistake for mistake, made in mistakes.items() if made]
    if found:
        raise UsageError("; ".join(found) + "\nsee `pxp launch --help`")


def _read(target: str) -> _Named:
    """What the first word means: a folder that is there, or anything with a colon, is TARGET."""
    if not is_folder(target) and ":" not in target:
        return _Named(target)
    from picsellia_processing.cli.project import project_of  # noqa: PLC0415 - only TARGET needs it
    from picsellia_processing.cli.target import check_target, load_target  # noqa: PLC0415 - likewise

    check_target(target)
    project = project_of(target)
    return _Named(project.name, load_target(target), project.needs)


def _follow(client: Client, job: Job, say: Callable[[str], object]) -> str:
    from picsellia_processing.sdk.following import statuses, stored_log  # noqa: PLC0415 - loads the SDK

    status = ""
    try:
        with terminable():
            for status in statuses(job):
                say(status)
            log = stored_log(client, job)
    except (KeyboardInterrupt, PlatformError):
        print(
            f"pxp: nobody waits for the Job {job.id} any more; it is {status or 'launched'} and goes on",
            file=sys.stderr,
        )
        raise
    say("The Job has stored no log." if log is None else log.rstrip())
    say(f"Job {job.id} {status}.")
    return status


def _say(line: str) -> None:
    print(line, flush=True)


def _silence(_line: str) -> None:
    """Print nothing."""
