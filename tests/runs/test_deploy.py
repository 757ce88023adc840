"""Registering processings: what is written, what is refused, and what a failure leaves behind."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from picsellia_processing.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from picsellia import Client
    from picsellia_processing.platform.process import LocalPlatform

    Deploy = Callable[..., int]

pytestmark = pytest.mark.usefixtures("access")

IMAGE = "registry.example/tiler:1.0@sha256:" + "0" * 64
OTHER_IMAGE = "registry.example/tiler:1.1@sha256:" + "1" * 64
TOKEN = "not-the-token-of-this-platform"

DETECTOR = """
from pathlib import Path
from typing import Annotated
from picsellia_processing import AnnotationParameters, Field, Image, ModelFile, Rectangle, pre_annotation

class P(AnnotationParameters):
    confidence: float = Field({confidence}, ge=0, le=1)

@pre_annotation
def detect(image: Image, weights: Annotated[Path, ModelFile("weights")], parameters: P) -> list[Rectangle]:
    return []
"""
PROJECT = """
[project]
name = "{name}"
description = "Detects."
[tool.pxp]
cpu = 4
gpu = {gpu}
flags = ["--shm-size=2g"]
[tool.pxp.inputs.model_version_id]
framework = "ONNX"
"""


@pytest.fixture
def folder(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A processing folder, under a name that no other test registers."""
    write(tmp_path, request.node.name)
    return tmp_path


def write(folder: Path, name: str, *, confidence: float = 0.25, gpu: int = 1) -> None:
    (folder / "processing.py").write_text(DETECTOR.format(confidence=confidence))
    (folder / "pyproject.toml").write_text(PROJECT.format(name=name, gpu=gpu))


@pytest.fixture
def deploy(folder: Path) -> Deploy:
    def run(*words: str, image: str = IMAGE) -> int:
        return main(["deploy", str(folder), "--image", image, *words])

    return run


def registered(client: Client, name: str) -> dict[str, Any]:
    processing = client.get_processing(name)
    inputs = [
        {key: value for key, value in each.items() if key != "id"} for each in processing.list_processing_inputs()
    ]
    return {**processing.sync(), "inputs": inputs}


def test_everything_is_registered(deploy: Deploy, client: Client) -> None:
    assert deploy("--yes") == 0
    found = registered(client, "test_everything_is_registered")
    assert (found["target"], found["type"]) == ("DATASET_VERSION", "PRE_ANNOTATION")
    assert f"{found['docker_image']}:{found['docker_tag']}" == IMAGE
    assert (found["default_cpu"], found["default_gpu"]) == (4, 1)
    assert (found["docker_flags"], found["description"]) == (["--shm-size=2g"], "Detects.")
    assert found["default_parameters"]["confidence"] == 0.25
    assert found["inputs"] == [
        {
            "name": "model_version_id",
            "input_type": "MODEL_VERSION",
            "required": True,
            "inference_type_constraint": None,
            "framework_constraint": "ONNX",
        }
    ]


def test_a_second_time_changes_nothing(deploy: Deploy, platform: LocalPlatform, capsys: pytest.CaptureFixture) -> None:
    assert deploy("--yes") == 0
    platform.clear_ledger()
    capsys.readouterr()
    for words in (["--yes"], ["--plan"], []):
        assert deploy(*words) == 0
        assert "is up to date" in capsys.readouterr().out
    methods = {endpoint.split()[0] for endpoint in platform.ledger()["by_endpoint"]}
    assert methods == {"GET"}


@pytest.mark.parametrize(("words", "code"), [(["--plan"], 0), ([], 2), (["--plan", "--json"], 0)])
def test_nothing_is_written_without_yes(
    deploy: Deploy, platform: LocalPlatform, capsys: pytest.CaptureFixture, words: list[str], code: int
) -> None:
    platform.clear_ledger()
    assert deploy(*words) == code
    output = capsys.readouterr()
    assert "default parameter confidence" in output.out
    assert ("--yes writes this" in output.err) == (code == 2)
    assert {endpoint.split()[0] for endpoint in platform.ledger()["by_endpoint"]} == {"GET"}


def test_only_what_differs_is_written(
    deploy: Deploy, folder: Path, client: Client, platform: LocalPlatform, capsys: pytest.CaptureFixture
) -> None:
    name = "test_only_what_differs_is_written"
    deploy("--yes")
    client.get_processing(name).update_processing_input("model_version_id", False, None, None)
    write(folder, name, confidence=0.5, gpu=0)
    capsys.readouterr()
    platform.clear_ledger()
    assert deploy("--yes", image=OTHER_IMAGE) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        f'  ~ image: "{IMAGE}" -> "{OTHER_IMAGE}"',
        "  ~ gpu: 1 -> 0",
        "  ~ default parameter confidence: 0.25 -> 0.5",
        "  ~ input model_version_id: MODEL_VERSION, not required -> MODEL_VERSION, ONNX, required",
        "written: tag, gpu, parameters",
        "written: input model_version_id",
    ]
    written = [each for each in platform.ledger()["by_endpoint"] if not each.startswith("GET")]
    assert written == ["PATCH /api/processing/{}", "PUT /api/processing/{}/inputs/{}"]
    found = registered(client, name)
    assert (found["default_gpu"], found["default_cpu"]) == (0, 4)
    assert deploy("--plan", image=OTHER_IMAGE) == 0
    assert "is up to date" in capsys.readouterr().out


