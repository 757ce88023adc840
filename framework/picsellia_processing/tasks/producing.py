"""Producing files of a ModelVersion: what model conversion and model compression share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, Union, get_args, get_origin, overload

from picsellia_processing.decorator import TaskDecorator
from picsellia_processing.hints import written
from picsellia_processing.parameters import Field, Parameters
from picsellia_processing.task import Task

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from picsellia_processing.context import JobContext
    from picsellia_processing.processing import Processing
    from picsellia_processing.signature import Signature
    from picsellia_processing.task import Declaration, Output

P = ParamSpec("P")
R = TypeVar("R")


UNSAID: tuple[Any, ...] = (None, Any)
"""Return annotations that say nothing."""


@dataclass(frozen=True, slots=True)
class ProducedModel:
    """The files a model became, and what is to be known of them.

    Attributes:
        files: where each file of the ModelVersion is, by its name there. A folder is stored as one zip file, whole.
        metadata: what goes on the report and into the parameters of the ModelVersion: JSON values by name.
        framework: of the new ModelVersion, where the Job makes one: "ONNX", "TENSORFLOW", "PYTORCH"; None: the same.
    """

    files: Mapping[str, Path]
    metadata: Mapping[str, Any] = field(default_factory=dict)
    framework: str | None = None


class ModelParameters(Parameters):
    """Parameters of every processing that produces model files. Inherit from it to receive them."""

    replace: bool = Field(
        default=False,
        description="Whether a file of the ModelVersion that has the name of a produced one is replaced by it.",
    )

    def chosen(self, names: Sequence[str]) -> Sequence[str]:
        """Which of the declared names a Job with these parameters makes: all, unless a subclass says otherwise."""
        return names


class ProducingDecorator(TaskDecorator):
    """Makes a Processing of a function: `@model_conversion(produces=["model-onnx"])`.

    The function asks for the files of the ModelVersion (`Annotated[Path, ModelFile("pretrained-weights")]`), and
    returns what it made of them: a Path, a mapping of names to Paths, or a `ProducedModel`. `produces` are the names
    that the files get on the ModelVersion: where they are declared, one that is taken is refused before any work.
    `ModelParameters.chosen` may leave some of them out.
    """

    @overload
    def __call__(self, function: Callable[P, R], /) -> Processing[P, R]: ...

    @overload
    def __call__(
        self, /, *, name: str | None = None, produces: Sequence[str] = (), replace: bool | None = None
    ) -> Callable[[Callable[P, R]], Processing[P, R]]: ...

    def __call__(
        self,
        function: Callable[P, R] | None = None,
        /,
        *,
        name: str | None = None,
        produces: Sequence[str] = (),
        **defaults: Any,
    ) -> Processing[P, R] | Callable[[Callable[P, R]], Processing[P, R]]:
        """Decorate `function`, or make a decorator with these defaults."""
        return self.decorate(function, name, defaults, produces=produces)


def producing_task(name: str) -> Task:
    """The declaration of a task type that produces files of a ModelVersion."""
    return Task(
        name=name,
        type=name.upper(),
        target="MODEL_VERSION",
        options=ModelParameters,
        check=check,
        prepare=_prepare,
        inputs=("target_version_name",),
        keywords=("produces",),
    )


def _prepare(
    context: JobContext, options: Parameters, signature: Signature, declaration: Declaration
) -> tuple[JobContext, Output]:
    from picsellia_processing.tasks.model_output import prepare_output  # noqa: PLC0415 - only Jobs load the SDK

    assert isinstance(options, ModelParameters)
    return prepare_output(context, signature, options.chosen(declaration.produces), replaces=options.replace)


def check(signature: Signature, declaration: Declaration) -> list[str]:
    """The mistakes in what a function asks for, in the names it declares, and in what it says it returns."""
    place, hint = signature.place, signature.returns
    names: tuple[Any, ...] = declaration.produces
    mistakes = [
        f"{place}: produces[{index}] is {name!r}; expected the name of a file, such as 'model-onnx'"
        for index, name in enumerate(names)
        if not isinstance(name, str) or not name.strip()
    ]
    mistakes += [f"{place}: produces names {name!r} twice" for name in {n for n in names if names.count(n) > 1}]
    if signature.items is not None:
        mistakes.append(
            f"{place}: images are not streamed to a task on a ModelVersion; ask for the ModelVersion's files "
            '(`Annotated[Path, ModelFile("...")]`), and for `context: JobContext` to read calibration images'
        )
    if hint is Path and len(names) != 1:
        mistakes.append(
            f"{place}: it returns one Path, but declares {len(names)} names for it; give it its name, "
            'as in produces=["model-onnx"], or return a mapping of names to Paths'
        )
    if hint not in UNSAID and not _is_files(hint):
        mistakes.append(f"{place}: it returns {written(hint)}; expected Path, dict[str, Path] or ProducedModel")
    return mistakes


def _is_files(hint: Any) -> bool:
    origin = get_origin(hint) or hint
    if origin in (Union, UnionType):
        return any(_is_files(argument) for argument in get_args(hint))
    return isinstance(origin, type) and issubclass(origin, (Path, Mapping, ProducedModel))
