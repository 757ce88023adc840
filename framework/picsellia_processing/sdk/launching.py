"""Launching Jobs: what they run on, and which of it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from picsellia.exceptions import NoDataError, PicselliaError, ResourceNotFoundError

from picsellia_processing.errors import PlatformError, UsageError
from picsellia_processing.sdk.client import encoded, session_of, translated
from picsellia_processing.sdk.environment import is_uuid
from picsellia_processing.task import RejectedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from picsellia import Client
    from picsellia.sdk.job import Job
    from picsellia.sdk.model import Model
    from picsellia.sdk.model_version import ModelVersion
    from picsellia.sdk.processing import Processing

EXPECTED = {
    "DATASET_VERSION": "a DatasetVersion as NAME/VERSION, or its id",
    "MODEL_VERSION": "a ModelVersion as NAME/VERSION, or its id",
    "DATALAKE": "a Datalake by its name or id",
    "DATASET": "a Dataset by its name or id",
    "MODEL": "a Model by its name or id",
}


@dataclass(frozen=True, slots=True)
class JobRequest:
    """What a Job is launched with.

    Attributes:
        target: what it runs on, as `find` found it.
        selection: which of it, as `select` selected it; None for all of it.
        parameters: those that are not to be the default ones.
        inputs: by name; ids for objects.
        cpu: how many CPUs it gets; None for what the processing is registered with.
        gpu: likewise, GPUs.
    """

    target: Any
    selection: Any
    parameters: Mapping[str, Any]
    inputs: Mapping[str, Any]
    cpu: int | None
    gpu: int | None


def find(client: Client, kind: str, reference: str) -> Any:
    """The SDK's object of a kind, one of `EXPECTED`, by its id or in words.

    Raises:
        UsageError: there is none.
        PlatformError: the platform cannot be reached.
    """
    with _looked_up(f"{reference!r} is not there: expected {EXPECTED[kind]}"):
        return _by_id(client, kind, reference) if is_uuid(reference) else _by_name(client, kind, reference)


def _by_id(client: Client, kind: str, identifier: str) -> Any:
    match kind:
        case "DATASET_VERSION":
            return client.get_dataset_version_by_id(identifier)
        case "MODEL_VERSION":
            return client.get_model_version_by_id(identifier)
        case "DATALAKE":
            return client.get_datalake(id=identifier)
        case "DATASET":
            return client.get_dataset_by_id(identifier)
        case _:
            return client.get_model_by_id(identifier)


def _by_name(client: Client, kind: str, reference: str) -> Any:
    name, _, version = reference.rpartition("/")
    match kind:
        case "DATASET_VERSION":
            return client.get_dataset(name).get_version(version)
        case "MODEL_VERSION":
            return _model_version(client.get_model(name), version)
        case "DATALAKE":
            return client.get_datalake(name=reference)
        case "DATASET":
            return client.get_dataset(reference)
        case _:
            return client.get_model(reference)


def _model_version(model: Model, version: str) -> ModelVersion:
    """The version of this name, or else of this number."""
    try:
        return model.get_version(version)
    except ResourceNotFoundError:
        if not version.isdecimal():
            raise
        return model.get_version(int(version))


def select(
    target: Any,
    *,
    filenames: Sequence[str] = (),
    query: str | None = None,
    ids: Sequence[str] = (),
) -> Any:
    """Assets of a DatasetVersion, or data of a Datalake: by file name, by a query, or by id. Never none.

    Raises:
        UsageError: there are none, or a file name is not there.
        PlatformError: the platform cannot be reached, or does not understand the query.
    """
    list_them = getattr(target, "list_assets", None) or target.list_data
    asked = {"filenames": list(filenames) or None, "q": query, "ids": list(ids) or None}
    with _looked_up("nothing is there of what is selected: a Job is not launched on everything instead"):
        found = list_them(**{name: value for name, value in asked.items() if value is not None})
    missing = set(filenames) - {each.filename for each in found}
    if missing:
        raise UsageError(f"{len(missing)} of the selected files are not there: {', '.join(sorted(missing)[:10])}")
    return found


def launch(processing: Processing, request: JobRequest) -> Job:
    """Launch a Job: never two, where the reply to the first request is lost.

    Raises:
        UsageError: it holds what cannot be sent, such as a whole number of more than 64 bits.
        PlatformError: the platform refuses, or it is not known whether it has launched the Job; the message says which.
    """
    options: dict[str, Any] = {"parameters": dict(request.parameters), "inputs": dict(request.inputs)}
    for name in ("cpu", "gpu"):
        if getattr(request, name) is not None:  # the SDK takes no None
            options[name] = getattr(request, name)
    selection = () if request.selection is None else (request.selection,)
    doing = f"launching {processing.name}"
    try:
        encoded(options)
        with translated(doing), session_of(processing).once():
            return request.target.launch_processing(processing, *selection, **options)
    except RejectedError as error:
        raise UsageError(f"{doing}: {error}") from error
    except PlatformError as error:
        if isinstance(error.__cause__, PicselliaError):
            raise
        raise PlatformError(
            f"{doing}: {error}\n"
            "whether the Job is launched is not known: look for it on the platform before you launch another"
        ) from error


@contextmanager
def _looked_up(missing: str) -> Iterator[None]:
    """Turn what the SDK raises into PlatformError, but that nothing was found into UsageError."""
    try:
        with translated("looking it up"):
            yield
    except PlatformError as error:
        if isinstance(error.__cause__, ResourceNotFoundError | NoDataError):
            raise UsageError(missing) from error
        raise
