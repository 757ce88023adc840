"""Making the request for a Job of what a command was given. All of it is checked before a Job is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from picsellia_processing.cli.job_checks import check_by_definition, check_by_name, read_inputs
from picsellia_processing.errors import UsageError
from picsellia_processing.sdk.earlier_job import EarlierJob, read_earlier_job
from picsellia_processing.sdk.launching import JobRequest, find, select

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from picsellia import Client

    from picsellia_processing.processing import Processing
    from picsellia_processing.registration import Registration


@dataclass(frozen=True, slots=True)
class Wish:
    """What a Job is to be launched with, as people say it.

    Attributes:
        on: what it runs on, in words or by id; None with `again`.
        again: the id of an earlier Job that says what is not said here.
        filenames: names of the assets or data to select.
        query: selects them in the platform's query language.
        parameters: over those of the earlier Job.
        inputs: likewise.
        cpu: CPUs; None for what the processing is registered with.
        gpu: likewise, GPUs.
    """

    on: str | None
    again: str | None
    filenames: Sequence[str]
    query: str | None
    parameters: Mapping[str, Any]
    inputs: Mapping[str, str]
    cpu: int | None
    gpu: int | None


def make_request(
    client: Client, registration: Registration, definition: Processing[..., Any] | None, wish: Wish
) -> JobRequest:
    """The request for a Job of a registered processing; `definition` checks the parameters, where there is one.

    Raises:
        UsageError: something does not fit, or is not there.
        PlatformError: the platform cannot be reached.
    """
    earlier = _earlier(client, registration, wish)
    parameters = {**earlier.parameters, **wish.parameters}
    if definition is None:
        check_by_name(parameters, registration)
    else:
        check_by_definition(parameters, registration, definition)
    target = find(client, registration.target, earlier.target_id)
    return JobRequest(
        target=target,
        selection=_selection(target, registration.target, wish, earlier.selection),
        parameters=parameters,
        inputs=read_inputs(client, {**earlier.inputs, **wish.inputs}, registration),
        cpu=wish.cpu,
        gpu=wish.gpu,
    )


def _earlier(client: Client, registration: Registration, wish: Wish) -> EarlierJob:
    if wish.again is not None:
        return read_earlier_job(client, wish.again, registration)
    assert wish.on is not None
    return EarlierJob(wish.on, parameters={}, inputs={}, selection=None)


def _selection(target: Any, kind: str, wish: Wish, ids: Sequence[str] | None) -> Any:
    selects = bool(wish.filenames) or wish.query is not None or ids is not None
    if selects and kind == "MODEL_VERSION":
        raise UsageError("there is nothing to select in a ModelVersion")
    if not selects and kind == "DATALAKE":
        raise UsageError("a Job on a Datalake needs a selection: give --file or --query")
    return select(target, filenames=wish.filenames, query=wish.query, ids=ids or ()) if selects else None
