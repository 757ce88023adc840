"""Where tags go: to the assets of a DatasetVersion, one request per tag and chunk, or to the data of a Datalake.

Tags are only ever added, so that writing them twice is writing them once: a second run does every image again and ends
where the first one ended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from picsellia_processing.errors import JobError
from picsellia_processing.sdk.annotations import load_shapes
from picsellia_processing.sdk.assets import pages
from picsellia_processing.sdk.data import UPDATES, data_pages, read_data, read_data_tags, update_data
from picsellia_processing.sdk.tags import attach_asset_tag, make_asset_tag, read_asset_tags
from picsellia_processing.task import Record, RejectedError
from picsellia_processing.tasks.results import nothing_more
from picsellia_processing.tasks.tags import TagNames, read_result

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from picsellia.sdk.datalake import Datalake
    from picsellia.sdk.dataset_version import DatasetVersion

    from picsellia_processing.context import JobContext
    from picsellia_processing.image import AssetReference, Image
    from picsellia_processing.task import Drawn, Output, Page
    from picsellia_processing.tasks.tags import Tagged

ATTACHED = 250
"""Assets that one request attaches a tag to."""


def prepare_output(context: JobContext, *, adds: bool, takes_metadata: bool, samples: bool) -> Output:
    """The Output for what the Job runs on. `samples` says that the images are asked for with their annotations.

    Raises:
        JobError: no tag could ever be written, or the images cannot come with annotations.
        PlatformError: the platform cannot be reached.
    """
    if context.dataset_version is not None:
        tag_ids = read_asset_tags(context.dataset_version)
        _check_known(tag_ids, f"the assets of {context.target_name}", adds=adds)
        return AssetTagOutput(context.dataset_version, context.selection, tag_ids, adds=adds)
    assert context.datalake is not None
    assert context.selection is not None  # a Job on a Datalake without one is refused when it is resolved
    if samples:
        raise JobError(
            f"the Job runs on the Datalake {context.target_name}, whose data have no annotations, and the processing "
            "asks for Sample; launch it on a DatasetVersion, or ask for Image"
        )
    known = read_data_tags(context.datalake)
    _check_known(known, f"the data of the Datalake {context.target_name}", adds=adds)
    return DataOutput(context.datalake, context.selection, TagNames(known, adds=adds), takes_metadata=takes_metadata)


def _check_known(known: object, whose: str, *, adds: bool) -> None:
    if not adds and not known:
        raise JobError(
            f"there is no tag for {whose}, and tag_matching = existing makes none, so nothing could be written; "
            "make the tags, or launch the Job with tag_matching = add"
        )


class _TagOutput:
    """What is the same wherever tags go."""

    done = "already tagged"

    def __init__(self, names: TagNames, *, takes_metadata: bool) -> None:
        self._names = names
        self._takes_metadata = takes_metadata

    def pending(self, references: Sequence[AssetReference]) -> list[AssetReference]:
        """All of them: what tags an image has does not tell whether it was seen."""
        return list(references)

    def record(self, image: Image, result: Any) -> Record:
        """Check the tags of one image.

        Raises:
            ResultError: they are no tags.
        """
        assert image.asset is not None
        tagged = self._names.split(read_result(result, takes_metadata=self._takes_metadata))
        return Record(image.asset, tagged, produced=self._names.counts(tagged), details=tagged.details)

    def finish(self, result: Any) -> Mapping[str, int]:
        """An author who drives has written everything; there is nothing more to return.

        Raises:
            ResultError: something was returned.
        """
        return nothing_more(result, "context.write")


class AssetTagOutput(_TagOutput):
    """Attaches tags to the assets of a DatasetVersion."""

    chunk = ATTACHED

    def __init__(
        self, version: DatasetVersion, selection: Sequence[str] | None, tag_ids: dict[str, str], *, adds: bool
    ) -> None:
        super().__init__(TagNames(tag_ids, adds=adds), takes_metadata=False)
        self._version = version
        self._selection = selection
        self._tag_ids = tag_ids

    def pages(self) -> Iterator[Page]:
        """The assets of the DatasetVersion, or of the Job's selection."""
        return pages(self._version, self._selection)

    def load_shapes(self, references: Sequence[AssetReference]) -> Mapping[str, Drawn]:
        """What assets are annotated with."""
        return load_shapes(self._version, {each.id: (each.width, each.height) for each in references})

    def write(self, records: Sequence[Record]) -> None:
        """Attach the tags of a chunk of assets, in one request for each tag; a tag that is new is made first."""
        assets_of: dict[str, list[str]] = {}
        for record in records:
            tagged: Tagged = record.payload
            for name in tagged.tags:
                assets_of.setdefault(name, []).append(record.reference.id)
        for name, asset_ids in assets_of.items():
            if name not in self._tag_ids:
                self._tag_ids[name] = make_asset_tag(self._version, name)
            attach_asset_tag(self._version, self._tag_ids[name], asset_ids)


class DataOutput(_TagOutput):
    """Gives the data of a Datalake tags and metadata. What a data has besides stays as it is."""

    chunk = UPDATES

    def __init__(self, lake: Datalake, selection: Sequence[str], names: TagNames, *, takes_metadata: bool) -> None:
        super().__init__(names, takes_metadata=takes_metadata)
        self._lake = lake
        self._selection = selection

    def pages(self) -> Iterator[Page]:
        """The data of the Job's selection."""
        return data_pages(self._lake, self._selection)

    def load_shapes(self, references: Sequence[AssetReference]) -> Mapping[str, Drawn]:  # noqa: ARG002 - as Output
        """Data of a Datalake have no annotations."""
        return {}

    def write(self, records: Sequence[Record]) -> None:
        """Add tags and metadata to what a chunk of data has: one request to read it, one to write what changes.

        The platform gets everything a data is to have, so that nothing is lost whether it adds or replaces.
        """
        stored = read_data(self._lake, [record.reference.id for record in records])
        missing = [record.reference.filename for record in records if record.reference.id not in stored]
        if missing:
            raise RejectedError(f"the platform has {missing[0]!r} no more")
        objects = {
            record.reference.id: changed
            for record in records
            if (changed := _changed(stored[record.reference.id], record.payload)) is not None
        }
        if objects:
            update_data(self._lake, objects)


def _changed(stored: Mapping[str, Any], tagged: Tagged) -> dict[str, Any] | None:
    """What a data is to have, or None where it has all of that already."""
    tags = [str(tag["name"]) for tag in stored.get("tags") or ()]
    metadata = stored.get("custom_metadata") or {}
    wanted = {**metadata, **tagged.metadata}
    if set(tagged.tags) <= set(tags) and wanted == metadata:
        return None
    return {
        "tags": list(dict.fromkeys([*tags, *tagged.tags])),
        "custom_metadata": wanted or None,
        "metadata": stored.get("metadata"),
        "data_source": (stored.get("data_source") or {}).get("name"),
    }
