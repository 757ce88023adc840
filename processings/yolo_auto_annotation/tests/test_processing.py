from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from picsellia_processing.platform.process import LocalPlatform
from picsellia_processing.sdk.client import connect
from picsellia_processing.sdk.environment import Environment
from picsellia_processing.sdk.session import PlatformSession

if TYPE_CHECKING:
    from picsellia_processing.pytest_plugin import DryRun, RunsDry

FOLDER = Path(__file__).parents[1]
PRE_ANNOTATION = FOLDER.parent / "yolo_preannotation"
IMAGES = 20


@pytest.fixture(scope="module")
def done(dry_run: RunsDry) -> DryRun:
    done = dry_run(FOLDER)
    assert done.exit_code == 0, done.log
    return done


def boxes(coco: Any) -> list[Any]:
    names = {image["id"]: image["file_name"] for image in coco["images"]}
    return sorted([names[each["image_id"]], each["category_id"], each["bbox"]] for each in coco["annotations"])


def test_what_it_finds_is_accepted(done: DryRun) -> None:
    assert done.report["assets"] == {"selected": IMAGES, "processed": IMAGES, "skipped": 0, "failed": 0}
    assert len(boxes(done.annotations)) > IMAGES
    assert statuses(done) == ["ACCEPTED"] * IMAGES, "an image without an object is annotated as such"


@pytest.mark.skipif(not PRE_ANNOTATION.is_dir(), reason="yolo_preannotation does not lie beside this folder")
def test_it_accepts_what_pre_annotation_proposes(done: DryRun, dry_run: RunsDry) -> None:
    proposed = dry_run(PRE_ANNOTATION, images=FOLDER / "fixture" / "images", parameters={"confidence": 0.5})
    assert proposed.exit_code == 0, proposed.log
    assert boxes(done.annotations) == boxes(proposed.annotations)
    assert set(statuses(proposed)) == {"PENDING"}


def statuses(done: DryRun) -> list[str]:
    """The status of every annotation on the platform that a dry-run left."""
    seeded = json.loads((done.out / ".pxp-dry-run.json").read_text())
    with LocalPlatform(data=done.out / "platform") as platform:
        access = Environment(
            platform.api_token, job_id="", host=platform.host, organization_id=platform.organization_id
        )
        client = connect(access)
        version = client.get_dataset_version_by_id(seeded["dataset_version_id"])
        found = [annotation.status.value for annotation in version.list_annotations()]
        session = client.connection.session
        assert isinstance(session, PlatformSession)
        session.close()
    return found


def test_a_second_run_changes_nothing(done: DryRun) -> None:
    again = subprocess.run(
        [sys.executable, "-m", "picsellia_processing", "dry-run", str(FOLDER), "--out", str(done.out), "--again"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert again.returncode == 0, again.stdout + again.stderr
    assert json.loads((done.out / "report.json").read_text())["assets"]["skipped"] == IMAGES
    assert json.loads((done.out / "annotations.json").read_text()) == done.annotations


def test_a_copy_that_follows_links_is_complete(dry_run: RunsDry, tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "mine", ignore=shutil.ignore_patterns("tests", "__pycache__", ".*", "pxp-out"))
    assert not any(path.is_symlink() for path in (tmp_path / "mine").rglob("*"))
    copied = dry_run(tmp_path / "mine")
    assert copied.exit_code == 0, copied.log
    assert copied.report["assets"]["processed"] == IMAGES
