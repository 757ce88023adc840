"""The process: how it starts, what it is seeded with, how it ends, and what it survives."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests
from picsellia.exceptions import PicselliaError
from picsellia_processing.errors import UsageError
from picsellia_processing.platform.command import announce
from picsellia_processing.platform.process import LocalPlatform
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from picsellia import Client

COMMAND = [sys.executable, "-m", "picsellia_processing.platform"]


@pytest.fixture
def fixture_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "fixture"
    (folder / "images").mkdir(parents=True)
    for name in ("a.jpg", "b.jpg"):
        Image.new("RGB", (20, 10)).save(folder / "images" / name)
    (folder / "images" / "truncated.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    (folder / "model.pt").write_bytes(b"weights")
    (folder / "annotations.json").write_text(
        json.dumps(
            {
                "images": [{"id": 1, "file_name": "a.jpg"}],
                "categories": [{"id": 1, "name": "circle"}],
                "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]}],
            }
        )
    )
    (folder / "fixture.toml").write_text(
        """
        task = "pre_annotation"
        selection = ["b.jpg"]
        [dataset_version]
        name = "shapes"
        version = "v1"
        type = "OBJECT_DETECTION"
        labels = ["circle", "square"]
        images = "images"
        annotations = "annotations.json"
        [model_version]
        name = "detector"
        type = "OBJECT_DETECTION"
        framework = "PYTORCH"
        labels = ["circle", "square"]
        files = { "pretrained-weights" = "model.pt" }
        [parameters]
        confidence = 0.5
        """
    )
    return folder


def test_platform_is_seeded_from_a_fixture(
    fixture_folder: Path, connect: Callable[[LocalPlatform], Client], tmp_path: Path
) -> None:
    with LocalPlatform(seed=fixture_folder) as platform:
        client, seeded = connect(platform), platform.seeded
        version = client.get_dataset_version_by_id(seeded["dataset_version_id"])
        assert (version.name, version.version, version.type.value) == ("shapes", "v1", "OBJECT_DETECTION")
        assert [label.name for label in version.list_labels()] == ["circle", "square"]
        assets = {asset.filename: asset for asset in version.list_assets()}
        assert list(assets) == ["a.jpg", "b.jpg", "truncated.jpg"]
        assert (assets["a.jpg"].width, assets["a.jpg"].height) == (20, 10)
        assert (assets["truncated.jpg"].width, assets["truncated.jpg"].height) == (1, 1)
        assert (seeded["asset_count"], seeded["asset_ids"]) == (3, [str(assets["b.jpg"].id)])
        (rectangle,) = assets["a.jpg"].get_annotation().list_rectangles()
        assert (rectangle.x, rectangle.y, rectangle.w, rectangle.h) == (1, 2, 3, 4)
        assert (seeded["task"], seeded["parameters"]) == ("pre_annotation", {"confidence": 0.5})
        model = client.get_model_version_by_id(seeded["model_version_id"])
        assert model.labels == {"0": "circle", "1": "square"}
        model.get_file("pretrained-weights").download(tmp_path)
        assert (tmp_path / "model.pt").read_bytes() == b"weights"


def test_images_and_model_files_can_be_given(
    pictures: list[Path], fixture_folder: Path, connect: Callable[[LocalPlatform], Client]
) -> None:
    other = fixture_folder / "other.pt"
    other.write_bytes(b"other")
    with LocalPlatform(
        seed=fixture_folder, images=pictures[0].parent, model_files={"pretrained-weights": other}
    ) as platform:
        client = connect(platform)
        version = client.get_dataset_version_by_id(platform.seeded["dataset_version_id"])
        assert sorted(asset.filename for asset in version.list_assets()) == ["a.jpg", "b.jpg", "c.png"]
        model = client.get_model_version_by_id(platform.seeded["model_version_id"])
        assert model.get_file("pretrained-weights").filename == "other.pt"


def test_fixture_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"did not start.*fixture"), LocalPlatform(seed=tmp_path):
        pass


def test_one_that_ends_without_a_word_is_told(tmp_path: Path) -> None:
    platform = LocalPlatform(data=tmp_path).start()
    os.kill(platform.pid, signal.SIGKILL)
    with pytest.raises(UsageError, match="ended with status -9 and left no log: is the disk full"):
        platform.wait_ready()


def test_people_are_told_what_there_is_alone(capsys: pytest.CaptureFixture[str]) -> None:
    announce({"host": "http://127.0.0.1:1", "task": None, "inputs": {}, "asset_count": 0}, as_json=False)
    assert [line.split() for line in capsys.readouterr().out.splitlines()[1:]] == [
        ["host", "http://127.0.0.1:1"],
        ["asset_count", "0"],
    ]


def test_port_in_use_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"port {port} on 127.0.0.1 cannot be used"), LocalPlatform(port=port):
            pass


@pytest.mark.parametrize("settings", [{"fault_rate": 2.0}, {"latency_ms": -1}, {"port": 70000}, {"url_ttl": -1}])
def test_settings_out_of_range_are_told(settings: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="expected"), LocalPlatform(**settings):
        pass


@pytest.mark.parametrize("module", ["uvicorn", "starlette", "h11"])
def test_missing_extra_is_told(module: str) -> None:
    program = (
        f"import sys; sys.modules[{module!r}] = None; sys.argv = ['platform'];"
        "from picsellia_processing.platform.__main__ import main; sys.exit(main())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert done.stderr.startswith("error: the local platform needs the module")
    assert "pip install 'picsellia-processing[platform]'" in done.stderr


def test_handle_says_how_to_use_it() -> None:
    platform = LocalPlatform()
    with pytest.raises(UsageError, match="start"):
        _ = platform.host
    platform.start()
    try:
        with pytest.raises(UsageError, match="already"):
            platform.start()
        assert platform.wait_ready().wait_ready().host.startswith("http://127.0.0.1:")
    finally:
        platform.stop()
        platform.stop()


@pytest.fixture
def launched() -> Iterator[subprocess.Popen[str]]:
    """The command itself, as `pxp platform --json` runs it."""
    with subprocess.Popen(
        [*COMMAND, "--json"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_is_a_clean_end(launched: subprocess.Popen[str], number: signal.Signals) -> None:
    ready = json.loads(launched.stdout.readline())
    assert {"host", "api_token", "organization_id", "datalake_id"} <= ready.keys()
    headers = {"Authorization": f"Bearer {ready['api_token']}"}
    with requests.Session() as session:  # a connection that is still open delays nothing
        assert session.get(f"{ready['host']}/api/home/ping", headers=headers, timeout=10).status_code == 200
        launched.send_signal(number)
        assert launched.wait(10) == 0
    assert launched.stdout.read() == ""
    assert launched.stderr.read() == ""
    assert not Path(ready["data"]).exists()


def test_platform_ends_with_its_parent() -> None:
    parent = (
        "import os, signal; from picsellia_processing.platform.process import LocalPlatform;"
        "p = LocalPlatform().start().wait_ready(); print(p.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True) as process:
        line = process.stdout.readline()
        # The platform holds its own stdout, not ours; its data folder goes when it ends in good order.
        process.wait(10)
    pid = int(line.split()[0])
    for _ in range(200):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        with socket.socket() as pause:  # waits a little, without a clock of ours
            pause.settimeout(0.05)
            pause.bind(("127.0.0.1", 0))
            pause.listen()
            with pytest.raises(TimeoutError):
                pause.accept()
    pytest.fail("the platform outlived its parent")


def test_token_is_not_in_the_arguments() -> None:
    with LocalPlatform() as platform:
        process = platform._process
        assert process is not None
        assert platform.api_token not in " ".join(process.args)
        assert platform.api_token not in platform.log()


def test_data_outlive_a_restart(
    tmp_path: Path, connect: Callable[[LocalPlatform], Client], pictures: list[Path]
) -> None:
    with LocalPlatform(data=tmp_path) as platform:
        organization = platform.organization_id
        client = connect(platform)
        datum = client.get_datalake().upload_data(pictures[0])
        client.create_dataset("kept").create_version("v1").add_data(datum)
    with LocalPlatform(data=tmp_path) as platform:
        assert platform.organization_id == organization
        version = connect(platform).get_dataset("kept").get_version("v1")
        (asset,) = version.list_assets()
        assert requests.get(asset.url, timeout=10).content == pictures[0].read_bytes()


def test_seeding_the_same_folder_again_is_told(tmp_path: Path, pictures: list[Path]) -> None:
    with LocalPlatform(data=tmp_path, images=pictures[0].parent):
        pass
    with (
        pytest.raises(UsageError, match=r"exists already\n.*seeded before"),
        LocalPlatform(data=tmp_path, images=pictures[0].parent),
    ):
        pass


def test_killed_platform_has_lost_nothing(tmp_path: Path, connect: Callable[[LocalPlatform], Client]) -> None:
    with LocalPlatform(data=tmp_path) as platform:
        connect(platform).create_dataset("kept")
        os.kill(platform.pid, signal.SIGKILL)
    with LocalPlatform(data=tmp_path) as platform:
        assert connect(platform).get_dataset("kept").name == "kept"


@pytest.mark.skipif(not hasattr(__import__("resource"), "prlimit"), reason="only Linux limits another process")
def test_server_survives_files_it_cannot_write(tmp_path: Path, connect: Callable[[LocalPlatform], Client]) -> None:
    import resource

    (tmp_path / "large").write_bytes(b"x" * 300_000)
    with LocalPlatform(data=tmp_path / "data") as platform:
        client = connect(platform)
        before = resource.prlimit(platform.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(platform.pid, resource.RLIMIT_FSIZE, (100_000, before[1]))
        with pytest.raises(requests.HTTPError, match="507"):
            client.connection.upload_file("test/large", tmp_path / "large")
        assert list((platform.data / "blobs").iterdir()) == []
        made = 0
        with pytest.raises(PicselliaError, match="507"):  # noqa: PT012 - which of them fails is SQLite's to say
            while made < 100:
                client.create_dataset(f"{made}", description="x" * 10_000)
                made += 1
        resource.prlimit(platform.pid, resource.RLIMIT_FSIZE, before)
        client.connection.upload_file("test/large", tmp_path / "large")
        assert client.create_dataset("after").name == "after"
        assert len(client.list_datasets()) == made + 1
