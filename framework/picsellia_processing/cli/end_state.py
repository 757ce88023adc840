"""What the platform holds for a DatasetVersion once the Job has ended, read through the SDK."""

from __future__ import annotations

import contextlib
import io
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from picsellia_processing.sdk.annotations import from_wire, read_labels
from picsellia_processing.sdk.assets import all_pages
from picsellia_processing.sdk.client import translated
from picsellia_processing.sdk.data import data_pages, read_data_ids

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from picsellia.sdk.datalake import Datalake
    from picsellia.sdk.dataset_version import DatasetVersion

    from picsellia_processing.annotation import Shape
    from picsellia_processing.image import AssetReference

GEOMETRY = {
    "rectangle": ("x", "y", "w", "h"),
    "polygon": ("polygon",),
    "mask": ("mask",),
    "line": ("line",),
    "point": ("point",),
    "keypoints": ("keypoints",),
    "classification": (),
}
"""Kind of shape -> the platform's fields that say where it is."""

Confidences = dict[tuple[str, str, str, str], float]
"""(asset id, kind, label, place) -> confidence."""


@dataclass(frozen=True, slots=True)
class StoredShape:
    """A shape as the platform holds it: `data` has its fields, in the coordinates of the file as stored."""

    kind: str
    label: str
    data: Mapping[str, Any]
    confidence: float | None = None

    def value(self, width: int, height: int) -> Shape:
        """This shape as a value, for a file of this stored size."""
        (shape,) = from_wire({_plural(self.kind): [{**self.data, "label": self.label}]}, (width, height))
        return replace(shape, confidence=self.confidence)


@dataclass(frozen=True, slots=True)
class AssetState:
    """One Asset and what is drawn on it."""

    reference: AssetReference
    annotated: bool
    shapes: tuple[StoredShape, ...]


@dataclass(frozen=True, slots=True)
class EndState:
    """The labels of a DatasetVersion, in its order, and its Assets, by file name."""

    labels: tuple[str, ...]
    assets: tuple[AssetState, ...]


def read_end_state(version: DatasetVersion, confidences: Confidences) -> EndState:
    """Read labels, Assets and annotations.

    Raises:
        PlatformError: the platform cannot be reached.
    """
    labels = tuple(read_labels(version))
    with translated("reading the annotations"), contextlib.redirect_stderr(io.StringIO()):  # the SDK's progress bar
        annotations = version.load_annotations()
    references = sorted((each for page in all_pages(version) for each in page.references), key=_filename)
    return EndState(labels, tuple(_asset_state(each, annotations.get(each.id, ()), confidences) for each in references))


def read_datalake_state(lake: Datalake) -> EndState:
    """Read the data of a Datalake, which have no annotations.

    Raises:
        PlatformError: the platform cannot be reached.
    """
    ids = read_data_ids(lake)
    references = sorted((each for page in data_pages(lake, ids) for each in page.references), key=_filename)
    return EndState((), tuple(AssetState(each, annotated=False, shapes=()) for each in references))


def _filename(reference: AssetReference) -> str:
    return reference.filename


def _asset_state(
    reference: AssetReference, annotations: Iterable[Mapping[str, Any]], confidences: Confidences
) -> AssetState:
    newest = next(iter(annotations), None)
    return AssetState(reference, newest is not None, tuple(_shapes(reference.id, newest or {}, confidences)))


def _shapes(asset_id: str, annotation: Mapping[str, Any], confidences: Confidences) -> Iterator[StoredShape]:
    for kind in GEOMETRY:
        for shape in annotation.get(_plural(kind)) or ():
            label = shape["label"]
            yield StoredShape(kind, label, shape, confidences.get((asset_id, kind, label, _place(kind, shape))))


def read_confidences(predictions: Iterable[Path]) -> Confidences:
    """The confidence of every shape that workers wrote, from `predictions.jsonl` files; missing ones count as empty."""
    confidences: Confidences = {}
    for path in predictions:
        if not path.is_file():
            continue
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                if line.endswith("\n"):  # else the worker was killed while it wrote
                    asset = json.loads(line)
                    for shape in asset["annotations"]:
                        if shape["confidence"] is not None:
                            place = _place(shape["type"], shape)
                            confidences[asset["asset_id"], shape["type"], shape["label"], place] = shape["confidence"]
    return confidences


def _place(kind: str, shape: Mapping[str, Any]) -> str:
    return str([shape[field] for field in GEOMETRY[kind]])


def _plural(kind: str) -> str:
    return kind if kind.endswith("s") else f"{kind}s"
