"""Launching Jobs: on what, with what, and all that is refused before a Job is made."""

from __future__ import annotations

import json
import signal
import uuid
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import requests
from picsellia.types.enums import JobRunStatus, ProcessingInputType
from picsellia_processing.cli import main
from picsellia_processing.platform.process import LocalPlatform
from picsellia_processing.sdk import following
from picsellia_processing.sdk.job import merged
from PIL import Image

from tests.runs.rig import Rig, lead_to

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from picsellia import Client
    from picsellia.sdk.job import Job

    Launch = Callable[..., int]

pytestmark = pytest.mark.usefixtures("access")

IMAGE = "registry.example/p:1.0@sha256:" + "0" * 64
FIXTURE = """
task = "pre_annotation"
[dataset_version]
name = "things"
version = "v1"
type = "OBJECT_DETECTION"
labels = ["thing"]
images = "images"
[model_version]
name = "detector"
type = "OBJECT_DETECTION"
framework = "ONNX"
files = { weights = "weights.txt" }
"""
DETECTOR = """
from pathlib import Path
from typing import Annotated
from picsellia_processing import AnnotationParameters, Field, Image, Input, ModelFile, Rectangle, pre_annotation

class P(AnnotationParameters):
    confidence: float = Field(0.25, ge=0, le=1)

@pre_annotation
def detect(
    image: Image, weights: Annotated[Path, ModelFile("weights")], parameters: P,
    count: Annotated[int, Input("count")] = 1, note: Annotated[str, Input("note")] = "",
) -> list[Rectangle]:
    return []
"""
PROJECT = '[project]\nname = "detect"\n[tool.pxp]\ncpu = 4\ngpu = 2\n'
WITH_MODEL = ("--input", "model_version_id=detector/0")
ON_THINGS = ("--on", "things/v1", *WITH_MODEL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A processing folder with a fixture of five images and a model."""
    folder = tmp_path_factory.mktemp("detect")
    (folder / "processing.py").write_text(DETECTOR)
    (folder / "pyproject.toml").write_text(PROJECT)
    images = folder / "fixture" / "images"
    images.mkdir(parents=True)
    for number in range(5):
        Image.new("RGB", (32, 24), (number * 40, 0, 0)).save(images / f"{number}.png")
    (folder / "fixture" / "weights.txt").write_text("12")
    (folder / "fixture" / "fixture.toml").write_text(FIXTURE)
    return folder


@pytest.fixture(scope="module")
def platform(folder: Path) -> Iterator[LocalPlatform]:
    with LocalPlatform(seed=folder / "fixture") as platform:
        yield platform


@pytest.fixture(scope="module")
def deployed(platform: LocalPlatform, folder: Path) -> str:
    with pytest.MonkeyPatch.context() as patch:
        lead_to(platform, patch)
        assert main(["deploy", str(folder), "--image", IMAGE, "--yes"]) == 0
    return "detect"


@pytest.fixture
def launch(deployed: str, folder: Path) -> Launch:
    def run(*words: str, what: str | None = None) -> int:
        return main(["launch", what or str(folder), *words])

    return run


def latest(platform: LocalPlatform) -> dict[str, Any]:
    return platform.jobs()[-1]


def details(client: Client, platform: LocalPlatform) -> dict[str, Any]:
    """What the latest Job was launched with, and the file names it was launched on."""
    found = client.get_job_by_id(latest(platform)["id"]).sync()["processing_job"]
    return {**found, "selection": requests.get(found["payload_presigned_url"], timeout=10).json()}


def filenames(client: Client, platform: LocalPlatform) -> list[str]:
    version = client.get_dataset("things").get_version("v1")
    names = {str(asset.id): asset.filename for asset in version.list_assets()}
    return sorted(names[asset_id] for asset_id in details(client, platform)["selection"]["asset_ids"])


def test_cpu_and_gpu_come_from_the_definition(launch: Launch, client: Client, platform: LocalPlatform) -> None:
    assert launch(*ON_THINGS, "--parameter", "confidence=0.5") == 0
    job = latest(platform)
    assert (job["status"], job["processing"], job["cpu"], job["gpu"]) == ("PENDING", "detect", 4, 2)
    found = details(client, platform)
    assert found["target_id"] == platform.seeded["dataset_version_id"]
    assert found["parameters"]["confidence"] == 0.5
    assert found["inputs"] == {"model_version_id": platform.seeded["model_version_id"]}
    assert found["selection"] == {"asset_ids": None}


@pytest.mark.parametrize(
    ("words", "expected"), [((), (4, 2)), (("--gpu", "0"), (4, 0)), (("--cpu", "8", "--gpu", "1"), (8, 1))]
)
def test_by_name_the_platform_knows_what_a_job_gets(
    launch: Launch, platform: LocalPlatform, words: tuple[str, ...], expected: tuple[int, int]
) -> None:
    assert launch(*ON_THINGS, *words, what="detect") == 0
    job = latest(platform)
    assert (job["cpu"], job["gpu"]) == expected


def test_ids_and_numbers_are_understood(launch: Launch, client: Client, platform: LocalPlatform) -> None:
    seeded = platform.seeded
    inputs = (f"model_version_id={seeded['model_version_id']}", "count=3", "note=3")
    assert launch("--on", seeded["dataset_version_id"], *(w for each in inputs for w in ("--input", each))) == 0
    assert details(client, platform)["inputs"] == {
        "model_version_id": seeded["model_version_id"], "count": 3, "note": "3",
    }  # fmt: skip


def test_a_selection_is_launched_on_as_it_is(launch: Launch, client: Client, platform: LocalPlatform) -> None:
    assert launch(*ON_THINGS, "--file", "1.png", "--file", "3.png") == 0
    assert filenames(client, platform) == ["1.png", "3.png"]
    assert launch(*ON_THINGS, "--query", 'data.filename in ("0.png", "4.png")') == 0
    assert filenames(client, platform) == ["0.png", "4.png"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--parameter", "confidense=1"), "did you mean 'confidence'?"),
        (("--parameter", "confidence=2"), "confidence: input should be less than or equal to 1"),
        (("--parameter", "confidence=high", "--parameter", "x=1"), "x: there is no such parameter"),
        (("--file", "1.png", "--file", "none.png"), "1 of the selected files are not there: none.png"),
        (("--file", "none.png"), "is not launched on everything instead"),
        (("--query", 'data.filename = "none.png"'), "is not launched on everything instead"),
        (("--input", "modell=1"), "modell: there is no such input"),
        (("--input", "count=many"), "input count: expected a number, found 'many'"),
        (("--input", "count=NaN"), "input count: expected a number, found 'NaN'"),
        (("--input", "count=99999999999999999999"), "it cannot be sent: Integer exceeds 64-bit range"),
        (("--input", "model_version_id=detector/7"), "input model_version_id: 'detector/7' is not there"),
        (("--on", "things/v2"), "'things/v2' is not there: expected a DatasetVersion as NAME/VERSION, or its id"),
        (("--on", str(uuid.uuid4())), "is not there"),
        (("--again", str(uuid.uuid4())), "give --on WHAT, or --again JOB; one of them"),
        (("--query", " "), "--query is empty"),
        (("--query", "x", "--file", "y"), "select by --file, by --query, or as --again does; by one of them"),
        (("--cpu", "-1"), "--cpu and --gpu are counts"),
    ],
)
def test_what_does_not_fit_is_refused_before_a_job_is_made(
    launch: Launch, platform: LocalPlatform, capsys: pytest.CaptureFixture, words: tuple[str, ...], message: str
) -> None:
    jobs = len(platform.jobs())
    assert launch(*ON_THINGS, *words) == 2
    assert message in capsys.readouterr().err
    assert len(platform.jobs()) == jobs


def test_an_earlier_job_is_named_by_its_id(launch: Launch, capsys: pytest.CaptureFixture) -> None:
    assert launch("--again", "1234") == 2
    assert "--again takes the id of a Job, as `pxp launch` prints it; found '1234'" in capsys.readouterr().err


def test_a_required_input_is_asked_for(launch: Launch, capsys: pytest.CaptureFixture) -> None:
    assert launch("--on", "things/v1") == 2
    assert "model_version_id: it is required (a ModelVersion as NAME/VERSION" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("parameter", "message"),
    [
        ("confidense=1", "detect has no such default parameter (did you mean 'confidence'?)"),
        ("confidence=high", "confidence: expected a number such as 0.25, found 'high'"),
    ],
)
def test_by_name_parameters_are_checked_by_the_default_ones(
    launch: Launch, capsys: pytest.CaptureFixture, parameter: str, message: str
) -> None:
    assert launch(*ON_THINGS, "--parameter", parameter, what="detect") == 2
    assert message in capsys.readouterr().err


def test_defaults_that_the_definition_has_no_more_are_noticed(
    launch: Launch, client: Client, capsys: pytest.CaptureFixture
) -> None:
    processing = client.get_processing("detect")
    ours = processing.sync()["default_parameters"]
    processing.update(default_parameters={**ours, "old": 1})
    try:
        assert launch(*ON_THINGS) == 2
        assert "`pxp deploy --prune` brings them up to date" in capsys.readouterr().err
    finally:
        processing.update(default_parameters=ours)


def test_an_unregistered_processing_is_named(launch: Launch, capsys: pytest.CaptureFixture) -> None:
    assert launch("--on", "things/v1", what="nobody") == 2
    assert "there is no processing 'nobody'" in capsys.readouterr().err


def test_a_datalake_needs_a_selection(
    launch: Launch, client: Client, platform: LocalPlatform, capsys: pytest.CaptureFixture
) -> None:
    client.create_processing("tag", "DATALAKE", 1, 0, {}, "image", "tag", type="DATA_AUTO_TAGGING")
    assert launch("--on", "default", what="tag") == 2
    assert "give --file or --query" in capsys.readouterr().err
    assert launch("--on", "default", "--file", "2.png", what="tag") == 0
    assert len(details(client, platform)["selection"]["data_ids"]) == 1


def test_a_model_version_has_nothing_to_select(
    launch: Launch, client: Client, platform: LocalPlatform, capsys: pytest.CaptureFixture
) -> None:
    client.create_processing("convert", "MODEL_VERSION", 1, 0, {}, "image", "tag", type="MODEL_CONVERSION")
    assert launch("--on", "detector/0", "--file", "x", what="convert") == 2
    assert "nothing to select" in capsys.readouterr().err
    assert launch("--on", "detector/0", what="convert") == 0
    target = client.get_job_by_id(latest(platform)["id"]).sync()["processing_job"]["target_id"]
    assert target == platform.seeded["model_version_id"]


def test_again_is_the_same_once_no_run_is_active(
    launch: Launch, client: Client, platform: LocalPlatform, capsys: pytest.CaptureFixture
) -> None:
    words = ("--file", "1.png", "--parameter", "confidence=0.7", "--input", "count=5")
    assert launch(*ON_THINGS, *words) == 0
    first = details(client, platform)
    job = client.get_job_by_id(latest(platform)["id"])
    for status in ("PENDING", "RUNNING"):
        assert launch("--again", str(job.id)) == 2
        assert f"is {status}: it can be run again when that run has ended" in capsys.readouterr().err
        job.update_job_run_with_status(JobRunStatus.RUNNING)
    job.update_job_run_with_status(JobRunStatus.FAILED)
    assert launch("--again", str(job.id)) == 0
    second = details(client, platform)
    assert latest(platform)["id"] != str(job.id)
    for key in ("target_id", "parameters", "inputs", "selection"):
        assert second[key] == first[key]
    capsys.readouterr()
    assert launch("--again", str(job.id), "--file", "2.png") == 2
    assert "by one of them" in capsys.readouterr().err
    assert launch("--again", str(job.id), "--parameter", "confidence=0.8") == 0
    assert details(client, platform)["parameters"] == {**first["parameters"], "confidence": 0.8}


def test_again_fills_the_same_output(launch: Launch, client: Client, platform: LocalPlatform) -> None:
    made = client.create_processing("mirror", "DATASET_VERSION", 1, 0, {}, "image", "tag", type="DATA_AUGMENTATION")
    made.add_processing_input("target_version_name", ProcessingInputType.TEXT, False, None, None)
    assert launch("--on", "things/v1", what="mirror") == 0
    job = client.get_job_by_id(latest(platform)["id"])
    job.update_job_run_with_status(JobRunStatus.FAILED)
    assert launch("--again", str(job.id), what="mirror") == 0
    first, second = (
        client.get_job_by_id(job_id).sync()["dataset_version_processing_job"]["output_dataset_version_id"]
        for job_id in (job.id, latest(platform)["id"])
    )
    assert first == second


def test_again_is_refused_for_a_job_of_another_processing(
    launch: Launch, client: Client, platform: LocalPlatform, capsys: pytest.CaptureFixture
) -> None:
    client.create_processing("other", "DATASET_VERSION", 1, 0, {}, "image", "tag", type="AUTO_TAGGING")
    assert launch("--on", "things/v1", what="other") == 0
    job = client.get_job_by_id(latest(platform)["id"])
    job.update_job_run_with_status(JobRunStatus.FAILED)
    assert launch("--again", str(job.id)) == 2
    assert "is a AUTO_TAGGING, not one of detect" in capsys.readouterr().err


def test_a_refusal_of_the_platform_is_told(
    launch: Launch, platform: LocalPlatform, capsys: pytest.CaptureFixture
) -> None:
    platform.set_faults([{"method": "POST", "path": "/processing/launch", "fault": "402"}])
    assert launch(*ON_THINGS) == 3
    assert "launching detect: " in capsys.readouterr().err


@pytest.mark.parametrize("fault", ["lost-reply", "truncate", "reset", "503"])
def test_a_job_that_is_perhaps_launched_is_not_launched_again(
    launch: Launch, platform: LocalPlatform, capsys: pytest.CaptureFixture, fault: str
) -> None:
    before = len(platform.jobs())
    platform.set_faults([{"method": "POST", "path": "/processing/launch", "fault": fault, "times": 1}])
    assert launch(*ON_THINGS) == 3
    assert "launched is not known" in capsys.readouterr().err
    assert len(platform.jobs()) == before + (fault in ("lost-reply", "truncate"))


def test_a_job_that_is_turned_away_for_now_is_launched_once(launch: Launch, platform: LocalPlatform) -> None:
    before = len(platform.jobs())
    platform.set_faults([{"method": "POST", "path": "/processing/launch", "fault": "429", "times": 1}])
    assert launch(*ON_THINGS) == 0
    assert len(platform.jobs()) == before + 1


def test_json_tells_the_job(launch: Launch, platform: LocalPlatform, capsys: pytest.CaptureFixture) -> None:
    assert launch(*ON_THINGS, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"id": latest(platform)["id"], "processing": "detect", "status": "PENDING"}


@pytest.fixture
def meanwhile(client: Client, platform: LocalPlatform, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Do these things to the latest Job, one in each pause between two looks at it."""

    def do(*actions: Callable[[Job], object]) -> None:
        left = iter(actions)

        def sleep(_seconds: float) -> None:
            next(left, lambda _job: None)(client.get_job_by_id(latest(platform)["id"]))

        monkeypatch.setattr(following, "time", SimpleNamespace(sleep=sleep))

    return do


def becomes(status: JobRunStatus) -> Callable[[Job], object]:
    return lambda job: job.update_job_run_with_status(status)


def test_waiting_shows_each_status_once_and_then_the_log(
    launch: Launch, meanwhile: Callable[..., None], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    log = tmp_path / "log.txt"
    log.write_text("line one\nline two ✓\n")
    meanwhile(
        lambda _job: None,
        becomes(JobRunStatus.RUNNING),
        lambda _job: None,
        becomes(JobRunStatus.SUCCEEDED),
        lambda _job: None,
        lambda job: job.store_logging_file(log),  # a little after the end
    )
    assert launch(*ON_THINGS, "--wait") == 0
    assert capsys.readouterr().out.splitlines()[1:-1] == [
        "PENDING", "RUNNING", "SUCCEEDED", "line one", "line two ✓",
    ]  # fmt: skip


def test_a_job_may_store_no_log(launch: Launch, meanwhile: Callable[..., None], capsys: pytest.CaptureFixture) -> None:
    meanwhile(becomes(JobRunStatus.FAILED))
    assert launch(*ON_THINGS, "--wait") == 1
    assert "The Job has stored no log." in capsys.readouterr().out
    meanwhile(becomes(JobRunStatus.FAILED))
    assert launch(*ON_THINGS, "--wait", "--json") == 1
    assert json.loads(capsys.readouterr().out)["status"] == "FAILED"


def test_who_stops_waiting_is_told_that_the_job_goes_on(
    launch: Launch, meanwhile: Callable[..., None], platform: LocalPlatform, capsys: pytest.CaptureFixture
) -> None:
    for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        meanwhile(lambda _job, number=number: signal.raise_signal(number))
        assert launch(*ON_THINGS, "--wait") == code
        assert "it is PENDING and goes on" in capsys.readouterr().err
    platform.set_faults([{"path": "/api/v2/job/", "fault": "503"}])
    assert launch(*ON_THINGS, "--wait") == 3
    assert "it is launched and goes on" in capsys.readouterr().err
    assert latest(platform)["status"] == "PENDING"


@pytest.mark.parametrize("generation", ["docs", "per-target", "unified"])
def test_again_reads_every_generation_of_payload(
    folder: Path, monkeypatch: pytest.MonkeyPatch, generation: str
) -> None:
    with LocalPlatform(seed=folder / "fixture", job_payload=generation) as platform:
        lead_to(platform, monkeypatch)
        assert main(["deploy", str(folder), "--image", IMAGE, "--yes"]) == 0
        assert main(["launch", str(folder), *ON_THINGS, "--parameter", "confidence=0.7"]) == 0
        platform.kill_job(latest(platform)["id"])
        assert main(["launch", str(folder), "--again", latest(platform)["id"]]) == 0
        rig = Rig(platform)
        first, second = (merged(rig.job(job["id"])) for job in platform.jobs())
        rig.close()
    for key in ("parameters", "inputs", "model_version_id", "target_id", "input_dataset_version_id"):
        assert second.get(key) == first.get(key)
    assert second["parameters"]["confidence"] == 0.7
