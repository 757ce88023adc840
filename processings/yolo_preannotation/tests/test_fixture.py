from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import ZipFile

import numpy as np
import pytest
from picsellia_processing.fixture import load_fixture
from PIL import Image

if TYPE_CHECKING:
    from types import ModuleType

FOLDER = Path(__file__).parents[1]
FIXTURE = FOLDER / "fixture"
WEIGHTS = [FIXTURE / "model.pt", *sorted((FOLDER / "tests" / "models").glob("*.pt"))]


def test_it_can_be_seeded_and_leaves_all_the_work_to_do() -> None:
    fixture = load_fixture(FIXTURE)

    assert fixture.dataset_version is not None
    assert fixture.dataset_version.labels == ("Circle", "square", "triangle")
    assert len(fixture.dataset_version.images) == 60
    assert all(image.annotation is None for image in fixture.dataset_version.images)


def test_one_image_alone_cannot_be_read() -> None:
    unreadable = []
    for path in (FIXTURE / "images").iterdir():
        with Image.open(path) as image:
            try:
                image.load()
            except OSError:
                unreadable.append(path.name)

    assert unreadable == ["truncated.jpg"]


def test_it_holds_every_kind_of_picture() -> None:
    modes, orientations = set(), set()
    for path in (FIXTURE / "images").iterdir():
        with Image.open(path) as image:
            modes.add((image.format, image.mode))
            orientations.add(image.getexif().get(0x0112, 1))

    assert orientations == set(range(1, 9))
    assert modes == {
        ("JPEG", "RGB"),
        ("JPEG", "CMYK"),
        ("PNG", "L"),
        ("PNG", "I;16"),
        ("PNG", "RGBA"),
        ("PNG", "P"),
        ("GIF", "P"),
    }


def test_it_stays_small() -> None:
    assert sum(path.stat().st_size for path in FIXTURE.rglob("*") if path.is_file()) < 5_000_000
    assert (FIXTURE / "model.pt").stat().st_size < 1_000_000


@pytest.mark.parametrize(
    "path", [FIXTURE / "model.pt", *(FOLDER / "tests" / "models").glob("*.pt")], ids=lambda p: p.name
)
def test_weights_tell_nothing_of_the_machine_they_were_trained_on(path: Path) -> None:
    with ZipFile(path) as archive:
        pickled = next(archive.read(name) for name in archive.namelist() if name.endswith("data.pkl"))

    assert not [word for word in (b"/tmp", b"/home", b"/root", b"/Users", b"save_dir", b"commit") if word in pickled]


def test_its_images_can_be_made_again(make_fixture: ModuleType, tmp_path: Path) -> None:
    make_fixture.make_images(tmp_path)

    truth = json.loads((FIXTURE / "ground_truth.json").read_text())
    assert json.loads((tmp_path / "ground_truth.json").read_text()) == truth
    names = {path.name for path in (FIXTURE / "images").iterdir()}
    assert {path.name for path in (tmp_path / "images").iterdir()} == names
    for name in ("exif-5-orientation-6.jpg", "grey.png", "palette.gif"):
        with Image.open(FIXTURE / "images" / name) as kept, Image.open(tmp_path / "images" / name) as made:
            assert (made.size, made.mode) == (kept.size, kept.mode)
            pixels = [np.asarray(image.convert("RGB"), int) for image in (kept, made)]
            assert np.abs(pixels[0] - pixels[1]).mean() < 2  # another release of Pillow may compress in another way


def test_every_readable_image_has_its_truth_in_the_size_it_is_stored_in() -> None:
    truth = json.loads((FIXTURE / "ground_truth.json").read_text())
    sizes = {image["file_name"]: (image["width"], image["height"]) for image in truth["images"]}

    assert set(sizes) == {path.name for path in (FIXTURE / "images").iterdir()} - {"truncated.jpg"}
    for name, size in sizes.items():
        with Image.open(FIXTURE / "images" / name) as image:
            assert image.size == size
