"""The few objects of the platform that a Job refers to, as the wire spells them."""

from __future__ import annotations

from typing import Any

ORGANIZATION = "22222222-2222-4222-8222-222222222222"
JOB = "11111111-1111-4111-8111-111111111111"
VERSION = "33333333-3333-4333-8333-333333333333"
OUTPUT = "44444444-4444-4444-8444-444444444444"
MODEL = "55555555-5555-4555-8555-555555555555"
LAKE = "66666666-6666-4666-8666-666666666666"
NOWHERE = "99999999-9999-4999-8999-999999999999"


def connection_routes() -> dict[str, Any]:
    """What connecting asks for."""
    return {
        "/api/home/ping": {"sdk_version": "6.37.0", "username": "me", "default_organization": ORGANIZATION},
        f"/api/organization/{ORGANIZATION}": {"id": ORGANIZATION, "name": "mine", "default_connector_id": None},
    }


def version(identifier: str = VERSION, *, kind: str = "OBJECT_DETECTION") -> dict[str, Any]:
    """A DatasetVersion."""
    return {"id": identifier, "origin_name": "birds", "origin_id": NOWHERE, "version": "v1", "type": kind}


def model(*, kind: str = "OBJECT_DETECTION", labels: dict[str, str] | None = None) -> dict[str, Any]:
    """A ModelVersion."""
    origin = {"id": NOWHERE, "name": "finder", "private": True}
    found = {"id": MODEL, "origin": origin, "name": "finder-1", "version": 0, "type": kind, "framework": "ONNX"}
    return {**found, "labels": labels}


def asset(number: int, **data: Any) -> dict[str, Any]:
    """An Asset; `data` goes over what its Data would say."""
    identifier = f"aaaaaaaa-0000-4000-8000-{number:012d}"
    content = {
        "id": identifier.replace("a", "d"),
        "object_name": f"{number}.jpg",
        "filename": f"{number}.jpg",
        "type": "IMAGE",
        "upload_status": "DONE",
        "meta": {"width": 64, "height": 48},
        "presigned_url": None,
    }
    return {"id": identifier, "data": {**content, **data}}
