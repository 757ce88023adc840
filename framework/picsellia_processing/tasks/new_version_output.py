"""Where new and kept images go: uploaded or found again, made assets of the output DatasetVersion, annotated.

Every step is recognised by what the platform holds: a new image by its file name in the Datalake, a kept one by its
data, an asset by being in the output, its annotation by being there. A run cut short anywhere is taken up where it was.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

from picsellia_processing.errors import ResultError
from picsellia_processing.image import AssetReference, Image, Sample
from picsellia_processing.sdk.annotations import load_annotations, to_wire, write_annotations
from picsellia_processing.sdk.assets import pages
from picsellia_processing.sdk.datasets import attach_data
from picsellia_processing.sdk.uploads import upload_images
from picsellia_processing.task import Record
from picsellia_processing.tasks.encoding import check_pixels
from picsellia_processing.tasks.results import nothing_more, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from picsellia.sdk.datalake import Datalake
    from picsellia.sdk.dataset_version import DatasetVersion

    from picsellia_processing.task import Drawn, Page
    from picsellia_processing.tasks.annotation_output import AnnotationOutput
    from picsellia_processing.tasks.encoding import Encoder
    from picsellia_processing.tasks.file_names import FileNames

UNREVIEWED = "PENDING"
"""The status of an annotation whose original had none."""


@dataclass(frozen=True, slots=True)
class Kept:
    """An image of the source that is in the output too: its data, not a byte of which is sent.

    `annotation` is what it is annotated with in the output; None: as in the source, which has not been read.
    """

    reference: AssetReference
    annotation: Annotation | None = None


@dataclass(frozen=True, slots=True)
class New:
    """An image to be uploaded under `filename`, from a file that may still be under way."""

    filename: str
    file: Future[Path]
    size: tuple[int, int]
    annotation: Annotation


@dataclass(frozen=True, slots=True)
class Annotation:
    """Shapes on the wire, but for the asset id, and the status they get; no `shapes`, no annotation at all."""

    shapes: dict[str, Any] | None
    status: str = UNREVIEWED


class NewVersionOutput:
    """Fills the DatasetVersion of `annotations` with what an author returns for the images of another."""

    chunk = 20
    done = "in the output DatasetVersion"

    def __init__(
        self,
        source: DatasetVersion,
        selection: Sequence[str] | None,
        datalake: Datalake,
        annotations: AnnotationOutput,
        *,
        encoder: Encoder,
        names: FileNames,
        keep_originals: bool,
    ) -> None:
        self._source = source
        self._selection = selection
        self._datalake = datalake
        self._annotations = annotations
        self._encoder = encoder
        self._names = names
        self._keep_originals = keep_originals
        self._statuses: dict[str, str] = {}

    def pages(self) -> Iterator[Page]:
        """The assets of the source DatasetVersion, or of the Job's selection."""
        return pages(self._source, self._selection)

    def load_shapes(self, references: Sequence[AssetReference]) -> Mapping[str, Drawn]:
        """What assets of the source are annotated with."""
        found = load_annotations(self._source, _sizes(references))
        self._statuses.update({asset_id: annotation.status for asset_id, annotation in found.items()})
        return {asset_id: annotation.shapes for asset_id, annotation in found.items()}

    def pending(self, references: Sequence[AssetReference]) -> list[AssetReference]:
        """All of them: only the author's function knows what becomes of an image. What is there is not sent again."""
        return list(references)

    def record(self, image: Image, result: Any) -> Record:
        """Check what becomes of one image: None, the image itself, or one or several Samples.

        Raises:
            ResultError: it is none of these, a new image has no pixels, or a shape is not of a kind the output holds.
        """
        assert image.asset is not None
        status = self._statuses.pop(image.asset.id, None)
        returned = _listed(result)
        entries: list[Kept | New] = []
        dropped: list[str] = []
        doubts: list[str] = []
        shapes = 0
        for number, each in enumerate(returned, start=1):
            entry, record = self._entry(image, each, number, status)
            entries.append(entry)
            if record is not None:
                dropped += (*record.dropped, *each.dropped)
                doubts += record.doubts
                shapes += len(record.shapes)
        kept = any(isinstance(entry, Kept) for entry in entries)
        if self._keep_originals and not kept:
            entries.append(Kept(image.asset))
        _refuse_twice(entries, image)
        produced = {
            "new images": sum(isinstance(entry, New) for entry in entries),
            "kept images": sum(isinstance(entry, Kept) for entry in entries),
            "images left out": int(not entries),
            "shapes": shapes,
        }
        counted = {name: count for name, count in produced.items() if count}
        return Record(image.asset, entries, dropped=dropped, doubts=doubts, produced=counted)

    def write(self, records: Sequence[Record]) -> None:
        """Upload, attach and annotate what becomes of a chunk of images, in bulk and overlapped."""
        entries: list[Kept | New] = [entry for record in records for entry in record.payload]
        if not entries:
            return
        new = [entry for entry in entries if isinstance(entry, New)]
        files = {entry.filename: entry.file.result() for entry in new}
        uploaded = upload_images(self._datalake, files, {entry.filename: entry.size for entry in new}) if new else {}
        data_ids = [uploaded[each.filename] if isinstance(each, New) else each.reference.data_id for each in entries]
        asset_ids = attach_data(self._annotations.version, data_ids)
        targets = [asset_ids[data_id] for data_id in data_ids]
        self._annotate(dict(zip(targets, self._settled(entries), strict=True)))
        for path in files.values():
            path.unlink(missing_ok=True)

    def finish(self, result: Any) -> Mapping[str, int]:
        """An author who drives has written everything; there is nothing more to return.

        Raises:
            ResultError: something was returned.
        """
        return nothing_more(result, "context.write(image, samples)")

    def _entry(self, image: Image, each: Any, number: int, status: str | None) -> tuple[Kept | New, Record | None]:
        assert image.asset is not None
        if each is image:
            return Kept(image.asset), None
        if not isinstance(each, Sample):
            hint = "; a new image comes with its annotations: Sample(image, shapes)" if isinstance(each, Image) else ""
            raise ResultError(f"what becomes of an image is that image, Samples, or None; found {shown(each)}{hint}")
        if not isinstance(each.image, Image):
            raise ResultError(f"the image of a Sample is an Image, Image(pixels) makes one; found {shown(each.image)}")
        if each.image is image:
            record = self._annotations.record(image, each.annotations)
            return Kept(image.asset, _annotation(record, status)), record
        filename = self._names.of(image.asset, each.image, number)
        check_pixels(each.image.pixels, filename)
        record = self._annotations.record(_unattached(each.image), each.annotations)
        file = self._encoder.submit(each.image.pixels, filename)
        return New(filename, file, (each.image.width, each.image.height), _annotation(record, status)), record

    def _settled(self, entries: Sequence[Kept | New]) -> list[Annotation]:
        """The annotation of each entry; those to be as in the source are read there, all at once."""
        unread = [each.reference for each in entries if isinstance(each, Kept) and each.annotation is None]
        found = load_annotations(self._source, _sizes(unread)) if unread else {}
        read: dict[str, Annotation] = {}
        for asset_id, annotation in found.items():
            shapes: dict[str, Any] = {}
            for shape in annotation.shapes():
                kind, fields = to_wire(shape, self._annotations.label_id(shape.label))
                shapes.setdefault(kind, []).append(fields)
            read[asset_id] = Annotation(shapes, annotation.status)
        nothing = Annotation(None)
        return [
            each.annotation or (read.get(each.reference.id, nothing) if isinstance(each, Kept) else nothing)
            for each in entries
        ]

    def _annotate(self, annotations: Mapping[str, Annotation]) -> None:
        wanted = [AssetReference(asset_id, "") for asset_id, each in annotations.items() if each.shapes is not None]
        missing = [reference.id for reference in self._annotations.pending(wanted)]
        by_status = sorted(missing, key=lambda asset_id: annotations[asset_id].status)
        for status, asset_ids in groupby(by_status, key=lambda asset_id: annotations[asset_id].status):
            payloads = [{**_EMPTY, **(annotations[each].shapes or {}), "asset_id": each} for each in asset_ids]
            write_annotations(self._annotations.version, payloads, status=status, replace=False)


