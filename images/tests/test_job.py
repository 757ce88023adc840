"""The image of YOLO pre-annotation runs Jobs of the local platform, as the platform would have it run them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from picsellia import Client
from picsellia_processing.cli.coco import to_coco
from picsellia_processing.cli.end_state import read_end_state
from picsellia_processing.cli.fixture_job import launch
from picsellia_processing.fixture import load_fixture
from picsellia_processing.platform.process import LocalPlatform

ROOT = Path(__file__).parents[2]
PROCESSING = ROOT / "processings" / "yolo_preannotation"
AS_THE_PLATFORM = ("--network", "host", "--read-only", "--tmpfs", "/tmp", "--user", "42420:42420", "--cap-drop", "ALL")


@pytest.fixture(scope="module")
def outside(tmp_path_factory):
    """The folder that a dry-run outside of a container leaves."""
    out = tmp_path_factory.mktemp("outside") / "out"
    command = [sys.executable, "-m", "picsellia_processing", "dry-run", str(PROCESSING), "--out", str(out)]
    subprocess.run(command, check=True, capture_output=True)
    return out


@pytest.fixture
def platform():
    with LocalPlatform(seed=PROCESSING / "fixture") as platform:
        yield platform


@pytest.fixture
def client(platform):
    return Client(api_token=platform.api_token, host=platform.host, organization_id=platform.organization_id)


@pytest.fixture
def job(client, platform):
    return launch(client, "yolo_preannotation", load_fixture(PROCESSING / "fixture"), platform.seeded, {})


@pytest.fixture
def run_job(images, platform, job, docker_command):
    """Runs the container of the Job with nothing but what the platform gives it."""

    def run(*command, options=()):
        variables = {
            "api_token": platform.api_token,
            "host": platform.host,
            "organization_id": platform.organization_id,
            "job_id": str(job.id),
        }
        names = [word for name in variables for word in ("--env", name)]
        return subprocess.run(
            [*docker_command, "run", "--rm", *AS_THE_PLATFORM, *names, *options,
             images["yolo_preannotation"].reference, *command],
            env={**os.environ, **variables}, capture_output=True, text=True, check=False,
        )  # fmt: skip

    return run


def test_the_job_succeeds_and_its_annotations_are_those_of_a_dry_run(run_job, client, platform, job, outside):
    done = run_job()

    assert done.returncode == 0, done.stderr
    assert job.sync()["status"] == "SUCCEEDED"
    assert platform.job_lines(str(job.id))
    version = client.get_dataset_version_by_id(platform.seeded["dataset_version_id"])
    annotations = _boxes(to_coco(read_end_state(version, {})))
    assert annotations == _boxes(json.loads((outside / "annotations.json").read_text()))
    assert len(annotations) > 50
    assert platform.api_token not in done.stdout + done.stderr


def test_its_report_is_that_of_a_dry_run_outside(run_job, outside, tmp_path):
    out = tmp_path / "out"
    out.mkdir(mode=0o777)
    out.chmod(0o777)

    done = run_job("pxp", "run", ".", "--out", "/out", options=("--volume", f"{out}:/out"))

    assert done.returncode == 0, done.stderr
    inside, expected = (_lasting(json.loads((folder / "report.json").read_text())) for folder in (out, outside))
    assert inside == expected
    assert inside["assets"]["failed"] == 1


def _boxes(coco):
    names = {category["id"]: category["name"] for category in coco["categories"]}
    files = {image["id"]: image["file_name"] for image in coco["images"]}
    return sorted((files[each["image_id"]], names[each["category_id"]], each["bbox"]) for each in coco["annotations"])


def _lasting(report):
    """What of a report does not depend on the Job's id, the folder's name, the time and the machine."""
    kept = ("status", "reason", "task", "assets", "shapes", "dropped_shapes", "skipped", "parameters", "labels")
    failures = sorted((each["asset"], each["stage"], each["reason"]) for each in report["failures"])
    return {name: report[name] for name in kept} | {"failures": failures}
