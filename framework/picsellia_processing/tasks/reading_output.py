"""Where a Job only reads images: those of a DatasetVersion, its own or one it is given as an input."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from picsellia_processing.errors import JobError, ResultError
from picsellia_processing.sdk.annotations import load_shapes
from picsellia_processing.sdk.assets import pages
from picsellia_processing.sdk.job import find_dataset_version
from picsellia_processing.signature import InputArgument
from picsellia_processing.task import Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from picsellia.sdk.dataset_version import DatasetVersion

    from picsellia_processing.context import JobContext
    from picsellia_processing.image import AssetReference, Image
    from picsellia_processing.signature import Signature
    from picsellia_processing.task import Drawn, Page


class ReadingOutput:
    """Gives the images of `version`, or of the selection, to an author who drives; nothing is written for them."""

    chunk = 100
    done = "nothing to do"

    def __init__(self, version: DatasetVersion | None, selection: Sequence[str] | None) -> None:
        self._dataset_version = version
        self._selection = selection

    def pages(self) -> Iterator[Page]:
        """The assets of the DatasetVersion."""
        return pages(self._images(), self._selection)

    def load_shapes(self, references: Sequence[AssetReference]) -> Mapping[str, Drawn]:
        """What assets are annotated with."""
        return load_shapes(self._images(), {each.id: (each.width, each.height) for each in references})

    def pending(self, references: Sequence[AssetReference]) -> list[AssetReference]:
        """All of them."""
        return list(references)

    def record(self, image: Image, result: Any) -> Record:
        """That the author is done with an image, which is all there is to say about one: `context.write(image, ())`.

        Raises:
            ResultError: there is a result.
        """
        if result:
            raise ResultError(
                f"shapes are written by @pre_annotation and @auto_annotation; here an empty result says that an image "
                f"is done with, and all else is written with the SDK; found {type(result).__name__} for "
                f"{image.filename}"
            )
        assert image.asset is not None
        return Record(image.asset, None)

    def write(self, records: Sequence[Record]) -> None:
        """Nothing: the author has written what there is to write."""

    def finish(self, result: Any) -> Mapping[str, int]:
        """Nothing is returned.

        Raises:
            ResultError: something was returned.
        """
        if result is not None:
            raise ResultError(f"a processing in the general form returns nothing; found {type(result).__name__}")
        return {}

    def _images(self) -> DatasetVersion:
        if self._dataset_version is None:
            raise JobError(
                "the Job has no images: they are those of the DatasetVersion it runs on, or of one it is given as an "
                'input, which the function asks for: Annotated[DatasetVersion, Input("dataset_version_id")]'
            )
        return self._dataset_version


def with_dataset_versions(context: JobContext, signature: Signature) -> tuple[JobContext, list[DatasetVersion]]:
    """Find the DatasetVersions a function asks for as inputs: the context that has them in place of their ids.

    Raises:
        JobError: one is not there, or has no images.
        PlatformError: the platform cannot be reached.
    """
    found: dict[str, DatasetVersion] = {}
    for argument in signature.all_of(InputArgument):
        name = argument.input.name
        if getattr(argument.type, "__name__", "") == "DatasetVersion" and name in context.inputs:
            found[name] = find_dataset_version(context.client, str(context.inputs[name]))
            next(pages(found[name], None))  # raises when it is empty
    return replace(context, inputs=MappingProxyType({**context.inputs, **found})), list(found.values())
