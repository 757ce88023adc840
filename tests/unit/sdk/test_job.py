from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from picsellia_processing.errors import JobError, PlatformError
from picsellia_processing.sdk.client import find_job
from picsellia_processing.sdk.job import GENERATIONS, merged, read_selection, resolve_job
from picsellia_processing.tasks.pre_annotation import PRE_ANNOTATION

from .platform_script import (
    JOB,
    LAKE,
    MODEL,
    NOWHERE,
    ORGANIZATION,
    OUTPUT,
    VERSION,
    model,
    version,
)
from .scripted_server import Script, reply, reset

if TYPE_CHECKING:
    from pathlib import Path

    from picsellia import Client
    from picsellia_processing.context import JobContext


@pytest.fixture(autouse=True)
def _objects(script: Script, client: Client) -> None:
    find = f"/api/organization/{ORGANIZATION}"
    script.routes[f"{find}/datasetversions/find"] = by_id(version(), version(OUTPUT))
    script.routes[f"{find}/modelversions/find"] = by_id(model())
    script.routes[f"{find}/datalake"] = by_id({"id": LAKE, "name": "lake", "connector_id": None})


def by_id(*objects: dict[str, Any]) -> Any:
    known = {each["id"]: each for each in objects}

    def step(handler: Any) -> None:
        found = known.get(handler.path.rpartition("id=")[2])
        (reply(200, found) if found else reply(404, {"message": "not found"}))(handler)

    return step


def payload(script: Script, **generations: Any) -> None:
    script.routes[f"/api/v2/job/{JOB}"] = {"id": JOB, "status": "RUNNING", "type": "PRE_ANNOTATION", **generations}


def resolved(client: Client, tmp_path: Path) -> JobContext:
    return resolve_job(client, JOB, PRE_ANNOTATION, folder=tmp_path)


OLDEST = {"input_dataset_version_id": VERSION, "model_version_id": MODEL, "parameters": {"a": 1}}
NEWEST = {"target_id": VERSION, "inputs": {"model_version_id": MODEL}, "parameters": {"a": 1}}


@pytest.mark.parametrize(
    "generations",
    [
        {"datasetversionprocessingjob": OLDEST},
        {"dataset_version_processing_job": OLDEST},
        {"processing_job": NEWEST},
        {"processing_job": NEWEST, "dataset_version_processing_job": OLDEST, "datasetversionprocessingjob": OLDEST},
        {"processing_job": {**NEWEST, "inputs": None}, "dataset_version_processing_job": OLDEST},
        {"processing_job": {**NEWEST, "inputs": {"model_version_id": None}}, "datasetversionprocessingjob": OLDEST},
        {"processing_job": {"parameters": None, "target_id": None}, "dataset_version_processing_job": OLDEST},
        {"processing_job": None, "dataset_version_processing_job": OLDEST},
    ],
    ids=range(8),
)
def test_each_generation_of_payload_resolves(
    script: Script, client: Client, tmp_path: Path, generations: dict[str, Any]
) -> None:
    payload(script, **generations)
    context = resolved(client, tmp_path)
    assert str(context.dataset_version.id) == VERSION
    assert str(context.model_version.id) == MODEL
    assert context.parameters == {"a": 1}
    assert context.inputs["model_version_id"] == MODEL
    assert context.selection is None
    assert context.target_name == "birds/v1"
    assert (context.type, context.target_type) == ("PRE_ANNOTATION", "DATASET_VERSION")


def test_outputs_and_inputs_resolve(script: Script, client: Client, tmp_path: Path) -> None:
    details = {
        "input_dataset_version_id": VERSION,
        "output_dataset_version_id": OUTPUT,
        "output_datalake_id": LAKE,
        "inputs": {"target_version_name": "v2", "nothing": None},
    }
    payload(script, processing_job=details)
    context = resolved(client, tmp_path)
    assert str(context.output_dataset_version.id) == OUTPUT
    assert str(context.output_datalake.id) == LAKE
    assert context.model_version is None
    assert context.inputs["target_version_name"] == "v2"
    assert "nothing" not in context.inputs


