from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from picsellia_processing.annotation import Classification, Keypoints, Line, Point, Polygon, Rectangle
from picsellia_processing.errors import AssetError, JobError, PlatformError
from picsellia_processing.geometry import DegenerateShape
from picsellia_processing.image import AssetReference
from picsellia_processing.sdk.annotations import (
    add_labels,
    from_wire,
    load_shapes,
    read_labels,
    set_type,
    to_wire,
    write_annotations,
)
from picsellia_processing.sdk.assets import annotated_assets, fetch, pages
from picsellia_processing.task import RejectedError

from .platform_script import NOWHERE, VERSION, asset, version
from .scripted_server import Script, reply, reset, truncated

if TYPE_CHECKING:
    from picsellia import Client
    from picsellia.sdk.dataset_version import DatasetVersion

PATH = f"/api/dataset/version/{VERSION}"


@pytest.fixture
def dataset(client: Client) -> DatasetVersion:
    from picsellia.sdk.dataset_version import DatasetVersion

    return DatasetVersion(client.connection, version())


def step(answer: Any) -> Any:
    """An answer made from the request: its query, and its body."""

    def run(handler: Any) -> None:
        query = parse_qs(urlsplit(handler.path).query)
        reply(200, answer(query))(handler)

    return run


def test_pages_are_listed_as_they_are_wanted(script: Script, dataset: DatasetVersion) -> None:
    def page(query: dict[str, list[str]]) -> dict[str, Any]:
        start = int(query.get("cursor", ["0"])[0])
        items = [asset(number) for number in range(start, min(start + 1000, 2500))]
        return {"items": items, "count": 2500, "next_cursor": str(start + 1000) if start < 2000 else None}

    script.routes[f"GET {PATH}/assets"] = step(page)
    listed = pages(dataset, None)
    assert len(script.of(f"{PATH}/assets")) == 1
    found = list(listed)
    assert [len(each.references) for each in found] == [1000, 1000, 500]
    assert {each.total for each in found} == {2500}
    assert len({reference.id for each in found for reference in each.references}) == 2500
    queries = [parse_qs(urlsplit(each.path).query) for each in script.of(f"{PATH}/assets")]
    assert [query.get("offset") for query in queries] == [["0"], None, None]
    assert [query["limit"] for query in queries] == [["1000"]] * 3


def test_a_selection_is_asked_for_by_id_and_nothing_else(script: Script, dataset: DatasetVersion) -> None:
    ids = [asset(number)["id"] for number in range(1500)]

    def some(handler: Any) -> None:
        asked = json.loads(script.received[-1].body)["ids"]
        items = [asset(int(each[-12:])) for each in asked if not each.endswith("7")]
        reply(200, {"items": items, "count": len(items)})(handler)

    script.routes[f"XGET {PATH}/assets"] = some
    found = list(pages(dataset, ids))
    assert [len(each.references) + len(each.missing) for each in found] == [1000, 500]
    assert {each for page in found for each in page.missing} == {each for each in ids if each.endswith("7")}
    assert {page.total for page in found} == {1500}
    assert {each.method for each in script.of(f"{PATH}/assets")} == {"XGET"}


@pytest.mark.parametrize("selection", [None, [NOWHERE]])
def test_nothing_to_do_is_an_error(script: Script, dataset: DatasetVersion, selection: list[str] | None) -> None:
    script.routes[f"{PATH}/assets"] = {"items": [], "count": 0, "next_cursor": None}
    with pytest.raises(JobError, match=r"the DatasetVersion birds/v1 .*: there is nothing to do"):
        pages(dataset, selection)


@pytest.mark.parametrize(
    "answer",
    [reply(500), reply(200, b"<html>"), reply(200, {}), reply(200, {"items": [{}], "count": 1}), reply(403)],
    ids=range(5),
)
@pytest.mark.parametrize("selection", [None, [NOWHERE]])
def test_a_listing_that_fails(
    script: Script, dataset: DatasetVersion, answer: Any, selection: list[str] | None
) -> None:
    script.routes[f"{PATH}/assets"] = answer
    with pytest.raises(PlatformError, match="listing the"):
        list(pages(dataset, selection))


def test_an_asset_of_which_the_platform_knows_little(script: Script, dataset: DatasetVersion) -> None:
    item = asset(1, meta=None)
    del item["data"]["presigned_url"], item["data"]["type"], item["data"]["upload_status"]
    script.routes[f"{PATH}/assets"] = {"items": [item], "count": 1}
    ((reference,),) = (page.references for page in pages(dataset, None))
    assert (reference.width, reference.height, reference.url, reference.type) == (0, 0, None, "IMAGE")


