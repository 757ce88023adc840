"""What a Job does to the platform, seen from the platform, for every way a processing and its images can be."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from picsellia_processing import Line, Shape
from picsellia_processing.geometry import DegenerateShape, Doubt, UnreadableShape, fit
from PIL import Image

from tests.runs.rig import Rig
from tests.unit.bad_shapes import bad_shapes
from tests.unit.stream.bad_images import Refused, bad_images

Start = Callable[..., Rig]


def test_every_kind_of_bad_image_is_named_and_harms_no_other(rig: Start, images: Path) -> None:
    kinds = bad_images()
    assert len(kinds) >= 40
    for kind in kinds:
        (images / f"{kind.name.replace('/', '_')}.jpg").write_bytes(kind.data)
    refused = {
        f"{kind.name.replace('/', '_')}.jpg": kind.outcome.reason for kind in kinds if isinstance(kind.outcome, Refused)
    }
    on = rig()
    run = on.run("odd:one_by_one", on.launch({"max_failure_rate": 1}))
    assert run.status == 0, run.output
    failures = {failure["asset"]: failure for failure in run.report["failures"]}
    assert failures.keys() == refused.keys()
    for name, reason in refused.items():
        assert failures[name]["stage"] == "decode"
        assert reason in failures[name]["reason"]
    assert run.report["assets"] == {
        "selected": 30 + len(kinds),
        "processed": 30 + len(kinds) - len(refused),
        "skipped": 0,
        "failed": len(refused),
    }
    assert on.annotations().keys() == {path.name for path in images.iterdir()} - refused.keys()


def test_every_kind_of_bad_shape_is_clamped_or_dropped_and_counted(rig: Start, images: Path, tmp_path: Path) -> None:
    for path in images.iterdir():
        path.unlink()
    kinds = bad_shapes()
    assert len(kinds) >= 40
    for number in range(len(kinds)):
        Image.new("RGB", (100, 80)).save(images / f"{number:03}.png")
    on = rig(type="MULTI", labels=("a",))
    run = on.run("shapes:annotate", on.launch({"max_failure_rate": 1}))
    assert run.status == 0, run.output
    names = {f"{number:03}.png": kind for number, kind in enumerate(kinds)}
    dropped = {name for name, kind in names.items() if isinstance(kind.outcome, str)}
    unreadable = {name for name in dropped if _is_unreadable(names[name].shape)}
    assert {failure["asset"] for failure in run.report["failures"]} == unreadable
    assert run.report["assets"]["processed"] == len(kinds) - len(unreadable)
    assert sum(run.report["dropped_shapes"].values()) == len(dropped - unreadable)
    assert run.report["shapes"] == len(kinds) - len(dropped)
    stored = on.annotations()
    assert stored.keys() == names.keys() - unreadable, "an image of which nothing is left is done as well"
    for name in stored:
        assert len(stored[name]) == (name not in dropped), names[name].name


def test_shares_in_place_of_pixels_are_remarked(rig: Start) -> None:
    on = rig()
    job = on.launch()
    run = on.run("odd:in_shares", job)
    assert run.status == 0, run.output
    assert run.report["remarks"] == [f"30 of 30 shapes {Doubt.SHARES}"]
    assert f"look at this: 30 of 30 shapes {Doubt.SHARES}" in on.log(job)


def _is_unreadable(shape: Shape) -> bool:
    try:
        fit(shape, 100, 80)
    except DegenerateShape as error:
        return isinstance(error, UnreadableShape)
    return False


def test_one_failing_image_costs_neither_its_batch_nor_the_job(rig: Start) -> None:
    on = rig()
    run = on.run("odd:stumbles")
    assert run.status == 0, run.output
    (failure,) = run.report["failures"]
    assert (failure["asset"], failure["stage"]) == ("13.jpg", "process")
    assert failure["reason"].startswith("ValueError: thirteen (odd.py:")
    assert run.report["skipped"] == {"seventeen is left out": 1}
    assert len(on.annotations()) == 28
    assert 'raise ValueError("thirteen")' in run.output


def test_too_many_failures_fail_the_job(rig: Start) -> None:
    on = rig()
    job = on.launch()
    run = on.run("odd:everything_fails", job)
    assert run.status == 1
    assert on.job(job)["status"] == "FAILED"
    assert "max_failure_rate = 0.05" in run.report["reason"]
    assert "nothing works" in on.log(job)


def test_a_selection_is_never_widened(rig: Start) -> None:
    on = rig()
    run = on.run("odd:one_by_one", on.launch(filenames=["03.jpg", "04.jpg"]))
    assert run.status == 0, run.output
    assert run.report["assets"]["selected"] == 2
    assert on.annotations().keys() == {"03.jpg", "04.jpg"}


def test_a_selection_that_resolves_to_nothing_is_an_error(rig: Start) -> None:
    on = rig()
    job = on.launch(filenames=["03.jpg"])
    on.version.find_asset(filename="03.jpg").delete()
    run = on.run("odd:one_by_one", job)
    assert run.status == 2
    assert "none of the 1 selected assets" in run.report["reason"]
    assert on.annotation_count() == 0


def test_a_selection_that_cannot_be_read_is_an_error(rig: Start) -> None:
    on = rig()
    job = on.launch(filenames=["03.jpg"])
    on.platform.expire_urls()
    url_of_job = on.job(job)["processing_job"]["payload_presigned_url"]
    on.platform.set_faults([{"method": "GET", "path": url_of_job.split("?")[0].rsplit("/", 1)[1], "fault": 404}])
    run = on.run("odd:one_by_one", job)
    assert run.status == 2
    assert "selection cannot be read" in run.report["reason"]
    assert on.annotation_count() == 0


@pytest.mark.parametrize("generation", ["docs", "per-target", "unified"])
def test_every_generation_of_job_payload_is_understood(rig: Start, generation: str) -> None:
    on = rig(job_payload=generation)
    run = on.run("odd:one_by_one", on.launch({"batch_size": 3}))
    assert run.status == 0, run.output
    assert run.report["assets"]["processed"] == 30
    assert run.report["parameters"]["batch_size"] == 3


def test_what_people_annotated_is_kept_and_not_even_downloaded(rig: Start) -> None:
    on = rig()
    label = on.version.get_label("thing")
    on.version.find_asset(filename="05.jpg").create_annotation().create_rectangle(1, 1, 5, 5, label)
    job = on.launch()
    on.platform.clear_ledger()
    run = on.run("odd:one_by_one", job)
    assert run.status == 0, run.output
    assert run.report["assets"] == {"selected": 30, "processed": 29, "skipped": 1, "failed": 0}
    assert on.platform.ledger()["by_endpoint"]["GET /blob/{}"] == 29 + 1, "29 images and the selection"
    assert on.annotations()["05.jpg"] == ["Rectangle(label='thing', x=1, y=1, width=5, height=5, confidence=None)"]


def test_replace_replaces(rig: Start) -> None:
    on = rig()
    label = on.version.get_label("thing")
    on.version.find_asset(filename="05.jpg").create_annotation().create_rectangle(1, 1, 5, 5, label)
    run = on.run("odd:one_by_one", on.launch({"existing": "replace"}))
    assert run.status == 0, run.output
    assert on.annotations()["05.jpg"] == ["Rectangle(label='thing', x=0, y=0, width=10, height=10, confidence=None)"]
    assert on.annotation_count() == 30


def test_samples_bring_their_annotations_along(rig: Start) -> None:
    on = rig()
    label = on.version.get_label("thing")
    on.version.find_asset(filename="05.jpg").create_annotation().create_rectangle(9, 9, 5, 5, label)
    run = on.run("odd:sees_samples")
    assert run.status == 0, run.output
    found = {name: shapes for name, shapes in on.annotations().items() if shapes}
    assert found == {"05.jpg": ["Rectangle(label='thing', x=1, y=2, width=3, height=4, confidence=None)"]}


def test_an_author_who_drives_accounts_for_every_image(rig: Start) -> None:
    on = rig()
    run = on.run("odd:drives")
    assert run.status == 0, run.output
    assert run.report["assets"] == {"selected": 30, "processed": 29, "skipped": 1, "failed": 0}
    assert "03.jpg" not in on.annotations()


def test_an_author_who_has_seen_enough_waits_for_no_image_that_does_not_come(rig: Start) -> None:
    run = rig().run("odd:leaves_while_the_storage_hangs")
    assert run.status == 0, run.output
    assert run.report["assets"] == {"selected": 30, "processed": 1, "skipped": 29, "failed": 0}


def test_metadata_too_large_for_a_report_do_not_cost_the_counts(rig: Start) -> None:
    run = rig().run("odd:remembers_everything")
    assert run.status == 0, run.output
    assert run.report["assets"]["processed"] == 30
    assert list(run.report["metadata"]) == ["left out, being too large for a report"]


def test_processes_that_a_processing_forks_end_when_they_are_told_to(rig: Start) -> None:
    on = rig()
    run = on.run("odd:forks")
    assert run.status == 0, run.output
    assert len(on.annotations()) == 30


@pytest.mark.parametrize("target", ["odd:Accepts", "odd:accepts"])
def test_auto_annotations_are_accepted(rig: Start, target: str) -> None:
    on = rig()
    run = on.run(target, on.launch(type="AUTO_ANNOTATION"))
    assert run.status == 0, run.output
    assert ("teardown was called" in run.output) == (target == "odd:Accepts")
    from picsellia.types.enums import AnnotationStatus

    assert len(on.version.load_annotations(status=AnnotationStatus.ACCEPTED)) == 30


def test_pre_annotations_are_pending(rig: Start) -> None:
    from picsellia.types.enums import AnnotationStatus

    on = rig()
    assert on.run("odd:one_by_one").status == 0
    assert len(on.version.load_annotations(status=AnnotationStatus.PENDING)) == 30


def test_the_labels_of_the_dataset_version_decide(rig: Start) -> None:
    on = rig(labels=("thing", "horse"))
    run = on.run("odd:names")
    assert run.status == 0, run.output
    rows = {row["model_class"]: row for row in run.report["labels"]}
    assert (rows["Thing"]["label"], rows["Thing"]["shapes"]) == ("thing", 30)
    assert (rows["thong"]["label"], rows["thong"]["closest"], rows["thong"]["shapes"]) == (None, "thing", 30)
    assert rows["zebra"]["label"] is None
    assert rows["Thing"]["confidence"] == {"mean": 0.9, "min": 0.9, "max": 0.9}
    assert run.report["shapes"] == 30
    assert {label.name for label in on.version.list_labels()} == {"thing", "horse"}


def test_labels_are_added_when_asked(rig: Start) -> None:
    on = rig()
    run = on.run("odd:names", on.launch({"label_matching": "add"}))
    assert run.status == 0, run.output
    assert run.report["shapes"] == 90
    assert {label.name for label in on.version.list_labels()} == {"thing", "thong", "zebra"}


def test_labels_can_be_asked_for(rig: Start) -> None:
    on = rig()
    run = on.run("odd:labels_only")
    assert run.status == 0, run.output


REFUSED = [
    ("odd:outlines", {}, {}, "type OBJECT_DETECTION, which holds Rectangle, but the processing returns Polygon"),
    ("odd:one_by_one", {}, {"type": "AUTO_ANNOTATION"}, "the Job is a AUTO_ANNOTATION, but this processing is a PRE_"),
    ("odd:one_by_one", {"batchsize": 3}, {}, "batchsize: there is no such parameter (did you mean 'batch_size'?)"),
    (
        "odd:one_by_one",
        {"batch_size": 0, "existing": "no"},
        {},
        "batch_size: input should be greater than or equal to 1",
    ),
    ("odd:nothing", {}, {}, "odd has no 'nothing'"),
    ("nowhere:one", {}, {}, "names no processing"),
]


@pytest.mark.parametrize(("target", "parameters", "launch", "reason"), REFUSED)
def test_wrong_use_is_refused_before_any_work(
    rig: Start, target: str, parameters: dict[str, object], launch: dict[str, str], reason: str
) -> None:
    on = rig()
    job = on.launch(parameters, **launch)
    on.platform.clear_ledger()
    run = on.run(target, job)
    assert run.status == 2
    assert reason in run.report["reason"]
    assert reason in on.log(job)
    assert on.job(job)["status"] == "FAILED"
    asked = on.platform.ledger()["by_endpoint"]
    assert "POST /api/dataset/version/{}/bulk-annotations" not in asked
    assert asked.get("GET /blob/{}", 0) <= 1, "nothing but the selection was downloaded"


def test_a_model_of_another_type_is_refused(rig: Start, images: Path) -> None:
    model = '[model_version]\nname = "m"\ntype = "CLASSIFICATION"\nframework = "PYTORCH"\nlabels = ["thing"]\n'
    on = rig(extra=model)
    run = on.run("odd:one_by_one")
    assert run.status == 2
    assert "is of type OBJECT_DETECTION, but the ModelVersion" in run.report["reason"]


def test_a_dataset_version_without_fitting_labels_is_refused(rig: Start) -> None:
    on = rig(extra='[model_version]\nname = "m"\ntype = "OBJECT_DETECTION"\nframework = "ONNX"\nlabels = ["cat"]\n')
    run = on.run("odd:one_by_one")
    assert run.status == 2
    assert "no class of the model has a label" in run.report["reason"]
    assert "label_matching = add" in run.report["reason"]


def test_an_unconfigured_dataset_version_gets_type_and_labels_of_the_model(rig: Start) -> None:
    model = '[model_version]\nname = "m"\ntype = "CLASSIFICATION"\nframework = "ONNX"\nlabels = ["thing", "other"]\n'
    on = rig(type="NOT_CONFIGURED", labels=(), extra=model)
    run = on.run("odd:classifies")
    assert run.status == 0, run.output
    on.version.sync()
    assert on.version.type.value == "CLASSIFICATION"
    assert {label.name for label in on.version.list_labels()} == {"thing", "other"}
    assert len(on.annotations()) == 30


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("odd:unannounced", "which holds Rectangle; found Polygon"),
        ("odd:too_few", "one result for each image, in the same order; found 15 for 16 images"),
        ("odd:server_object", "from picsellia_processing import Rectangle"),
        ("odd:exits", "sys.exit(0)"),
        ("odd:exits_at_once", "before its work was done"),
    ],
)
def test_a_wrong_result_ends_the_job_at_once(rig: Start, target: str, reason: str) -> None:
    on = rig()
    job = on.launch()
    run = on.run(target, job)
    assert run.status == 1
    assert reason in run.report["reason"]
    assert on.job(job)["status"] == "FAILED"


def test_a_chunk_that_is_too_large_is_halved(rig: Start) -> None:
    on = rig(max_body_mb=0.05)
    run = on.run("odd:many_boxes")
    assert run.status == 0, run.output
    assert run.report["shapes"] == 30 * 90
    assert run.report["assets"]["processed"] == 30
    by_status = on.platform.ledger(requests=1000)
    assert any(request["status"] == 413 for request in by_status["requests"])


@pytest.mark.parametrize("kind", ["LINE", "MULTI"])
def test_an_annotation_that_was_made_but_not_filled_is_done_again(rig: Start, kind: str) -> None:
    on = rig(type=kind)
    on.platform.set_faults([{"method": "POST", "path": "/save$", "fault": 403, "skip": 7}])
    cut_short = on.run("odd:lines")
    assert cut_short.status == 3, cut_short.output
    assert sum(map(bool, on.annotations().values())) == 7
    on.platform.set_faults([])
    again = on.run("odd:lines")
    assert again.status == 0, again.output
    assert again.report["assets"] == {"selected": 30, "processed": 23, "skipped": 7, "failed": 0}
    assert all(len(shapes) == 1 for shapes in on.annotations().values())


@pytest.mark.parametrize(("existing", "expected"), [("keep", [(1, 1), (50, 50)]), ("replace", [(0, 0), (10, 10)])])
def test_what_a_person_draws_while_the_job_runs_is_kept_unless_replaced(
    rig: Start, existing: str, expected: list[tuple[int, int]]
) -> None:
    on = rig(type="LINE")
    run = on.run("odd:lines_beside_a_person", on.launch({"existing": existing}))
    assert run.status == 0, run.output
    assert on.annotations()["07.jpg"] == [repr(Line("thing", expected))]
    assert len(on.annotations()) == 30


@pytest.mark.parametrize("kind", ["LINE", "MULTI"])
def test_what_was_to_be_replaced_stays_where_the_new_shapes_are_refused(rig: Start, kind: str) -> None:
    on = rig(type=kind)
    assert on.run("odd:lines_beside_a_person").status == 0
    before = on.annotations()
    assert before["07.jpg"] == [repr(Line("thing", [(1, 1), (50, 50)]))]
    on.platform.set_faults([{"method": "POST", "path": "/save$", "fault": 400}])
    refused = on.run("odd:lines", on.launch({"existing": "replace", "max_failure_rate": 1}))
    assert refused.status == 0, refused.output
    assert refused.report["assets"]["failed"] == 30
    assert on.annotations() == before
    on.platform.set_faults([])
    assert on.run("odd:lines", on.launch({"existing": "replace"})).status == 0
    assert set(map(tuple, on.annotations().values())) == {(repr(Line("thing", [(0, 0), (10, 10)])),)}


def test_what_is_replaced_gets_the_status_of_what_replaces_it(rig: Start) -> None:
    on = rig(type="LINE")
    assert on.run("odd:lines").status == 0
    for annotation in on.version.list_annotations()[:5]:
        annotation.update(status="ACCEPTED")
    assert on.run("odd:lines", on.launch({"existing": "replace"})).status == 0
    assert {annotation.status.value for annotation in on.version.list_annotations()} == {"PENDING"}


def test_lines_take_few_requests_beside_their_own(rig: Start) -> None:
    on = rig(type="LINE")
    on.platform.clear_ledger()
    run = on.run("odd:lines")
    assert run.status == 0, run.output
    by_endpoint = run.report["requests"]["by_endpoint"]
    assert by_endpoint["POST /api/annotation/{}/save"] == 30
    assert not any("find" in endpoint for endpoint in by_endpoint if "annotation" in endpoint), by_endpoint


def test_expired_urls_are_renewed_once(rig: Start) -> None:
    on = rig(url_ttl=1, latency_ms=20)
    run = on.run("odd:slow")
    assert run.status == 0, run.output
    assert run.report["assets"]["processed"] == 30


def test_an_asset_whose_file_is_gone_is_named(rig: Start) -> None:
    on = rig()
    path = urlsplit(on.version.find_asset(filename="12.jpg").url).path
    on.platform.set_faults([{"method": "GET", "path": f"^{path}$", "fault": 404}])
    run = on.run("odd:one_by_one")
    assert run.status == 0, run.output
    (failure,) = run.report["failures"]
    assert (failure["asset"], failure["stage"]) == ("12.jpg", "fetch")
    assert "404 Not Found" in failure["reason"]
    assert run.report["assets"]["processed"] == 29


def test_a_token_never_shows(rig: Start) -> None:
    on = rig()
    job = on.launch()
    run = on.run("odd:stumbles", job)
    everything = run.output + json.dumps(run.report) + on.log(job)
    everything += "".join(path.read_text(errors="replace") for path in run.out.rglob("*") if path.is_file())
    assert on.platform.api_token not in everything
    assert "sig=" not in everything
