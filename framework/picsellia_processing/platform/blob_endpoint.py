"""The storage behind signed URLs: GET answers the bytes, PUT takes them, whole or in parts with Content-Range."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, BinaryIO

from starlette.responses import FileResponse, Response

from .wire import ApiError, bad_request, not_found

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.requests import Request

    from .state import State

IN_MEMORY = 8 * 1024 * 1024
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


async def answer_blob(state: State, request: Request, segment: str) -> Response:
    """Serve `/blob/<id><suffix>`. Raises 403 for a URL that is not, or no longer, good, and 404 without bytes."""
    identifier = segment.partition(".")[0]
    query = request.query_params
    state.blobs.check(request.method, identifier, query.get("expires", ""), query.get("signature", ""))
    if request.method == "PUT":
        return await _put(state, request, identifier)
    return _get(state, identifier)


def _get(state: State, identifier: str) -> Response:
    blob = state.blobs.find(identifier)
    if blob is None:
        raise not_found("object", identifier)
    try:
        if blob.size <= IN_MEMORY:
            return Response(blob.path.read_bytes(), media_type=blob.content_type)
        if blob.path.is_file():
            return FileResponse(blob.path, media_type=blob.content_type)
    except FileNotFoundError:
        pass
    raise not_found("the file of object", identifier)


async def _put(state: State, request: Request, identifier: str) -> Response:
    part = request.headers.get("content-range")
    if part is not None:
        return await _put_part(state, request, identifier, part)
    path = state.blobs.new_file()
    try:
        size = await _write(request, path, 0)
        if not _is_complete(request, size):
            raise bad_request(f"the body ended after {size} bytes, before its Content-Length")
        with state.store.transaction():
            state.blobs.keep(identifier, path, size)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return Response(status_code=HTTPStatus.CREATED)


async def _put_part(state: State, request: Request, identifier: str, part: str) -> Response:
    """Write one part at its place, so that sending it again does no harm; the last one completes the object."""
    match = _RANGE.fullmatch(part)
    if match is None:
        raise bad_request(f"Content-Range: expected 'bytes first-last/total', found {part!r}")
    first, last, total = map(int, match.groups())
    path = state.blobs.part_file(identifier)
    present = state.blobs.part_size(identifier)
    if not first <= last < total or first > present:
        raise bad_request(f"Content-Range: expected to start at {present} or before, found {part!r}")
    size = await _write(request, path, first)
    if size != last - first + 1:
        raise bad_request(f"Content-Range: expected {last - first + 1} bytes, found {size}")
    if last + 1 < total:
        return Response(status_code=HTTPStatus.PERMANENT_REDIRECT, headers={"range": f"bytes=0-{last}"})
    whole = path.rename(state.blobs.new_file())
    with state.store.transaction():
        state.blobs.keep(identifier, whole, total)
    return Response(status_code=HTTPStatus.OK)


async def _write(request: Request, path: Path, position: int) -> int:
    size = 0
    with _open_at(path, position) as file:
        async for chunk in request.stream():
            file.write(chunk)
            size += len(chunk)
        if position == 0:
            file.truncate()
    return size


def _open_at(path: Path, position: int) -> BinaryIO:
    file = path.open("r+b" if path.exists() else "wb")
    file.seek(position)
    return file


def _is_complete(request: Request, size: int) -> bool:
    declared = request.headers.get("content-length")
    return declared is None or int(declared) == size


def refusal(error: ApiError) -> Response:
    """An ApiError as the response of an endpoint outside of the API."""
    reply = error.reply()
    return Response(reply.body, reply.status, media_type=reply.content_type)
