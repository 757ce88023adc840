"""Annotations on the wire: labels in bulk, a chunk of assets in one call, shapes as the platform spells them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
import picsellia.exceptions
from picsellia.types.enums import AnnotationStatus, ImportAnnotationMode

from picsellia_processing.annotation import (
    Classification,
    Keypoints,
    Line,
    Mask,
    Point,
    Polygon,
    Rectangle,
)
from picsellia_processing.geometry import decode_rle, encode_rle
from picsellia_processing.sdk.assets import annotation_chunk, is_filled, read_annotations
from picsellia_processing.sdk.client import describe, encoded, translated
from picsellia_processing.task import RejectedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from picsellia.sdk.dataset_version import DatasetVersion

    from picsellia_processing.annotation import Shape
    from picsellia_processing.task import Drawn

ANNOTATION_IDS_LIMIT = 50
"""Most asset ids that one question for annotation ids may name; the SDK's own limit."""

REJECTIONS = (picsellia.exceptions.RequestTooLargeError, picsellia.exceptions.BadRequestError)
"""What the platform answers when the content of a chunk, not the Job, is at fault."""

NOT_IN_BULK = ("lines", "points")
"""Shapes that the bulk endpoint does not take; an annotation of theirs is made, then saved."""

SAVING_THREADS = 8
"""Annotations that are saved at once: each is a request of its own."""


def read_labels(version: DatasetVersion) -> dict[str, str]:
    """The labels of a DatasetVersion: id by name."""
    with translated(f"reading the labels of {version.name}/{version.version}"):
        return {label.name: str(label.id) for label in version.list_labels()}


def add_labels(version: DatasetVersion, names: Sequence[str]) -> dict[str, str]:
    """Make the labels that are missing, in one request: id by name, for all of `names`.

    Raises:
        RejectedError: the platform takes no label of such a name.
        PlatformError: the platform cannot be reached.
    """
    with translated(f"adding labels to {version.name}/{version.version}"):
        path = f"/api/dataset/version/{version.id}/bulk-labels"
        try:
            made = version.connection.xget(path, data=encoded({"names": list(names)})).json()
        except REJECTIONS as error:
            raise RejectedError(f"the platform refused the label {names[0]!r:.80}: {describe(error)}") from error
    return {str(label["name"]): str(label["id"]) for label in made}


def set_type(version: DatasetVersion, inference_type: str) -> None:
    """Configure a DatasetVersion that has no type yet."""
    with translated(f"setting the type of {version.name}/{version.version} to {inference_type}"):
        version.set_type(inference_type)


def write_annotations(
    version: DatasetVersion, payloads: Sequence[dict[str, Any]], *, status: str, replace: bool
) -> None:
    """Write the annotations of some assets in one request, and one more for each that has lines or points.

    With `replace` an annotation that is there is replaced, else it is left as it is. Each is written whole, or not at
    all: what was to be replaced is there until what replaces it is.

    Raises:
        RejectedError: the platform refuses what is in the chunk, or its size.
        PlatformError: the platform cannot be reached, or refuses for another reason.
    """
    saved = [payload for payload in payloads if _needs_save(payload)]
    whole = [payload for payload in payloads if not _needs_save(payload)]
    unfilled = [{"asset_id": payload["asset_id"]} for payload in saved]
    with translated(f"writing the annotations of {len(payloads)} assets"):
        try:
            if replace:
                _import(version, whole, ImportAnnotationMode.REPLACE, status)
                _import(version, unfilled, ImportAnnotationMode.KEEP, status)
            else:
                _import(version, [*whole, *unfilled], ImportAnnotationMode.KEEP, status)
            _save(version, saved, status=status, replace=replace)
        except REJECTIONS as error:
            raise RejectedError(f"the platform refused the annotation: {describe(error)}") from error


def _needs_save(payload: Mapping[str, Any]) -> bool:
    return any(payload.get(kind) for kind in NOT_IN_BULK)


def _import(version: DatasetVersion, payloads: Sequence[Any], mode: ImportAnnotationMode, status: str) -> None:
    if payloads:
        body = {"import_type": mode, "status": AnnotationStatus(status), "annotations": payloads}
        version.connection.post(f"/api/dataset/version/{version.id}/bulk-annotations", data=orjson.dumps(body))


def _save(version: DatasetVersion, payloads: Sequence[dict[str, Any]], *, status: str, replace: bool) -> None:
    """Fill annotations that are there. Saving overwrites: what people drew since is left alone, unless replaced."""
    there = dict(_newest(version, [payload["asset_id"] for payload in payloads]))
    for payload in payloads:
        if payload["asset_id"] not in there:
            raise RejectedError("its annotation was deleted while it was written")
    wanted = [payload for payload in payloads if replace or not is_filled(there[payload["asset_id"]])]
    with ThreadPoolExecutor(SAVING_THREADS, thread_name_prefix="save") as pool:
        list(pool.map(lambda each: _save_one(version, there[each["asset_id"]], each, status), wanted))


