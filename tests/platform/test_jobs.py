"""Processings launched as Jobs: what a Job carries, how its status may change, what it logs."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import orjson
import pytest
import requests
from picsellia.exceptions import BadRequestError, ResourceConflictError, ResourceNotFoundError
from picsellia.types.enums import JobRunStatus, ProcessingTargetType, ProcessingType
from picsellia_processing.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from picsellia import Client
    from picsellia.sdk.asset import Asset
    from picsellia.sdk.data import Data
    from picsellia.sdk.dataset_version import DatasetVersion
    from picsellia.sdk.job import Job
    from picsellia.sdk.processing import Processing
    from picsellia_processing.platform.process import LocalPlatform

    MakeProcessing = Callable[..., Processing]

PAYLOADS = {
    "datasetversionprocessingjob",
    "dataset_version_processing_job",
    "datalake_processing_job",
    "model_version_processing_job",
    "processing_job",
}


@pytest.fixture
def job(version: DatasetVersion, processing: MakeProcessing) -> Job:
    return version.launch_processing(processing("DATASET_VERSION", "PRE_ANNOTATION"))


def test_processings_are_found_unique_and_updated(
    client: Client, processing: MakeProcessing, names: Iterator[str]
) -> None:
    made = processing("DATASET_VERSION", "PRE_ANNOTATION", confidence=0.5)
    assert (made.target, made.type) == (ProcessingTargetType.DATASET_VERSION, ProcessingType.PRE_ANNOTATION)
    assert made.docker == "example/processing:1.0"
    assert client.get_processing(made.name) == made
    assert made.id in [found.id for found in client.list_processings()]
    assert made.sync()["default_parameters"] == {"confidence": 0.5}
    made.update(docker_tag="2.0", default_parameters={"confidence": 0.7})
    assert made.docker == "example/processing:2.0"
    with pytest.raises(ResourceConflictError):
        client.create_processing(made.name, "DATALAKE", 1, 0, {}, "x", "y")
    made.delete()
    with pytest.raises(ResourceNotFoundError):
        client.get_processing(made.name)


def test_job_on_a_dataset_version_carries_every_generation(
    client: Client, version: DatasetVersion, processing: MakeProcessing
) -> None:
    made = processing("DATASET_VERSION", "PRE_ANNOTATION", confidence=0.5, batch=8)
    model = client.create_model(made.name).create_version()
    job = version.launch_processing(made, parameters={"batch": 4}, inputs={"model_version_id": str(model.id)})
    assert job.status == JobRunStatus.PENDING
    raw = job.sync()
    assert (raw["type"], raw["status"]) == ("PRE_ANNOTATION", "PENDING")
    assert raw.keys() & PAYLOADS == {"datasetversionprocessingjob", "dataset_version_processing_job", "processing_job"}
    parameters = {"confidence": 0.5, "batch": 4}
    for key in ("datasetversionprocessingjob", "dataset_version_processing_job"):
        assert raw[key]["input_dataset_version_id"] == str(version.id)
        assert raw[key]["output_dataset_version_id"] is None
        assert raw[key]["model_version_id"] == str(model.id)
        assert raw[key]["parameters"] == parameters
    unified = raw["processing_job"]
    assert unified["target_id"] == str(version.id)
    assert (unified["parameters"], unified["inputs"]) == (parameters, {"model_version_id": str(model.id)})
    for key in ("dataset_version_processing_job", "processing_job"):
        assert payload(raw[key]) == {"asset_ids": None}
    assert client.get_job_by_id(job.id).sync()["processing_job"]["target_id"] == str(version.id)


def payload(fields: dict[str, Any]) -> Any:
    return requests.get(fields["payload_presigned_url"], timeout=10).json()


def test_selection_is_in_the_payload(version: DatasetVersion, assets: list[Asset], processing: MakeProcessing) -> None:
    made = processing("DATASET_VERSION")
    raw = version.launch_processing(made, assets=assets[:2]).sync()
    assert raw["type"] is None
    assert set(payload(raw["processing_job"])["asset_ids"]) == {str(asset.id) for asset in assets[:2]}


@pytest.mark.parametrize("type_", ["DATA_AUGMENTATION", "DATASET_VERSION_CREATION"])
def test_creating_types_have_their_output_version_made(
    client: Client, version: DatasetVersion, processing: MakeProcessing, type_: str
) -> None:
    made = processing("DATASET_VERSION", type_)
    raw = version.launch_processing(made, inputs={"target_version_name": "out"}).sync()
    output = client.get_dataset_version_by_id(raw["dataset_version_processing_job"]["output_dataset_version_id"])
    assert (output.version, output.origin_id, output.type) == ("out", version.origin_id, version.type)
    assert output.sync()["size"] == 0
    again = version.launch_processing(made, inputs={"target_version_name": "out"}).sync()
    assert again["dataset_version_processing_job"]["output_dataset_version_id"] == str(output.id)
    with pytest.raises(ResourceConflictError):
        client.get_dataset_by_id(version.origin_id).create_version("out")


def test_job_on_a_datalake(client: Client, data: list[Data], processing: MakeProcessing) -> None:
    lake = client.get_datalake()
    raw = lake.launch_processing(processing("DATALAKE", "DATA_AUTO_TAGGING"), data[:2]).sync()
    assert raw.keys() & PAYLOADS == {"datalake_processing_job", "processing_job"}
    assert raw["datalake_processing_job"]["input_datalake_id"] == str(lake.id)
    assert raw["datalake_processing_job"]["output_datalake_id"] == str(lake.id)
    assert set(payload(raw["datalake_processing_job"])["data_ids"]) == {str(datum.id) for datum in data[:2]}
    assert payload(raw["processing_job"]) == payload(raw["datalake_processing_job"])


def test_job_on_a_model_version(client: Client, processing: MakeProcessing, names: Iterator[str]) -> None:
    version = client.create_model(next(names)).create_version()
    raw = version.launch_processing(processing("MODEL_VERSION", "MODEL_CONVERSION"), parameters={"a": 1}).sync()
    assert raw.keys() & PAYLOADS == {"model_version_processing_job", "processing_job"}
    assert raw["model_version_processing_job"] == {"input_model_version_id": str(version.id), "parameters": {"a": 1}}
    assert raw["processing_job"]["target_id"] == str(version.id)
    assert raw["processing_job"]["payload_presigned_url"] is None


@pytest.mark.parametrize(
    ("generation", "keys"),
    [
        ("docs", {"datasetversionprocessingjob"}),
        ("per-target", {"dataset_version_processing_job"}),
        ("unified", {"processing_job"}),
    ],
)
def test_platform_can_speak_one_generation_only(
    connect: Callable[[LocalPlatform], Client], pictures: list[Path], generation: str, keys: set[str]
) -> None:
    from picsellia_processing.platform.process import LocalPlatform

    with LocalPlatform(images=pictures[0].parent, job_payload=generation) as platform:
        client = connect(platform)
        version = client.get_dataset_version_by_id(platform.seeded["dataset_version_id"])
        made = client.create_processing("p", "DATASET_VERSION", 1, 0, {}, "image", "tag")
        assert version.launch_processing(made).sync().keys() & PAYLOADS == keys


def test_launch_is_refused_when_it_does_not_fit(
    client: Client, version: DatasetVersion, assets: list[Asset], processing: MakeProcessing
) -> None:
    with pytest.raises(BadRequestError, match="for DATALAKE, not for DATASET_VERSION"):
        version.launch_processing(processing("DATALAKE"))
    made = processing("DATASET_VERSION")
    with pytest.raises(ResourceNotFoundError, match="model version"):
        version.launch_processing(made, inputs={"model_version_id": str(uuid.uuid4())})
    other = client.get_dataset_by_id(version.origin_id).create_version("other")
    with pytest.raises(ResourceNotFoundError, match="1 of the asset ids"):
        other.launch_processing(made, assets=assets[:1])
    made.delete()
    with pytest.raises(ResourceNotFoundError, match="processing"):
        version.launch_processing(made)


def test_status_follows_the_run(client: Client, job: Job) -> None:
    job.update_job_run_with_status(JobRunStatus.RUNNING)
    assert job.status == JobRunStatus.RUNNING
    job.update_job_run_with_status(JobRunStatus.FAILED)
    job.update_job_run_with_status(JobRunStatus.FAILED)  # a retried request is not a new one
    with pytest.raises(ResourceConflictError, match="cannot become SUCCEEDED"):
        job.update_job_run_with_status(JobRunStatus.SUCCEEDED)
    job.update_job_run_with_status(JobRunStatus.RUNNING)  # the Job is run again
    job.update_job_run_with_status(JobRunStatus.SUCCEEDED)
    assert client.get_job_by_id(job.id).wait_for_done() == JobRunStatus.SUCCEEDED


def test_unknown_job_is_not_found(client: Client) -> None:
    with pytest.raises(ResourceNotFoundError):
        client.get_job_by_id(uuid.uuid4())
    with pytest.raises(ResourceNotFoundError):
        client.connection.get(f"/api/job/{uuid.uuid4()}")


def test_lines_are_kept_by_number(platform: LocalPlatform, job: Job) -> None:
    job.send_logging("first", "setup")
    job.send_logging("second", "run", special="--#--")
    job.line_nb = 1
    job.send_logging(["replaced", "third"], "run")
    job.line_nb = 9
    job.send_logging("last", "end", final=True)
    lines = platform.job_lines(str(job.id))
    assert [(line["line_nb"], line["log"]) for line in lines] == [
        (0, "first"), (1, "replaced"), (2, "third"), (9, "last"),
    ]  # fmt: skip
    assert [line["part"] for line in lines] == ["setup", "run", "run", "end"]
    assert [line["final"] for line in lines] == [False, False, False, True]


def test_malformed_lines_are_refused(client: Client, job: Job) -> None:
    for body in ({"log": "x", "part": "p"}, {"line_nb": 1, "log": 3}, {"line_nb": -1, "log": "x"}):
        with pytest.raises(BadRequestError):
            client.connection.post(f"/api/v2/job/{job.id}/logging", data=orjson.dumps(body))


def test_logging_file_is_stored(client: Client, job: Job, tmp_path: Path) -> None:
    path = tmp_path / "logs.json"
    path.write_text("{}")
    name = job.store_logging_file(path)
    assert job.sync()["logging_object_name"] == name
    client.connection.do_download_file(tmp_path / "down.json", client.connection.init_download(name), False, True)
    assert (tmp_path / "down.json").read_text() == "{}"
    with pytest.raises(ResourceNotFoundError):
        client.connection.post(f"/api/v2/job/{job.id}/logging/save", data='{"logging_object_name": "nowhere"}')


def test_every_start_is_a_run(platform: LocalPlatform, job: Job) -> None:
    def statuses() -> list[str]:
        return [run["status"] for run in job.sync()["runs"]]

    assert statuses() == ["PENDING"]
    job.update_job_run_with_status(JobRunStatus.RUNNING)
    job.update_job_run_with_status(JobRunStatus.FAILED)
    assert statuses() == ["FAILED"]
    assert platform.run_job_again(str(job.id)) == "PENDING"
    assert statuses() == ["FAILED", "PENDING"]
    job.update_job_run_with_status(JobRunStatus.RUNNING)
    job.update_job_run_with_status(JobRunStatus.SUCCEEDED)
    first, second = job.sync()["runs"]
    assert (first["status"], second["status"]) == ("FAILED", "SUCCEEDED")
    assert first["id"] != second["id"]
    assert first["created_at"] <= first["updated_at"] <= second["created_at"] <= second["updated_at"]


def test_a_job_is_not_run_again_while_a_run_is_active(platform: LocalPlatform, job: Job) -> None:
    job_id = str(job.id)
    for _ in ("PENDING", "RUNNING"):
        with pytest.raises(UsageError, match="a run that is active"):
            platform.run_job_again(job_id)
        job.update_job_run_with_status(JobRunStatus.RUNNING)
    platform.kill_job(job_id)
    assert platform.run_job_again(job_id) == "PENDING"
    platform.take_job(job_id)
    platform.kill_job(job_id)
    with pytest.raises(UsageError, match="a run that is active"):  # its process may still be ending
        platform.run_job_again(job_id)
    assert platform.give_back_job(job_id) == "KILLED"
    assert platform.run_job_again(job_id) == "PENDING"


def test_what_was_killed_stays_killed(platform: LocalPlatform, job: Job) -> None:
    job.update_job_run_with_status(JobRunStatus.RUNNING)
    assert platform.kill_job(str(job.id)) == "KILLED"
    for status in (JobRunStatus.FAILED, JobRunStatus.SUCCEEDED):
        job.update_job_run_with_status(status)
        assert job.status == JobRunStatus.KILLED
    with pytest.raises(ResourceConflictError, match="cannot become RUNNING"):
        job.update_job_run_with_status(JobRunStatus.RUNNING)
    with pytest.raises(UsageError, match="nothing to kill"):
        platform.kill_job(str(job.id))


def test_a_runner_takes_a_job_once(
    platform: LocalPlatform, version: DatasetVersion, processing: MakeProcessing
) -> None:
    made = processing("DATASET_VERSION")
    job = version.launch_processing(made, gpu=2)
    job_id = str(job.id)
    assert platform.take_job(job_id) == "QUEUED"
    with pytest.raises(UsageError, match="only a PENDING one"):
        platform.take_job(job_id)
    (seen,) = [each for each in platform.jobs() if each["id"] == job_id]
    assert {key: seen[key] for key in ("status", "held", "processing", "cpu", "gpu")} == {
        "status": "QUEUED", "held": True, "processing": made.name, "cpu": 1, "gpu": 2,
    }  # fmt: skip
    assert [seen[key] for key in ("docker_image", "docker_tag", "docker_flags")] == ["example/processing", "1.0", []]
    assert platform.give_back_job(job_id) == "FAILED"  # its process has said nothing
    assert job.sync()["status"] == "FAILED"
    with pytest.raises(UsageError, match="does not exist"):
        platform.kill_job(str(uuid.uuid4()))
