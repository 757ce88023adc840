"""Where annotations go: labels resolved before any download, results checked, chunks written to the DatasetVersion."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from picsellia_processing.annotation import SHAPE_TYPES, Classification
from picsellia_processing.errors import JobError, ResultError
from picsellia_processing.geometry import DegenerateShape, UnreadableShape, fit, to_stored
from picsellia_processing.labels import Labels, unique
from picsellia_processing.sdk.annotations import (
    add_labels,
    load_shapes,
    read_labels,
    set_type,
    to_wire,
    write_annotations,
)
from picsellia_processing.sdk.assets import annotated_assets, pages
from picsellia_processing.task import Record, WrittenShape

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from picsellia.sdk.dataset_version import DatasetVersion

    from picsellia_processing.annotation import Shape
    from picsellia_processing.context import JobContext
    from picsellia_processing.image import AssetReference, Image
    from picsellia_processing.task import Declaration, Drawn, Page

NOT_CONFIGURED = "NOT_CONFIGURED"


class AnnotationOutput:
    """Writes one annotation for each asset. An asset that has one is done, unless the Job replaces annotations."""

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
        self._version = version
        self._selection = selection
        self._labels = labels
        self._label_ids = label_ids
        self._status = status
        self._replaces = replaces
        self._allowed = allowed
        self._done: frozenset[str] = frozenset() if replaces else annotated_assets(version)

    def pages(self) -> Iterator[Page]:
        """The assets of the DatasetVersion, or of the Job's selection."""
        return pages(self._version, self._selection)

    def load_shapes(self, references: Sequence[AssetReference]) -> Mapping[str, Drawn]:
        """What assets are annotated with."""
        return load_shapes(self._version, {each.id: (each.width, each.height) for each in references})

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
        for shape in self._checked(result):
            label = self._labels.match(shape.label)
            if label is None:
                unmatched.append(shape.label)
                continue
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
        return Record(image.asset, payload, tuple(written), tuple(dropped), tuple(unmatched))

    def write(self, records: Sequence[Record]) -> None:
        """Write the annotations of a chunk of assets, in one request."""
        payloads = [record.payload for record in records]
        write_annotations(self._version, payloads, status=self._status, replace=self._replaces)

    def finish(self, result: Any) -> Mapping[str, int]:
        """An author who drives has written everything; there is nothing more to return.

        Raises:
            ResultError: something was returned.
        """
        if result is not None:
            raise ResultError(
                f"a function that drives returns nothing, it writes with context.write; found {_shown(result)}"
            )
        return {}

    def label_id(self, label: str) -> str:
        """The id of the label of this name; it is made where there is none."""
        if label not in self._label_ids:
            self._label_ids.update(add_labels(self._version, [label]))
        return self._label_ids[label]

    def _checked(self, result: Any) -> list[Shape]:
        if isinstance(result, SHAPE_TYPES):
            raise ResultError(f"the shapes of an image come as a list; found a single {type(result).__name__}: [...]")
        if result is None or isinstance(result, (str, bytes, dict)) or not hasattr(result, "__iter__"):
            raise ResultError(
                f"the shapes of an image come as a list, empty where there is nothing to see; found {_shown(result)}"
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
            raise ResultError(f"expected {' or '.join(self._allowed)}, found {_shown(shape)}{hint}")
        if name not in self._allowed:
            raise ResultError(
                f"the DatasetVersion is of type {self._version.type.value}, which holds {' or '.join(self._allowed)}; "
                f"found {name}"
            )
        label: Any = shape.label
        if not isinstance(label, str) or not label:
            raise ResultError(f"the label of a {name} is the name of a class; found {_shown(label)}")


def prepare_output(
    context: JobContext,
    *,
    status: str,
    existing: str,
    label_matching: str,
    declaration: Declaration,
    shapes_of_type: Mapping[str, tuple[str, ...]],
    returned: Sequence[str],
) -> tuple[JobContext, AnnotationOutput]:
    """Settle type and labels of the DatasetVersion, before any download, and make the Output.

    Raises:
        JobError: type or labels do not fit the ModelVersion or what the function returns.
        PlatformError: the platform cannot be reached.
    """
    version = context.dataset_version
    assert version is not None
    inference_type = _settle_type(context, shapes_of_type, returned, declaration.type)
    allowed = shapes_of_type.get(inference_type, ())
    if returned and not set(returned) & set(allowed):
        raise JobError(
            f"the DatasetVersion {context.target_name} is of type {inference_type}, which holds "
            f"{' or '.join(allowed)}, but the processing returns {' or '.join(returned)}"
        )
    unconfigured = version.type.value == NOT_CONFIGURED
    known = getattr(context.model_version, "labels", None) or {}
    classes = unique(str(name) for name in known.values()) or declaration.labels
    labels, label_ids = _settle_labels(context, classes, adds=label_matching == "add", unconfigured=unconfigured)
    if unconfigured:
        set_type(version, inference_type)  # last, so that a run cut short before it starts over
    output = AnnotationOutput(
        version, context.selection, labels, label_ids, status=status, replaces=existing == "replace", allowed=allowed
    )
    return replace(context, labels=labels), output


def stored_orientation(image: Image) -> int:
    """The orientation to undo: none where the platform itself counts the picture's pixels upright."""
    asset = image.asset
    if asset is None or image.orientation < 5:  # noqa: PLR2004 - EXIF: from 5 on, width and height are exchanged
        return image.orientation
    upright = (asset.width, asset.height) == (image.width, image.height) and image.width != image.height
    return 1 if upright else image.orientation


def _settle_type(
    context: JobContext, shapes_of_type: Mapping[str, tuple[str, ...]], returned: Sequence[str], declared: str | None
) -> str:
    assert context.dataset_version is not None
    found: str = context.dataset_version.type.value
    model: str = context.model_version.type.value if context.model_version is not None else NOT_CONFIGURED
    says, who = (model, f"ModelVersion {context.model_name}") if model != NOT_CONFIGURED else (declared, "processing")
    if found == NOT_CONFIGURED:
        fitting = [name for name, shapes in shapes_of_type.items() if set(returned) == set(shapes)]
        if says is not None or len(fitting) == 1:
            return says or fitting[0]
        raise JobError(
            f"the DatasetVersion {context.target_name} has no type yet, and nothing says which one it should get: give "
            "the Job a ModelVersion with a type, set the type of the DatasetVersion, or say what the function returns"
        )
    if says not in {found, None} and found != "MULTI":
        raise JobError(
            f"the DatasetVersion {context.target_name} is of type {found}, but the {who} is of type {says}; "
            "launch the Job with a model and a DatasetVersion of the same type"
        )
    return found


def _settle_labels(
    context: JobContext, classes: Sequence[str], *, adds: bool, unconfigured: bool
) -> tuple[Labels, dict[str, str]]:
    assert context.dataset_version is not None
    label_ids = read_labels(context.dataset_version)
    labels = Labels(tuple(label_ids), tuple(classes), open=adds)
    missing = [name for name in classes if labels.match(name) not in label_ids]
    if (adds or unconfigured) and missing:
        label_ids.update(add_labels(context.dataset_version, missing))
        labels = Labels(tuple(label_ids), tuple(classes), open=adds)
    if not adds and (not label_ids or (classes and not any(name in labels for name in classes))):
        there = ", ".join(label_ids) or "none"
        raise JobError(
            f"no class of the model has a label in the DatasetVersion {context.target_name}, so nothing could be kept. "
            f"Its labels: {there}; the model's classes: {', '.join(classes) or 'not known'}. "
            "Add the labels, or launch the Job with the parameter label_matching = add; a processing without a "
            "ModelVersion can say what it finds: @pre_annotation(labels=[...])"
        )
    return labels, label_ids


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


def _shown(value: Any) -> str:
    text = repr(value)
    return f"{type(value).__name__} {text[:80]}{'...' if len(text) > 80 else ''}"  # noqa: PLR2004