_EMPTY: dict[str, Any] = {kind: [] for kind in ("rectangles", "polygons", "classifications", "keypoints", "masks")}


def _listed(result: Any) -> list[Any]:
    if result is None:
        return []
    if isinstance(result, (Image, Sample)):
        return [result]
    if isinstance(result, (str, bytes, dict)) or not hasattr(result, "__iter__"):
        raise ResultError(f"what becomes of an image is that image, Samples, or None; found {shown(result)}")
    return list(result)


def _refuse_twice(entries: Sequence[Kept | New], image: Image) -> None:
    seen: set[str] = set()
    for entry in entries:
        name = entry.filename if isinstance(entry, New) else entry.reference.filename
        if name in seen:
            what = (
                f"two new images made of {image.filename} have" if isinstance(entry, New) else "kept twice: they have"
            )
            raise ResultError(f"{what} the file name {name}; give each a name of its own, or none")
        seen.add(name)


def _annotation(record: Record, status: str | None) -> Annotation:
    """An empty annotation says that there is nothing to see: only where the source was annotated is that known."""
    if not record.shapes and status is None:
        return Annotation(None)
    shapes = {key: value for key, value in record.payload.items() if key != "asset_id"}
    return Annotation(shapes, status or UNREVIEWED)


def _unattached(image: Image) -> Image:
    return replace(image, asset=AssetReference("", image.filename), orientation=1)


def _sizes(references: Sequence[AssetReference]) -> dict[str, tuple[int, int]]:
    return {each.id: (each.width, each.height) for each in references}
