"""What a processing is to be registered as: read from its definition and its `pyproject.toml`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from picsellia_processing.cli.project import project_of
from picsellia_processing.cli.target import folder_of, load_target
from picsellia_processing.errors import DefinitionError
from picsellia_processing.parameters import suggestion
from picsellia_processing.project import FILE
from picsellia_processing.registration import RegisteredInput, Registration
from picsellia_processing.signature import InputArgument, ServerArgument, is_server_class

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from picsellia_processing.cli.image_reference import ImageReference
    from picsellia_processing.processing import Processing
    from picsellia_processing.project import InputNeeds

MODEL_VERSION_ID = "model_version_id"
SERVER_TYPES = {"DatasetVersion": "DATASET_VERSION", "ModelVersion": "MODEL_VERSION", "Datalake": "DATALAKE"}


def define(target: str, image: ImageReference) -> Registration:
    """What TARGET is to be on the platform. Its module is imported.

    Raises:
        UsageError: TARGET names nothing.
        DefinitionError: it has mistakes, or its `pyproject.toml` has.
    """
    project, processing = project_of(target), load_target(target)
    inputs = {each.name: each for each in declared_inputs(processing, project.needs.inputs)}
    _check_names(project.needs.inputs, inputs, folder_of(target) / FILE)
    return Registration(
        name=project.name,
        target=processing.task.target,
        type=processing.task.type,
        image=image.name,
        tag=image.pinned_tag,
        description=project.description or processing.__doc__ or "",
        cpu=project.needs.cpu,
        gpu=project.needs.gpu,
        flags=tuple(project.needs.flags),
        parameters=default_parameters(processing),
        inputs=inputs,
    )


def default_parameters(processing: Processing[..., Any]) -> dict[str, Any]:
    """The default of every parameter that has one, as a JSON value."""
    properties = processing.describe()["parameters"]["properties"]
    return {name: schema["default"] for name, schema in properties.items() if "default" in schema}


def declared_inputs(processing: Processing[..., Any], needs: dict[str, InputNeeds]) -> list[RegisteredInput]:
    """What the signature asks for as an input, and what every Job of the task may be given."""
    found = {name: RegisteredInput(name, "TEXT", required=False) for name in processing.task.inputs}
    if processing.task.target != "MODEL_VERSION" and (model := _model_version(processing)) is not None:
        found[model.name] = model
    for argument in processing.asked_for(InputArgument):
        name = argument.input.name
        found[name] = RegisteredInput(name, _type_of(argument.type), argument.required)
    constraints = {name: need.model_dump() for name, need in needs.items()}
    return [replace(each, **constraints.get(name, {})) for name, each in found.items()]


def _model_version(processing: Processing[..., Any]) -> RegisteredInput | None:
    """The input that a model comes by, where Jobs run on something else."""
    servers = [each for each in processing.asked_for(ServerArgument) if each.class_name == "ModelVersion"]
    if not processing.model_files and not servers:
        return None
    required = bool(processing.model_files) or any(each.required for each in servers)
    return RegisteredInput(MODEL_VERSION_ID, "MODEL_VERSION", required)


def _type_of(hint: Any) -> str:
    if is_server_class(hint):
        return SERVER_TYPES.get(hint.__name__, "TEXT")
    return "NUMBER" if hint in (int, float) else "TEXT"


def _check_names(needs: Iterable[str], inputs: Mapping[str, RegisteredInput], path: Path) -> None:
    mistakes = [
        f"tool.pxp.inputs.{name}: the processing has no such input{suggestion(name, inputs)}; "
        f"it has {', '.join(inputs) or 'none'}"
        for name in needs
        if name not in inputs
    ]
    if mistakes:
        raise DefinitionError(str(path), mistakes)
