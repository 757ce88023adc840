"""The whole processing, offline, on its fixture."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1]
FIXTURE = FOLDER / "fixture"
TRUTH = json.loads((FIXTURE / "ground_truth.json").read_text())
NAMES = {image["id"]: Path(image["file_name"]).stem for image in TRUTH["images"]}
SIZES = {image["id"]: (image["width"], image["height"]) for image in TRUTH["images"]}
TURNED = 2
FLIP = {"__class_fullname__": "HorizontalFlip", "p": 1.0}


MAGIC = (b"\xff\xd8", b"\x89PNG")


def new_files(run: Any) -> set[str]:
    """Digests of the images that were uploaded."""
    blobs = (path.read_bytes() for path in (run.out / "platform" / "blobs").iterdir())
    return {hashlib.sha256(blob).hexdigest() for blob in blobs if blob.startswith(MAGIC)}


def test_every_annotation_is_accounted_for_and_the_same_seed_makes_the_same_bytes(dry_run: Any) -> None:
    run = dry_run(FOLDER)
    assert run.exit_code == 0, run.log
    dropped = sum(run.report["dropped_shapes"].values())
    assert run.report["produced"] == {"new images": 12, "kept images": 6, "shapes": 60 - dropped}
    assert len(run.annotations["images"]) == 18
    again = dry_run(FOLDER, parameters={"batch_size": 1})
    assert new_files(again) == new_files(run)
    assert len(new_files(run)) == 12


def test_boxes_follow_images_turned_by_exif(dry_run: Any) -> None:
    """A mirrored image has its boxes mirrored; one that is stored on its side, and mirrored, is transposed."""
    run = dry_run(FOLDER, parameters={"pipeline": FLIP, "variants": 1, "keep_originals": False})
    assert run.exit_code == 0, run.log
    assert run.report["dropped_shapes"] == {}
    images = {image["id"]: image for image in run.annotations["images"]}
    names = {category["id"]: category["name"] for category in run.annotations["categories"]}
    found = {}
    for annotation in run.annotations["annotations"]:
        if names[annotation["category_id"]] == "disc":
            image = images[annotation["image_id"]]
            number = next(key for key, name in NAMES.items() if image["file_name"].startswith(name + "-"))
            found[number] = (image["width"], image["height"]), annotation["bbox"]
    for annotation in TRUTH["annotations"]:
        if annotation["category_id"] == 0:
            number, (x, y, width, height) = annotation["image_id"], annotation["bbox"]
            across, down = SIZES[number]
            upright = (across, down), [across - x - width, y, width, height]
            assert found[number] == (((down, across), [y, x, height, width]) if number == TURNED else upright)


def test_an_image_that_a_transform_cannot_take_fails_instead_of_losing_its_annotations(dry_run: Any) -> None:
    crop = {"__class_fullname__": "RandomCrop", "p": 1.0, "height": 180, "width": 180}
    run = dry_run(FOLDER, parameters={"pipeline": crop, "max_failure_rate": 1.0})
    assert run.exit_code == 0, run.log
    assert {failure["asset"] for failure in run.report["failures"]} == {"shapes-6.png"}
    assert all(failure["stage"] == "process" for failure in run.report["failures"])
    assert run.report["produced"]["new images"] == 10
    assert run.report["produced"]["shapes"] + sum(run.report["dropped_shapes"].values()) == 50
