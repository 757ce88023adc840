from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from picsellia.sdk.dataset_version import DatasetVersion
from picsellia.sdk.model_version import ModelVersion
from picsellia_processing.annotation import Classification, Keypoints, Line, Mask, Point, Polygon, Rectangle
from picsellia_processing.context import JobContext
from picsellia_processing.errors import JobError, ResultError
from picsellia_processing.geometry import UnreadableShape
from picsellia_processing.image import AssetReference, Image
from picsellia_processing.task import Declaration
from picsellia_processing.tasks.annotated_version import prepare_output
from picsellia_processing.tasks.annotating import SHAPES_OF_TYPE
from picsellia_processing.tasks.annotation_output import AnnotationOutput, stored_orientation

from ..sdk.platform_script import NOWHERE, OUTPUT, VERSION, asset, model, version
from ..sdk.scripted_server import Script, reply

if TYPE_CHECKING:
    from picsellia import Client

PATH = f"/api/dataset/version/{VERSION}"


@pytest.fixture
def labels(script: Script) -> dict[str, str]:
    """The labels of the DatasetVersion, made in bulk and counted; there is no annotation yet."""
    there = {"car": NOWHERE, "Bus": OUTPUT}

    def listed(handler: Any) -> None:
        reply(200, {"items": [{"id": identifier, "name": name} for name, identifier in there.items()]})(handler)

    def made(handler: Any) -> None:
        names = json.loads(script.received[-1].body)["names"]
        for name in names:
            there.setdefault(name, f"cccccccc-0000-4000-8000-{len(there):012d}")
        reply(200, [{"id": there[name], "name": name} for name in names])(handler)

    def configured(handler: Any) -> None:
        reply(200, version(kind=json.loads(script.received[-1].body)["type"]))(handler)

    script.routes |= {
        f"GET {PATH}/labels": listed,
        f"XGET {PATH}/bulk-labels": made,
        f"PATCH {PATH}": configured,
        f"GET {PATH}/annotations/ids": [],
        f"POST {PATH}/bulk-annotations": {},
    }
    return there


def prepared(
    client: Client,
    *,
    kind: str = "OBJECT_DETECTION",
    model_kind: str | None = None,
    classes: list[str] | None = None,
    returned: tuple[str, ...] = (),
    declared: tuple[str, ...] = (),
    declared_type: str | None = None,
    label_matching: str = "existing",
    existing: str = "keep",
) -> tuple[JobContext, AnnotationOutput]:
    declared_by_model = {str(number): name for number, name in enumerate(classes)} if classes is not None else None
    known = model(kind=model_kind or "NOT_CONFIGURED", labels=declared_by_model)
    context = JobContext(
        client=client,
        job=None,
        type=None,
        target_type="DATASET_VERSION",
        folder=Path("nowhere"),
        dataset_version=DatasetVersion(client.connection, version(kind=kind)),
        model_version=ModelVersion(client.connection, known) if model_kind or classes is not None else None,
    )
    return prepare_output(
        context,
        status="PENDING",
        existing=existing,
        label_matching=label_matching,
        declaration=Declaration(declared, declared_type),
        shapes_of_type=SHAPES_OF_TYPE,
        returned=returned,
    )


