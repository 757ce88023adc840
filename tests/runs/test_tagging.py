"""Auto-tagging and data auto-tagging, as Jobs on the local platform."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.runs.rig import Rig
from tests.runs.test_killed import kill

Start = Callable[..., Rig]
ATTACH = "POST /api/tag/{}/attach"
BULK = "PATCH /api/datalake/{}/data/bulk"
PARITY = {f"{n:02}.jpg": sorted(["odd" if n % 2 else "even", f"ends in {n % 5}"]) for n in range(30)}
MEASURED = {
    f"{n:02}.jpg": (["odd" if n % 2 else "even"], {"brightness": float(n), "number": n, "size": [96, 64]})
    for n in range(30)
}


def tagging_job(on: Rig, parameters: dict[str, Any] | None = None, **options: Any) -> str:
    return on.launch(parameters, type="AUTO_TAGGING", **options)


def test_tags_are_made_once_and_attached_in_bulk(rig: Start, images: Path) -> None:
    for number in range(30, 600):
        Image.new("RGB", (8, 8), (number % 256, 0, 0)).save(images / f"{number:03}.png")
    on = rig()
    on.version.create_asset_tag("even")
    job = tagging_job(on)
    on.platform.clear_ledger()
    run = on.run("tags:parity", job)
    assert run.status == 0, run.output
    requests = on.platform.ledger()["by_endpoint"]
    assert requests[ATTACH] <= 7 * 3, "7 tags, and 600 assets in 3 chunks of at most 250"
    assert requests["POST /api/dataset/version/{}/tags"] == 6, "one was there"
    produced = run.report["produced"]
    assert (produced["tags"], produced["tag 'even'"], produced["tag 'ends in 3'"]) == (1200, 300, 120)
    tags = {tag.name: tag for tag in on.version.list_asset_tags()}
    assert len(on.version.list_assets(q='tags.name = "odd"')) == 300
    assert tags.keys() == {"even", "odd", *(f"ends in {digit}" for digit in range(5))}


def test_a_second_run_changes_nothing(rig: Start) -> None:
    on = rig()
    for _ in range(2):
        run = on.run("tags:parity", tagging_job(on))
        assert run.status == 0, run.output
        assert run.report["assets"]["processed"] == 30
        assert on.asset_tags() == PARITY
        assert len(on.version.list_asset_tags()) == 7


def test_tags_of_people_stay_and_none_means_no_tag(rig: Start) -> None:
    on = rig()
    on.version.find_asset(filename="03.jpg").add_tags(on.version.create_asset_tag("mine"))
    run = on.run("tags:even_alone", tagging_job(on, filenames=["02.jpg", "03.jpg", "05.jpg"]))
    assert run.status == 0, run.output
    assert run.report["assets"]["processed"] == 3
    assert on.asset_tags() == {"02.jpg": ["even"], "03.jpg": ["mine"]}


def test_a_tag_that_is_not_there_is_left_out_and_counted_when_asked_for(rig: Start) -> None:
    on = rig()
    refused = on.run("tags:existing", tagging_job(on))
    assert refused.status == 2
    assert "tag_matching = add" in refused.report["reason"]
    on.version.create_asset_tag("known")
    run = on.run("tags:existing", tagging_job(on))
    assert run.status == 0, run.output
    assert run.report["produced"] == {"tags": 30, "tag 'known'": 30, "left out, there is no tag 'unknown'": 30}
    assert [tag.name for tag in on.version.list_asset_tags()] == ["known"]


def test_a_class_may_ask_for_samples(rig: Start) -> None:
    on = rig()
    label = on.version.get_label("thing")
    on.version.find_asset(filename="05.jpg").create_annotation().create_rectangle(1, 1, 5, 5, label)
    run = on.run("tags:Drawn", tagging_job(on, filenames=["05.jpg", "06.jpg"]))
    assert run.status == 0, run.output
    assert on.asset_tags() == {"05.jpg": ["1 shapes"], "06.jpg": ["0 shapes"]}


def test_an_author_may_drive(rig: Start) -> None:
    on = rig()
    run = on.run("tags:drives", tagging_job(on))
    assert run.status == 0, run.output
    assert len(on.asset_tags()) == 30


def test_what_is_no_tag_fails_the_job(rig: Start) -> None:
    on = rig()
    run = on.run("tags:wrong", tagging_job(on))
    assert run.status != 0
    assert "a text that is not blank; found Rectangle" in run.report["reason"]


def test_a_tag_that_the_platform_refuses_costs_its_image_alone(rig: Start) -> None:
    on = rig()
    run = on.run("tags:too_long", tagging_job(on))
    assert run.status == 0, run.output
    (failure,) = run.report["failures"]
    assert (failure["asset"], failure["stage"]) == ("13.jpg", "write")
    assert on.asset_tags() == {name: ["fine"] for name in PARITY if name != "13.jpg"}


@pytest.mark.parametrize("generation", ["per-target", "unified"])
def test_auto_tagging_follows_the_job_to_a_datalake(rig: Start, generation: str) -> None:
    on = rig(job_payload=generation)
    names = ["03.jpg", "04.jpg", "05.jpg"]
    run = on.run("tags:parity", on.launch_on_datalake(filenames=names, type="AUTO_TAGGING"))
    assert run.status == 0, run.output
    assert run.report["target"]["type"] == "DATALAKE"
    assert {name: tags for name, (tags, _) in on.data_state().items() if tags} == {name: PARITY[name] for name in names}
    assert on.asset_tags() == {}


def test_data_of_a_datalake_have_no_annotations_to_ask_for(rig: Start) -> None:
    on = rig()
    run = on.run("tags:Drawn", on.launch_on_datalake(type="AUTO_TAGGING"))
    assert run.status == 2
    assert "asks for Sample" in run.report["reason"]


def test_tags_and_metadata_of_data(rig: Start) -> None:
    on = rig()
    on.lake.find_data(filename="03.jpg").update_custom_metadata({"line": 7, "number": -1})
    on.lake.find_data(filename="03.jpg").add_tags(on.lake.create_data_tag("mine"))
    job = on.launch_on_datalake()
    on.platform.clear_ledger()
    run = on.run("tags:measures", job)
    assert run.status == 0, run.output
    assert on.platform.ledger()["by_endpoint"][BULK] == 1
    kept = {"line": 7, "brightness": 3.0, "number": 3, "size": [96, 64]}
    assert on.data_state() == {**MEASURED, "03.jpg": (["mine", "odd"], kept)}
    assert run.report["produced"] == {"tags": 30, "metadata": 90, "tag 'even'": 15, "tag 'odd'": 15}
    on.platform.clear_ledger()
    again = on.run("tags:measures", on.launch_on_datalake())
    assert again.status == 0, again.output
    assert BULK not in on.platform.ledger()["by_endpoint"], "what is there already is not written again"
    assert on.data_state() == {**MEASURED, "03.jpg": (["mine", "odd"], kept)}


def test_a_text_is_enough_for_data(rig: Start) -> None:
    on = rig()
    run = on.run("tags:plain", on.launch_on_datalake(filenames=["02.jpg", "03.jpg"]))
    assert run.status == 0, run.output
    assert {name: tags for name, (tags, _) in on.data_state().items() if tags} == {"02.jpg": ["even"]}


def test_a_number_that_is_none_is_refused(rig: Start) -> None:
    on = rig()
    run = on.run("tags:not_finite", on.launch_on_datalake())
    assert run.status != 0
    assert "metadata 'sharpness': expected a finite number; found nan" in run.report["reason"]


def test_a_datalake_job_without_a_selection_is_refused(rig: Start) -> None:
    on = rig()
    processing = on._processing("DATA_AUTO_TAGGING", "DATALAKE")
    launched = on.client.connection.session.post(
        f"{on.platform.host}/api/datalake/{on.lake.id}/processing/launch",
        json={"processing_id": str(processing.id), "data_ids": []},
        headers=on.client.connection.headers,
    )
    run = on.run("tags:measures", launched.json()["id"])
    assert run.status == 2
    assert "empty selection" in run.report["reason"]
    assert not any(tags for tags, _ in on.data_state().values())


@pytest.mark.parametrize(
    ("target", "type"),
    [("tags:parity", "AUTO_TAGGING"), ("tags:measures", "DATA_AUTO_TAGGING")],
    ids=["assets", "data"],
)
@pytest.mark.parametrize("fault_rate", [0.0, 0.2], ids=["reliable", "faults"])
def test_killed_in_the_middle_and_run_again(
    rig: Start, images: Path, tmp_path: Path, target: str, type: str, fault_rate: float
) -> None:
    colours = np.random.default_rng(1).integers(0, 255, (300, 3), dtype=np.uint8)
    for number in range(30, 300):
        Image.new("RGB", (96, 64), tuple(map(int, colours[number]))).save(images / f"{number:03}.jpg")
    on = rig(latency_ms=40, fault_rate=fault_rate, seed_faults=5)
    on_assets = type == "AUTO_TAGGING"
    job = tagging_job(on) if on_assets else on.launch_on_datalake()
    write = ATTACH if on_assets else BULK
    on.platform.clear_ledger()
    process = on.start(target, job, tmp_path / "killed")
    while process.poll() is None and write not in on.platform.ledger()["by_endpoint"]:
        time.sleep(0.005)
    kill(process, "both")
    process.wait(30)
    before = on.asset_tags() if on_assets else on.data_state()
    for _ in range(2):
        run = on.run(target, job)
        assert run.status == 0, run.output
        state = on.asset_tags() if on_assets else on.data_state()
        assert state == {f"{n:02}.jpg" if n < 30 else f"{n:03}.jpg": expected(n, on_assets) for n in range(300)}
    assert before != state, "the kill came too late"


def expected(number: int, on_assets: bool) -> Any:
    parity = "odd" if number % 2 else "even"
    if on_assets:
        return sorted([parity, f"ends in {number % 5}"])
    return [parity], {"brightness": float(number), "number": number, "size": [96, 64]}
