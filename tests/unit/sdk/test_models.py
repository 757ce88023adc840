from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from picsellia_processing.errors import JobError, PlatformError
from picsellia_processing.inputs import ModelFile
from picsellia_processing.sdk import models
from picsellia_processing.sdk.models import choose_files, download

from .platform_script import MODEL, NOWHERE, model
from .scripted_server import Script, broken_chunks, drip, hang_up, reply, reset, truncated

if TYPE_CHECKING:
    from pathlib import Path

    from picsellia import Client
    from picsellia.sdk.model_file import ModelFile as StoredFile
    from picsellia.sdk.model_version import ModelVersion

CONTENT = bytes(range(256)) * 20_000


def stored(script: Script, name: str, filename: str) -> dict[str, Any]:
    url = f"{script.url}/blob/{name}?sig=s3cr3t"
    return {"id": NOWHERE, "name": name, "object_name": name, "filename": filename, "large": True, "presigned_url": url}


@pytest.fixture
def version(script: Script, client: Client) -> ModelVersion:
    from picsellia.sdk.model_version import ModelVersion

    script.routes[f"/api/model/version/{MODEL}/modelfiles"] = {
        "items": [
            stored(script, "weights", "best.pt"),
            stored(script, "pretrained-weights", "model.pt"),
            stored(script, "config", "config.yaml"),
            stored(script, "*.onnx", "odd.bin"),
        ]
    }
    return ModelVersion(client.connection, model())


def chosen(version: ModelVersion | None, *names: str) -> dict[str, str]:
    return {wanted.name: file.filename for wanted, file in choose_files(version, list(map(ModelFile, names))).items()}


def test_files_by_name_and_by_pattern(version: ModelVersion) -> None:
    assert chosen(version, "weights", "*.yaml", "*.onnx", "best.*") == {
        "weights": "best.pt",
        "*.yaml": "config.yaml",
        "*.onnx": "odd.bin",
        "best.*": "best.pt",
    }


def test_nothing_asked_for_asks_for_nothing(script: Script, version: ModelVersion) -> None:
    asked = len(script.received)
    assert choose_files(version, []) == choose_files(None, []) == {}
    assert len(script.received) == asked


def test_all_mistakes_at_once(version: ModelVersion) -> None:
    with pytest.raises(JobError) as caught:
        chosen(version, "weigths", "*.pt", "config")
    said = str(caught.value)
    assert said.startswith("the ModelVersion finder/finder-1: ")
    assert "it has no file 'weigths' (did you mean 'weights'?); its files: 'weights' (best.pt), " in said
    assert "several files fit '*.pt': 'weights' (best.pt), 'pretrained-weights' (model.pt)" in said
    assert "ask for one of them by name" in said


def test_files_that_are_not_required(version: ModelVersion) -> None:
    optional = ModelFile("weights", required=False)
    assert choose_files(None, [optional]) == {}
    assert [file.filename for file in choose_files(version, [optional]).values()] == ["best.pt"]
    with pytest.raises(JobError, match="it has no file 'wheels'"):
        choose_files(version, [ModelFile("wheels", required=False)])


def test_a_file_that_a_parameter_names(version: ModelVersion) -> None:
    file = ModelFile("weights", parameter="input_model_file_name")
    for given, found in (({}, "best.pt"), ({"input_model_file_name": "config"}, "config.yaml")):
        assert [each.filename for each in choose_files(version, [file], given).values()] == [found]
    with pytest.raises(JobError, match="it has no file 'wheels'"):
        choose_files(version, [file], {"input_model_file_name": "wheels"})


def test_no_model(script: Script) -> None:
    with pytest.raises(
        JobError, match=r"asks for the model file 'weights', but the Job has no ModelVersion; launch it.*--model-file"
    ):
        chosen(None, "weights")


def test_a_model_without_files(script: Script, version: ModelVersion) -> None:
    script.routes[f"/api/model/version/{MODEL}/modelfiles"] = {"items": []}
    with pytest.raises(JobError, match="its files: none"):
        chosen(version, "weights")


@pytest.fixture
def file(version: ModelVersion) -> StoredFile:
    return next(iter(choose_files(version, [ModelFile("weights")]).values()))


