"""Pages: at 0, 1, 999, 1000, 1001 and 2500 items, by cursor, by offset and by ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from picsellia.exceptions import BadRequestError, NoDataError
from picsellia.types.enums import ImportAnnotationMode

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from picsellia import Client
    from picsellia.sdk.dataset_version import DatasetVersion
    from picsellia_processing.platform.process import LocalPlatform

SIZES = [0, 1, 999, 1000, 1001, 2500]


@pytest.fixture(scope="module")
def crowd_client(crowd: LocalPlatform, connect: Callable[[LocalPlatform], Client]) -> Client:
    return connect(crowd)


@pytest.fixture(scope="module")
def data_ids(crowd_client: Client) -> list[UUID]:
    return crowd_client.get_datalake().list_data().ids


@pytest.fixture(scope="module")
def versions(crowd_client: Client, data_ids: list[UUID]) -> dict[int, DatasetVersion]:
    """A version of each size."""
    dataset = crowd_client.create_dataset("sizes")
    made = {}
    for size in SIZES:
        made[size] = dataset.create_version(f"{size}", type="OBJECT_DETECTION")
        if size:
            payload = ", ".join(f'"{data_id}"' for data_id in data_ids[:size])
            crowd_client.connection.post(
                f"/api/dataset/version/{made[size].id}/assets", data=f'{{"data_ids": [{payload}]}}'
            )
    return made


def test_seeded_images_are_listed_in_the_order_of_the_fixture(crowd: LocalPlatform, crowd_client: Client) -> None:
    version = crowd_client.get_dataset_version_by_id(crowd.seeded["dataset_version_id"])
    assert crowd.seeded["asset_count"] == 2500
    names = [asset.filename for asset in version.list_assets()]
    assert names == [f"image-{number:04}.png" for number in range(2500)]


@pytest.mark.parametrize("size", SIZES)
def test_every_item_is_listed_once(
    crowd: LocalPlatform, versions: dict[int, DatasetVersion], data_ids: list[UUID], size: int
) -> None:
    version = versions[size]
    crowd.clear_ledger()
    if size == 0:
        with pytest.raises(NoDataError):
            version.list_assets()
        return
    assert [asset.data_id for asset in version.list_assets()] == data_ids[:size]
    assert crowd.ledger()["total"] == -(-size // 1000)
    by_name = version.list_assets(order_by=["filename"])
    assert [asset.filename for asset in by_name] == sorted(asset.filename for asset in by_name)
    assert {asset.data_id for asset in by_name} == set(data_ids[:size])
    assert {asset.data_id for asset in version.list_assets(data_ids=data_ids[:size])} == set(data_ids[:size])


@pytest.mark.parametrize(("limit", "offset"), [(1, 0), (10, 995), (999, 1), (1000, 0), (1000, 1500), (5, 2498)])
def test_limit_and_offset_choose_a_part(
    versions: dict[int, DatasetVersion], data_ids: list[UUID], limit: int, offset: int
) -> None:
    expected = data_ids[offset : offset + limit]
    assert [asset.data_id for asset in versions[2500].list_assets(limit=limit, offset=offset)] == expected
    ordered = versions[2500].list_assets(limit=limit, offset=offset, order_by=["-created_at"])
    assert [asset.data_id for asset in ordered] == expected


def test_limit_above_a_page_gives_the_sdk_whole_pages(versions: dict[int, DatasetVersion]) -> None:
    # The SDK's own slip, which a platform that honours `limit` must not hide.
    assert len(versions[2500].list_assets(limit=1001)) == 2000


def test_filtered_lists_have_pages_too(crowd_client: Client, versions: dict[int, DatasetVersion]) -> None:
    version = versions[2500]
    tag = version.create_asset_tag("half")
    half = version.list_assets()[:1250]
    half.add_tags(tag)
    assert set(version.list_assets(tags=tag).ids) == set(half.ids)
    assert len(crowd_client.get_datalake().list_data(q='content_type = "image/png"')) == 2500


def test_items_added_while_listing_neither_repeat_nor_hide_others(
    crowd_client: Client, versions: dict[int, DatasetVersion], data_ids: list[UUID]
) -> None:
    version = versions[1001]
    path = f"/api/dataset/version/{version.id}/assets"
    first = crowd_client.connection.get(path, params={"limit": 500}).json()
    crowd_client.connection.post(path, data=f'{{"data_ids": ["{data_ids[2000]}"]}}')
    items = first["items"]
    cursor = first["next_cursor"]
    while cursor:
        page = crowd_client.connection.get(path, params={"limit": 500, "cursor": cursor}).json()
        items += page["items"]
        cursor = page["next_cursor"]
    assert [item["data"]["id"] for item in items] == [str(data_id) for data_id in data_ids[:1001]]
    assert first["count"] == 1001


@pytest.mark.parametrize(
    "query", [{"limit": 1001}, {"limit": -1}, {"limit": "x"}, {"offset": "y"}, {"cursor": "z"}, {"cursor": "eA=="}]
)
def test_bad_paging_is_refused(
    crowd_client: Client, versions: dict[int, DatasetVersion], query: dict[str, object]
) -> None:
    with pytest.raises(BadRequestError):
        crowd_client.connection.get(f"/api/dataset/version/{versions[1].id}/assets", params=query)


def test_annotations_have_pages(versions: dict[int, DatasetVersion]) -> None:
    version = versions[2500]
    label = version.get_or_create_label("cat")
    rectangle = {"x": 1, "y": 1, "w": 2, "h": 2, "label_id": label.id}
    assets = version.list_assets()
    written = version._bulk_create_annotations(
        ImportAnnotationMode.REPLACE, None, [{"asset_id": asset.id, "rectangles": [rectangle]} for asset in assets]
    )
    assert len(written) == 2500
    assert len(version.list_annotations()) == 2500
    assert len(version.list_annotations(limit=7, offset=2495)) == 5
    assert set(version.load_annotations()) == {str(asset_id) for asset_id in assets.ids}
    assert set(version.load_annotations(assets=assets[:120])) == {str(asset_id) for asset_id in assets.ids[:120]}
    with pytest.raises(NoDataError):
        version.list_annotations(status="ACCEPTED")
