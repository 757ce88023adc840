"""Reading a fixture: the folder beside a processing that a local platform is seeded from.

A fixture is a folder with a `fixture.toml`, images and model files. It needs the data set version or the model version
that the processing works on; all else is optional. This is everything there can be:

    task = "pre_annotation"             # what the Job is launched as
    selection = ["a.jpg", "b.jpg"]      # launch it on these images only; all of them when left out

    [dataset_version]                   # leave it out for a processing of models
    name = "shapes"                     # the name of the folder when left out
    version = "v1"                      # "v1" when left out
    type = "OBJECT_DETECTION"           # as the annotations tell, else NOT_CONFIGURED, when left out
    labels = ["circle", "square"]       # those of the annotations when left out
    images = "images"                   # a folder, with its sub-folders; "images" when left out
    annotations = "annotations.json"    # COCO: what people have drawn already; nothing when left out
    annotation_status = "ACCEPTED"      # of what they drew: PENDING, SKIPPED, ACCEPTED (when left out), REFUSED

    [model_version]
    name = "shapes-detector"            # the name of the folder when left out
    version = 0                         # 0 when left out
    type = "OBJECT_DETECTION"           # NOT_CONFIGURED when left out
    framework = "PYTORCH"               # TENSORFLOW, PYTORCH, ONNX; NOT_CONFIGURED when left out
    labels = ["circle", "square"]       # in class order, or a table: { 0 = "circle", 7 = "square" }
    parameters = { image_size = 640 }
    files = { pretrained-weights = "model.pt" }

    [inputs]                            # what the Job is launched with
    [parameters]
    confidence = 0.5

`task` and `selection` stand above the first table, as TOML demands. Types are those of the platform: NOT_CONFIGURED,
CLASSIFICATION, OBJECT_DETECTION, SEGMENTATION, POINT, KEYPOINT, LINE, MASK, MULTI. Paths are relative to the fixture
and stay inside it. Images may be damaged: a fixture holds such images on purpose.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from picsellia_processing.platform.dataset_coco import annotate, read_json
from picsellia_processing.platform.dataset_images import ENDINGS, find_images, read_images
from picsellia_processing.platform.fixture_mistakes import Mistakes
from picsellia_processing.platform.fixture_table import Table, inside, read_toml
from picsellia_processing.platform.fixture_types import (
    ANNOTATION_STATUSES,
    FRAMEWORKS,
    INFERENCE_TYPES,
    NOT_CONFIGURED,
    Dataset,
    Fixture,
    FixtureAnnotation,
    FixtureDatasetVersion,
    FixtureImage,
    FixtureModelFile,
    FixtureModelVersion,
    FixtureShape,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "Fixture",
    "FixtureAnnotation",
    "FixtureDatasetVersion",
    "FixtureImage",
    "FixtureModelFile",
    "FixtureModelVersion",
    "FixtureShape",
    "load_fixture",
]

_KEYS = ("task", "selection", "dataset_version", "model_version", "inputs", "parameters")
_DATASET_VERSION_KEYS = ("name", "version", "type", "labels", "images", "annotations", "annotation_status")
_MODEL_VERSION_KEYS = ("name", "version", "type", "framework", "labels", "parameters", "files")


def load_fixture(
    directory: Path | None,
    *,
    images: Path | None = None,
    model_files: Mapping[str, Path] | None = None,
    annotated: bool = False,
) -> Fixture:
    """Read the fixture in `directory`, or make one from `images` alone.

    Args:
        directory: a folder with a `fixture.toml`, as this module's docstring describes it; None for no fixture.
        images: a folder of images or a data set, as `datasets` describes them. It replaces the images of the fixture,
            its annotations and its selection, and its labels and type where the data set tells others.
        model_files: paths by name of model file, which replace or add to those of the fixture.
        annotated: also take over what the data set in `images` says about its images, as drawn by people. The
            annotations that `fixture.toml` names are always taken.

    Returns:
        The fixture. Its paths exist, its file names are unique, its labels and types fit each other.

    Raises:
        FixtureError: with every mistake of the fixture.
    """
    subject = directory if directory is not None else images
    mistakes = Mistakes(str(subject) if subject is not None else "this")
    document = {} if directory is None else read_toml(directory / "fixture.toml")
    top = Table(document, "fixture.toml", mistakes, known=_KEYS)
    name = (Path() if subject is None else subject).resolve().name or "images"

    dataset_version, source = _read_dataset_version(
        top, name, directory, images, annotated=annotated, mistakes=mistakes
    )
    model_version = _read_model_version(top, name, directory, model_files or {}, mistakes)
    if not ("dataset_version" in top or "model_version" in top or images or model_files):
        mistakes.add(
            "fixture.toml" if directory else "fixture",
            expected="a [dataset_version] or a [model_version]",
            found="neither",
            todo="write one, or give images (--images DIR) or model files (--model-file NAME=PATH)",
        )
    fixture = Fixture(
        name=name,
        dataset_version=dataset_version,
        model_version=model_version,
        inputs=top.json_table("inputs") or {},
        parameters=top.json_table("parameters") or {},
        task=top.text("task"),
        selection=None if images else _read_selection(top, dataset_version, mistakes),
        source=source,
    )
    mistakes.raise_all()
    return fixture


def _read_dataset_version(
    top: Table, name: str, directory: Path | None, images: Path | None, *, annotated: bool, mistakes: Mistakes
) -> tuple[FixtureDatasetVersion | None, str]:
    values = top.subtable("dataset_version")
    if values is None and images is None:
        return None, ""
    table = Table(values or {}, "fixture.toml [dataset_version]", mistakes, known=_DATASET_VERSION_KEYS)
    status = table.choice("annotation_status", ANNOTATION_STATUSES) or "ACCEPTED"
    declared_type = table.choice("type", INFERENCE_TYPES) or NOT_CONFIGURED
    declared_labels = table.texts("labels") or ()
    if images is not None:
        from picsellia_processing.platform.datasets import read_dataset  # noqa: PLC0415 - XML, YAML and more: 10 ms

        dataset = read_dataset(images, mistakes, prefer=declared_type)
    else:
        assert directory is not None  # where the table came from
        dataset = _read_own_images(table, directory, declared_type, declared_labels, mistakes)
    drawn = dataset.shapes if annotated or images is None else {}
    version = FixtureDatasetVersion(
        name=table.text("name") or name,
        version=table.text("version") or "v1",
        type=dataset.type if dataset.type != NOT_CONFIGURED else declared_type,
        labels=dataset.labels or declared_labels,
        images=tuple(
            replace(image, annotation=FixtureAnnotation(status, drawn[relative])) if relative in drawn else image
            for relative, image in dataset.images.items()
        ),
    )
    return version, dataset.source


def _read_own_images(
    table: Table, directory: Path, declared_type: str, labels: tuple[str, ...], mistakes: Mistakes
) -> Dataset:
    folder = table.path_inside("images", directory) if "images" in table else directory / "images"
    images: dict[str, FixtureImage] = {}
    if folder is not None and not folder.is_dir():
        found = "a file" if folder.exists() else "no such folder"
        mistakes.add(
            table.where("images"), expected=f"the folder {folder}", found=found, todo="make it, or correct the name"
        )
    elif folder is not None:
        images = read_images(folder, find_images(folder, mistakes), mistakes)
        if not images:
            mistakes.add(
                table.where("images"), expected=f"images in {folder} ({ENDINGS})", found="none", todo="put some there"
            )
    dataset = Dataset("fixture.toml", declared_type, labels, images, {})
    path = table.path_inside("annotations", directory)
    document = None if path is None else read_json(path, mistakes)
    if path is None or document is None or folder is None:
        return dataset
    return annotate(dataset, folder.name, path, document, mistakes)


def _read_model_version(
    top: Table, name: str, directory: Path | None, model_files: Mapping[str, Path], mistakes: Mistakes
) -> FixtureModelVersion | None:
    values = top.subtable("model_version")
    if values is None and not model_files:
        return None
    table = Table(values or {}, "fixture.toml [model_version]", mistakes, known=_MODEL_VERSION_KEYS)
    return FixtureModelVersion(
        name=table.text("name") or name,
        version=table.whole_number("version") or 0,
        type=table.choice("type", INFERENCE_TYPES) or NOT_CONFIGURED,
        framework=table.choice("framework", FRAMEWORKS) or NOT_CONFIGURED,
        labels=_read_class_labels(table, values or {}),
        parameters=table.json_table("parameters") or {},
        files=_read_model_files(table, directory, model_files, mistakes),
    )


def _read_class_labels(table: Table, values: dict[str, Any]) -> dict[str, str]:
    if isinstance(values.get("labels"), dict):
        return table.text_table("labels") or {}
    return {str(index): label for index, label in enumerate(table.texts("labels") or ())}


def _read_model_files(
    table: Table, directory: Path | None, given: Mapping[str, Path], mistakes: Mistakes
) -> tuple[FixtureModelFile, ...]:
    places = {name: (f"--model-file {name}", path) for name, path in given.items()}
    for name, text in (table.text_table("files") or {}).items():
        if name not in places:
            assert directory is not None  # where the table came from
            where = table.where(f"files.{name}")
            path = inside(directory, text, where, mistakes)
            if path is not None:
                places[name] = (where, path)
    return tuple(
        FixtureModelFile(name, path)
        for name, (where, path) in sorted(places.items())
        if _is_model_file(where, name, path, mistakes)
    )


def _is_model_file(where: str, name: str, path: Path, mistakes: Mistakes) -> bool:
    if not name.strip():
        mistakes.add(where, expected="a name for the model file", found=repr(name), todo="write NAME=PATH")
    elif path.is_file():
        return True
    elif path.is_dir():
        mistakes.add(
            where, expected="a file", found=f"the folder {path}", todo="a model file is one file: zip the folder"
        )
    else:
        beside = sorted(entry.name for entry in path.parent.iterdir()) if path.parent.is_dir() else []
        mistakes.add_unknown(where, f"file in {path.parent}", path.name, beside)
    return False


def _read_selection(
    top: Table, dataset_version: FixtureDatasetVersion | None, mistakes: Mistakes
) -> tuple[str, ...] | None:
    selection = top.texts("selection")
    if selection is None:
        return None
    if not selection:
        top.wrong("selection", expected="at least one file name", todo="name images, or leave it out to select all")
    if dataset_version is None:
        top.wrong("selection", expected="no selection without a [dataset_version]", todo="leave it out")
    elif dataset_version.images:
        filenames = {image.filename: None for image in dataset_version.images}
        for filename in selection:
            if filename not in filenames:
                mistakes.add_unknown(top.where("selection"), "file name", filename, filenames)
    return selection
