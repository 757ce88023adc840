"""Putting files on a ModelVersion: uploaded in pieces, compared before, and there only once they are whole."""

from __future__ import annotations

import filecmp
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import orjson
from picsellia.exceptions import ResourceConflictError, ResourceNotFoundError
from picsellia.types.enums import Framework, InferenceType, ObjectDataType

from picsellia_processing.errors import JobError
from picsellia_processing.sdk.client import translated
from picsellia_processing.sdk.models import download

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from picsellia import Client
    from picsellia.sdk.model_file import ModelFile as StoredFile
    from picsellia.sdk.model_version import ModelVersion


def files_of(version: ModelVersion) -> dict[str, StoredFile]:
    """The files of a ModelVersion, by name."""
    with translated(f"listing the files of the ModelVersion {version.origin_name}/{version.name}"):
        return {file.name: file for file in version.list_files()}


def find_sibling(client: Client, version: ModelVersion, name: str) -> ModelVersion | None:
    """The version called `name` of the model that `version` belongs to; None where there is none."""
    with translated(f"looking up the version {name!r} of the model {version.origin_name!r}"):
        try:
            return client.get_model_by_id(version.origin_id).get_version(name)
        except ResourceNotFoundError:
            return None


def create_sibling(client: Client, version: ModelVersion, name: str, framework: str | None) -> ModelVersion:
    """Make a version called `name` of the model of `version`, with its type and labels; find it if it is there.

    Raises:
        JobError: the platform knows no such framework.
        PlatformError: the platform cannot be reached.
    """
    if framework is not None and framework not in Framework.values():
        raise JobError(f"there is no framework {framework!r}; expected one of {', '.join(Framework.values())}")
    kind = None if version.type == InferenceType.NOT_CONFIGURED else version.type
    with translated(f"making the version {name!r} of the model {version.origin_name!r}"):
        model = client.get_model_by_id(version.origin_id)
        try:
            return model.create_version(
                name=name, labels=version.labels, type=kind, framework=framework or version.framework
            )
        except ResourceConflictError:  # an answer was lost after it was made
            return model.get_version(name)


def holds(client: Client, stored: StoredFile, path: Path, folder: Path) -> bool:
    """Whether the stored file has the bytes of `path`. It is fetched into `folder` for that, and removed."""
    copy = download(client, stored, folder)
    try:
        return filecmp.cmp(copy, path, shallow=False)
    finally:
        copy.unlink()


def upload(version: ModelVersion, path: Path) -> dict[str, Any]:
    """Send a file to the storage, in pieces where it is large. No ModelVersion has it yet: see `attach`."""
    with translated(f"storing {path.name} for the ModelVersion {version.origin_name}/{version.name}"):
        connection: Any = version.connection
        object_name = connection.generate_model_version_object_name(path.name, ObjectDataType.MODEL_FILE, version.id)
        _, is_large, _ = connection.upload_file(object_name, path)
    return {"filename": path.name, "object_name": object_name, "large": is_large}


def attach(version: ModelVersion, name: str, uploaded: Mapping[str, Any], replaced: StoredFile | None) -> None:
    """Make what was uploaded the file `name` of the ModelVersion, in the place of `replaced`.

    Raises:
        PlatformError: somebody else has made a file of that name since; or the platform cannot be reached.
    """
    with translated(f"adding the file {name!r} to the ModelVersion {version.origin_name}/{version.name}"):
        if replaced is not None:
            with suppress(ResourceNotFoundError):  # an answer was lost after it was deleted
                replaced.delete()
        payload = orjson.dumps({"name": name, **uploaded})
        try:
            version.connection.post(f"/api/model/version/{version.id}/modelfiles", data=payload)
        except ResourceConflictError:
            if version.get_file(name).object_name != uploaded["object_name"]:
                raise


def set_metadata(version: ModelVersion, name: str, metadata: Mapping[str, Any], *, keep: bool) -> None:
    """Make `metadata` the parameter `name` of the ModelVersion, beside its others; send nothing if it is there.

    With `keep`, what is there stays: a speed that is measured a second time is another one.
    """
    with translated(f"writing the parameters of the ModelVersion {version.origin_name}/{version.name}"):
        parameters: dict[str, Any] = version.sync().get("parameters") or {}
        if parameters.get(name) != metadata and not (keep and name in parameters):
            version.update(base_parameters={**parameters, name: dict(metadata)})