@pytest.mark.usefixtures("labels")
class TestPreparing:
    """Type and labels are settled before any download."""

    def test_labels_are_matched(self, client: Client) -> None:
        context, _ = prepared(client, model_kind="OBJECT_DETECTION", classes=["CAR", "bus", "zebra"])
        assert context.labels.match("CAR") == "car"
        assert context.labels.unmatched == ("zebra",)

    def test_labels_are_added_in_one_request(self, client: Client, script: Script) -> None:
        context, _ = prepared(client, classes=["CAR", "zebra", "ape"], label_matching="add")
        (made,) = script.of(f"{PATH}/bulk-labels")
        assert json.loads(made.body) == {"names": ["zebra", "ape"]}
        assert set(context.labels.names) == {"car", "Bus", "zebra", "ape"}

    def test_none_of_the_classes_has_a_label(self, client: Client) -> None:
        with pytest.raises(JobError, match=r"no class of the model has a label.*Its labels: car, Bus; .*classes: ape"):
            prepared(client, classes=["ape"])

    def test_types_that_do_not_fit(self, client: Client, script: Script) -> None:
        with pytest.raises(JobError, match=r"birds/v1 is of type OBJECT_DETECTION.*finder-1 is of type SEGMENTATION"):
            prepared(client, model_kind="SEGMENTATION")
        assert script.of(f"{PATH}/annotations/ids") == []

    def test_what_is_returned_does_not_fit(self, client: Client) -> None:
        with pytest.raises(JobError, match=r"holds Rectangle, but the processing returns Polygon or Line"):
            prepared(client, returned=("Polygon", "Line"))
        prepared(client, returned=("Polygon", "Rectangle"))
        prepared(client, kind="MULTI", model_kind="SEGMENTATION", returned=("Polygon",))

    @pytest.mark.parametrize(
        ("model_kind", "returned", "kind"),
        [
            ("SEGMENTATION", (), "SEGMENTATION"),
            (None, ("Mask",), "MASK"),
            (None, ("Classification",), "CLASSIFICATION"),
        ],
    )
    def test_a_version_without_type_gets_one_and_its_labels(
        self, client: Client, script: Script, model_kind: str | None, returned: tuple[str, ...], kind: str
    ) -> None:
        prepared(client, kind="NOT_CONFIGURED", model_kind=model_kind, classes=["ape"], returned=returned)
        patches = [json.loads(each.body) for each in script.received if each.method == "PATCH"]
        assert patches == [{"type": kind}]
        assert json.loads(script.of(f"{PATH}/bulk-labels")[0].body) == {"names": ["ape"]}

    def test_nothing_says_which_type(self, client: Client, script: Script) -> None:
        with pytest.raises(JobError, match="has no type yet, and nothing says which one it should get"):
            prepared(client, kind="NOT_CONFIGURED", returned=("Mask", "Polygon"))
        assert [each for each in script.received if each.method == "PATCH"] == []

    def test_annotated_assets_are_done_unless_replaced(self, client: Client, script: Script) -> None:
        script.routes[f"GET {PATH}/annotations/ids"] = [OUTPUT]
        script.routes[f"XGET {PATH}/annotations"] = [{"id": OUTPUT, "asset_id": asset(1)["id"]}]
        references = [AssetReference(asset(number)["id"], "a") for number in range(3)]
        assert prepared(client)[1].pending(references) == [references[0], references[2]]
        assert prepared(client, existing="replace")[1].pending(references) == references


def image(*, width: int = 64, height: int = 48, orientation: int = 1, stored: tuple[int, int] = (0, 0)) -> Image:
    reference = AssetReference(asset(1)["id"], "a.jpg", width=stored[0], height=stored[1])
    return Image(np.zeros((height, width, 3), np.uint8), "a.jpg", reference, orientation)


