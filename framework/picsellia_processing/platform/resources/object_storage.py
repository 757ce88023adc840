"""Cloud storage: object names, and presigned URLs in the dialects that need no form and no parts.

Small files are told "azure" (one raw PUT), large ones "google" (PUTs with Content-Range): both arrive at one blob path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from picsellia_processing.platform.blobs import suffix_of
from picsellia_processing.platform.routing import Route
from picsellia_processing.platform.store import new_id
from picsellia_processing.platform.wire import not_found, unprocessable

from .organization import check_organization

if TYPE_CHECKING:
    from picsellia_processing.platform.wire import Call, Fields

OBJECT_TYPES = (
    "AGENTS_REPORT", "ARTIFACT", "CAMPAIGN_FILE", "DATA", "DATA_PROJECTION", "LOGGING", "LOG_IMAGE", "MODEL_FILE",
    "MODEL_THUMB", "REVIEW_CAMPAIGN_FILE",
)  # fmt: skip


def _generate_object_name(call: Call) -> dict[str, Any]:
    check_organization(call)
    _check_connector(call, call.path[1])
    fields = call.fields()
    folder = fields.choice("type", OBJECT_TYPES).lower()
    name = f"{new_id()}{suffix_of(fields.string('filename'))}"
    upload_dir = fields.optional_string("upload_dir")
    return {"object_name": "/".join(filter(None, [folder, upload_dir, name]))}


def _generate_presigned_url(call: Call) -> dict[str, Any]:
    url = _upload_url(call)
    return {"client_type": "azure", "presigned_url_data": {"url": url, "fields": {}}}


def _init_multipart_upload(call: Call) -> dict[str, Any]:
    return {"client_type": "google", "url": _upload_url(call)}


def _upload_url(call: Call) -> str:
    _check_connector(call, call.path[0])
    fields = call.fields()
    name = _object_name(fields)
    content_type = fields.optional_string("content_type") or "application/octet-stream"
    if not content_type.isascii() or not content_type.isprintable():
        raise unprocessable(f"content_type: expected printable ASCII characters, found {content_type!r}")
    return call.state.blobs.sign("PUT", call.state.blobs.reserve(name, content_type), name)


def _retrieve_presigned_url(call: Call) -> dict[str, Any]:
    _check_connector(call, call.path[0])
    name = _object_name(call.fields())
    blob = call.state.blobs.find_by_name(name)
    if blob is None:
        raise not_found("object", name)
    return {"presigned_url": call.state.blobs.sign("GET", blob.id, name)}


def _object_name(fields: Fields) -> str:
    return fields.string("object_name", limit=4096)


def _check_connector(call: Call, connector_id: str) -> None:
    if connector_id != call.state.organization.connector_id:
        raise not_found("connector", connector_id)


ROUTES = (
    Route("POST", "/api/organization/{}/connector/{}/generate_object_name", _generate_object_name),
    Route("POST", "/api/object-storage/{}/generate_presigned_url", _generate_presigned_url),
    Route("POST", "/api/object-storage/{}/init_multipart_upload", _init_multipart_upload),
    Route("POST", "/api/object-storage/{}/retrieve_presigned_url", _retrieve_presigned_url),
)
