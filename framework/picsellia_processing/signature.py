"""What a function asks for: its Signature, and the kinds of arguments that can be injected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from picsellia_processing.inputs import Input, ModelFile

if TYPE_CHECKING:
    from collections.abc import Callable

    from picsellia_processing.image import Image, Sample
    from picsellia_processing.parameters import Parameters

SERVER_OBJECTS = ("Client", "Job", "DatasetVersion", "ModelVersion", "Datalake")
"""Classes of the vendor's SDK that are injected by annotation."""


@dataclass(frozen=True, slots=True)
class Items:
    """The streamed images: one by one or in batches, alone or with the annotation they already have."""

    type: type[Image | Sample]
    batched: bool


@dataclass(frozen=True, slots=True)
class ParametersArgument:
    """The Job's parameters, as an instance of the author's class."""

    model: type[Parameters]


@dataclass(frozen=True, slots=True)
class InputArgument:
    """An input of the Job, converted to `type`. One that is not required keeps its own default."""

    input: Input
    type: Any
    required: bool = True


@dataclass(frozen=True, slots=True)
class ContextArgument:
    """The JobContext itself."""


@dataclass(frozen=True, slots=True)
class LabelsArgument:
    """The Labels of the DatasetVersion."""


@dataclass(frozen=True, slots=True)
class ServerArgument:
    """An object of the vendor's SDK, by the name of its class. One that is not required keeps its own default."""

    class_name: str
    required: bool = True


@dataclass(frozen=True, slots=True)
class Provider:
    """A function whose result is injected, made once per worker."""

    function: Callable[..., Any]
    signature: Signature


Argument: TypeAlias = (
    Items
    | ParametersArgument
    | InputArgument
    | ModelFile
    | ContextArgument
    | LabelsArgument
    | ServerArgument
    | Provider
)


@dataclass(frozen=True, slots=True)
class Signature:
    """What a callable asks for, by argument name, and what it says it returns (None where it does not say)."""

    place: str
    arguments: dict[str, Argument]
    returns: Any

    @property
    def items(self) -> Items | None:
        """The streamed argument, or None: then the author drives."""
        return next((argument for argument in self.arguments.values() if isinstance(argument, Items)), None)

    @property
    def can_drive(self) -> bool:
        """Whether the function itself asks for the context, to read and write with."""
        return any(isinstance(argument, ContextArgument) for argument in self.arguments.values())

    def all_of(self, kind: type[Any]) -> list[Any]:
        """Every argument of a kind, those of providers included, without repetition."""
        found: list[Any] = []
        for argument in self.arguments.values():
            nested = argument.signature.all_of(kind) if isinstance(argument, Provider) else []
            own = [argument] if isinstance(argument, kind) else []
            found += [each for each in (*nested, *own) if each not in found]
        return found


def is_server_class(hint: Any) -> bool:
    """Whether an annotation is one of the SDK's classes whose objects are injected."""
    return isinstance(hint, type) and hint.__module__.split(".")[0] == "picsellia" and hint.__name__ in SERVER_OBJECTS