def reference(script: Script, **more: Any) -> AssetReference:
    return AssetReference("id", "a.jpg", **{"url": f"{script.url}/blob/a.jpg?sig=s3cr3t", "data_id": NOWHERE, **more})


def test_a_file_is_fetched_without_the_token(script: Script, client: Client) -> None:
    script.routes["/blob/a.jpg"] = reply(200, b"jpeg")
    assert fetch(client, reference(script)) == b"jpeg"
    assert "Authorization" not in script.received[-1].headers


@pytest.mark.parametrize("status", [400, 401, 403])
def test_an_expired_url_is_renewed_once(script: Script, client: Client, status: int) -> None:
    script.routes["/blob/a.jpg"] = reply(status)
    script.routes["/blob/b.jpg"] = reply(200, b"jpeg")
    script.routes[f"/api/data/{NOWHERE}/presigned-url"] = {"presigned_url": f"{script.url}/blob/b.jpg?sig=s3cr3t"}
    assert fetch(client, reference(script)) == b"jpeg"
    assert fetch(client, reference(script, url=None)) == b"jpeg"
    script.routes["/blob/b.jpg"] = reply(status)
    asked = len(script.received)
    with pytest.raises(AssetError, match=f"the storage answered {status}"):
        fetch(client, reference(script))
    assert len(script.received) == asked + 3


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (reply(404), "the storage answered 404 Not Found"),
        (reply(410), "410 Gone"),
        (reply(500), "500 Internal Server Error"),
        (reply(299 + 300), "the storage answered 599"),
        (reset, "no answer after 2 attempts"),
        (truncated(b"x" * 100, 1), "no answer after 2 attempts"),
    ],
    ids=range(6),
)
def test_a_file_that_cannot_be_had_costs_its_asset_alone(
    script: Script, client: Client, answer: Any, said: str
) -> None:
    script.routes["/blob/a.jpg"] = answer
    with pytest.raises(AssetError, match=said) as caught:
        fetch(client, reference(script))
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["nonsense?sig=s3cr3t", "s3://bucket/a?sig=s3cr3t", "http://[::1?sig=s3cr3t", "http://a..b/?sig=s3cr3t"]
)
def test_a_url_that_is_none_costs_its_asset_alone(script: Script, client: Client, url: str) -> None:
    with pytest.raises(AssetError, match="the file cannot be fetched") as caught:
        fetch(client, reference(script, url=url))
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize("answer", [reply(404), reply(200, {}), reply(200, b"<html>"), reply(200, [])], ids=range(4))
def test_a_url_that_cannot_be_renewed_costs_its_asset_alone(script: Script, client: Client, answer: Any) -> None:
    script.routes[f"/api/data/{NOWHERE}/presigned-url"] = answer
    with pytest.raises(AssetError, match="renewing the URL"):
        fetch(client, reference(script, url=None))


def annotations(script: Script, count: int, **shapes: Any) -> list[str]:
    ids = [f"bbbbbbbb-0000-4000-8000-{number:012d}" for number in range(count)]
    script.routes[f"{PATH}/annotations/ids"] = ids

    def load(handler: Any) -> None:
        asked = json.loads(script.received[-1].body)
        reply(200, [{"id": each, "asset_id": asset(int(each[-12:]))["id"], **shapes} for each in asked])(handler)

    script.routes[f"XGET {PATH}/annotations"] = load
    return ids


def test_which_assets_are_annotated(script: Script, dataset: DatasetVersion) -> None:
    annotations(script, 250)
    before = len(script.received)
    assert annotated_assets(dataset, threads=1) == {asset(number)["id"] for number in range(250)}
    assert len(script.received) - before == 1 + 3


def test_no_annotation_costs_one_request(script: Script, dataset: DatasetVersion) -> None:
    annotations(script, 0)
    before = len(script.received)
    assert annotated_assets(dataset) == frozenset()
    assert len(script.received) - before == 1


@pytest.mark.parametrize(
    ("kind", "shapes", "expected"), [("LINE", {}, 0), ("LINE", {"lines": [{}]}, 2), ("POINT", {"points": [{}]}, 2)]
)
def test_an_annotation_still_to_be_filled_does_not_count(
    script: Script, client: Client, kind: str, shapes: dict[str, Any], expected: int
) -> None:
    from picsellia.sdk.dataset_version import DatasetVersion

    annotations(script, 2, **shapes)
    assert len(annotated_assets(DatasetVersion(client.connection, version(kind=kind)), threads=1)) == expected


