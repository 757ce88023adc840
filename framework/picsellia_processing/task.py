"""What every task type is: a declaration, and an Output that knows how results are written and recognised."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from picsellia_processing.errors import ProcessingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from picsellia_processing.annotation import Shape
    from picsellia_processing.context import JobContext
    from picsellia_processing.image import AssetReference, Image
    from picsellia_processing.parameters import Parameters
    from picsellia_processing.signature import Signature

    Drawn: TypeAlias = Callable[[], tuple[Shape, ...]]  # what an item is annotated with: masks take memory only then
    ParametersClass: TypeAlias = type[Parameters]  # in Task, `type` is a field


class RejectedError(ProcessingError):
    """The platform refuses a chunk for what is in it, or for its size: smaller pieces may pass."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some items of a Job, and how many there are in all; `missing` are selected ids that are not there."""

    references: list[AssetReference]
    total: int
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """The result for one item, ready to be written: what goes on the wire, and what goes on the report.

    `payload` is what the Output that made the record writes. `produced` counts what it is besides shapes, such as
    `{"tags": 2}`; `details` are what it is besides shapes, for people, as JSON values. `doubts` say what is odd about
    its shapes, once for each.
    """

    reference: AssetReference
    payload: Any
    shapes: Sequence[WrittenShape] = ()
    dropped: Sequence[str] = ()
    unmatched: Sequence[str] = ()
    produced: Mapping[str, int] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    doubts: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class WrittenShape:
    """One shape as the platform gets it: `fields` are in the coordinates of the file as stored."""

    type: str
    label: str
    model_class: str
    confidence: float | None
    fields: dict[str, Any]


class Output(Protocol):
    """Where the items of one Job come from and its results go. The platform is the journal: see `pending`.

    Attributes:
        chunk: how many records one `write` takes.
        done: why an item that is not pending is left out, for the report.
    """

    chunk: int
    done: str

    def pages(self) -> Iterator[Page]:
        """The items the Job is limited to, page by page; the first page is asked for at once.

        Raises:
            JobError: there is nothing to do at all.
            PlatformError: the platform cannot be reached.
        """
        ...

    def load_shapes(self, references: Sequence[AssetReference]) -> Mapping[str, Drawn]:
        """What items are annotated with, by id, in the coordinates of their files as stored.

        A call may raise AssetError: what is stored for this item cannot be read.
        """
        ...

    def pending(self, references: Sequence[AssetReference]) -> list[AssetReference]:
        """Those that still have to be done: what the platform holds already is recognised here."""
        ...

    def record(self, image: Image, result: Any) -> Record:
        """Check the author's result for one image.

        Raises:
            ResultError: the result is not one this task accepts.
            AssetError: nothing can be made of it.
            RejectedError: the platform refuses what is needed for this one, such as a label.
        """
        ...

    def write(self, records: Sequence[Record]) -> None:
        """Write one chunk, durably, in one call.

        Raises:
            RejectedError: the platform refuses the chunk because of what is in it, or because it is too large.
            AssetError: one of the records cannot be written.
            PlatformError: the platform cannot be reached, or refuses the whole Job.
        """
        ...

    def finish(self, result: Any) -> Mapping[str, int]:
        """Take what the function of an author who drives returned; called once, after the last write.

        Returns what it produced, as `Record.produced`.

        Raises:
            ResultError: this task accepts no such result.
        """
        ...


@dataclass(frozen=True, slots=True)
class Declaration:
    """What an author says beside the signature: of the model where no ModelVersion says it, and of what is made.

    `labels` are the names of its classes. `type` is the type of a DatasetVersion that it annotates, such as
    "OBJECT_DETECTION"; None where it is not said. `produces` are the names of the model files that are made.
    """

    labels: tuple[str, ...] = ()
    type: str | None = None
    produces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Task:
    """A task type of the platform.

    Attributes:
        name: as authors write it, such as "pre_annotation".
        type: the platform's processing type, such as "PRE_ANNOTATION"; None where a Job may be of any.
        target: what a Job of it runs on: "DATASET_VERSION", "MODEL_VERSION" or "DATALAKE".
        options: parameters that every processing of this task has.
        check: the mistakes in a signature or a declaration, such as a return type that cannot be written.
        prepare: resolves what the task needs (labels, for example) before any download, and makes the Output. It gets
            the Job, the task's options, the signature, and what the author declares of the model.
        other_targets: what else a Job of it may run on; `JobContext.target_type` says what it is.
        inputs: the names of inputs, texts, that a Job of it may be given whatever the signature says.
        keywords: what its decorator takes beside `name` and the options.
    """

    name: str
    type: str | None
    target: str
    options: ParametersClass
    check: Callable[[Signature, Declaration], list[str]]
    prepare: Callable[[JobContext, Parameters, Signature, Declaration], tuple[JobContext, Output]]
    other_targets: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
