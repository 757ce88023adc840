"""Parameters: declared once by the author, validated before any work, described to the platform."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from picsellia_processing.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pydantic_core import ErrorDetails

__all__ = ["Field", "Parameters", "resolve", "suggestion", "wrong_value"]

Model = TypeVar("Model", bound="Parameters")
LONGEST_SHOWN = 200
"""Characters of a wrong value that a message shows."""


class Parameters(BaseModel):
    """Base of a processing's parameters. Immutable; unknown names are refused.

    Fields are pydantic fields: types, `Field(0.25, ge=0, le=1, description="...")`, validators. Every field needs a
    default unless a Job must give it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, protected_namespaces=())


class StreamParameters(Parameters):
    """Parameters of every processing that images are streamed to."""

    max_failure_rate: float = Field(
        0.05, ge=0, le=1, description="The Job fails when a larger share of the images cannot be processed."
    )
    batch_size: int = Field(16, ge=1, le=4096, description="How many images the processing gets at once.")


def resolve(
    models: Iterable[type[Parameters]], given: Mapping[str, Any], defaults: Mapping[str, Any]
) -> list[Parameters]:
    """One instance of each model from the parameters a Job gives.

    A name may be a field of several models; they share its value, and where only `defaults` or the first model says
    what it is, the others follow. `defaults` stand below what the Job gives and above the defaults of the fields.

    Raises:
        ParameterError: unknown names, wrong types, values out of range: all of them.
    """
    models = list(models)
    known = [name for model in models for name in model.model_fields]
    mistakes = [_unknown(name, known) for name in given if name not in known]
    instances: list[Parameters] = []
    shared: dict[str, Any] = {**defaults, **given}
    for model in models:
        values = {name: value for name, value in shared.items() if name in model.model_fields}
        try:
            instance = model.model_validate(values)
        except ValidationError as error:
            mistakes += [mistake for mistake in map(wrong_value, error.errors()) if mistake not in mistakes]
            continue
        instances.append(instance)
        shared = {**{name: getattr(instance, name) for name in model.model_fields}, **shared}
    if mistakes:
        raise ParameterError(mistakes)
    return instances


def suggestion(name: str, known: Iterable[str]) -> str:
    """` (did you mean 'x'?)` for the closest known name, or nothing."""
    folded = {candidate.casefold(): candidate for candidate in known}
    close = get_close_matches(name.casefold(), list(folded), n=1, cutoff=0.6)
    return f" (did you mean {folded[close[0]]!r}?)" if close else ""


def _unknown(name: str, known: list[str]) -> str:
    expected = ", ".join(sorted(set(known))) or "none: this processing has no parameters"
    return f"{name}: there is no such parameter{suggestion(name, known)}; expected one of: {expected}"


def wrong_value(error: ErrorDetails) -> str:
    """What pydantic found wrong with one value, in one line."""
    name = ".".join(str(part) for part in error["loc"]) or "parameters"
    if error["type"] == "missing":
        return f"{name}: it has no default, so the Job must give it"
    message = error["msg"].removeprefix("Value error, ")  # in front of what an author's validator says
    return f"{name}: {message[:1].lower()}{message[1:]}; found {_shown(error['input'])}"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 3]}..."
