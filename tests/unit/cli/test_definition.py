from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from picsellia_processing.cli.definition import define
from picsellia_processing.cli.image_reference import ImageReference
from picsellia_processing.cli.project import project_of
from picsellia_processing.errors import DefinitionError
from picsellia_processing.registration import RegisteredInput

if TYPE_CHECKING:
    from pathlib import Path

IMAGE = ImageReference("registry.example/p", "1.0", "sha256:" + "0" * 64)

DETECTOR = '''
from pathlib import Path
from typing import Annotated
from picsellia_processing import AnnotationParameters, Field, Image, Input, ModelFile, Rectangle, pre_annotation

class P(AnnotationParameters):
    confidence: float = Field(0.25, ge=0, le=1)
    seed: int | None = None
    needed: str

@pre_annotation(batch_size=8)
def detect(
    images: list[Image], weights: Annotated[Path, ModelFile("weights")], parameters: P,
    count: Annotated[int, Input("count")], note: Annotated[str | None, Input("note")] = None,
) -> list[list[Rectangle]]:
    """Detect what there is."""
    return [[] for _ in images]
'''
CONVERTER = """
from pathlib import Path
from typing import Annotated
from picsellia import DatasetVersion
from picsellia_processing import Input, ModelFile, model_conversion

@model_conversion(produces=["onnx"])
def convert(
    weights: Annotated[Path, ModelFile("weights")], images: Annotated[DatasetVersion, Input("dataset_version_id")]
) -> Path:
    return weights
"""
PROJECT = """
[project]
name = "the-detector"
description = "Detects."
[tool.pxp]
cpu = 4
gpu = 1
flags = ["--shm-size=2g"]
[tool.pxp.inputs.model_version_id]
inference_type = "OBJECT_DETECTION"
framework = "ONNX"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "my_detector"
    folder.mkdir()
    (folder / "processing.py").write_text(DETECTOR)
    return folder


def test_everything_comes_from_the_definition(folder: Path) -> None:
    (folder / "pyproject.toml").write_text(PROJECT)
    found = define(str(folder), IMAGE)
    assert (found.name, found.target, found.type) == ("the-detector", "DATASET_VERSION", "PRE_ANNOTATION")
    assert (found.image, found.tag) == (IMAGE.name, IMAGE.pinned_tag)
    assert (found.description, found.cpu, found.gpu, found.flags) == ("Detects.", 4, 1, ("--shm-size=2g",))
    assert found.parameters["confidence"] == 0.25
    assert found.parameters["batch_size"] == 8
    assert found.parameters["seed"] is None
    assert "needed" not in found.parameters  # it has no default
    assert list(found.inputs.values()) == [
        RegisteredInput("model_version_id", "MODEL_VERSION", True, "OBJECT_DETECTION", "ONNX"),
        RegisteredInput("count", "NUMBER", True),
        RegisteredInput("note", "TEXT", False),
    ]


def test_without_a_pyproject_the_folder_gives_the_name(folder: Path) -> None:
    found = define(str(folder), IMAGE)
    assert (found.name, found.description) == ("my-detector", "Detect what there is.")
    assert (found.cpu, found.gpu, found.flags) == (1, 0, ())
    assert define(f"{folder}:detect", IMAGE).name == "my-detector.detect"


def test_a_task_on_a_model_version_has_its_model_already(folder: Path) -> None:
    (folder / "processing.py").write_text(CONVERTER)
    found = define(str(folder), IMAGE)
    assert found.target == "MODEL_VERSION"
    assert list(found.inputs.values()) == [
        RegisteredInput("target_version_name", "TEXT", False),
        RegisteredInput("dataset_version_id", "DATASET_VERSION", True),
    ]


def test_an_input_that_nobody_asks_for_is_refused(folder: Path) -> None:
    (folder / "pyproject.toml").write_text('[tool.pxp.inputs.model_verson_id]\nframework = "ONNX"\n')
    with pytest.raises(DefinitionError, match=r"model_verson_id: .* \(did you mean 'model_version_id'\?\); it has"):
        define(str(folder), IMAGE)


@pytest.mark.parametrize(
    ("text", "mistakes"),
    [
        ("[tool.pxp]\ncpu = 0\ngpus = 1\n", ["tool.pxp.cpu: ", "tool.pxp.gpus: "]),
        ('[tool.pxp]\ncpu = "4"\nflags = "--init"\n', ["tool.pxp.cpu: ", "tool.pxp.flags: "]),
        ('[tool.pxp.inputs.x]\nframework = "onnx"\n', ["tool.pxp.inputs.x.framework: "]),
        ('project = "x"\n', ["project: "]),
        ("[project]\nname = 3\n", ["project.name: "]),
        ("[tool.pxp\n", ["it is not TOML: "]),
    ],
)
def test_every_mistake_in_the_project_is_named(folder: Path, text: str, mistakes: list[str]) -> None:
    (folder / "pyproject.toml").write_text(text)
    with pytest.raises(DefinitionError) as caught:
        project_of(str(folder))
    assert [found[: len(mistake)] for found, mistake in zip(caught.value.mistakes, mistakes, strict=True)] == mistakes
    assert "pyproject.toml" in str(caught.value)
