"""What the `pyproject.toml` of a processing folder says of it: its name, and what its Jobs need.

[project]
name = "yolo-preannotation"
description = "Annotate images with a YOLO model."

[tool.pxp]
cpu = 4
gpu = 1
flags = ["--shm-size=2g"]

[tool.pxp.inputs.model_version_id]
inference_type = "OBJECT_DETECTION"
framework = "PYTORCH"
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from picsellia_processing.cli.target import folder_of, target_name
from picsellia_processing.errors import DefinitionError
from picsellia_processing.parameters import wrong_value

FILE = "pyproject.toml"

InferenceType = Literal[
    "CLASSIFICATION", "OBJECT_DETECTION", "SEGMENTATION", "POINT", "KEYPOINT", "LINE", "MASK", "MULTI"
]
Framework = Literal["TENSORFLOW", "PYTORCH", "ONNX"]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class InputNeeds(_Table):
    """What an input has to be, beyond what the signature of the processing says: see `RegisteredInput`."""

    inference_type: InferenceType | None = None
    framework: Framework | None = None


class JobNeeds(_Table):
    """The table `tool.pxp`: what a Job gets unless it is launched with something else.

    `flags` are those of the container, such as `--shm-size=2g`; `inputs` are by name.
    """

    cpu: int = Field(default=1, ge=1)
    gpu: int = Field(default=0, ge=0)
    flags: list[str] = Field(default_factory=list)
    inputs: dict[str, InputNeeds] = Field(default_factory=dict)


class Project(BaseModel):
    """What is known of a processing without running any of it."""

    model_config = ConfigDict(frozen=True)

    name: str
    description: str = ""
    needs: JobNeeds = JobNeeds()


def read_project(target: str) -> Project:
    """What the `pyproject.toml` of TARGET says; TARGET itself gives the name where the file does not.

    It lies in the processing folder, or beside the module. TARGET with an attribute is one of several that share it, so
    that the name is TARGET's own.

    Raises:
        DefinitionError: the file cannot be read, or holds something wrong. All mistakes at once.
    """
    place, _, attribute = target.partition(":")
    folder = folder_of(target)
    document = _read(folder / FILE)
    project = document.get("project", {})
    own_name = Path(place).is_dir() and not attribute
    try:
        needs = JobNeeds.model_validate(document.get("tool", {}).get("pxp", {}))
    except ValidationError as error:
        mistakes = [f"tool.pxp.{wrong_value(each)}" for each in error.errors()]
        raise DefinitionError(str(folder / FILE), mistakes) from error
    return Project(
        name=(project.get("name") if own_name else None) or target_name(target).replace("_", "-"),
        description=project.get("description", "") if own_name else "",
        needs=needs,
    )


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DefinitionError(str(path), [f"it is not TOML: {error}"]) from error
