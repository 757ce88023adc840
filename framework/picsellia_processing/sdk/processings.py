"""Processings as the platform has them registered: found, made, changed."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from picsellia.exceptions import ResourceConflictError, ResourceNotFoundError
from picsellia.types.enums import Framework, InferenceType, ProcessingInputType

from picsellia_processing.errors import PlatformError
from picsellia_processing.registration import SETTINGS, RegisteredInput, Registration, compare
from picsellia_processing.sdk.client import translated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from picsellia import Client
    from picsellia.sdk.processing import Processing

    from picsellia_processing.registration import InputChange, Plan

WIRE_NAMES = {
    "image": "docker_image",
    "tag": "docker_tag",
    "description": "description",
    "cpu": "default_cpu",
    "gpu": "default_gpu",
    "parameters": "default_parameters",
}
"""What the SDK calls the settings of a Registration."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to write, by what people call it. Done twice, it is as if done once."""

    name: str
    act: Callable[[], None]


class ProcessingOnPlatform:
    """The processing of a name in an organization, be it there or not yet. Reads and writes what it is registered as.

    Every method raises `PlatformError` where the platform cannot be reached, or refuses.
    """

    def __init__(self, client: Client, name: str) -> None:
        self._client = client
        self._name = name
        self._found = find_processing(client, name)

    def read(self) -> Registration | None:
        """What it is registered as; None where it is not."""
        if self._found is None:
            return None
        with translated(f"reading the processing {self._name}"):
            return _read(self._found.sync(), self._found.list_processing_inputs())

    @property
    def existing(self) -> Processing:
        """The SDK's own object. Only for one that is there."""
        if self._found is None:
            raise PlatformError(f"the processing {self._name} has not been made")
        return self._found

    def steps(self, plan: Plan) -> list[Step]:
        """What carries out a plan, in order."""
        steps = []
        settings = plan.changed_settings
        if self._found is None:
            steps.append(Step("the processing", partial(self._make, plan.goal)))
        elif settings:
            steps.append(Step(", ".join(settings), partial(self._change, settings)))
        return steps + [Step(f"input {each.name}", partial(self._write_input, each)) for each in plan.changed_inputs]

    def _make(self, goal: Registration) -> None:
        """Make it, without its inputs. One that is exactly so already is taken for our own: a retry found it."""
        with translated(f"making the processing {goal.name}"):
            try:
                self._found = self._client.create_processing(
                    name=goal.name,
                    target=goal.target,
                    type=goal.type,
                    docker_flags=list(goal.flags or ()),
                    **_on_the_wire({name: getattr(goal, name) for name in SETTINGS}),
                )
            except ResourceConflictError as conflict:
                self._found = self._client.get_processing(goal.name)
                left = compare(self.read(), replace(goal, inputs={}), prune=True)
                if left.differences or left.fixed:
                    raise PlatformError(
                        f"making the processing {goal.name}: somebody else has made one just now; deploy again"
                    ) from conflict

    def _change(self, settings: Mapping[str, Any]) -> None:
        with translated(f"changing the processing {self._name}"):
            self.existing.update(**_on_the_wire(settings))

    def _write_input(self, change: InputChange) -> None:
        """The SDK cannot change the type of an input: one of another type is replaced."""
        processing, before, after = self.existing, change.before, change.after
        with translated(f"writing the input {change.name} of the processing {self._name}"):
            if before is not None and after is not None and before.type == after.type:
                processing.update_processing_input(after.name, **_constraints(after))
                return
            if before is not None:
                _delete_input(processing, before.name)
            if after is not None:
                _add_input(processing, after)


def find_processing(client: Client, name: str) -> Processing | None:
    """The processing of this name in the organization, or None.

    Raises:
        PlatformError: the platform cannot be reached, or refuses.
    """
    with translated(f"looking up the processing {name}"):
        try:
            return client.get_processing(name)
        except ResourceNotFoundError:
            return None


def _read(content: Mapping[str, Any], items: Iterable[Mapping[str, Any]]) -> Registration:
    flags = content.get("docker_flags")
    inputs = [_read_input(item) for item in items]
    return Registration(
        name=content["name"],
        target=content["target"],
        type=content.get("type"),
        image=content["docker_image"],
        tag=content["docker_tag"],
        description=content.get("description") or "",
        cpu=content.get("default_cpu"),
        gpu=content.get("default_gpu"),
        flags=tuple(flags or ()) if "docker_flags" in content else None,
        parameters=content.get("default_parameters") or {},
        inputs={each.name: each for each in inputs},
    )


def _read_input(item: Mapping[str, Any]) -> RegisteredInput:
    return RegisteredInput(
        name=item["name"],
        type=item["input_type"],
        required=item["required"],
        inference_type=item.get("inference_type_constraint"),
        framework=item.get("framework_constraint"),
    )


def _add_input(processing: Processing, wanted: RegisteredInput) -> None:
    try:
        processing.add_processing_input(wanted.name, ProcessingInputType(wanted.type), **_constraints(wanted))
    except ResourceConflictError:  # a retry finds what the first try has done
        if wanted not in map(_read_input, processing.list_processing_inputs()):
            raise


def _delete_input(processing: Processing, name: str) -> None:
    with suppress(ResourceNotFoundError):  # likewise
        processing.delete_processing_input(name)


def _constraints(wanted: RegisteredInput) -> dict[str, Any]:
    return {
        "required": wanted.required,
        "inference_type_constraint": InferenceType(wanted.inference_type) if wanted.inference_type else None,
        "framework_constraint": Framework(wanted.framework) if wanted.framework else None,
    }


def _on_the_wire(settings: Mapping[str, Any]) -> dict[str, Any]:
    named = {WIRE_NAMES[name]: value for name, value in settings.items()}
    parameters = named.get("default_parameters")
    return named if parameters is None else {**named, "default_parameters": dict(parameters)}
