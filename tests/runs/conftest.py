from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from picsellia_processing.platform.process import LocalPlatform
from PIL import Image

from tests.runs.rig import Rig, lead_to

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from picsellia import Client

FIXTURE = """
task = "pre_annotation"
[dataset_version]
name = "things"
version = "v1"
type = "{type}"
labels = {labels}
images = "images"
{annotations}
"""


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """A folder of 30 pictures of different colours."""
    folder = tmp_path / "fixture" / "images"
    folder.mkdir(parents=True)
    for number in range(30):
        Image.new("RGB", (96, 64), (number * 8, 255 - number * 8, 40)).save(folder / f"{number:02}.jpg")
    return folder


@pytest.fixture
def rig(images: Path) -> Iterator[Callable[..., Rig]]:
    """Starts a platform with `images` on it: `rig(type=..., labels=[...])` and the options of LocalPlatform."""
    with ExitStack() as stack:

        @contextmanager
        def running(options: dict[str, Any]) -> Iterator[Rig]:
            with LocalPlatform(**options) as platform:
                rig = Rig(platform)
                yield rig
                rig.close()

        def start(
            *, type: str = "OBJECT_DETECTION", labels: tuple[str, ...] = ("thing",), extra: str = "", **options: Any
        ) -> Rig:
            fixture = images.parent
            toml = FIXTURE.format(type=type, labels=list(labels), annotations=extra)
            (fixture / "fixture.toml").write_text(toml)
            return stack.enter_context(running({"seed": fixture, **options}))

        yield start


@pytest.fixture(scope="module")
def platform() -> Iterator[LocalPlatform]:
    """A platform with nothing on it; a module that needs more has a fixture of this name."""
    with LocalPlatform() as platform:
        yield platform


@pytest.fixture(scope="module")
def client(platform: LocalPlatform) -> Iterator[Client]:
    """The vendor's client of `platform`."""
    rig = Rig(platform)
    yield rig.client
    rig.close()


@pytest.fixture
def access(platform: LocalPlatform, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leads the commands of this process to `platform`, whose faults are gone afterwards."""
    lead_to(platform, monkeypatch)
    yield
    platform.set_faults([])
