"""What a fixture holds once it has been read: plain values, ready to be seeded into a local platform."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from pathlib import Path

NOT_CONFIGURED = "NOT_CONFIGURED"
INFERENCE_TYPES = (
    NOT_CONFIGURED,
    "CLASSIFICATION",
    "OBJECT_DETECTION",
    "SEGMENTATION",
    "POINT",
    "KEYPOINT",
    "LINE",
    "MASK",
    "MULTI",
)
FRAMEWORKS = ("TENSORFLOW", "PYTORCH", "ONNX", NOT_CONFIGURED)
ANNOTATION_STATUSES = ("PENDING", "SKIPPED", "ACCEPTED", "REFUSED")

ShapeKind = Literal["rectangle", "polygon", "classification", "line", "point", "mask", "keypoints"]


@dataclass(frozen=True, slots=True)
class FixtureShape:
    """One shape a person drew, in whole pixels of the image as stored; the origin is its top left corner.

    `data` by `kind`: rectangle `{"x", "y", "w", "h"}` with `w` and `h` at least 1; polygon
    `{"polygon": [[x, y], ...]}`; line `{"line": [[x, y], ...]}`; point `{"point": [x, y]}`; mask `{"mask": counts}`,
    the compressed COCO run lengths of the whole image; keypoints `{"keypoints": [[x, y, visibility], ...]}` with
    visibility 0, 1 or 2; classification `{}`.
    """

    kind: ShapeKind
    label: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class FixtureAnnotation:
    """What people drew on one image. No shapes means that they looked and there was nothing to draw."""

    status: str
    shapes: tuple[FixtureShape, ...]


@dataclass(frozen=True, slots=True)
class FixtureImage:
    """One image file, not read beyond its header.

    `filename` is unique in its data set. `width` and `height` are those of the file as stored (EXIF orientation is not
    applied), both 0 when the header cannot be read. `annotation` is None when nobody has annotated the image.
    """

    filename: str
    path: Path
    width: int
    height: int
    content_type: str
    annotation: FixtureAnnotation | None


@dataclass(frozen=True, slots=True)
class FixtureDatasetVersion:
    """The data set version to seed: `type` is one of `INFERENCE_TYPES`, every shape's label is one of `labels`."""

    name: str
    version: str
    type: str
    labels: tuple[str, ...]
    images: tuple[FixtureImage, ...]


@dataclass(frozen=True, slots=True)
class FixtureModelFile:
    """One file of the model version: the name a processing asks for, and where its content is."""

    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class FixtureModelVersion:
    """The model version to seed. `labels` maps a class index, written as text, to its label."""

    name: str
    version: int
    type: str
    framework: str
    labels: dict[str, str]
    parameters: dict[str, Any]
    files: tuple[FixtureModelFile, ...]


@dataclass(frozen=True, slots=True)
class Fixture:
    """All that a local platform is seeded with, and what the Job is launched with.

    `selection` holds file names of `dataset_version.images`; None selects them all. `source` says for people where the
    images came from and how they were understood, as in "COCO data set (instances.json)".
    """

    name: str
    dataset_version: FixtureDatasetVersion | None
    model_version: FixtureModelVersion | None
    inputs: dict[str, Any]
    parameters: dict[str, Any]
    task: str | None
    selection: tuple[str, ...] | None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Dataset:
    """A data set as found on disk. `images` and `shapes` are keyed by the image's path relative to the data set.

    `type` is NOT_CONFIGURED and `labels` is empty where the data set does not tell. An image that is not in `shapes`
    has not been annotated.
    """

    source: str
    type: str
    labels: tuple[str, ...]
    images: dict[str, FixtureImage]
    shapes: dict[str, tuple[FixtureShape, ...]]