def test_what_is_not_in_the_definition_is_named_and_pruned_on_request(
    deploy: Deploy, client: Client, capsys: pytest.CaptureFixture
) -> None:
    name = "test_what_is_not_in_the_definition_is_named_and_pruned_on_request"
    deploy("--yes")
    processing = client.get_processing(name)
    ours = processing.sync()["default_parameters"]
    processing.update(default_parameters={**ours, "old": 1})
    client.connection.post(f"/api/processing/{processing.id}/inputs", data='{"name": "old", "input_type": "TEXT"}')
    capsys.readouterr()
    assert deploy("--yes") == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        "Not in the definition, and kept (a Job refuses parameters it does not know; --prune removes them):",
        "  default parameter old",
        "  input old",
    ]
    assert processing.sync()["default_parameters"] == {**ours, "old": 1}
    assert deploy("--yes", "--prune") == 0
    assert processing.sync()["default_parameters"] == ours
    assert [each["name"] for each in processing.list_processing_inputs()] == ["model_version_id"]


def test_an_input_of_another_type_is_replaced(deploy: Deploy, client: Client, capsys: pytest.CaptureFixture) -> None:
    deploy("--yes")
    processing = client.get_processing("test_an_input_of_another_type_is_replaced")
    processing.delete_processing_input("model_version_id")
    body = '{"name": "model_version_id", "input_type": "TEXT", "required": true}'
    client.connection.post(f"/api/processing/{processing.id}/inputs", data=body)
    assert deploy("--yes") == 0
    assert "TEXT, required -> MODEL_VERSION, ONNX, required" in capsys.readouterr().out
    assert processing.list_processing_inputs()[0]["input_type"] == "MODEL_VERSION"


def test_a_name_taken_by_another_target_is_refused(
    deploy: Deploy, client: Client, platform: LocalPlatform, capsys: pytest.CaptureFixture
) -> None:
    name = "test_a_name_taken_by_another_target_is_refused"
    client.create_processing(name, "MODEL_VERSION", 1, 0, {}, "image", "tag", type="MODEL_CONVERSION")
    before = registered(client, name)
    assert deploy("--yes") == 2
    error = capsys.readouterr().err
    assert '~ target: "MODEL_VERSION" -> "DATASET_VERSION"' in error
    assert '~ type: "MODEL_CONVERSION" -> "PRE_ANNOTATION"' in error
    assert "nothing was written" in error
    assert registered(client, name) == before


def test_a_bad_token_is_refused_and_not_shown(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setenv("api_token", TOKEN)
    assert deploy("--yes") == 3
    output = capsys.readouterr()
    assert "token" in output.err
    assert TOKEN not in output.out + output.err


@pytest.mark.parametrize("image", ["tiler", "tiler:latest", "tiler:1.0", "tiler@sha256:" + "0" * 64])
def test_a_mutable_image_is_refused_before_anything_is_asked(
    deploy: Deploy, platform: LocalPlatform, capsys: pytest.CaptureFixture, image: str
) -> None:
    platform.clear_ledger()
    assert deploy("--yes", image=image) == 2
    assert "expected NAME:TAG@sha256:DIGEST" in capsys.readouterr().err
    assert platform.ledger()["total"] == 0


@pytest.mark.parametrize("fault", ["reset", "lost-reply", "503"])
@pytest.mark.parametrize(
    ("path", "written", "left"),
    [
        ("/processings$", "nothing", "the processing, input model_version_id"),
        ("/inputs$", "the processing", "input model_version_id"),
    ],
)
def test_a_cut_in_the_middle_is_told_and_repaired(
    deploy: Deploy, folder: Path, platform: LocalPlatform, capsys: pytest.CaptureFixture,
    path: str, written: str, left: str, fault: str,
) -> None:  # fmt: skip
    write(folder, f"cut-{fault}-{path[1:-1]}")
    platform.set_faults([{"method": "POST", "path": path, "fault": fault}])
    assert deploy("--yes") == 3
    error = capsys.readouterr().err
    assert f"written: {written}\nnot written, or not known to be: {left}\n" in error
    platform.set_faults([])
    assert deploy("--yes") == 0
    capsys.readouterr()
    assert deploy("--plan") == 0
    assert "is up to date" in capsys.readouterr().out


def test_a_lost_reply_is_no_failure(deploy: Deploy, client: Client, platform: LocalPlatform) -> None:
    platform.set_faults(
        [{"method": "POST", "path": path, "fault": "lost-reply", "times": 1} for path in ("/processings$", "/inputs$")]
    )
    assert deploy("--yes") == 0
    assert len(registered(client, "test_a_lost_reply_is_no_failure")["inputs"]) == 1


def test_a_lost_reply_of_a_deletion_is_no_failure(deploy: Deploy, client: Client, platform: LocalPlatform) -> None:
    deploy("--yes")
    processing = client.get_processing("test_a_lost_reply_of_a_deletion_is_no_failure")
    client.connection.post(f"/api/processing/{processing.id}/inputs", data='{"name": "old", "input_type": "TEXT"}')
    platform.set_faults([{"method": "DELETE", "path": "/inputs/old", "fault": "lost-reply", "times": 1}])
    assert deploy("--yes", "--prune") == 0
    assert len(processing.list_processing_inputs()) == 1


def test_json_is_all_there_is_on_stdout(deploy: Deploy, capsys: pytest.CaptureFixture) -> None:
    assert deploy("--yes", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["name"], told["written"], told["undeclared"]) == ("test_json_is_all_there_is_on_stdout", True, [])
    assert {"subject": "gpu", "change": "add", "before": None, "after": 1} in told["differences"]
    assert deploy("--json") == 0
    assert json.loads(capsys.readouterr().out)["differences"] == []
