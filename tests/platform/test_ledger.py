"""The ledger, and the honest answer for what is not emulated."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest
import requests
from picsellia.exceptions import PicselliaError, ResourceNotFoundError

if TYPE_CHECKING:
    from picsellia import Client
    from picsellia.sdk.asset import Asset
    from picsellia.sdk.dataset_version import DatasetVersion
    from picsellia_processing.platform.process import LocalPlatform


def test_every_request_is_counted_by_template(
    platform: LocalPlatform, version: DatasetVersion, assets: list[Asset]
) -> None:
    platform.clear_ledger()
    version.sync()
    assets[0].sync()
    assets[1].sync()
    content = requests.get(assets[0].url, timeout=10).content
    with pytest.raises(ResourceNotFoundError):
        version.get_label("none")
    ledger = platform.ledger(requests=2)
    assert ledger["total"] == 5
    assert ledger["by_endpoint"] == {
        "GET /api/asset/{}": 2,
        "GET /api/dataset/version/{}": 1,
        "GET /blob/{}": 1,
        "GET /api/dataset/version/{}/labels/find": 1,
    }
    assert ledger["by_status"] == {"200": 4, "404": 1}
    assert ledger["failed"] == {"404 GET /api/dataset/version/{}/labels/find": 1}
    assert (ledger["not_emulated"], ledger["faults"]) == ([], 0)
    blob, find = ledger["requests"]
    assert (blob["method"], blob["path"], blob["status"], blob["sent"]) == ("GET", "/blob/{}", 200, len(content))
    assert find["status"] == 404
    assert all(entry["duration"] >= 0 and entry["time"] > 0 for entry in (blob, find))


def test_no_secret_is_in_the_ledger(platform: LocalPlatform, assets: list[Asset]) -> None:
    requests.get(assets[0].url, timeout=10)
    text = str(platform.ledger(requests=10_000))
    assert "signature" not in text
    assert platform.api_token not in text


def test_what_is_not_emulated_says_so_and_is_recorded(
    client: Client, platform: LocalPlatform, version: DatasetVersion
) -> None:
    platform.clear_ledger()
    with pytest.raises(PicselliaError, match=r"\[501\].*not emulated") as caught:
        version.lock()
    assert not isinstance(caught.value, ResourceNotFoundError)
    with pytest.raises(PicselliaError, match="501"):
        client.list_deployments()
    with pytest.raises(PicselliaError, match="501"):
        client.connection.get(f"/api/made/up/{uuid.uuid4()}")
    assert platform.ledger()["not_emulated"] == [
        "GET /api/made/up/{}",
        "GET /api/organization/{}/deployments",
        "POST /api/dataset/version/{}/lock",
    ]


def test_unknown_paths_outside_of_the_api_are_not_emulated_either(client: Client) -> None:
    for path in ("/", "/api", "/api/", "/api//dataset", "/favicon.ico", "/api/dataset/version/%2e%2e/x"):
        with pytest.raises(PicselliaError, match="501"):
            client.connection.get(path)


def test_latency_is_added(platform: LocalPlatform) -> None:
    from picsellia_processing.platform.process import LocalPlatform

    with LocalPlatform(latency_ms=5) as slow:
        headers = {"Authorization": f"Bearer {slow.api_token}"}
        assert requests.get(f"{slow.host}/api/home/ping", headers=headers, timeout=10).status_code == 200
        assert slow.ledger(requests=1)["requests"][0]["duration"] >= 0.005
