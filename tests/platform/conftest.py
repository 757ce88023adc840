"""One local platform for the whole run; every test works on datasets, models and names of its own."""

from __future__ import annotations

import itertools
import os
import warnings
from typing import TYPE_CHECKING

import pytest
from picsellia_processing.platform.process import LocalPlatform
from PIL import Image

with warnings.catch_warnings():
    # The SDK imports a deprecated name of beartype; loaded here once, it warns no test.
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    from picsellia import Client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from picsellia.sdk.asset import Asset
    from picsellia.sdk.data import Data
    from picsellia.sdk.dataset_version import DatasetVersion
    from picsellia.sdk.processing import Processing

MANY = 2500


@pytest.fixture(scope="session")
def platform() -> Iterator[LocalPlatform]:
    with LocalPlatform() as running:
        yield running


@pytest.fixture(scope="session")
def connect() -> Iterator[Callable[[LocalPlatform], Client]]:
    clients: list[Client] = []

    def connect_to(platform: LocalPlatform) -> Client:
        client = Client(api_token=platform.api_token, organization_id=platform.organization_id, host=platform.host)
        clients.append(client)
        return client

    yield connect_to
    for client in clients:
        client.connection.session.close()


@pytest.fixture(scope="session")
def client(platform: LocalPlatform, connect: Callable[[LocalPlatform], Client]) -> Client:
    return connect(platform)


@pytest.fixture(scope="session")
def names() -> Iterator[str]:
    """Names that nobody used before."""
    return (f"name-{number}" for number in itertools.count())


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three images: two JPEG of 64 x 48, one PNG of 32 x 32."""
    folder = tmp_path_factory.mktemp("pictures")
    paths = [folder / "a.jpg", folder / "b.jpg", folder / "c.png"]
    for number, path in enumerate(paths):
        size = (32, 32) if path.suffix == ".png" else (64, 48)
        Image.new("RGB", size, (40 * number, 80, 120)).save(path)
    return paths


@pytest.fixture(scope="session")
def data(client: Client, pictures: list[Path]) -> list[Data]:
    """The three pictures in the datalake, by file name."""
    uploaded = client.get_datalake().upload_data([*pictures])
    return sorted(uploaded, key=lambda datum: datum.filename)


@pytest.fixture
def version(client: Client, data: list[Data], names: Iterator[str]) -> DatasetVersion:
    """A dataset version of its own with the three pictures as assets."""
    made = client.create_dataset(next(names)).create_version("v1", type="OBJECT_DETECTION")
    made.add_data(data)
    return made


@pytest.fixture
def assets(version: DatasetVersion) -> list[Asset]:
    """The assets of `version`, by file name."""
    return sorted(version.list_assets(), key=lambda asset: asset.filename)


@pytest.fixture
def processing(client: Client, names: Iterator[str]) -> Callable[..., Processing]:
    """Makes a processing: `processing(target, type, **default_parameters)`."""

    def make(target: str, type_: str | None = None, **default_parameters: object) -> Processing:
        return client.create_processing(
            next(names),
            target,
            default_cpu=1,
            default_gpu=0,
            default_parameters=default_parameters,
            docker_image="example/processing",
            docker_tag="1.0",
            type=type_,
        )

    return make


@pytest.fixture(scope="session")
def crowd_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 2,500 images, which are one file under many names."""
    folder = tmp_path_factory.mktemp("crowd")
    first = folder / "image-0000.png"
    Image.new("RGB", (8, 6)).save(first)
    for number in range(1, MANY):
        os.link(first, folder / f"image-{number:04}.png")
    return folder


@pytest.fixture(scope="session")
def crowd(crowd_folder: Path) -> Iterator[LocalPlatform]:
    """A platform seeded with the 2,500 images."""
    with LocalPlatform(images=crowd_folder) as running:
        yield running