def test_shapes_are_loaded_in_chunks(script: Script, dataset: DatasetVersion) -> None:
    label = {"label": "car", "text": None, "attributes": {}}
    annotations(script, 120, rectangles=[{"x": 1, "y": 2, "w": 3, "h": 4, **label}])
    sizes = {asset(number)["id"]: (10, 10) for number in range(120)}
    script.routes[f"{PATH}/annotations/ids"] = step(
        lambda query: [each.replace("aaaaaaaa", "bbbbbbbb") for each in query["asset_ids"]]
    )
    found = load_shapes(dataset, sizes)
    assert {each: shapes() for each, shapes in found.items()} == dict.fromkeys(sizes, (Rectangle("car", 1, 2, 3, 4),))
    assert [len(parse_qs(urlsplit(each.path).query)["asset_ids"]) for each in script.of(f"{PATH}/annotations/ids")] == [
        50,
        50,
        20,
    ]


@pytest.mark.parametrize("name", ["a" * 5000, "\ud800"], ids=["refused", "no text"])
def test_a_label_that_cannot_be_is_a_rejection(script: Script, dataset: DatasetVersion, name: str) -> None:
    script.routes[f"{PATH}/bulk-labels"] = reply(400)
    with pytest.raises(RejectedError):
        add_labels(dataset, [name])


def test_masks_stay_packed_until_they_are_called_for(script: Script, dataset: DatasetVersion) -> None:
    annotations(script, 1, masks=[{"label": "car", "mask": "0"}])
    shapes = load_shapes(dataset, {asset(0)["id"]: (10, 10)})[asset(0)["id"]]
    with pytest.raises(DegenerateShape, match="not the 100 of 10 x 10"):
        shapes()


SHAPES = {
    "rectangles": Rectangle("car", 1, 2, 3, 4),
    "polygons": Polygon("car", [(0, 0), (4, 0), (4, 4)]),
    "lines": Line("car", [(0, 0), (4, 4)]),
    "points": Point("car", 1, 2),
    "keypoints": Keypoints("car", [(1, 2, 2), (0, 0, 0)]),
    "classifications": Classification("car"),
}


@pytest.mark.parametrize("kind", SHAPES)
def test_what_is_written_is_what_is_read(kind: str) -> None:
    found, fields = to_wire(SHAPES[kind], "label-id")
    assert found == kind
    assert fields["label_id"] == "label-id"
    assert from_wire({kind: [{**fields, "label": "car"}]}, (10, 10)) == (SHAPES[kind],)


def test_a_chunk_is_one_request(script: Script, dataset: DatasetVersion) -> None:
    script.routes[f"POST {PATH}/bulk-annotations"] = {}
    payloads = [{"asset_id": str(number), "rectangles": []} for number in range(100)]
    for replace, mode in ((True, "REPLACE"), (False, "KEEP")):
        write_annotations(dataset, payloads, status="PENDING", replace=replace)
        body = json.loads(script.received[-1].body)
        assert (body["import_type"], body["status"], len(body["annotations"])) == (mode, "PENDING", 100)
    assert len(script.of(f"{PATH}/bulk-annotations")) == 2


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_chunk_refused_for_what_is_in_it(script: Script, dataset: DatasetVersion, status: int) -> None:
    script.routes[f"{PATH}/bulk-annotations"] = reply(status, {"message": "no such label"})
    with pytest.raises(RejectedError):
        write_annotations(dataset, [{"asset_id": "1"}], status="PENDING", replace=False)


@pytest.mark.parametrize("status", [401, 403, 404, 500])
def test_a_chunk_refused_for_another_reason_ends_the_job(script: Script, dataset: DatasetVersion, status: int) -> None:
    script.routes[f"{PATH}/bulk-annotations"] = reply(status, {"message": "no"})
    with pytest.raises(PlatformError, match="writing the annotations of 1 assets"):
        write_annotations(dataset, [{"asset_id": "1"}], status="PENDING", replace=False)


def test_labels_in_bulk(script: Script, dataset: DatasetVersion) -> None:
    script.routes[f"{PATH}/labels"] = {"items": [{"id": NOWHERE, "name": "car"}]}
    script.routes[f"XGET {PATH}/bulk-labels"] = [{"id": VERSION, "name": "bus"}, {"id": NOWHERE, "name": "car"}]
    assert read_labels(dataset) == {"car": NOWHERE}
    assert add_labels(dataset, ["bus", "car"]) == {"bus": VERSION, "car": NOWHERE}
    assert json.loads(script.received[-1].body) == {"names": ["bus", "car"]}


def test_type(script: Script, dataset: DatasetVersion) -> None:
    script.routes[f"PATCH {PATH}"] = version(kind="SEGMENTATION")
    set_type(dataset, "SEGMENTATION")
    assert dataset.type.value == "SEGMENTATION"
    script.routes[f"PATCH {PATH}"] = reply(409, {"message": "it has annotations"})
    with pytest.raises(PlatformError, match=r"setting the type of birds/v1 to MASK: it has annotations"):
        set_type(dataset, "MASK")