def test_a_context_cannot_be_changed(script: Script, client: Client, tmp_path: Path) -> None:
    payload(script, processing_job=NEWEST)
    context = resolved(client, tmp_path)
    with pytest.raises(TypeError):
        context.parameters["a"] = 2
    with pytest.raises(AttributeError):
        context.type = "OTHER"
    assert "s3cr3t-token" not in repr(context)


VALUES = st.none() | st.text(max_size=3) | st.dictionaries(st.sampled_from("xy"), st.integers(), max_size=2)
DETAILS = st.dictionaries(st.sampled_from(["target_id", "parameters", "payload_presigned_url"]), VALUES)


@given(st.dictionaries(st.sampled_from(GENERATIONS), DETAILS | st.none()))
def test_of_several_generations_the_newest_that_says_something_counts(payload: dict[str, Any]) -> None:
    details = merged(payload)
    for key in ("target_id", "parameters", "payload_presigned_url"):
        said = [payload[each][key] for each in GENERATIONS if (payload.get(each) or {}).get(key) is not None]
        assert details.get(key) == (said[0] if said else None)


def test_no_target(script: Script, client: Client, tmp_path: Path) -> None:
    payload(script, processing_job={"parameters": {}, "model_version_id": MODEL})
    with pytest.raises(JobError, match=r"nothing about the DATASET_VERSION.*found model_version_id, parameters"):
        resolved(client, tmp_path)
    payload(script)
    with pytest.raises(JobError, match="no details at all"):
        resolved(client, tmp_path)


def test_another_task(script: Script, client: Client, tmp_path: Path) -> None:
    payload(script, processing_job=NEWEST, type="DATA_AUGMENTATION")
    with pytest.raises(JobError, match=r"is a DATA_AUGMENTATION, but this processing is a PRE_ANNOTATION; launch it"):
        resolved(client, tmp_path)


@pytest.mark.parametrize("kind", [None, "DATASET_VERSION_PROCESSING", ""])
def test_a_type_that_is_none_of_the_tasks_says_nothing(
    script: Script, client: Client, tmp_path: Path, kind: str | None
) -> None:
    payload(script, processing_job=NEWEST, type=kind)
    assert resolved(client, tmp_path).type == kind


@pytest.mark.parametrize("identifier", [NOWHERE, "seven"])
@pytest.mark.parametrize(
    ("key", "kind"),
    [("target_id", "DatasetVersion"), ("model_version_id", "ModelVersion"), ("output_datalake_id", "Datalake")],
)
def test_a_reference_that_leads_nowhere(
    script: Script, client: Client, tmp_path: Path, key: str, kind: str, identifier: str
) -> None:
    payload(script, processing_job={**NEWEST, "inputs": {}, key: identifier})
    with pytest.raises(JobError, match=f"there is no {kind} {identifier} in this organization"):
        resolved(client, tmp_path)


def test_a_job_that_is_not_there(client: Client, tmp_path: Path) -> None:
    with pytest.raises(JobError, match=f"there is no Job {NOWHERE}"):
        resolve_job(client, NOWHERE, PRE_ANNOTATION, folder=tmp_path)
    with pytest.raises(JobError, match=f"there is no Job {NOWHERE} in the organization 'mine'"):
        find_job(client, NOWHERE)


@pytest.mark.parametrize(
    "answer", [reply(200, b"<html>"), reply(200, b""), reply(200, []), reply(200, {}), reply(200, None), reply(403)]
)
def test_an_answer_that_makes_no_sense_is_the_platforms_mistake(
    script: Script, client: Client, tmp_path: Path, answer: Any
) -> None:
    payload(script, processing_job=NEWEST)
    script.routes[f"/api/organization/{ORGANIZATION}/datasetversions/find"] = answer
    with pytest.raises(PlatformError, match=f"reading the DatasetVersion {VERSION}") as caught:
        resolved(client, tmp_path)
    assert "s3cr3t-token" not in str(caught.value)


