"""What the platform knows of a processing, and how that differs from what its definition says."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True, slots=True)
class RegisteredInput:
    """An input that a launch may, or must, give.

    Attributes:
        name: its name.
        type: "TEXT", "NUMBER", or what it is the id of: "DATASET", "DATASET_VERSION", "MODEL", "MODEL_VERSION",
            "DATALAKE".
        required: whether there is no launch without it.
        inference_type: what the DatasetVersion or ModelVersion has to be, such as "OBJECT_DETECTION"; None: anything.
        framework: what the ModelVersion has to be of, such as "ONNX"; None: any.
    """

    name: str
    type: str
    required: bool
    inference_type: str | None = None
    framework: str | None = None

    def __str__(self) -> str:
        constraints = [each for each in (self.inference_type, self.framework) if each]
        return ", ".join([self.type, *constraints, "required" if self.required else "not required"])


@dataclass(frozen=True, slots=True)
class Registration:
    """A processing as the platform has it, or is to have it.

    Attributes:
        name: unique in its organization.
        target: what a Job of it runs on: "DATASET_VERSION", "MODEL_VERSION" or "DATALAKE".
        type: the processing type, such as "PRE_ANNOTATION"; None where it has none.
        image: the name of the container image, without tag.
        tag: its tag, with the digest that says which image exactly: "1.2.0@sha256:...".
        description: for people.
        cpu: how many CPUs a Job gets, unless it is launched with others; None where the platform does not tell.
        gpu: likewise, GPUs.
        flags: flags of the container; None where the platform does not tell.
        parameters: default parameters, by name.
        inputs: by name.
    """

    name: str
    target: str
    type: str | None
    image: str
    tag: str
    description: str = ""
    cpu: int | None = 1
    gpu: int | None = 0
    flags: tuple[str, ...] | None = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, RegisteredInput] = field(default_factory=dict)


FIXED = ("target", "type", "flags")
"""What the SDK sets when a processing is made, and cannot change."""

SETTINGS = ("image", "tag", "description", "cpu", "gpu", "parameters")
"""What the SDK sets in one request."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as the definition says. `change` is "add", "change" or "remove"."""

    subject: str
    change: str
    before: Any
    after: Any

    def __str__(self) -> str:
        before, after = _text(self.before), _text(self.after)
        match self.change:
            case "add":
                return f"+ {self.subject}: {after}"
            case "remove":
                return f"- {self.subject}: {before}"
        return f"~ {self.subject}: {before} -> {after}"


@dataclass(frozen=True, slots=True)
class InputChange:
    """An input as it is and as it is to be; None where it is not there."""

    name: str
    before: RegisteredInput | None
    after: RegisteredInput | None


@dataclass(frozen=True, slots=True)
class Plan:
    """How to make a registration what it is to be.

    Attributes:
        goal: what there is to be afterwards.
        before: what there is; None where there is no such processing.
        differences: what is written, for people.
        fixed: differences that cannot be written, as the SDK has no way to.
        undeclared: default parameters and inputs that are there, are not in the definition, and are kept.
    """

    goal: Registration
    before: Registration | None
    differences: tuple[Difference, ...]
    fixed: tuple[Difference, ...] = ()
    undeclared: tuple[str, ...] = ()

    @property
    def changed_settings(self) -> dict[str, Any]:
        """Those of `SETTINGS` that change, by name."""
        return {
            name: getattr(self.goal, name)
            for name in SETTINGS
            if self.before is None or getattr(self.before, name) != getattr(self.goal, name)
        }

    @property
    def changed_inputs(self) -> list[InputChange]:
        """The inputs that change."""
        there = self.before.inputs if self.before is not None else {}
        names = dict.fromkeys([*self.goal.inputs, *there])
        changes = [InputChange(name, there.get(name), self.goal.inputs.get(name)) for name in names]
        return [change for change in changes if change.before != change.after]


def compare(before: Registration | None, wanted: Registration, *, prune: bool) -> Plan:
    """The plan that makes `before` what is `wanted`; what only `before` has is kept unless `prune`."""
    if before is None:
        fixed = {name: value for name in FIXED if (value := getattr(wanted, name))}
        return Plan(wanted, None, tuple(_differences({}, fixed | _facts(wanted))))
    goal = wanted if prune else _with_undeclared(before, wanted)
    return Plan(
        goal,
        before,
        differences=tuple(_differences(_facts(before), _facts(goal))),
        fixed=tuple(_fixed(before, wanted)),
        undeclared=() if prune else tuple(_only_in(_facts(before), _facts(wanted))),
    )


def _with_undeclared(before: Registration, wanted: Registration) -> Registration:
    return replace(
        wanted,
        parameters={**wanted.parameters, **_only_in(before.parameters, wanted.parameters)},
        inputs={**wanted.inputs, **_only_in(before.inputs, wanted.inputs)},
    )


def _facts(registration: Registration) -> dict[str, Any]:
    """All that can be written, by what people call it."""
    return {
        "image": f"{registration.image}:{registration.tag}",
        "description": registration.description,
        "cpu": registration.cpu,
        "gpu": registration.gpu,
        **{f"default parameter {name}": value for name, value in registration.parameters.items()},
        **{f"input {name}": value for name, value in registration.inputs.items()},
    }


def _fixed(before: Registration, wanted: Registration) -> Iterator[Difference]:
    there, asked = ({name: getattr(each, name) for name in FIXED} for each in (before, wanted))
    if before.flags is None:
        del there["flags"], asked["flags"]
    return _differences(there, asked)


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    for subject in dict.fromkeys([*after, *before]):
        was, becomes = before.get(subject), after.get(subject)
        if subject not in before:
            yield Difference(subject, "add", None, becomes)
        elif subject not in after:
            yield Difference(subject, "remove", was, None)
        elif was != becomes:
            yield Difference(subject, "change", was, becomes)


def _only_in(there: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in there.items() if name not in wanted}


def _text(value: Any) -> str:
    return str(value) if isinstance(value, RegisteredInput) else json.dumps(value, ensure_ascii=False)
