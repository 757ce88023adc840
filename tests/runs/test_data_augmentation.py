"""Augmentation, seen from the platform: what is uploaded, attached and annotated, once and only once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from picsellia_processing import Rectangle
from picsellia_processing.sdk.annotations import to_wire, write_annotations

from tests.runs.kill import kill, requests_made, wait_for_requests
from tests.runs.rig import Rig, Run

Start = Callable[..., Rig]

TYPE = "DATA_AUGMENTATION"
OUTPUT = "augmented"
SENDS = "POST /api/datalake/{}/datas"


def launch(on: Rig, parameters: dict[str, Any] | None = None, **options: Any) -> str:
    return on.launch(parameters, **{"type": TYPE, "inputs": {"target_version_name": OUTPUT}, **options})


def annotate(on: Rig) -> None:
    """A box on every other picture, whose place says which."""
    label_id = str(on.version.get_label("thing").id)
    payloads = []
    for asset in on.version.list_assets():
        number = int(asset.filename[:2])
        if number % 2 == 0:
            kind, box = to_wire(Rectangle("thing", number, 1, 10, 5), label_id)
            payloads.append({"asset_id": str(asset.id), kind: [box]})
    write_annotations(on.version, payloads, status="PENDING", replace=True)


def state(on: Rig, name: str = OUTPUT) -> dict[str, list[str] | None]:
    """Every asset of the output with its shapes; None where it is not annotated."""
    version = on.output(name)
    annotations = on.annotations(version)
    names = [asset.filename for asset in version.list_assets()]
    assert len(set(names)) == len(names), "an image is there twice"
    return {name: annotations.get(name) for name in names}


def sent(on: Rig) -> int:
    return on.platform.ledger()["by_endpoint"].get(SENDS, 0)


def assert_nothing_more_to_do(on: Rig, run: Run, before: dict[str, list[str] | None]) -> None:
    assert run.status == 0, run.output
    assert sent(on) == 0, "a file was uploaded again"
    asked = on.platform.ledger()["by_endpoint"]
    assert "POST /api/dataset/version/{}/assets" not in asked
    assert "POST /api/dataset/version/{}/bulk-annotations" not in asked
    assert state(on) == before


def test_new_images_are_uploaded_attached_and_annotated_once(rig: Start) -> None:
    on = rig()
    annotate(on)
    run = on.run("versions:flip", launch(on))
    assert run.status == 0, run.output
    assert run.report["assets"] == {"selected": 30, "processed": 30, "skipped": 0, "failed": 0}
    assert run.report["produced"] == {"new images": 60, "shapes": 30}
    found = state(on)
    assert len(found) == 60
    assert Counter(name[:2] for name in found) == {f"{number:02}": 2 for number in range(30)}
    assert {Path(name).suffix for name in found} == {".jpg"}
    for name, shapes in found.items():
        x = 96 - int(name[:2]) - 10
        box = f"Rectangle(label='thing', x={x}, y=1, width=10, height=5, confidence=None)"
        assert shapes == ([box] if int(name[:2]) % 2 == 0 else None)
    assert {label.name for label in on.output(OUTPUT).list_labels()} == {"thing"}
    assert len(on.version.list_assets()) == 30, "the source is as it was"
    again = launch(on)
    on.platform.clear_ledger()
    assert_nothing_more_to_do(on, on.run("versions:flip", again), found)


def test_other_parameters_make_other_images(rig: Start) -> None:
    on = rig()
    assert on.run("versions:flip", launch(on, {"variants": 1}, filenames=["03.jpg"])).status == 0
    run = on.run("versions:flip", launch(on, {"variants": 1, "batch_size": 2}, filenames=["03.jpg"]))
    assert run.status == 0, run.output
    assert len(state(on)) == 1, "how many at once makes no difference to what they look like"
    assert on.run("versions:flip", launch(on, {"variants": 2}, filenames=["03.jpg"])).status == 0
    assert len(state(on)) == 3


def test_originals_are_kept_without_sending_a_byte(rig: Start) -> None:
    on = rig()
    annotate(on)
    job = launch(on)
    on.platform.clear_ledger()
    run = on.run("versions:darken", job)
    assert run.status == 0, run.output
    assert run.report["produced"] == {"new images": 29, "kept images": 30}
    assert sent(on) == 29
    found = state(on)
    assert {name: shapes for name, shapes in found.items() if len(name) == 6 and shapes} == on.annotations()
    dark = [name for name in found if name.startswith("dark-")]
    assert len(dark) == 29
    assert {Path(name).suffix for name in dark} == {".png"}
    again = launch(on)
    on.platform.clear_ledger()
    assert_nothing_more_to_do(on, on.run("versions:darken", again), found)


def test_the_pixels_arrive(rig: Start, tmp_path: Path) -> None:
    import numpy as np
    from PIL import Image

    on = rig()
    assert on.run("versions:darken", launch(on, {"keep_originals": False}, filenames=["07.jpg"])).status == 0
    (asset,) = on.output(OUTPUT).list_assets()
    asset.download(str(tmp_path))
    (path,) = tmp_path.glob("dark-*.png")
    with Image.open(path) as image:
        colour = np.asarray(image).reshape(-1, 3).mean(axis=0)
    assert colour == pytest.approx([7 * 8 / 2, (255 - 7 * 8) / 2, 20], abs=2)


def test_what_an_author_leaves_out_is_counted(rig: Start) -> None:
    on = rig()
    annotate(on)
    run = on.run("versions:crops", launch(on))
    assert run.status == 0, run.output
    assert run.report["dropped_shapes"] == {"cut off": sum(map(len, on.annotations().values()))}


def test_one_failing_image_costs_no_other(rig: Start) -> None:
    on = rig()
    run = on.run("versions:stumbles", launch(on))
    assert run.status == 0, run.output
    assert [failure["asset"] for failure in run.report["failures"]] == ["13.jpg"]
    assert len(state(on)) == 29


@pytest.mark.parametrize("fault_rate", [0.0, 0.2])
def test_killed_and_run_again(rig: Start, tmp_path: Path, fault_rate: float) -> None:
    on = rig(fault_rate=fault_rate, seed_faults=3, latency_ms=3)
    job = launch(on, inputs={"target_version_name": "undisturbed"})
    on.platform.clear_ledger()
    assert on.run("versions:Slowly", job).status == 0
    requests = requests_made(on.platform)
    expected = shapes_by_source(state(on, "undisturbed"))
    assert len(expected) == 30
    for part, whom in ((0.3, "worker"), (0.6, "both"), (0.8, "supervisor")):
        name = f"killed-{part}"
        job = launch(on, inputs={"target_version_name": name})
        on.platform.clear_ledger()
        process = on.start("versions:Slowly", job, tmp_path / name)
        wait_for_requests(on.platform, process, int(requests * part))
        kill(process, whom)
        process.wait(30)
        again = on.run("versions:Slowly", job)
        assert again.status == 0, again.output
        assert shapes_by_source(state(on, name)) == expected
        data = on.client.get_datalake().list_data()
        assert len({each.filename for each in data}) == len(data), "a file was uploaded twice"


def shapes_by_source(found: dict[str, list[str] | None]) -> dict[str, list[str] | None]:
    return {name[:4]: shapes for name, shapes in found.items()}


def test_faults_make_no_difference(rig: Start) -> None:
    on = rig(fault_rate=0.2, seed_faults=5)
    run = on.run("versions:flip", launch(on))
    assert run.status == 0, run.output
    assert len(state(on)) == 60
    assert len(on.client.get_datalake().list_data()) == 90


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("versions:floats", "height x width x 3 of uint8, RGB; found 64 x 96 x 3 of float64"),
        ("versions:bare", "a new image comes with its annotations: Sample(image, shapes)"),
        ("versions:unwrapped", "the image of a Sample is an Image, Image(pixels) makes one; found ndarray array([[["),
        ("versions:twice", "give each a name of its own"),
    ],
)
def test_a_wrong_result_ends_the_job_at_once(rig: Start, target: str, reason: str) -> None:
    on = rig()
    run = on.run(target, launch(on))
    assert run.status == 1
    assert reason in run.report["reason"]


def test_a_function_that_annotates_is_refused(rig: Start) -> None:
    on = rig()
    run = on.run("versions:shapes", launch(on))
    assert run.status == 2
    assert "it returns Rectangle; expected what becomes of each image" in run.report["reason"]
