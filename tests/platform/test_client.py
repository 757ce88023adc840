"""Connecting: who may, and to what."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest
import requests
from picsellia import Client
from picsellia.exceptions import PicselliaError, ResourceNotFoundError

if TYPE_CHECKING:
    from picsellia_processing.platform.process import LocalPlatform


def test_client_connects_by_id_by_name_and_by_default(platform: LocalPlatform) -> None:
    for organization in (
        {"organization_id": platform.organization_id},
        {"organization_name": "local"},
        {},
    ):
        with Client(api_token=platform.api_token, host=platform.host, **organization) as client:
            assert client.name == "local"
            assert str(client.id) == platform.organization_id


def test_wrong_token_is_refused(platform: LocalPlatform) -> None:
    with pytest.raises(PicselliaError, match="token"):
        Client(api_token="wrong", organization_id=platform.organization_id, host=platform.host)
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": platform.api_token}):
        response = requests.get(f"{platform.host}/api/home/ping", headers=headers, timeout=10)
        assert response.status_code == 401
        assert set(response.json()) == {"message", "detail"}
    assert requests.get(f"{platform.host}/_platform/ledger", timeout=10).status_code == 401


def test_unknown_organization_is_not_found(platform: LocalPlatform) -> None:
    with pytest.raises(ResourceNotFoundError):
        Client(api_token=platform.api_token, organization_id=uuid.uuid4(), host=platform.host)
    with pytest.raises(ResourceNotFoundError):
        Client(api_token=platform.api_token, organization_name="other", host=platform.host)


def test_sdk_is_not_called_outdated(platform: LocalPlatform, client: Client) -> None:
    version = client.connection.get("/api/home/ping").json()["sdk_version"]
    assert not Client.is_sdk_outdated("6.37.0", version)


def test_storage_belongs_to_the_organization(client: Client) -> None:
    assert client.connection.connector_id == client.get_datalake().connector_id
    assert [datalake.name for datalake in client.list_datalakes()] == ["default"]
    assert client.get_datalake(name="default").id == client.get_datalake().id
    with pytest.raises(ResourceNotFoundError):
        client.get_datalake(name="nowhere")
    with pytest.raises(ResourceNotFoundError):
        client.get_datalake(id=uuid.uuid4())
    assert client.get_datalake().sync()["name"] == "default"