def test_a_file_is_got_whole_under_its_own_name(
    script: Script, client: Client, file: StoredFile, tmp_path: Path
) -> None:
    script.routes["/blob/weights"] = reply(200, CONTENT)
    path = download(client, file, tmp_path)
    assert path.name == "best.pt"
    assert path.read_bytes() == CONTENT
    assert [each.name for each in path.parent.iterdir()] == ["best.pt"]
    assert "Authorization" not in script.received[-1].headers


@pytest.mark.parametrize(
    "fault", [truncated(CONTENT, 1), truncated(CONTENT, 9000), broken_chunks, reset, reply(503)], ids=range(5)
)
def test_a_file_that_breaks_off_is_got_again(
    script: Script, client: Client, file: StoredFile, tmp_path: Path, fault: Any
) -> None:
    script.then(fault, reply(200, CONTENT))
    assert download(client, file, tmp_path).read_bytes() == CONTENT


def test_a_file_that_comes_byte_by_byte_is_got_again(
    script: Script, client: Client, file: StoredFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "FILE_TIMEOUT", (10, 0.5))
    script.routes["/blob/weights"] = reply(200, CONTENT)
    script.then(drip(script))
    assert download(client, file, tmp_path).read_bytes() == CONTENT


def test_a_file_that_never_comes_whole_is_not_there(
    script: Script, client: Client, file: StoredFile, tmp_path: Path
) -> None:
    script.routes["/blob/weights"] = truncated(CONTENT, 1)
    with pytest.raises(PlatformError, match="model file 'weights' cannot be fetched whole") as caught:
        download(client, file, tmp_path)
    assert "s3cr3t" not in str(caught.value)
    assert list(tmp_path.rglob("best.pt")) == []


@pytest.mark.parametrize("status", [400, 401, 403])
def test_an_expired_url_is_renewed_once(
    script: Script, client: Client, file: StoredFile, tmp_path: Path, status: int
) -> None:
    client.connection.connector_id = NOWHERE
    script.routes["/blob/weights"] = reply(status)
    script.routes["/blob/renewed"] = reply(200, CONTENT)
    script.routes[f"/api/object-storage/{NOWHERE}/retrieve_presigned_url"] = {
        "presigned_url": f"{script.url}/blob/renewed?sig=s3cr3t"
    }
    assert download(client, file, tmp_path).read_bytes() == CONTENT
    script.routes["/blob/renewed"] = reply(status)
    with pytest.raises(PlatformError, match=f"cannot be fetched: {status}"):
        download(client, file, tmp_path)


@pytest.mark.parametrize("fault", [reply(404), reply(400), hang_up], ids=range(3))
def test_a_file_that_cannot_be_had(
    script: Script, client: Client, file: StoredFile, tmp_path: Path, fault: Any
) -> None:
    script.routes["/blob/weights"] = fault
    with pytest.raises(PlatformError) as caught:
        download(client, file, tmp_path)
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize(
    ("filename", "expected"),
    [
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("..", "model"),
        ("/", "model"),
        ("a\0b\nc.pt", "abc.pt"),
        (".hidden", "hidden"),
        ("猫" * 300 + ".pt", None),
        ("x" * 300 + ".onnx", None),
        ("caf\ud800e.pt", "cafe.pt"),
    ],
)
def test_a_hostile_file_name_stays_in_the_folder(
    script: Script, client: Client, file: StoredFile, tmp_path: Path, filename: str, expected: str | None
) -> None:
    script.routes["/blob/weights"] = reply(200, b"x")
    file._filename = filename
    path = download(client, file, tmp_path / "files")
    assert path.parent == tmp_path / "files" / NOWHERE
    assert path.read_bytes() == b"x"
    assert expected is None or path.name == expected
    assert path.suffix == (f".{filename.rpartition('.')[2]}" if expected is None else path.suffix)


def test_a_compressed_answer(script: Script, client: Client, file: StoredFile, tmp_path: Path) -> None:
    import gzip

    script.routes["/blob/weights"] = reply(200, gzip.compress(CONTENT), {"Content-Encoding": "gzip"})
    assert download(client, file, tmp_path).read_bytes() == CONTENT
