"""JobContext: everything a Job is, resolved once, for every target."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from picsellia import Client
    from picsellia.sdk.datalake import Datalake
    from picsellia.sdk.dataset_version import DatasetVersion
    from picsellia.sdk.job import Job
    from picsellia.sdk.model_version import ModelVersion

    from picsellia_processing.image import AssetReference, Image, Sample
    from picsellia_processing.labels import Labels


class Driver(Protocol):
    """The stream as seen by an author who drives. See `JobContext.images` for the contract."""

    def images(self, batch_size: int, first: int | None) -> Iterator[list[Image]]:
        """Batches of at most `batch_size` decoded images, in no particular order."""
        ...

    def samples(self, batch_size: int, first: int | None) -> Iterator[list[Sample]]:
        """The same, each with the annotation it already has."""
        ...

    def write(self, image: Image, result: Any) -> None:
        """Hand over the result for one image; it is written in chunks, in the background."""
        ...

    def keep(self, asset: AssetReference) -> None:
        """Have an image in the output as it is, without its pixels."""
        ...

    def skip(self, reason: str, count: int) -> None:
        """Count images that are left out on purpose."""
        ...


@dataclass(frozen=True, slots=True)
class JobContext:
    """One Job: what it runs on, what it was given, and where it may write.

    Attributes:
        client: the vendor's Client, connected; its requests are retried and counted.
        job: the Job itself.
        type: the processing type the platform gave the Job (such as "PRE_ANNOTATION"), or None.
        target_type: "DATASET_VERSION", "MODEL_VERSION" or "DATALAKE".
        folder: an empty folder of the worker's own, removed when it ends.
        dataset_version: the DatasetVersion the Job runs on, or None.
        output_dataset_version: the DatasetVersion the platform made for the Job's output, or None.
        model_version: the ModelVersion the Job runs on or uses, or None.
        datalake: the Datalake the Job runs on, or None.
        output_datalake: the Datalake for the Job's output, or None.
        parameters: the Job's parameters as given, before validation.
        inputs: the Job's inputs by name.
        selection: ids of the assets (of the data, on a Datalake) the Job is limited to; None means all of them.
        labels: the labels of the DatasetVersion, where the task annotates.
        metadata: what the report is to say of the result, by name; the processing adds to it.
    """

    client: Client
    job: Job
    type: str | None
    target_type: str
    folder: Path
    dataset_version: DatasetVersion | None = None
    output_dataset_version: DatasetVersion | None = None
    model_version: ModelVersion | None = None
    datalake: Datalake | None = None
    output_datalake: Datalake | None = None
    parameters: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    inputs: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    selection: tuple[str, ...] | None = field(default=None, repr=False)
    labels: Labels | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    driver: Driver | None = field(default=None, repr=False)

    @property
    def target_name(self) -> str:
        """The target in words, for messages and the report."""
        if self.dataset_version is not None:
            return f"{self.dataset_version.name}/{self.dataset_version.version}"
        return self.model_name or (str(self.datalake.name) if self.datalake is not None else self.target_type)

    @property
    def model_name(self) -> str:
        """The ModelVersion in words, the model's name in front; empty where there is none."""
        return f"{self.model_version.origin_name}/{self.model_version.name}" if self.model_version is not None else ""

    def images(self, batch_size: int = 1, *, first: int | None = None) -> Iterator[list[Image]]:
        """The images still to be done, fetched and decoded ahead, in batches of at most `batch_size`.

        They come as they are ready, in no particular order. With `first` they are those that the platform lists first:
        the same in every run, where a few are enough.

        An asset that cannot be fetched or decoded goes on the report and does not appear. Ask for the next batch only
        when done with the one before: its memory is given back then. A Job that is stopped leaves the function here, so
        who has seen the last batch has seen all of them.
        """
        return self._driver().images(batch_size, first)

    def samples(self, batch_size: int = 1, *, first: int | None = None) -> Iterator[list[Sample]]:
        """As `images`, each with the annotation its Asset already has."""
        return self._driver().samples(batch_size, first)

    def write(self, image: Image, result: Any) -> None:
        """Hand over the result for one image of `images` or `samples`: written in chunks, acknowledged by the end.

        The result is what a function of this task returns for one image: shapes where it annotates, Samples where it
        fills a DatasetVersion. It is written once, whole: a second one for the same image would be lost.

        Raises:
            ResultError: the result is not one this processing may return, `image` is not one that was handed out, or
                it has its result already.
        """
        self._driver().write(image, result)

    def keep(self, asset: AssetReference) -> None:
        """Have an image of the source in the output as it is, where the task fills a DatasetVersion.

        The same as `write(image, image)` for `asset = image.asset`, but the pixels are not needed any more: an author
        who must see every image before deciding on one remembers the assets, and keeps some of them in the end.

        Raises:
            ResultError: the task keeps no images.
        """
        self._driver().keep(asset)

    def skip(self, reason: str, count: int = 1) -> None:
        """Count images that nothing is written for, on purpose, under a reason that the report shows."""
        self._driver().skip(reason, count)

    def _driver(self) -> Driver:
        if self.driver is None:
            raise RuntimeError("images are streamed only while the processing's own function runs")
        return self.driver
