"""What the `pyproject.toml` of a processing folder says of it: what it is called, and what its Jobs need.

[project]
name = "yolo-preannotation"
version = "1.2.0"
description = "Annotate images with a YOLO model."
requires-python = ">=3.11"

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
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from picsellia_processing.errors import DefinitionError
from picsellia_processing.parameters import wrong_value

if TYPE_CHECKING:
    from pathlib import Path

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


@dataclass(frozen=True, slots=True)
class Project:
    """What is known of a processing without running any of it. A text that the file leaves out is empty."""

    name: str
    version: str
    description: str
    requires_python: str
    needs: JobNeeds


class _Naming(BaseModel):
    name: str = ""
    version: str = ""
    description: str = ""
    requires_python: str = Field(default="", alias="requires-python")


class _Tools(BaseModel):
    pxp: JobNeeds = Field(default_factory=JobNeeds)


class _Document(BaseModel):
    project: _Naming = Field(default_factory=_Naming)
    tool: _Tools = Field(default_factory=_Tools)


def read_project(folder: Path) -> Project:
    """What the `pyproject.toml` in `folder` says; nothing at all where there is none.

    Raises:
        DefinitionError: the file cannot be read, or holds something wrong. All mistakes at once.
    """
    path = folder / FILE
    try:
        document = _Document.model_validate(_read(path))
    except ValidationError as error:
        raise DefinitionError(str(path), map(wrong_value, error.errors())) from error
    return Project(**document.project.model_dump(), needs=document.tool.pxp)


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DefinitionError(str(path), [f"it is not TOML: {error}"]) from error
