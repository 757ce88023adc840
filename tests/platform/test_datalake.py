"""Data: uploading, listing, finding, tagging, metadata."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest
from picsellia.exceptions import (
    BadRequestError,
    NoDataError,
    NothingDoneError,
    ResourceConflictError,
    ResourceNotFoundError,
)
from picsellia.services.error_manager import ErrorManager
from picsellia.types.enums import DataUploadStatus, TagTarget
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from picsellia import Client
    from picsellia.sdk.data import Data


def test_upload_keeps_name_size_type_and_bytes(data: list[Data], pictures: list[Path], tmp_path: Path) -> None:
    assert [datum.filename for datum in data] == ["a.jpg", "b.jpg", "c.png"]
    assert [(datum.width, datum.height) for datum in data] == [(64, 48), (64, 48), (32, 32)]
    assert [datum.content_type for datum in data] == ["image/jpeg", "image/jpeg", "image/png"]
    for datum, picture in zip(data, pictures, strict=True):
        datum.download(tmp_path)
        assert (tmp_path / datum.filename).read_bytes() == picture.read_bytes()
        assert datum.sync()["datalake_id"] == str(datum.datalake_id)


def test_upload_with_tags_source_and_metadata(client: Client, pictures: list[Path], names: Iterator[str]) -> None:
    tag, source = next(names), next(names)
    datum = client.get_datalake().upload_data(
        pictures[0], tags=[tag], source=source, metadata={"manufacturer": "x"}, custom_metadata={"line": 3}
    )
    assert [found.name for found in datum.get_tags()] == [tag]
    assert datum.get_datasource().name == source
    assert datum.sync()["metadata"]["manufacturer"] == "x"
    datum.update_custom_metadata({"line": 4})
    assert datum.sync()["custom_metadata"] == {"line": 4}
    datum.update_metadata({"manufacturer": "y"})
    assert datum.metadata == {"manufacturer": "y"}
    assert client.get_datalake().list_data(custom_metadata={"line": 4}).ids == [datum.id]
    assert client.get_datasource(source).id == client.get_or_create_datasource(source).id
    assert source in [found.name for found in client.list_datasources()]
    with pytest.raises(ResourceConflictError):
        client.create_datasource(source)


def test_find_by_each_criterion(client: Client, data: list[Data]) -> None:
    lake = client.get_datalake()
    assert lake.find_data(id=data[1].id) == data[1]
    assert lake.find_data(object_name=data[1].object_name) == data[1]
    assert lake.find_data(filename="c.png").filename == "c.png"
    for criterion in ({"filename": "none.jpg"}, {"id": uuid.uuid4()}, {"object_name": "none"}):
        with pytest.raises(ResourceNotFoundError):
            lake.find_data(**criterion)


def test_lists_by_names_ids_and_queries(client: Client, data: list[Data]) -> None:
    lake = client.get_datalake()
    assert set(lake.list_data(ids=[data[0].id, data[2].id]).ids) == {data[0].id, data[2].id}
    assert lake.list_data(object_names=[data[1].object_name]).ids == [data[1].id]
    assert data[2].id in lake.list_data(filenames=["c.png"]).ids
    by_query = lake.list_data(q=f'filename = "c.png" and (object_name in ("{data[2].object_name}", "x"))')
    assert by_query.ids == [data[2].id]
    assert lake.list_data(q=f'not filename != "c.png" and id = "{data[2].id}" or id = "x"').ids == [data[2].id]
    with pytest.raises(NoDataError):
        lake.list_data(ids=[uuid.uuid4()])


@pytest.mark.parametrize("query", ["colour = 1", "filename =", 'filename ~ "x"', 'filename = "x" nonsense', '"', "(id"])
def test_query_that_is_not_understood_is_refused(client: Client, data: list[Data], query: str) -> None:
    with pytest.raises(BadRequestError, match="does not understand"):
        client.get_datalake().list_data(q=query)


def test_orders_are_total(client: Client, data: list[Data]) -> None:
    lake = client.get_datalake()
    ids = [datum.id for datum in data]
    by_name = [datum for datum in lake.list_data(order_by=["filename"]) if datum.id in ids]
    assert [datum.filename for datum in by_name] == ["a.jpg", "b.jpg", "c.png"]
    newest_first = lake.list_data().ids
    assert lake.list_data(order_by=["-created_at"]).ids == newest_first
    assert lake.list_data(order_by=["created_at"]).ids == newest_first[::-1]
    with pytest.raises(BadRequestError, match="order_by"):
        lake.list_data(order_by=["colour"])


def test_tags_of_data(client: Client, data: list[Data], names: Iterator[str]) -> None:
    lake = client.get_datalake()
    both, one = lake.create_data_tag(next(names)), lake.get_or_create_data_tag(next(names))
    assert both.target_type == TagTarget.DATA
    assert {both.id, one.id} <= {tag.id for tag in lake.list_data_tags()}
    with pytest.raises(ResourceConflictError):
        lake.create_data_tag(both.name)
    lake.list_data(ids=[data[0].id, data[1].id]).add_tags(both)
    data[0].add_tags([one, both])  # again: attaching twice is attaching once
    assert set(lake.list_data(tags=[both, one]).ids) == {data[0].id, data[1].id}
    assert lake.list_data(tags=[both, one], intersect_tags=True).ids == [data[0].id]
    assert {tag.id for tag in data[0].get_tags()} == {both.id, one.id}
    both.detach_from([data[0]])
    assert lake.list_data(tags=both.name).ids == [data[1].id]
    both.update(next(names))
    assert lake.get_data_tag(both.name).id == both.id
    assert both.sync()["name"] == both.name
    both.delete()
    with pytest.raises(ResourceNotFoundError):
        lake.get_data_tag(both.name)
    assert one.id in [tag.id for tag in data[0].get_tags()]
    data[0].remove_tags(one)
    assert data[0].get_tags() == []


def test_tags_of_the_organization_are_separate(client: Client, names: Iterator[str]) -> None:
    name = next(names)
    made = client.create_model_tag(name)
    assert client.create_dataset_tag(name).id != made.id
    assert client.find_model_tag(name).id == made.id
    assert made.id in [tag.id for tag in client.list_model_tags()]
    dataset = client.create_dataset(next(names))
    dataset.add_tags(client.find_dataset_tag(name))
    assert [tag.name for tag in dataset.get_tags()] == [name]


def test_attaching_to_nothing_is_not_found(client: Client, data: list[Data], names: Iterator[str]) -> None:
    tag = client.get_datalake().create_data_tag(next(names))
    response = client.connection.session.post(
        f"{client.connection.host}/api/tag/{tag.id}/attach",
        json=[str(uuid.uuid4()), str(data[0].id)],
        headers=client.connection.headers,
    )
    assert response.status_code == 404
    assert data[0].get_tags() == []


def test_size_is_read_from_the_file_when_the_client_does_not_send_it(
    client: Client, names: Iterator[str], tmp_path: Path
) -> None:
    path = tmp_path / f"{next(names)}.webp"
    Image.new("RGB", (20, 10)).save(path)
    datum = client.get_datalake().upload_data(path)
    assert (datum.width, datum.height) == (20, 10)


def test_file_that_is_no_image_cannot_be_used(client: Client, names: Iterator[str], tmp_path: Path) -> None:
    path = tmp_path / f"{next(names)}.jpg"
    path.write_bytes(b"\xff\xd8 this is not an image")
    errors = ErrorManager()
    with pytest.raises(NothingDoneError):
        client.get_datalake().upload_data(path, error_manager=errors)
    assert len(errors.errors) == 1
    datum = client.get_datalake().find_data(filename=path.name)
    assert datum.upload_status == DataUploadStatus.ERROR
    version = client.create_dataset(next(names)).create_version("v1")
    with pytest.raises(BadRequestError, match="cannot become assets"):
        version.add_data(datum)


def test_asset_leads_back_to_its_data(assets: list, data: list[Data]) -> None:
    assert assets[0].get_data() == data[0]


def test_object_that_was_not_uploaded_cannot_become_data(client: Client) -> None:
    payload = '{"type": "IMAGE", "filename": "x.jpg", "object_name": "nowhere", "content_type": "image/jpeg"}'
    with pytest.raises(BadRequestError, match="has not been uploaded"):
        client.connection.post(f"/api/datalake/{client.get_datalake().id}/datas", data=payload)


def test_many_data_are_updated_at_once(client: Client, data: list[Data], names: Iterator[str]) -> None:
    lake = client.get_datalake()
    kept = lake.create_data_tag(next(names))
    made, refused, source = next(names), next(names), next(names)
    data[0].add_tags(kept)
    data[1].update_custom_metadata({"line": 1})
    update = {"metadata": {"manufacturer": "x"}, "tags": [made], "data_source": source, "custom_metadata": {"line": 2}}
    lake.update_multiple_data({data[0].id: update, data[1].id: {"tags": [made]}})
    assert {kept.name, made} <= {tag.name for tag in data[0].get_tags()}
    assert made in [tag.name for tag in data[1].get_tags()]
    assert (data[0].sync()["custom_metadata"], data[1].sync()["custom_metadata"]) == ({"line": 2}, {"line": 1})
    assert data[0].sync()["metadata"]["manufacturer"] == "x"
    assert data[0].get_datasource().name == source
    with pytest.raises(ResourceNotFoundError, match="not in the datalake"):
        lake.update_multiple_data({data[2].id: {"tags": [refused]}, uuid.uuid4(): {}})
    assert refused not in [tag.name for tag in data[2].get_tags()]
