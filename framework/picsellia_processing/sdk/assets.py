"""The assets of a DatasetVersion: listed lazily in pages, fetched as bytes, and which of them are annotated."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from itertools import chain
from typing import TYPE_CHECKING, Any

import orjson
from picsellia.compatibility import add_data_mandatory_query_parameters

from picsellia_processing.errors import AssetError, JobError, PlatformError
from picsellia_processing.image import AssetReference
from picsellia_processing.sdk.client import session_of, translated
from picsellia_processing.sdk.session import FILE_TIMEOUT, is_expired
from picsellia_processing.task import Page

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from picsellia import Client
    from picsellia.sdk.dataset_version import DatasetVersion

PAGE = 1000
"""Most assets the platform lists in one answer, and most ids it takes in one question."""

SHAPE_KINDS = ("rectangles", "polygons", "classifications", "keypoints", "masks", "lines", "points")


def pages(version: DatasetVersion, selection: Sequence[str] | None) -> Iterator[Page]:
    """The Job's assets, a page at a time; the next page is asked for when it is wanted, as its URLs expire.

    Ids of the selection that the DatasetVersion does not have are in `Page.missing`.

    Raises:
        JobError: nothing of a selection of one page is there, or the DatasetVersion has no asset.
        PlatformError: the platform cannot be reached.
    """
    found = all_pages(version) if selection is None else _selected_pages(version, selection)
    first = next(found)
    if not first.references and first.total <= PAGE:
        what = "is empty" if selection is None else f"has none of the {first.total} selected assets"
        raise JobError(f"the DatasetVersion {version.name}/{version.version} {what}: there is nothing to do")
    return chain([first], found)


def all_pages(version: DatasetVersion) -> Iterator[Page]:
    """All its assets, a page at a time, also where there is none.

    Raises:
        PlatformError: the platform cannot be reached.
    """
    parameters: dict[str, Any] = add_data_mandatory_query_parameters({"limit": PAGE, "offset": 0})
    path = f"/api/dataset/version/{version.id}/assets"
    while True:
        with translated(f"listing the assets of {version.name}/{version.version}"):
            content = version.connection.get(path, params=parameters).json()
            page = Page(_references(content), int(content["count"]))
        cursor = content.get("next_cursor") if content["items"] else None
        del content  # it is several times as large as the page, and the page is in use for long
        yield page
        if not cursor:
            return
        parameters = {**parameters, "cursor": cursor}
        parameters.pop("offset", None)


def _selected_pages(version: DatasetVersion, selection: Sequence[str]) -> Iterator[Page]:
    path = f"/api/dataset/version/{version.id}/assets"
    for start in range(0, len(selection), PAGE):
        ids = selection[start : start + PAGE]
        question = add_data_mandatory_query_parameters({"ids": list(ids)})
        with translated(f"listing the selected assets of {version.name}/{version.version}"):
            content = version.connection.xget(path, data=orjson.dumps(question)).json()
            references = _references(content)
        there = {reference.id for reference in references}
        yield Page(references, len(selection), tuple(each for each in ids if each not in there))


def _references(content: dict[str, Any]) -> list[AssetReference]:
    return [to_reference(item, item["data"]) for item in content["items"]]


def to_reference(item: Mapping[str, Any], data: Mapping[str, Any]) -> AssetReference:
    """What the platform lists, an Asset or a data by itself, and its data, as what is streamed."""
    meta = data.get("meta") or {}
    return AssetReference(
        id=str(item["id"]),
        filename=data["filename"],
        url=data.get("presigned_url"),
        width=int(meta.get("width") or 0),
        height=int(meta.get("height") or 0),
        object_name=data["object_name"],
        data_id=str(data["id"]),
        type=data.get("type", "IMAGE"),
        upload_status=data.get("upload_status", "DONE"),
        tags=tuple(str(tag["name"]) for tag in item.get("tags") or ()),
    )


def fetch(client: Client, reference: AssetReference) -> bytes:
    """The file of an Asset, retried; a URL that has expired is renewed once.

    Raises:
        AssetError: the file cannot be had.
    """
    session = session_of(client)
    url = reference.url
    for renewed in (False, True):
        if url is None or renewed:
            url = _renewed_url(client, reference)
        try:
            answer = session.get(url, timeout=FILE_TIMEOUT)
        except PlatformError as error:
            raise AssetError(f"the file cannot be fetched: {error}") from error
        if answer.ok:
            return answer.content
        if renewed or not is_expired(answer):
            break
    raise AssetError(f"the file cannot be fetched: the storage answered {_status(answer.status_code)}")


def _renewed_url(client: Client, reference: AssetReference) -> str:
    try:
        with translated("renewing the URL of the file"):
            return str(client.connection.get(f"/api/data/{reference.data_id}/presigned-url").json()["presigned_url"])
    except PlatformError as error:
        raise AssetError(f"the file cannot be fetched: {error}") from error


def _status(code: int) -> str:
    known = {status.value: status.phrase for status in HTTPStatus}
    return f"{code} {known.get(code, '')}".strip()


def annotated_assets(version: DatasetVersion, *, threads: int = 4) -> frozenset[str]:
    """The ids of the assets that have an annotation already: one request where there is none.

    The platform lists annotations, not the assets that have one, so what there is has to be read. An empty annotation
    counts: it says that there is nothing to see. Of a LINE, POINT or MULTI version it does not, since there an
    annotation may be made before it is filled.
    """
    with translated(f"listing the annotations of {version.name}/{version.version}"):
        ids = version.connection.get(f"/api/dataset/version/{version.id}/annotations/ids", params={}).json()
        chunks = list(_chunks(ids, annotation_chunk(version)))
        with ThreadPoolExecutor(threads) as pool:
            found = list(pool.map(lambda chunk: _asset_ids(version, chunk), chunks))
    return frozenset(chain.from_iterable(found))


def _asset_ids(version: DatasetVersion, annotation_ids: Sequence[str]) -> list[str]:
    may_be_unfilled = version.type.value in {"LINE", "POINT", "MULTI"}
    return [
        str(annotation["asset_id"])
        for annotation in read_annotations(version, annotation_ids)
        if not may_be_unfilled or is_filled(annotation)
    ]


def is_filled(annotation: Mapping[str, Any]) -> bool:
    """Whether an annotation, as the platform sends it, has a shape."""
    return any(annotation.get(kind) for kind in SHAPE_KINDS)


def read_annotations(version: DatasetVersion, annotation_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Annotations with their shapes, as the platform sends them."""
    content: list[dict[str, Any]] = version.connection.xget(
        f"/api/dataset/version/{version.id}/annotations", data=orjson.dumps(list(annotation_ids))
    ).json()
    return content


def annotation_chunk(version: DatasetVersion) -> int:
    """How many annotations may be read at once; the SDK's own limits."""
    return 10 if version.type.value in {"SEGMENTATION", "LINE", "MULTI"} else 100


def _chunks(values: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (values[start : start + size] for start in range(0, len(values), size))
