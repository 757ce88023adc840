"""Dataset-version creation, seen from the platform: what is kept, changed, left out, and where it goes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from picsellia.sdk.dataset_version import DatasetVersion
from picsellia.types.enums import AnnotationStatus
from picsellia_processing import Classification, Keypoints, Line, Mask, Point, Polygon, Rectangle
from picsellia_processing.sdk.annotations import load_annotations, to_wire, write_annotations
from PIL import Image as Pillow

from tests.runs.kill import kill, requests_made, wait_for_requests
from tests.runs.rig import Rig
from tests.runs.test_data_augmentation import annotate, sent, state

Start = Callable[..., Rig]

TYPE = "DATASET_VERSION_CREATION"
OUTPUT = "curated"


def launch(on: Rig, parameters: dict[str, Any] | None = None, **options: Any) -> str:
    return on.launch(parameters, **{"type": TYPE, "inputs": {"target_version_name": OUTPUT}, **options})


@pytest.mark.parametrize("target", ["versions:keep_all", "versions:keep_images"])
def test_an_unchanged_version_uploads_no_byte(rig: Start, target: str) -> None:
    on = rig()
    annotate(on)
    job = launch(on)
    on.platform.clear_ledger()
    run = on.run(target, job)
    assert run.status == 0, run.output
    asked = on.platform.ledger()["by_endpoint"]
    assert not [endpoint for endpoint in asked if "generate_object_name" in endpoint and asked[endpoint] > 1]
    assert sent(on) == 0
    found = state(on, OUTPUT)
    expected = on.annotations()
    assert found == {f"{number:02}.jpg": expected.get(f"{number:02}.jpg") for number in range(30)}
    output = on.output(OUTPUT)
    assert output.type == on.version.type
    assert {label.name for label in output.list_labels()} == {"thing"}


def test_kept_changed_and_left_out(rig: Start) -> None:
    on = rig()
    annotate(on)
    run = on.run("versions:curate", launch(on))
    assert run.status == 0, run.output
    assert run.report["produced"] == {"new images": 10, "kept images": 10, "images left out": 10, "shapes": 10}
    found = state(on, OUTPUT)
    assert len(found) == 20
    assert {int(name[:2]) for name in found if len(name) == 6} == set(range(0, 30, 3))
    sizes = {asset.filename: (asset.width, asset.height) for asset in on.output(OUTPUT).list_assets()}
    assert {sizes[name] for name in found if len(name) > 6} == {(96, 32)}
    again = launch(on)
    on.platform.clear_ledger()
    assert on.run("versions:curate", again).status == 0
    assert sent(on) == 0
    assert state(on, OUTPUT) == found


def test_the_status_of_annotations_is_carried(rig: Start) -> None:
    on = rig()
    annotate(on)
    for annotation in on.version.list_annotations():
        annotation.update(status=AnnotationStatus.ACCEPTED)
    run = on.run("versions:keep_all", launch(on))
    assert run.status == 0, run.output
    assert {each.status for each in on.output(OUTPUT).list_annotations()} == {AnnotationStatus.ACCEPTED}


def test_an_empty_annotation_stays_one(rig: Start) -> None:
    on = rig()
    on.version.find_asset(filename="05.jpg").create_annotation()
    run = on.run("versions:keep_all", launch(on))
    assert run.status == 0, run.output
    found = state(on, OUTPUT)
    assert found["05.jpg"] == []
    assert found["06.jpg"] is None


def test_a_class_and_an_author_who_drives(rig: Start) -> None:
    on = rig()
    annotate(on)
    assert on.run("versions:Curate", launch(on)).status == 0
    assert len(state(on, OUTPUT)) == 15
    run = on.run("versions:drives", launch(on, inputs={"target_version_name": "driven"}))
    assert run.status == 0, run.output
    assert run.report["skipped"] == {"the processing wrote nothing for it": 1}
    assert state(on, "driven").keys() == {f"{number:02}.jpg" for number in range(30) if number != 3}


def test_images_are_kept_once_all_have_been_seen(rig: Start) -> None:
    on = rig()
    annotate(on)
    run = on.run("versions:decides_at_the_end", launch(on))
    assert run.status == 0, run.output
    assert run.report["assets"] == {"selected": 30, "processed": 10, "skipped": 20, "failed": 0}
    assert run.report["skipped"] == {"over the budget": 20}
    expected = on.annotations()
    assert state(on, OUTPUT) == {f"{number:02}.jpg": expected.get(f"{number:02}.jpg") for number in range(10)}
    assert sent(on) == 0


def test_a_label_that_is_renamed_while_the_job_runs(rig: Start) -> None:
    on = rig()
    annotate(on)
    run = on.run("versions:keeps_while_a_person_renames", launch(on))
    assert run.status == 0, run.output
    found = on.annotations(on.output(OUTPUT))
    assert found.keys() == on.annotations().keys()
    assert any("renamed" in shape for shapes in found.values() for shape in shapes)


def test_new_labels_are_added_to_the_output_alone(rig: Start) -> None:
    on = rig()
    annotate(on)
    assert on.run("versions:relabels", launch(on)).status == 0
    assert {label.name for label in on.output(OUTPUT).list_labels()} == {"thing", "other"}
    assert {label.name for label in on.version.list_labels()} == {"thing"}
    assert all("label='other'" in shape for shapes in on.annotations(on.output(OUTPUT)).values() for shape in shapes)


def test_the_version_is_made_where_the_platform_made_none(rig: Start) -> None:
    on = rig()
    job = launch(on, type=None)
    assert on.run("versions:keep_images", job).status == 0
    found = state(on, OUTPUT)
    assert len(found) == 30
    assert on.run("versions:keep_images", job).status == 0, "the same Job takes up its own version"
    other = on.run("versions:keep_images", launch(on, type=None))
    assert other.status == 2
    assert "there is a DatasetVersion things/curated already" in other.report["reason"]
    assert on.run("versions:keep_images", launch(on, {"allow_existing": True}, type=None)).status == 0
    assert state(on, OUTPUT) == found


def test_making_the_version_survives_faults(rig: Start) -> None:
    on = rig(fault_rate=0.2, seed_faults=11)
    run = on.run("versions:keep_images", launch(on, type=None))
    assert run.status == 0, run.output
    assert len(state(on, OUTPUT)) == 30


@pytest.mark.parametrize("fault_rate", [0.0, 0.2])
def test_killed_and_run_again(rig: Start, tmp_path: Path, fault_rate: float) -> None:
    on = rig(fault_rate=fault_rate, seed_faults=9, latency_ms=3)
    annotate(on)
    job = launch(on, {"batch_size": 3}, inputs={"target_version_name": "undisturbed"})
    on.platform.clear_ledger()
    assert on.run("versions:curate", job).status == 0
    requests = requests_made(on.platform)
    expected = content(state(on, "undisturbed"))
    for part, whom in ((0.5, "both"), (0.85, "worker")):
        job = launch(on, {"batch_size": 3}, inputs={"target_version_name": f"killed-{part}"})
        on.platform.clear_ledger()
        process = on.start("versions:curate", job, tmp_path / str(part))
        wait_for_requests(on.platform, process, int(requests * part))
        kill(process, whom)
        process.wait(30)
        assert on.run("versions:curate", job).status == 0
        assert content(state(on, f"killed-{part}")) == expected
    data = on.client.get_datalake().list_data()
    assert len({each.filename for each in data}) == len(data) == 60, "a file was uploaded twice"


def content(found: dict[str, list[str] | None]) -> dict[str, list[str] | None]:
    """By the name of the source: the digest is another one for each output."""
    return {name[:4]: shapes for name, shapes in found.items()}


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        ({}, "no output DatasetVersion, and no name for one"),
        ({"target_version_name": "v1"}, "there is a DatasetVersion things/v1 already"),
    ],
)
def test_an_output_that_cannot_be_is_refused(rig: Start, inputs: dict[str, str], reason: str) -> None:
    on = rig()
    run = on.run("versions:keep_images", launch(on, type=None, inputs=inputs))
    assert run.status == 2
    assert reason in run.report["reason"]


def test_the_version_that_is_read_is_never_the_output(rig: Start) -> None:
    on = rig()
    run = on.run(
        "versions:keep_images",
        launch(on, {"allow_existing": True}, type=None, inputs={"target_version_name": "v1"}),
    )
    assert run.status == 2
    assert "the DatasetVersion it reads" in run.report["reason"]
    assert len(on.version.list_assets()) == 30


def test_an_output_of_another_type_is_refused(rig: Start) -> None:
    on = rig()
    on.client.get_dataset_by_id(str(on.version.origin_id)).create_version("masks", type="SEGMENTATION")
    run = on.run("versions:keep_images", launch(on, inputs={"target_version_name": "masks"}))
    assert run.status == 2
    assert (
        "is of type SEGMENTATION, but the images come from things/v1 of type OBJECT_DETECTION" in run.report["reason"]
    )


@pytest.mark.parametrize("target", ["versions:keep_all", "versions:keep_images"])
def test_every_kind_of_shape_is_carried_as_it_is(rig: Start, images: Path, target: str) -> None:
    for path in images.iterdir():
        path.unlink()
    exif = Pillow.Exif()
    for orientation in range(1, 9):
        exif[0x0112] = orientation
        Pillow.new("RGB", (96, 64)).save(images / f"{orientation}.jpg", exif=exif)
    on = rig(type="MULTI")
    label_id = str(on.version.get_label("thing").id)
    mask = np.zeros((64, 96), bool)
    mask[3:20, 5:50] = mask[30, 60] = True
    shapes = [
        Rectangle("thing", 3, 4, 50, 60),
        Polygon("thing", [(1, 1), (90, 3), (40, 60)]),
        Line("thing", [(0, 0), (10, 40), (96, 64)]),
        Point("thing", 17, 33),
        Keypoints("thing", [(5, 6, 2), (7, 8, 1), (0, 0, 0)]),
        Mask("thing", mask),
        Classification("thing"),
    ]
    payloads: list[dict[str, Any]] = []
    for asset in on.version.list_assets():
        payload: dict[str, Any] = {"asset_id": str(asset.id)}
        for shape in shapes:
            kind, fields = to_wire(shape, label_id)
            payload.setdefault(kind, []).append(fields)
        payloads.append(payload)
    write_annotations(on.version, payloads, status="ACCEPTED", replace=True)
    expected = stored(on, on.version)
    assert len(expected) == 8
    run = on.run(target, launch(on))
    assert run.status == 0, run.output
    assert stored(on, on.output(OUTPUT)) == expected


def stored(on: Rig, version: DatasetVersion) -> dict[str, tuple[str, list[Any]]]:
    """Status and shapes as they are on the wire, by file name."""
    names = {str(asset.id): asset.filename for asset in version.list_assets()}
    found = load_annotations(version, dict.fromkeys(names, (96, 64)))
    return {names[each]: (found[each].status, [to_wire(shape, "") for shape in found[each].shapes()]) for each in found}
