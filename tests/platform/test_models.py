"""Models, versions and their files."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest
from picsellia.exceptions import BadRequestError, ResourceConflictError, ResourceNotFoundError
from picsellia.types.enums import Framework, InferenceType

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from picsellia import Client
    from picsellia.sdk.model_version import ModelVersion


@pytest.fixture
def model_version(client: Client, names: Iterator[str]) -> ModelVersion:
    return client.create_model(next(names)).create_version(
        labels={"0": "cat"}, base_parameters={"epochs": 3}, framework="PYTORCH", type="OBJECT_DETECTION"
    )


def test_models_are_found_and_unique(client: Client, names: Iterator[str]) -> None:
    name = next(names)
    model = client.create_model(name)
    assert client.get_model(name) == client.get_model_by_id(model.id) == model
    assert model.id in [found.id for found in client.list_models()]
    assert model.sync()["private"] is True
    with pytest.raises(ResourceConflictError):
        client.create_model(name)
    for find in (lambda: client.get_model("nowhere"), lambda: client.get_model_by_id(uuid.uuid4())):
        with pytest.raises(ResourceNotFoundError):
            find()


def test_versions_are_numbered_and_named(client: Client, names: Iterator[str]) -> None:
    model = client.create_model(next(names))
    first, second = model.create_version(), model.create_version(name="best")
    assert [(found.version, found.name) for found in (first, second)] == [(0, "0"), (1, "best")]
    assert (first.type, first.framework) == (InferenceType.NOT_CONFIGURED, Framework.NOT_CONFIGURED)
    assert model.get_version(1) == model.get_version("best") == second
    assert model.list_versions() == [second, first]
    with pytest.raises(ResourceConflictError):
        model.create_version(name="best")
    with pytest.raises(ResourceNotFoundError):
        model.get_version(7)


def test_version_tells_labels_parameters_and_origin(client: Client, model_version: ModelVersion) -> None:
    found = client.get_model_version_by_id(model_version.id)
    assert found == model_version
    assert found.labels == {"0": "cat"}
    assert (found.type, found.framework) == (InferenceType.OBJECT_DETECTION, Framework.PYTORCH)
    raw = found.sync()
    assert raw["parameters"] == {"epochs": 3}
    assert raw["labels"] == {"0": "cat"}
    assert raw["origin"]["id"] == str(found.origin_id)
    with pytest.raises(ResourceNotFoundError):
        client.get_model_version_by_id(uuid.uuid4())


def test_version_is_updated_where_told(model_version: ModelVersion) -> None:
    model_version.update(labels={"0": "dog"}, framework="ONNX", name="exported", docker_image_name="x")
    raw = model_version.sync()
    assert (raw["labels"], raw["framework"], raw["name"], raw["docker_image"]) == (
        {"0": "dog"},
        "ONNX",
        "exported",
        "x",
    )
    assert raw["parameters"] == {"epochs": 3}
    assert raw["type"] == "OBJECT_DETECTION"


def test_files_are_stored_replaced_and_deleted(model_version: ModelVersion, tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    path.write_bytes(b"one")
    with pytest.raises(ResourceNotFoundError):
        model_version.get_file("weights")
    stored = model_version.store("weights", path)
    assert (stored.name, stored.filename, stored.large) == ("weights", "weights.pt", False)
    with pytest.raises(ResourceConflictError):
        model_version.store("weights", path)
    path.write_bytes(b"two")
    replaced = model_version.store("weights", path, replace=True)
    model_version.store("config", path)
    assert [file.name for file in model_version.list_files()] == ["config", "weights"]
    found = model_version.get_file("weights")
    assert found == replaced
    assert found.sync()["name"] == "weights"
    found.download(tmp_path / "down")
    assert (tmp_path / "down" / "weights.pt").read_bytes() == b"two"
    found.delete()
    assert [file.name for file in model_version.list_files()] == ["config"]


def test_folder_is_stored_as_a_zip(model_version: ModelVersion, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "saved.pb").write_bytes(b"x")
    assert model_version.store("model", folder, do_zip=True).filename == "model.zip"


def test_file_of_an_object_that_was_not_uploaded_is_refused(client: Client, model_version: ModelVersion) -> None:
    with pytest.raises(BadRequestError, match="has not been uploaded"):
        client.connection.post(
            f"/api/model/version/{model_version.id}/modelfiles",
            data='{"name": "x", "filename": "x", "object_name": "nowhere", "large": false}',
        )


def test_models_and_versions_are_tagged(client: Client, model_version: ModelVersion, names: Iterator[str]) -> None:
    tag = client.create_model_version_tag(next(names))
    model_version.add_tags(tag)
    assert [found.name for found in model_version.get_tags()] == [tag.name]
