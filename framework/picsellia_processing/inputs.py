"""What an author can ask for in a signature, beside images, parameters and the context."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A file of the Job's ModelVersion, downloaded before the author's code runs: `Annotated[Path, ModelFile("name")]`.

    `name` is the file's name on the ModelVersion (such as "pretrained-weights"), or a pattern of its file name
    (such as "*.onnx") that exactly one file fits. The path is valid until the worker ends. An argument with a default
    (`... | None = None`) is not `required`: it keeps the default where the Job has no ModelVersion at all.

    With `parameter`, the parameter of that name says which file it is, where the Job gives it:
    `ModelFile("pretrained-weights", parameter="input_model_file_name")`. Declare it in your Parameters as well, with
    the same default.
    """

    name: str
    required: bool = True
    parameter: str | None = None

    def named(self, parameters: Mapping[str, Any]) -> ModelFile:
        """The file it is in a Job that was given these parameters."""
        return replace(self, name=str(parameters.get(self.parameter, self.name))) if self.parameter else self


@dataclass(frozen=True, slots=True)
class Input:
    """An input of the Job by its name on the platform: `Annotated[str, Input("target_version_name")]`."""

    name: str


@dataclass(frozen=True, slots=True)
class Depends:
    """What another function makes, once per worker: `Annotated[YOLO, Depends(yolo)]`.

    The function's own arguments are injected in the same way. If it is a generator, what it yields is injected and
    the rest of it runs as teardown when the worker ends, whether the Job succeeded or not.
    """

    provider: Callable[..., Any]