def selection(script: Script, client: Client, body: Any, target: str = "DATASET_VERSION") -> tuple[str, ...] | None:
    script.routes["/payload"] = body if callable(body) else reply(200, body)
    return read_selection(client, {"payload_presigned_url": script.url + "/payload?sig=s3cr3t"}, target)


def test_a_selection_is_read_once_and_in_its_order(script: Script, client: Client) -> None:
    ids = [f"id-{number}" for number in range(2500)]
    assert selection(script, client, {"asset_ids": [*ids, *ids]}) == tuple(ids)
    assert "Authorization" not in script.received[-1].headers
    assert selection(script, client, {"data_ids": ids}, "DATALAKE") == tuple(ids)


def test_no_selection_means_everything(script: Script, client: Client) -> None:
    assert read_selection(client, {}, "DATASET_VERSION") is None
    assert read_selection(client, {"payload_presigned_url": None}, "DATASET_VERSION") is None
    assert selection(script, client, {"asset_ids": None}) is None


def test_a_model_has_no_selection(script: Script, client: Client) -> None:
    assert selection(script, client, {"asset_ids": ["a"]}, "MODEL_VERSION") is None


@pytest.mark.parametrize(
    ("body", "target", "message"),
    [
        ({"asset_ids": []}, "DATASET_VERSION", r"empty selection \(asset_ids: \[\]\); select at least one"),
        ({"data_ids": None}, "DATALAKE", r"empty selection \(data_ids: None\)"),
        ({"data_ids": []}, "DATALAKE", "empty selection"),
        ({}, "DATASET_VERSION", "expected a JSON object with 'asset_ids'"),
        ({"data_ids": ["a"]}, "DATASET_VERSION", "expected a JSON object with 'asset_ids'"),
        ({"asset_ids": "abc"}, "DATASET_VERSION", "expected a list of ids under 'asset_ids'"),
        ({"asset_ids": {"a": 1}}, "DATASET_VERSION", "expected a list of ids"),
        ({"asset_ids": ["a", None]}, "DATASET_VERSION", "expected a list of ids"),
        ({"asset_ids": ["a", ""]}, "DATASET_VERSION", "expected a list of ids"),
        ({"asset_ids": [["a"]]}, "DATASET_VERSION", "expected a list of ids"),
        (["a"], "DATASET_VERSION", "expected a JSON object"),
        (None, "DATASET_VERSION", "expected a JSON object"),
        (b"", "DATASET_VERSION", "expected a JSON object"),
        (b"<xml>AccessDenied</xml>", "DATASET_VERSION", "expected a JSON object"),
        (b"\xff\xfe", "DATASET_VERSION", "expected a JSON object"),
        (reply(404), "DATASET_VERSION", "answered 404. It is not run on everything instead"),
        (reply(403), "DATASET_VERSION", "answered 403. It is not run on everything instead"),
        (reply(500), "DATASET_VERSION", "answered 500"),
        (reply(204), "DATASET_VERSION", "expected a JSON object"),
    ],
)
def test_a_selection_that_cannot_be_read_is_never_widened(
    script: Script, client: Client, body: Any, target: str, message: str
) -> None:
    with pytest.raises(JobError, match=message) as caught:
        selection(script, client, body, target)
    assert "s3cr3t" not in str(caught.value)


def test_a_selection_without_answer(script: Script, client: Client) -> None:
    with pytest.raises(PlatformError, match="/payload: no answer") as caught:
        selection(script, client, reset)
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize("url", ["", "payload.json", "file:///etc/passwd"])
def test_a_selection_at_no_url(client: Client, url: str) -> None:
    with pytest.raises(PlatformError):
        read_selection(client, {"payload_presigned_url": url}, "DATASET_VERSION")
