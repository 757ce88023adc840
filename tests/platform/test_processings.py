"""Processings as an organization registers them, and the inputs they declare."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from picsellia.exceptions import BadRequestError, ResourceConflictError, ResourceNotFoundError
from picsellia.types.enums import Framework, InferenceType, ProcessingInputType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from picsellia import Client
    from picsellia.sdk.dataset_version import DatasetVersion
    from picsellia.sdk.model_version import ModelVersion
    from picsellia.sdk.processing import Processing

    MakeProcessing = Callable[..., Processing]


@pytest.fixture
def made(processing: MakeProcessing) -> Processing:
    return processing("DATASET_VERSION", "PRE_ANNOTATION")


@pytest.fixture
def detector(client: Client, names: Iterator[str]) -> ModelVersion:
    return client.create_model(next(names)).create_version(
        framework=Framework.ONNX, type=InferenceType.OBJECT_DETECTION
    )


def add(made: Processing, name: str, kind: ProcessingInputType, *, required: bool = False) -> dict[str, Any]:
    return made.add_processing_input(name, kind, required, None, None)


def test_everything_registered_is_told(client: Client, names: Iterator[str]) -> None:
    name = next(names)
    client.create_processing(
        name, "MODEL_VERSION", 4, 1, {"a": None}, "a.example/image", "1@sha256:0", ["--shm-size=2g"], None, "text"
    )  # fmt: skip
    found = client.get_processing(name).sync()
    assert {key: found[key] for key in found.keys() - {"id", "created_at"}} == {
        "name": name,
        "target": "MODEL_VERSION",
        "type": None,
        "default_cpu": 4,
        "default_gpu": 1,
        "default_parameters": {"a": None},
        "docker_image": "a.example/image",
        "docker_tag": "1@sha256:0",
        "docker_flags": ["--shm-size=2g"],
        "description": "text",
    }


def test_an_update_touches_what_it_names(made: Processing) -> None:
    before = made.sync()
    made.update(default_gpu=0, default_cpu=8, description="new")
    assert made.sync() == {**before, "default_gpu": 0, "default_cpu": 8, "description": "new"}


@pytest.mark.parametrize("wrong", [{"default_cpu": -1}, {"default_gpu": "1"}, {"docker_flags": [1]}])
def test_settings_of_another_kind_are_refused(client: Client, made: Processing, wrong: dict[str, Any]) -> None:
    with pytest.raises(BadRequestError):
        client.connection.patch(f"/api/processing/{made.id}", data=orjson.dumps(wrong))


def test_no_processing_is_public(client: Client, made: Processing) -> None:
    with pytest.raises(ResourceNotFoundError):
        client.get_public_processing(made.name)


def test_inputs_are_added_changed_and_deleted(made: Processing) -> None:
    assert made.list_processing_inputs() == []
    added = made.add_processing_input(
        "model_version_id", ProcessingInputType.MODEL_VERSION, True, InferenceType.OBJECT_DETECTION, Framework.ONNX
    )
    assert added == {
        "id": added["id"],
        "name": "model_version_id",
        "input_type": "MODEL_VERSION",
        "required": True,
        "inference_type_constraint": "OBJECT_DETECTION",
        "framework_constraint": "ONNX",
    }
    add(made, "target_version_name", ProcessingInputType.TEXT)
    assert [each["name"] for each in made.list_processing_inputs()] == ["model_version_id", "target_version_name"]
    changed = made.update_processing_input("model_version_id", False, None, Framework.PYTORCH)
    assert changed == {
        **added, "required": False, "inference_type_constraint": None, "framework_constraint": "PYTORCH",
    }  # fmt: skip
    made.delete_processing_input("model_version_id")
    assert [each["name"] for each in made.list_processing_inputs()] == ["target_version_name"]


def test_an_input_is_there_once(made: Processing) -> None:
    add(made, "a name/with ✓ signs", ProcessingInputType.TEXT)
    with pytest.raises(ResourceConflictError, match="already"):
        add(made, "a name/with ✓ signs", ProcessingInputType.NUMBER)
    for act in (
        lambda: made.delete_processing_input("other"),
        lambda: made.update_processing_input("other", True, None, None),
    ):
        with pytest.raises(ResourceNotFoundError, match="other"):
            act()


def test_inputs_go_with_their_processing(client: Client, made: Processing) -> None:
    add(made, "name", ProcessingInputType.TEXT)
    made.delete()
    with pytest.raises(ResourceNotFoundError):
        made.list_processing_inputs()
    again = client.create_processing(made.name, "DATASET_VERSION", 1, 0, {}, "image", "tag")
    assert again.list_processing_inputs() == []


def test_a_launch_has_what_is_required(version: DatasetVersion, made: Processing) -> None:
    add(made, "count", ProcessingInputType.NUMBER, required=True)
    add(made, "note", ProcessingInputType.TEXT)
    with pytest.raises(BadRequestError, match="count: it is required, a NUMBER"):
        version.launch_processing(made)
    raw = version.launch_processing(made, inputs={"count": 3, "undeclared": [1]}).sync()
    assert raw["processing_job"]["inputs"] == {"count": 3, "undeclared": [1]}
    with pytest.raises(BadRequestError, match=r"(?s)count: expected a number, found a text.*note: expected a text"):
        version.launch_processing(made, inputs={"count": "3", "note": 3})


def test_an_input_is_of_the_type_and_framework_declared(
    client: Client, version: DatasetVersion, made: Processing, detector: ModelVersion
) -> None:
    made.add_processing_input(
        "model_version_id", ProcessingInputType.MODEL_VERSION, True, InferenceType.SEGMENTATION, Framework.ONNX
    )
    for wrong in (version.id, uuid.uuid4()):
        with pytest.raises((BadRequestError, ResourceNotFoundError)):
            version.launch_processing(made, inputs={"model_version_id": str(wrong)})
    with pytest.raises(BadRequestError, match="of type SEGMENTATION, found one of OBJECT_DETECTION"):
        version.launch_processing(made, inputs={"model_version_id": str(detector.id)})
    made.update_processing_input("model_version_id", True, InferenceType.OBJECT_DETECTION, Framework.ONNX)
    job = version.launch_processing(made, inputs={"model_version_id": str(detector.id)})
    assert job.sync()["processing_job"]["inputs"] == {"model_version_id": str(detector.id)}


def test_ids_of_every_kind_are_looked_up(
    client: Client, version: DatasetVersion, made: Processing, detector: ModelVersion
) -> None:
    there = {
        "DATASET": version.origin_id,
        "DATASET_VERSION": version.id,
        "MODEL": detector.origin_id,
        "MODEL_VERSION": detector.id,
        "DATALAKE": client.get_datalake().id,
    }
    for kind in there:
        add(made, f"the {kind}", ProcessingInputType(kind), required=True)
    inputs = {f"the {kind}": str(identifier) for kind, identifier in there.items()}
    assert version.launch_processing(made, inputs=inputs).sync()["processing_job"]["inputs"] == inputs
    for name in inputs:
        with pytest.raises(BadRequestError, match=f"{name}: expected the id of a"):
            version.launch_processing(made, inputs={**inputs, name: "not an id"})
