"""Blobs: sizes around the SDK's limits, signed URLs, expiry, and what the server does with bad uploads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests
from picsellia.exceptions import ResourceNotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from picsellia import Client
    from picsellia.sdk.asset import Asset
    from picsellia.sdk.dataset_version import DatasetVersion
    from picsellia_processing.platform.process import LocalPlatform

MIB = 1024 * 1024


def upload(client: Client, path: Path) -> str:
    object_name = f"test/{path.name}"
    client.connection.upload_file(object_name, path)
    return object_name


@pytest.mark.parametrize("size", [0, 5, 25 * MIB, 25 * MIB + 1, 50 * MIB])
def test_every_size_comes_back_unchanged(client: Client, tmp_path: Path, names: Iterator[str], size: int) -> None:
    path = tmp_path / f"{next(names)}.bin"
    block = bytes(range(251))  # of a prime length: parts that change places are noticed
    with path.open("wb") as file:
        file.write((block * (size // len(block) + 1))[:size])
    url = client.connection.init_download(upload(client, path))
    client.connection.do_download_file(tmp_path / "down", url, True, True)
    assert (tmp_path / "down").read_bytes() == path.read_bytes()
    with requests.get(url, timeout=10, stream=True) as response:
        assert response.headers["Content-Length"] == str(size)


def test_object_is_replaced_by_a_later_upload(
    client: Client, platform: LocalPlatform, tmp_path: Path, names: Iterator[str]
) -> None:
    path = tmp_path / next(names)
    for content in (b"first", b"second, and longer", b"3"):
        path.write_bytes(content)
        count = len(list((platform.data / "blobs").iterdir()))
        name = upload(client, path)
        assert requests.get(client.connection.init_download(name), timeout=10).content == content
    assert len(list((platform.data / "blobs").iterdir())) == count


def test_object_without_bytes_is_not_found(client: Client) -> None:
    with pytest.raises(ResourceNotFoundError):
        client.connection.init_download("nowhere")


def test_signature_is_good_for_one_object_and_one_method(assets: list[Asset]) -> None:
    mine, other = (asset.reset_url() for asset in assets[:2])
    path, _, query = mine.partition("?")
    for url in (
        f"{other.partition('?')[0]}?{query}",
        path,
        f"{path}?expires=9999999999&signature={query.rpartition('=')[2]}",
        f"{path}?expires=x&signature=ü",
    ):
        response = requests.get(url, timeout=10)
        assert response.status_code == 403
        assert set(response.json()) == {"message", "detail"}
    assert requests.put(mine, data=b"x", timeout=10).status_code == 403
    assert requests.get(mine, timeout=10).status_code == 200


def test_sdk_asks_for_a_new_url_when_one_has_expired(
    platform: LocalPlatform, version: DatasetVersion, pictures: list[Path], tmp_path: Path
) -> None:
    listed = version.list_assets()
    platform.expire_urls()
    platform.clear_ledger()
    listed.download(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in pictures}
    ledger = platform.ledger()
    assert ledger["failed"] == {"403 GET /blob/{}": 3}
    assert ledger["by_endpoint"]["GET /api/data/{}/presigned-url"] == 3


def test_short_lived_urls_expire(
    connect: Callable[[LocalPlatform], Client], pictures: list[Path], tmp_path: Path
) -> None:
    from picsellia_processing.platform.process import LocalPlatform

    with LocalPlatform(images=pictures[0].parent, url_ttl=0) as platform:
        version = connect(platform).get_dataset_version_by_id(platform.seeded["dataset_version_id"])
        with pytest.raises(requests.HTTPError, match="403"):
            version.list_assets()[0].download(tmp_path)


def test_parts_that_do_not_fit_are_refused(client: Client) -> None:
    connection = client.connection
    started = connection.post(
        f"/api/object-storage/{connection.connector_id}/init_multipart_upload",
        data='{"object_name": "test/parts", "content_type": "x/y"}',
    ).json()
    assert started["client_type"] == "google"
    for part in ("bytes 5-9/10", "bytes 0-10/10", "bytes 0-3/10", "all of it"):
        response = requests.put(started["url"], data=b"01234", headers={"Content-Range": part}, timeout=10)
        assert response.status_code == 400
    for part, status in (("bytes 0-4/10", 308), ("bytes 0-4/10", 308), ("bytes 5-9/10", 200)):
        response = requests.put(started["url"], data=b"01234", headers={"Content-Range": part}, timeout=10)
        assert response.status_code == status
    assert requests.get(connection.init_download("test/parts"), timeout=10).content == b"0123401234"


def test_seeded_file_is_never_written_to(
    connect: Callable[[LocalPlatform], Client], pictures: list[Path], tmp_path: Path
) -> None:
    from picsellia_processing.platform.process import LocalPlatform

    before = {path: path.read_bytes() for path in pictures}
    with LocalPlatform(images=pictures[0].parent) as platform:
        client = connect(platform)
        version = client.get_dataset_version_by_id(platform.seeded["dataset_version_id"])
        asset = version.find_asset(filename="a.jpg")
        (tmp_path / "other").write_bytes(b"other")
        client.connection.upload_file(asset.object_name, tmp_path / "other")
        assert requests.get(asset.reset_url(), timeout=10).content == b"other"
        version.list_assets().delete()
    assert {path: path.read_bytes() for path in pictures} == before