def _save_one(version: DatasetVersion, annotation: Mapping[str, Any], payload: Mapping[str, Any], status: str) -> None:
    """Write all shapes in the place of what there was, at once: where they are refused, that stays as it is."""
    path = f"/api/annotation/{annotation['id']}"
    content = {"duration": 0.0, **{key: value for key, value in payload.items() if key != "asset_id" and value}}
    version.connection.post(f"{path}/save", data=orjson.dumps(content))
    if annotation.get("status") != status:
        version.connection.patch(path, data=orjson.dumps({"status": status}))


def to_wire(shape: Shape, label_id: str) -> tuple[str, dict[str, Any]]:
    """A shape, already fitted to integers, as the platform spells it: the list it belongs in, and its fields."""
    common: dict[str, Any] = {"label_id": label_id, "text": None, "attributes": {}}
    match shape:
        case Rectangle():
            corners = {"x": int(shape.x), "y": int(shape.y), "w": int(shape.width), "h": int(shape.height)}
            return "rectangles", {**corners, **common}
        case Polygon():
            return "polygons", {"polygon": _integers(shape.points), **common}
        case Mask():
            return "masks", {"mask": encode_rle(shape.pixels), **common}
        case Line():
            return "lines", {"line": _integers(shape.points), **common}
        case Point():
            return "points", {"point": [int(shape.x), int(shape.y)], **common}
        case Keypoints():
            return "keypoints", {"keypoints": [[int(x), int(y), int(v)] for x, y, v in shape.points], **common}
        case Classification():
            return "classifications", common


@dataclass(frozen=True, slots=True)
class StoredAnnotation:
    """An annotation as the platform holds it: its status, and its shapes in the coordinates of the file as stored.

    `masks` are label and run-length string. They stay packed until `shapes` is called: those of a page of assets,
    unpacked, are more than memory holds.
    """

    status: str
    outlines: tuple[Shape, ...]
    masks: tuple[tuple[str, str], ...]
    size: tuple[int, int]

    def shapes(self) -> tuple[Shape, ...]:
        """All that is drawn.

        Raises:
            DegenerateShape: a mask is none of a picture of `size`.
        """
        return (*self.outlines, *(Mask(label, decode_rle(counts, *self.size)) for label, counts in self.masks))


def load_shapes(version: DatasetVersion, sizes: Mapping[str, tuple[int, int]]) -> dict[str, Drawn]:
    """The shapes of `load_annotations`, by asset id; made when they are called for."""
    return {asset_id: annotation.shapes for asset_id, annotation in load_annotations(version, sizes).items()}


def load_annotations(version: DatasetVersion, sizes: Mapping[str, tuple[int, int]]) -> dict[str, StoredAnnotation]:
    """What the assets are annotated with, by asset id.

    `sizes` gives the width and height of each asset that is asked about. One without an annotation is not in the
    result; of several annotations of an asset the newest counts.
    """
    with translated(f"reading the annotations of {len(sizes)} assets"):
        newest = _newest(version, list(sizes))
        return {asset_id: _read(annotation, sizes[asset_id]) for asset_id, annotation in newest}


def _newest(version: DatasetVersion, asset_ids: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The newest annotation of each asset that has one, as the platform sends it, with the id of the asset."""
    found: set[str] = set()
    for some in _chunks(asset_ids, ANNOTATION_IDS_LIMIT):
        path = f"/api/dataset/version/{version.id}/annotations/ids"
        ids = version.connection.get(path, params={"asset_ids": list(some)}).json()
        for chunk in _chunks(ids, annotation_chunk(version)):
            for annotation in read_annotations(version, chunk):
                asset_id = str(annotation["asset_id"])
                if asset_id not in found:
                    found.add(asset_id)
                    yield asset_id, annotation


def from_wire(annotation: Mapping[str, Any], size: tuple[int, int]) -> tuple[Shape, ...]:
    """The shapes of one annotation as the platform loads it, where labels are names; `size` is width and height."""
    return _read(annotation, size).shapes()


def _read(annotation: Mapping[str, Any], size: tuple[int, int]) -> StoredAnnotation:
    shapes: list[Shape] = [
        Rectangle(each["label"], each["x"], each["y"], each["w"], each["h"])
        for each in annotation.get("rectangles") or ()
    ]
    shapes += [Polygon(each["label"], _pairs(each["polygon"])) for each in annotation.get("polygons") or ()]
    shapes += [Line(each["label"], _pairs(each["line"])) for each in annotation.get("lines") or ()]
    shapes += [Point(each["label"], *each["point"][:2]) for each in annotation.get("points") or ()]
    shapes += [Classification(each["label"]) for each in annotation.get("classifications") or ()]
    shapes += [
        Keypoints(each["label"], [(x, y, int(v)) for x, y, v in each["keypoints"]])
        for each in annotation.get("keypoints") or ()
    ]
    masks = tuple((each["label"], each["mask"]) for each in annotation.get("masks") or ())
    status = str(annotation.get("status") or AnnotationStatus.PENDING.value)
    return StoredAnnotation(status, tuple(shapes), masks, size)


def _integers(points: Iterable[Iterable[float]]) -> list[list[int]]:
    return [[int(value) for value in point] for point in points]


def _pairs(points: Iterable[Sequence[float]]) -> list[tuple[float, float]]:
    return [(point[0], point[1]) for point in points]


def _chunks(values: Sequence[Any], size: int) -> list[Sequence[Any]]:
    return [values[start : start + size] for start in range(0, len(values), size)]
