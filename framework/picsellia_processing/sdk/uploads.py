"""Files that become data of a Datalake: found again by file name, or uploaded."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import orjson
from picsellia.compatibility import add_data_mandatory_query_parameters
from picsellia.exceptions import ResourceConflictError, UnprocessableData
from picsellia.sdk.data import Data
from picsellia.types.enums import DataType, DataUploadStatus, ObjectDataType

from picsellia_processing.sdk.annotations import REJECTIONS
from picsellia_processing.sdk.assets import PAGE
from picsellia_processing.sdk.client import describe, translated
from picsellia_processing.task import RejectedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from picsellia import Client
    from picsellia.sdk.datalake import Datalake

UPLOAD_THREADS = 16
COMPUTING_PAUSE = 1.0
COMPUTING_ATTEMPTS = 120
"""How long the platform may take to read a file: seconds between two looks, and how many looks."""


def default_datalake(client: Client) -> Datalake:
    """The Datalake that data go to where the Job names none."""
    with translated("looking up the default Datalake"):
        return client.get_datalake()


def upload_images(
    datalake: Datalake, files: Mapping[str, Path], sizes: Mapping[str, tuple[int, int]]
) -> dict[str, str]:
    """Have these image files in the Datalake, by file name: data id by file name. Those that are there are not sent.

    `sizes` gives the width and height of each. Several files are under way at once.

    Raises:
        RejectedError: the platform refuses one of them, or cannot read it.
        PlatformError: the platform or its storage cannot be reached.
    """
    there = find_data(datalake, list(files))
    missing = [name for name in files if name not in there]
    with ThreadPoolExecutor(UPLOAD_THREADS, thread_name_prefix="upload") as pool:
        sent = list(pool.map(lambda name: _upload(datalake, name, files[name], sizes[name]), missing))
    return there | dict(zip(missing, sent, strict=True))


def find_data(datalake: Datalake, filenames: Sequence[str]) -> dict[str, str]:
    """The ids of the data of these file names that are whole, by file name."""
    found: dict[str, str] = {}
    with translated(f"looking up {len(filenames)} file names in the Datalake {datalake.name}"):
        for start in range(0, len(filenames), PAGE):
            question = add_data_mandatory_query_parameters({"filenames": list(filenames[start : start + PAGE])})
            path = f"/api/datalake/{datalake.id}/datas"
            content = datalake.connection.xget(path, data=orjson.dumps(question)).json()
            whole = [item for item in content["items"] if item["upload_status"] == DataUploadStatus.DONE.value]
            found |= {item["filename"]: str(item["id"]) for item in whole}
    return found


def _upload(datalake: Datalake, filename: str, path: Path, size: tuple[int, int]) -> str:
    connection = datalake.connection
    with translated(f"uploading {filename}"):
        try:
            name = connection.generate_data_object_name(filename, ObjectDataType.DATA, datalake.connector_id)
            _, _, content_type = connection.upload_file(name, path, connector_id=datalake.connector_id)
            data = _create(datalake, filename, name, content_type, size)
        except REJECTIONS as error:
            raise RejectedError(f"the platform refused the file {filename}: {describe(error)}") from error
        if data.upload_status != DataUploadStatus.DONE:
            _wait(data, filename)
        return str(data.id)


def _wait(data: Data, filename: str) -> None:
    try:
        data.wait_for_upload_done(blocking_time_increment=COMPUTING_PAUSE, attempts=COMPUTING_ATTEMPTS)
    except UnprocessableData as error:
        raise RejectedError(f"the platform cannot read the file {filename}") from error


def _create(datalake: Datalake, filename: str, object_name: str, content_type: str, size: tuple[int, int]) -> Data:
    payload = {
        "type": DataType.IMAGE.value,
        "filename": filename,
        "object_name": object_name,
        "content_type": content_type,
        "tags": [],
        "data_source_id": None,
        "meta": {"width": size[0], "height": size[1]},
    }
    path = f"/api/datalake/{datalake.id}/datas"
    try:
        content = datalake.connection.post(path, data=orjson.dumps(payload)).json()
    except ResourceConflictError:  # it was made, but the answer was lost, and the request sent again
        content = datalake.connection.get(f"{path}/find", params={"object_name": object_name}).json()
    return Data(datalake.connection, datalake.id, content)
