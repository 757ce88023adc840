"""What a Job is to be given, checked before anything is sent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from picsellia_processing.cli.assignment import json_or_text
from picsellia_processing.errors import ParameterError, UsageError
from picsellia_processing.parameters import resolve, suggestion
from picsellia_processing.sdk.launching import EXPECTED, find

if TYPE_CHECKING:
    from collections.abc import Mapping

    from picsellia import Client

    from picsellia_processing.processing import Processing
    from picsellia_processing.registration import RegisteredInput, Registration

NUMBER = "a number"


def check_by_definition(given: Mapping[str, Any], registration: Registration, definition: Processing[..., Any]) -> None:
    """Check the parameters as the Job itself will: those given, over the defaults that the platform adds.

    Raises:
        ParameterError: they do not fit. All mistakes at once.
        UsageError: what is registered is not what the definition says.
    """
    if registration.target != definition.task.target:
        raise UsageError(
            f"{registration.name} is registered for a {registration.target}, but its definition is one for a "
            f"{definition.task.target}; deploy it under another name"
        )
    resolve(definition.parameter_models, given, definition.defaults)
    try:
        resolve(definition.parameter_models, {**registration.parameters, **given}, definition.defaults)
    except ParameterError as error:
        raise UsageError(
            f"the default parameters of {registration.name} on the platform are not those of its definition; "
            f"`pxp deploy --prune` brings them up to date: {error}"
        ) from error


def check_by_name(given: Mapping[str, Any], registration: Registration) -> None:
    """Check the parameters by the default ones, where there is no definition to ask.

    Raises:
        ParameterError: one is unknown, or of another kind than its default. All mistakes at once.
    """
    mistakes = []
    for name, value in given.items():
        default = registration.parameters.get(name)
        if name not in registration.parameters:
            known = ", ".join(sorted(registration.parameters)) or "none"
            hint = suggestion(name, registration.parameters)
            mistakes.append(f"{name}: {registration.name} has no such default parameter{hint}; it has {known}")
        elif default is not None and _kind(value) != _kind(default):
            mistakes.append(f"{name}: expected {_kind(default)} such as {json.dumps(default)}, found {value!r}")
    if mistakes:
        raise ParameterError(mistakes)


def read_inputs(client: Client, given: Mapping[str, Any], registration: Registration) -> dict[str, Any]:
    """The inputs as the platform takes them: numbers as numbers, and what stands for an object as its id.

    Raises:
        UsageError: one is unknown, missing or stands for nothing.
        PlatformError: the platform cannot be reached.
    """
    known = registration.inputs
    mistakes = [
        f"{name}: there is no such input{suggestion(name, known)}; {registration.name} has {', '.join(known) or 'none'}"
        for name in given
        if name not in known
    ]
    mistakes += [
        f"{each.name}: it is required ({EXPECTED.get(each.type, each.type)})"
        for each in known.values()
        if each.required and each.name not in given
    ]
    if mistakes:
        raise UsageError("the inputs do not fit:" + "".join(f"\n  - {mistake}" for mistake in mistakes))
    return {name: _read_input(client, known[name], value) for name, value in given.items()}


def _read_input(client: Client, wanted: RegisteredInput, value: Any) -> Any:
    """`value` is a text, as people write it, or what an earlier Job was given."""
    if wanted.type == "TEXT":
        return value
    if wanted.type == "NUMBER":
        number = json_or_text(value) if isinstance(value, str) else value
        if _kind(number) != NUMBER:
            raise UsageError(f"input {wanted.name}: expected a number, found {value!r}")
        return number
    try:
        return str(find(client, wanted.type, value).id)
    except UsageError as error:
        raise UsageError(f"input {wanted.name}: {error}") from error


def _kind(value: Any) -> str:
    """What a JSON value is, in words."""
    kinds = {bool: "true or false", int: NUMBER, float: NUMBER, str: "a text", list: "a list", dict: "an object"}
    return kinds.get(type(value), "nothing")