@pytest.mark.usefixtures("labels")
class TestRecords:
    """What an author returns for an image becomes what goes on the wire."""

    def test_shapes(self, client: Client) -> None:
        _, output = prepared(client)
        record = output.record(
            image(),
            [
                Rectangle("CAR", 1.4, 2, 200, 10, np.float32(0.5)),
                Rectangle("bus", 0, 0, 5, 5),
                Rectangle("zebra", 0, 0, 5, 5),
                Rectangle("car", 100, 100, 5, 5),
            ],
        )
        boxes = record.payload["rectangles"]
        assert [(box["x"], box["y"], box["w"], box["h"]) for box in boxes] == [(1, 2, 63, 10), (0, 0, 5, 5)]
        assert [box["label_id"] for box in boxes] == [NOWHERE, OUTPUT]
        assert [(shape.label, shape.model_class, shape.confidence) for shape in record.shapes] == [
            ("car", "CAR", 0.5),
            ("Bus", "bus", None),
        ]
        assert (record.dropped, record.unmatched) == (("wholly outside the picture",), ("zebra",))
        json.dumps(record.payload)

    def test_what_cannot_be_read_is_not_nothing_to_see(self, client: Client) -> None:
        _, output = prepared(client)
        unreadable, outside = Rectangle("car", np.nan, 0, 1, 1), Rectangle("car", 100, 100, 5, 5)
        assert output.record(image(), [unreadable, Rectangle("car", 0, 0, 5, 5)]).dropped == (
            "x is nan: expected a finite number",
        )
        for shapes in ([unreadable], [unreadable, outside]):
            with pytest.raises(UnreadableShape, match="x is nan"):
                output.record(image(), shapes)

    @pytest.mark.parametrize("result", [[], (), iter([]), np.empty(0)], ids=range(4))
    def test_nothing_to_see_is_an_annotation_too(self, client: Client, result: Any) -> None:
        _, output = prepared(client)
        assert output.record(image(), result).payload == {
            "asset_id": asset(1)["id"],
            **{kind: [] for kind in ("rectangles", "polygons", "classifications", "keypoints", "masks")},
        }

    @pytest.mark.parametrize(
        ("result", "said"),
        [
            (None, "empty where there is nothing to see; found None"),
            (Rectangle("car", 0, 0, 1, 1), "come as a list; found a single Rectangle"),
            ("car", "found str 'car'"),
            ({"car": 1}, "found dict"),
            (3, "found int 3"),
            ([3], "expected Rectangle, found int 3"),
            ([None], "expected Rectangle, found None"),
            ([[Rectangle("car", 0, 0, 1, 1)]], "expected Rectangle, found list"),
            ([Polygon("car", [])], "of type OBJECT_DETECTION, which holds Rectangle; found Polygon"),
            ([Rectangle(3, 0, 0, 1, 1)], "the label of a Rectangle is the name of a class; found int 3"),
            ([Rectangle("", 0, 0, 1, 1)], "is the name of a class; found str ''"),
            ([Rectangle(None, 0, 0, 1, 1)], "is the name of a class; found None"),
        ],
    )
    def test_what_is_no_result_says_what_was_expected(self, client: Client, result: Any, said: str) -> None:
        _, output = prepared(client)
        with pytest.raises(ResultError) as caught:
            output.record(image(), result)
        assert said in str(caught.value)

    def test_the_sdks_server_object(self, client: Client) -> None:
        from picsellia.sdk.rectangle import Rectangle as ServerRectangle

        fields = {"id": NOWHERE, "x": 1, "y": 1, "w": 1, "h": 1, "label": {"id": NOWHERE, "name": "car"}}
        _, output = prepared(client)
        with pytest.raises(ResultError, match=r"SDK's server object: use `from picsellia_processing import Rectangle`"):
            output.record(image(), [ServerRectangle(client.connection, VERSION, NOWHERE, fields)])

    @pytest.mark.parametrize(
        ("shape", "kind", "name"),
        [
            (Rectangle("car", 0, 0, 1, 1), "rectangles", "rectangle"),
            (Polygon("car", [(0, 0), (9, 0), (9, 9)]), "polygons", "polygon"),
            (Line("car", [(0, 0), (9, 9)]), "lines", "line"),
            (Point("car", 1, 1), "points", "point"),
            (Keypoints("car", [(1, 1, 2)]), "keypoints", "keypoints"),
            (Classification("car"), "classifications", "classification"),
            (Mask("car", np.ones((48, 64), bool)), "masks", "mask"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_every_kind(self, client: Client, shape: Any, kind: str, name: str) -> None:
        _, output = prepared(client, kind="MULTI")
        record = output.record(image(), [shape])
        assert len(record.payload[kind]) == 1
        assert [each.type for each in record.shapes] == [name]
        assert "label_id" not in record.shapes[0].fields

    def test_an_open_label_is_made_when_it_is_first_needed(self, client: Client, script: Script) -> None:
        _, output = prepared(client, label_matching="add")
        for _ in range(3):
            output.record(image(), [Rectangle("zebra", 0, 0, 5, 5)])
        assert len(script.of(f"{PATH}/bulk-labels")) == 1

    def test_an_open_label_that_was_made_is_found_as_the_next_run_finds_it(
        self, client: Client, script: Script
    ) -> None:
        _, output = prepared(client, label_matching="add")
        for name in ("zebra", "ZEBRA", "Zebra", "zebra"):
            (written,) = output.record(image(), [Rectangle(name, 0, 0, 5, 5)]).shapes
            assert (written.label, written.model_class) == ("zebra", name)
        assert len(script.of(f"{PATH}/bulk-labels")) == 1

    def test_exif_is_undone(self, client: Client) -> None:
        _, output = prepared(client)
        turned = output.record(image(orientation=6), [Rectangle("car", 0, 0, 10, 5)]).payload["rectangles"][0]
        assert (turned["x"], turned["y"], turned["w"], turned["h"]) == (0, 54, 5, 10)

    def test_a_chunk_is_one_request(self, client: Client, script: Script) -> None:
        _, output = prepared(client)
        output.write([output.record(image(), []) for _ in range(output.chunk)])
        (sent,) = script.of(f"{PATH}/bulk-annotations")
        body = json.loads(sent.body)
        assert (body["import_type"], body["status"], len(body["annotations"])) == ("KEEP", "PENDING", 100)


@pytest.mark.parametrize(
    ("orientation", "stored", "undone"),
    [(1, (64, 48), 1), (3, (64, 48), 3), (6, (48, 64), 6), (6, (64, 48), 1), (6, (0, 0), 6), (8, (10, 10), 8)],
)
def test_orientation_is_undone_where_the_platform_keeps_the_stored_size(
    orientation: int, stored: tuple[int, int], undone: int
) -> None:
    assert stored_orientation(image(orientation=orientation, stored=stored)) == undone
