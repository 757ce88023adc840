"""Where annotations go: results checked, fitted to the file as stored, and written in chunks to the DatasetVersion."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from picsellia_processing.annotation import SHAPE_TYPES, Classification
from picsellia_processing.errors import ResultError
from picsellia_processing.geometry import DegenerateShape, UnreadableShape, doubts, fit, to_stored
from picsellia_processing.sdk.annotations import add_labels, load_shapes, to_wire, write_annotations
from picsellia_processing.sdk.assets import annotated_assets, pages
from picsellia_processing.task import Record, WrittenShape
from picsellia_processing.tasks.results import nothing_more, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from picsellia.sdk.dataset_version import DatasetVersion

    from picsellia_processing.annotation import Shape
    from picsellia_processing.image import AssetReference, Image
    from picsellia_processing.labels import Labels
    from picsellia_processing.task import Drawn, Page


class AnnotationOutput:
    """Writes one annotation for each asset of `version`. An asset that has one is done, unless it is replaced."""

    chunk = 100
    done = "already annotated"

    def __init__(
        self,
        version: DatasetVersion,
        selection: Sequence[str] | None,
        labels: Labels,
        label_ids: dict[str, str],
        *,
        status: str,
        replaces: bool,
        allowed: Sequence[str],
    ) -> None:
        self.version = version
        self._selection = selection
        self._labels = labels
        self._label_ids = label_ids
        self._status = status
        self._replaces = replaces
        self._allowed = allowed
        self._done: frozenset[str] = frozenset() if replaces else annotated_assets(version)

    def pages(self) -> Iterator[Page]:
        """The assets of the DatasetVersion, or of the Job's selection."""
        return pages(self.version, self._selection)

    def load_shapes(self, references: Sequence[AssetReference]) -> Mapping[str, Drawn]:
        """What assets are annotated with."""
        return load_shapes(self.version, {each.id: (each.width, each.height) for each in references})

    def pending(self, references: Sequence[AssetReference]) -> list[AssetReference]:
        """Those without an annotation; all of them when the Job replaces annotations."""
        return [reference for reference in references if reference.id not in self._done]

    def record(self, image: Image, result: Any) -> Record:
        """Check the shapes of one image and bring them into the coordinates of its file as stored.

        Raises:
            ResultError: they are not shapes, or not of a kind the DatasetVersion holds.
            UnreadableShape: one cannot be read, and nothing is left of the others. An empty annotation would say that
                there is nothing to see, and the next run would take the image for done.
            RejectedError: the platform takes no label of such a name.
        """
        assert image.asset is not None
        unreadable: UnreadableShape | None = None
        payload: dict[str, Any] = {"asset_id": image.asset.id}
        written: list[WrittenShape] = []
        dropped: list[str] = []
        unmatched: list[str] = []
        odd: list[str] = []
        for shape in self._checked(result):
            label = self._labels.match(shape.label)
            if label is None:
                unmatched.append(shape.label)
                continue
            odd += doubts(shape, image.width, image.height)
            try:
                fitted = fit(shape, image.width, image.height)
            except DegenerateShape as error:
                dropped.append(str(error))
                unreadable = error if isinstance(error, UnreadableShape) else unreadable
                continue
            stored = to_stored(fitted, stored_orientation(image), image.width, image.height)
            kind, fields = to_wire(stored, self.label_id(label))
            payload.setdefault(kind, []).append(fields)
            written.append(_written(stored, label, shape.label, kind, fields))
        if unreadable is not None and not written:
            raise unreadable
        for kind in ("rectangles", "polygons", "classifications", "keypoints", "masks"):
            payload.setdefault(kind, [])
        return Record(image.asset, payload, tuple(written), tuple(dropped), tuple(unmatched), doubts=tuple(odd))

    def write(self, records: Sequence[Record]) -> None:
        """Write the annotations of a chunk of assets, in one request."""
        payloads = [record.payload for record in records]
        write_annotations(self.version, payloads, status=self._status, replace=self._replaces)

    def finish(self, result: Any) -> Mapping[str, int]:
        """An author who drives has written everything; there is nothing more to return.

        Raises:
            ResultError: something was returned.
        """
        return nothing_more(result, "context.write")

    def label_id(self, label: str) -> str:
        """The id of a label of the DatasetVersion, which gets it if it has none of this name."""
        if label not in self._label_ids:
            self._label_ids.update(add_labels(self.version, [label]))
            self._labels.note(label)
        return self._label_ids[label]

    def _checked(self, result: Any) -> list[Shape]:
        if isinstance(result, SHAPE_TYPES):
            raise ResultError(f"the shapes of an image come as a list; found a single {type(result).__name__}: [...]")
        if result is None or isinstance(result, (str, bytes, dict)) or not hasattr(result, "__iter__"):
            raise ResultError(
                f"the shapes of an image come as a list, empty where there is nothing to see; found {shown(result)}"
            )
        shapes = list(result)
        for shape in shapes:
            self._check(shape)
        return shapes

    def _check(self, shape: Any) -> None:
        name = type(shape).__name__
        if not isinstance(shape, SHAPE_TYPES):
            ours = name if name in {kind.__name__ for kind in SHAPE_TYPES} else None
            hint = f"; that is the SDK's server object: use `from picsellia_processing import {ours}`" if ours else ""
            raise ResultError(f"expected {' or '.join(self._allowed)}, found {shown(shape)}{hint}")
        if name not in self._allowed:
            raise ResultError(
                f"the DatasetVersion is of type {self.version.type.value}, which holds {' or '.join(self._allowed)}; "
                f"found {name}"
            )
        label: Any = shape.label
        if not isinstance(label, str) or not label:
            raise ResultError(f"the label of a {name} is the name of a class; found {shown(label)}")


def stored_orientation(image: Image) -> int:
    """The orientation to undo: none where the platform itself counts the picture's pixels upright."""
    asset = image.asset
    if asset is None or image.orientation < 5:  # noqa: PLR2004 - EXIF: from 5 on, width and height are exchanged
        return image.orientation
    upright = (asset.width, asset.height) == (image.width, image.height) and image.width != image.height
    return 1 if upright else image.orientation


def _written(shape: Shape, label: str, model_class: str, kind: str, fields: dict[str, Any]) -> WrittenShape:
    own = {key: value for key, value in fields.items() if key not in {"label_id", "text", "attributes"}}
    confidence = shape.confidence
    if confidence is not None and not math.isfinite(confidence):
        confidence = None
    name = "classification" if isinstance(shape, Classification) else kind.removesuffix("s")
    return WrittenShape(
        type="keypoints" if kind == "keypoints" else name,
        label=label,
        model_class=model_class,
        confidence=None if confidence is None else float(confidence),
        fields=own,
    )
