"""The table of endpoints is current, and complete where it must be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import requests
from picsellia_processing.platform import coverage
from picsellia_processing.platform.resources import ROUTES

if TYPE_CHECKING:
    from picsellia_processing.platform.process import LocalPlatform

_, _, ENDPOINTS = coverage.endpoints()
IMPLEMENTED = {(route.method, route.template) for route in ROUTES}


def test_table_is_current() -> None:
    assert coverage.TABLE.read_text(encoding="utf-8") == coverage.render(), (
        "run python -m picsellia_processing.platform.coverage"
    )


def test_every_endpoint_that_processings_call_is_implemented() -> None:
    runtime = {(endpoint["method"], endpoint["path"]) for endpoint in ENDPOINTS if endpoint["scope"] == "runtime"}
    assert len(runtime) == 77
    assert runtime <= IMPLEMENTED


def test_every_route_is_one_of_the_sdk() -> None:
    assert {(endpoint["method"], endpoint["path"]) for endpoint in ENDPOINTS} >= IMPLEMENTED


def test_every_other_endpoint_says_that_it_is_not_emulated(platform: LocalPlatform) -> None:
    others = [endpoint for endpoint in ENDPOINTS if (endpoint["method"], endpoint["path"]) not in IMPLEMENTED]
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {platform.api_token}"
        for endpoint in others:
            path = endpoint["path"].replace("{}", "00000000-0000-4000-8000-000000000000")
            response = session.request(endpoint["method"], f"{platform.host}{path}", timeout=10)
            assert response.status_code == 501
            assert f"{endpoint['method']} {endpoint['path']} is not emulated" in response.json()["message"]
    recorded = platform.ledger()["not_emulated"]
    assert {f"{endpoint['method']} {endpoint['path']}" for endpoint in others} <= set(recorded)
