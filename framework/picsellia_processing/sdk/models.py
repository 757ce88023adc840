"""The files of a ModelVersion: which of them is meant, and getting it here whole."""

from __future__ import annotations

from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from picsellia_processing.errors import JobError, PlatformError, ProcessingError
from picsellia_processing.parameters import suggestion
from picsellia_processing.sdk.client import session_of, translated
from picsellia_processing.sdk.session import FILE_TIMEOUT, RETRIED_ERRORS, is_expired, pieces

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from picsellia import Client
    from picsellia.sdk.model_file import ModelFile as StoredFile
    from picsellia.sdk.model_version import ModelVersion

    from picsellia_processing.inputs import ModelFile

NOTHING: Mapping[str, Any] = MappingProxyType({})


def choose_files(
    version: ModelVersion | None, wanted: Sequence[ModelFile], parameters: Mapping[str, Any] = NOTHING
) -> dict[ModelFile, StoredFile]:
    """The stored file that each ModelFile means. Those that are not required are left out without a ModelVersion.

    `parameters` are those the Job was given: they may name a file.

    Raises:
        JobError: the Job has no ModelVersion, or a file is missing or ambiguous. All mistakes at once.
    """
    wanted = [file for file in wanted if file.required or version is not None]
    if not wanted:
        return {}
    names = ", ".join(repr(file.named(parameters).name) for file in wanted)
    if version is None:
        raise JobError(
            f"the processing asks for the model file {names}, but the Job has no ModelVersion; "
            "launch it with the input `model_version_id`, or give a dry-run --model-file NAME=PATH"
        )
    with translated(f"listing the files of the ModelVersion {version.origin_name}/{version.name}"):
        stored = version.list_files()
    chosen = {file: _candidates(file.named(parameters).name, stored) for file in wanted}
    mistakes = [_mistake(file.named(parameters), found, stored) for file, found in chosen.items() if len(found) != 1]
    if mistakes:
        raise JobError(f"the ModelVersion {version.origin_name}/{version.name}: " + "; ".join(mistakes))
    return {file: found[0] for file, found in chosen.items()}


def download(client: Client, file: StoredFile, folder: Path) -> Path:
    """Get a model file into `folder`, under its own file name, streamed; the file appears once it is whole.

    Raises:
        PlatformError: the file cannot be had.
        ProcessingError: the disk cannot take it.
    """
    try:
        return _download(client, file, folder)
    except OSError as error:
        raise ProcessingError(f"the model file {file.name!r} cannot be stored in {folder}: {error.strerror}") from error


def _download(client: Client, file: StoredFile, folder: Path) -> Path:
    target = folder / str(file.id) / _safe_name(file.filename)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(".part")
    with translated(f"reading the URL of the model file {file.name!r}"):
        url = file.url
    session, renewed = session_of(client), False
    for _ in range(session.policy.attempts):
        with session.get(url, stream=True, timeout=FILE_TIMEOUT) as answer:
            if answer.ok:
                with partial.open("wb") as handle:
                    try:
                        for piece in pieces(answer, FILE_TIMEOUT[1]):
                            handle.write(piece)
                    except RETRIED_ERRORS:
                        continue
                partial.replace(target)
                return target
            if renewed or not is_expired(answer):
                raise PlatformError(f"the model file {file.name!r} cannot be fetched: {answer.status_code}")
        with translated(f"renewing the URL of the model file {file.name!r}"):
            url, renewed = file.reset_url(), True
    raise PlatformError(
        f"the model file {file.name!r} cannot be fetched whole: it broke off {session.policy.attempts} times"
    )


def _safe_name(filename: str) -> str:
    """The last part of `filename`, printable, never hidden, and at most 128 bytes long: its suffix stays."""
    name = "".join(char for char in filename.replace("\\", "/").rsplit("/", 1)[-1] if char.isprintable())
    return name.encode()[-128:].decode(errors="ignore").lstrip(".") or "model"


def _candidates(name: str, stored: Sequence[StoredFile]) -> list[StoredFile]:
    return [file for file in stored if file.name == name] or [
        file for file in stored if fnmatchcase(file.filename, name)
    ]


def _mistake(wanted: ModelFile, found: Sequence[StoredFile], stored: Sequence[StoredFile]) -> str:
    if found:
        names = ", ".join(f"{file.name!r} ({file.filename})" for file in found)
        return f"several files fit {wanted.name!r}: {names}; ask for one of them by name"
    there = ", ".join(f"{file.name!r} ({file.filename})" for file in stored) or "none"
    hint = suggestion(wanted.name, [file.name for file in stored])
    return f"it has no file {wanted.name!r}{hint}; its files: {there}"
