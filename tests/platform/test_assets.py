"""Assets: adding data, listing, finding, tagging, removing."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest
from picsellia.exceptions import BadRequestError, NoDataError, ResourceNotFoundError
from picsellia.types.enums import JobStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from picsellia import Client
    from picsellia.sdk.asset import Asset
    from picsellia.sdk.data import Data
    from picsellia.sdk.dataset_version import DatasetVersion
    from picsellia_processing.platform.process import LocalPlatform


def test_adding_data_is_done_at_once_and_once(client: Client, data: list[Data], names: Iterator[str]) -> None:
    version = client.create_dataset(next(names)).create_version("v1")
    with pytest.raises(NoDataError):
        version.list_assets()
    job = version.add_data(data, tags=["night"])
    assert job.status == JobStatus.SUCCESS
    version.add_data(data[0])
    assets = version.list_assets()
    assert sorted(asset.filename for asset in assets) == ["a.jpg", "b.jpg", "c.png"]
    assert {asset.data_id for asset in assets} == {datum.id for datum in data}
    assert set(version.list_assets(tags="night").ids) == set(assets.ids)
    assert version.sync()["size"] == 3


def test_adding_unknown_data_is_not_found(client: Client, version: DatasetVersion) -> None:
    with pytest.raises(ResourceNotFoundError, match="1 of the data"):
        client.connection.post(
            f"/api/dataset/version/{version.id}/assets", data=f'{{"data_ids": ["{uuid.uuid4()}"]}}'.encode()
        )


def test_more_than_10_000_data_at_once_are_refused(client: Client, version: DatasetVersion) -> None:
    ids = ", ".join(f'"{number}"' for number in range(10_001))
    with pytest.raises(BadRequestError, match="at most 10000"):
        client.connection.post(f"/api/dataset/version/{version.id}/assets", data=f'{{"data_ids": [{ids}]}}')


def test_asset_has_size_and_url(assets: list[Asset], pictures: list[Path], tmp_path: Path) -> None:
    assert [(asset.width, asset.height) for asset in assets] == [(64, 48), (64, 48), (32, 32)]
    for asset, picture in zip(assets, pictures, strict=True):
        asset.download(tmp_path)
        assert (tmp_path / asset.filename).read_bytes() == picture.read_bytes()
        assert asset.url.startswith("http://127.0.0.1:")
        assert asset.url.partition("?")[0].endswith(picture.suffix)
        assert asset.sync()["data"]["filename"] == picture.name


def test_version_downloads_every_asset(version: DatasetVersion, pictures: list[Path], tmp_path: Path) -> None:
    version.download(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        path.name: path.read_bytes() for path in pictures
    }


def test_finds_by_each_criterion(version: DatasetVersion, assets: list[Asset], data: list[Data]) -> None:
    assert version.find_asset(data=data[1]) == assets[1]
    assert version.find_asset(filename="c.png") == assets[2]
    assert version.find_asset(object_name=data[0].object_name) == assets[0]
    assert version.find_asset(id=assets[0].id) == assets[0]
    for criterion in ({"filename": "none"}, {"id": uuid.uuid4()}, {"object_name": "none"}):
        with pytest.raises(ResourceNotFoundError):
            version.find_asset(**criterion)


def test_lists_by_each_criterion(version: DatasetVersion, assets: list[Asset], data: list[Data]) -> None:
    first, second, third = (asset.id for asset in assets)
    assert set(version.list_assets(ids=[first, third]).ids) == {first, third}
    assert version.list_assets(data_ids=[data[1].id]).ids == [second]
    assert set(version.list_assets(filenames=["a.jpg", "c.png"]).ids) == {first, third}
    assert version.list_assets(object_names=[data[2].object_name]).ids == [third]
    assert version.list_assets(filenames_startswith=["c", "c."]).ids == [third]
    assert version.list_assets(q='data.filename = "b.jpg"').ids == [second]
    assert version.list_assets(ids=[first, second], q='filename != "a.jpg"').ids == [second]
    by_name = version.list_assets(order_by=["-filename"])
    assert [asset.filename for asset in by_name] == ["c.png", "b.jpg", "a.jpg"]
    with pytest.raises(NoDataError):
        version.list_assets(filenames=["none"])


def test_assets_of_another_version_stay_out(
    client: Client, data: list[Data], assets: list[Asset], names: Iterator[str]
) -> None:
    other = client.create_dataset(next(names)).create_version("v1")
    other.add_data(data[0])
    with pytest.raises(NoDataError):
        other.list_assets(ids=[asset.id for asset in assets])
    assert len(other.list_assets()) == 1


def test_tags_of_assets_and_of_their_data(
    client: Client, version: DatasetVersion, assets: list[Asset], names: Iterator[str]
) -> None:
    day, night = version.create_asset_tag("day"), version.get_or_create_asset_tag("night")
    assert [tag.name for tag in version.list_asset_tags()] == ["night", "day"]
    version.list_assets(ids=[assets[0].id, assets[1].id]).add_tags(day)
    night.attach_on(assets[1])
    assert set(version.list_assets(tags=["day", "night"]).ids) == {assets[0].id, assets[1].id}
    assert version.list_assets(tags=[day, night], intersect_tags=True).ids == [assets[1].id]
    assert {tag.name for tag in assets[1].get_tags()} == {"day", "night"}
    assets[1].remove_tags(day)
    assert [tag.name for tag in assets[1].get_tags()] == ["night"]
    data_tag = client.get_datalake().create_data_tag(next(names))
    assets[2].get_data().add_tags(data_tag)
    assert version.list_assets(data_tags=data_tag).ids == [assets[2].id]
    assert [tag.name for tag in assets[2].get_data_tags()] == [data_tag.name]


def test_assets_become_data_again(version: DatasetVersion, data: list[Data]) -> None:
    assert set(version.list_assets().as_multidata().ids) == {datum.id for datum in data}


def test_removing_assets_leaves_the_data(client: Client, version: DatasetVersion, assets: list[Asset]) -> None:
    label = version.create_label("cat")
    assets[0].create_annotation().create_rectangle(1, 1, 2, 2, label)
    data_id = assets[0].data_id
    assets[0].delete()
    assert {asset.id for asset in version.list_assets()} == {assets[1].id, assets[2].id}
    assert version.retrieve_stats().nb_objects == 0
    version.list_assets().delete()
    with pytest.raises(NoDataError):
        version.list_assets()
    assert client.get_datalake().find_data(id=data_id).id == data_id


def test_hostile_names_are_kept_as_names(
    client: Client, platform: LocalPlatform, names: Iterator[str], pictures: list[Path]
) -> None:
    version = client.create_dataset(next(names)).create_version("v1")
    hostile = ["../../etc/passwd.jpg", "x" * 300 + ".jpg", ".hidden", "名前 ☃ %2F?#&.jpg", "a/b\\c.jpg", "'; DROP--"]
    lake, connection = client.get_datalake(), client.connection
    for name in hostile:
        made = connection.post(
            f"/api/organization/{client.id}/connector/{connection.connector_id}/generate_object_name",
            data=_json({"filename": name, "type": "DATA"}),
        ).json()["object_name"]
        assert made.startswith("data/")
        assert made.isascii()
        assert ".." not in made
        connection.upload_file(made, pictures[0])
        payload = {"type": "IMAGE", "filename": name, "object_name": made, "content_type": "image/jpeg"}
        connection.post(f"/api/datalake/{lake.id}/datas", data=_json(payload))
        version.add_data(lake.find_data(object_name=made))
        assert version.find_asset(filename=name).filename == name
        assert version.list_assets(filenames=[name])[0].filename == name
    assert {asset.filename for asset in version.list_assets()} == set(hostile)
    stored = [path.name for path in (platform.data / "blobs").rglob("*")]
    assert all(len(name) == 32 and name.isalnum() for name in stored)
    for bad in ("nul\0.jpg", "", "x" * 1025):
        with pytest.raises(BadRequestError):
            connection.post(
                f"/api/organization/{client.id}/connector/{connection.connector_id}/generate_object_name",
                data=_json({"filename": bad, "type": "DATA"}),
            )


def test_slow_job_runs_before_it_succeeds(
    connect: Callable[[LocalPlatform], Client], pictures: list[Path], tmp_path: Path
) -> None:
    from picsellia_processing.platform.process import LocalPlatform

    with LocalPlatform(data=tmp_path, job_polls=2) as platform:
        client = connect(platform)
        version = client.create_dataset("d").create_version("v1")
        job = version.add_data(client.get_datalake().upload_data(pictures[0]), wait=False)
        assert job.status == JobStatus.RUNNING
        assert job.sync()["status"] == "RUNNING"
        assert job.sync()["status"] == "SUCCESS"
        assert job.sync()["status"] == "SUCCESS"


def _json(value: dict[str, object]) -> bytes:
    import orjson

    return orjson.dumps(value)
