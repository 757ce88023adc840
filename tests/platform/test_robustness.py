"""Whatever is sent to any endpoint, the platform answers with an error of the vendor's form, and goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests
from picsellia_processing.platform.resources import ROUTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from picsellia import Client
    from picsellia.sdk.asset import Asset
    from picsellia.sdk.dataset_version import DatasetVersion
    from picsellia_processing.platform.process import LocalPlatform
    from picsellia_processing.platform.routing import Route

_VALUES = ["null", "0", "-1", "1.5", '""', '"\\u0000"', "true", "[]", "[[]]", "[{}]", "{}", '{"a": []}', '["x", "x"]']
_NAMES = [
    "name", "type", "version", "target_type", "target", "filename", "object_name", "content_type", "meta", "metadata",
    "custom_metadata", "tags", "data_source_id", "data_ids", "asset_tag_ids", "ids", "names", "status", "duration",
    "import_type", "annotations", "rectangles", "polygons", "masks", "keypoints", "asset_ids", "annotation_ids",
    "export_key", "parameters", "labels", "inputs", "processing_id", "line_nb", "log", "special", "part", "vertices",
    "edges", "parent_id", "group_id", "x", "label_id", "text", "q", "large", "default_parameters", "docker_image",
]  # fmt: skip
BODIES = [b"", b"{", b"\xff\xfe", *(value.encode() for value in _VALUES)] + [
    ("{" + ", ".join(f'"{name}": {value}' for name in _NAMES) + "}").encode() for value in _VALUES
]
QUERIES = [
    {},
    {"limit": "99999999999999999999"},
    {"id": "\0", "name": "\0", "version": "9" * 30, "custom_metadata": "{", "status": "x", "order_by": ""},
    {"custom_metadata": '{"a\\"": 1}', "limit": "1", "offset": "9" * 18},
    {"custom_metadata": "3", "cursor": "é", "asset_ids": "x"},
]


@pytest.fixture
def session(platform: LocalPlatform) -> Iterator[requests.Session]:
    with requests.Session() as opened:
        opened.headers["Authorization"] = f"Bearer {platform.api_token}"
        yield opened


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.template}")
def test_no_request_breaks_an_endpoint(
    client: Client,
    platform: LocalPlatform,
    session: requests.Session,
    version: DatasetVersion,
    assets: list[Asset],
    route: Route,
) -> None:
    identifiers = {
        "/api/organization/{}": client.id,
        "/api/object-storage/{}": client.connection.connector_id,
        "/api/datalake/{}": client.get_datalake().id,
        "/api/dataset/version/{}": version.id,
        "/api/dataset/{}": version.origin_id,
        "/api/asset/{}": assets[0].id,
        "/api/data/{}": assets[0].data_id,
        "/api/annotation/{}": assets[0].create_annotation().id,
        "/api/label/{}": version.create_label("cat").id,
    }
    known = next((value for prefix, value in identifiers.items() if route.template.startswith(prefix)), "x")
    path = route.template.replace("connector/{}", f"connector/{client.connection.connector_id}")
    paths = [path.replace("{}", str(known)), path.replace("{}", "%00"), path.replace("{}", "..%2F'")]
    bodies = BODIES[: len(QUERIES)] if route.method == "GET" else BODIES
    for number, body in enumerate(bodies):
        query = QUERIES[number % len(QUERIES)]
        for address in paths if number < len(QUERIES) else paths[:1]:
            response = session.request(route.method, f"{platform.host}{address}", data=body, params=query, timeout=10)
            assert response.status_code < 500, (address, body, query, response.text)
            if response.status_code >= 400:
                assert set(response.json()) == {"message", "detail"}


def test_paths_that_are_no_text_are_answered(platform: LocalPlatform, session: requests.Session) -> None:
    for path in ("/blob/", "/blob/x", "/blob/%ff?signature=%ff", "/api/%ff/%c3%28", "/_platform/", "/_platform/x"):
        assert session.get(f"{platform.host}{path}", timeout=10).status_code in {403, 404, 501}
