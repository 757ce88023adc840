"""Recognising a data set on disk, for `--images`.

    COCO            a JSON file with images, categories and annotations; in the folder or its annotations/
    YOLO            a data.yaml, or any YAML file with `names`; or images/ with text files in labels/; or a classes.txt
                    with a text file beside an image
    Pascal VOC      Annotations/*.xml with JPEGImages/, or XML files beside the images
    classification  a folder per class, where something says so: train/ and val/ or test/ that hold the same classes, a
                    classes.txt that names the folders, or a fixture of type CLASSIFICATION. Sub-folders alone do not
                    say so: they may as well be cameras or days
    images          anything else: every image in the folder and its sub-folders

The path is that of the folder or, for COCO and YOLO, of the file that describes it, for Pascal VOC of Annotations/; or
of one image. A folder that is two of these is refused, so that nobody has to guess which one was read. Hidden files and
folders are ignored, and so are files that are no images (jpg, jpeg, png, bmp, gif, tif, tiff, webp).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from picsellia_processing.platform.dataset_coco import coco_dataset, is_coco, read_json
from picsellia_processing.platform.dataset_images import CONTENT_TYPES, ENDINGS, ending, find_images, read_images
from picsellia_processing.platform.dataset_voc import find_voc, voc_dataset
from picsellia_processing.platform.dataset_yolo import (
    CLASSES,
    YAML_ENDINGS,
    read_classes,
    yolo_dataset,
    yolo_descriptions,
)
from picsellia_processing.platform.fixture_types import NOT_CONFIGURED, Dataset, FixtureShape

if TYPE_CHECKING:
    from pathlib import Path

    from picsellia_processing.platform.fixture_mistakes import Mistakes

_Reader = Callable[["Mistakes"], Dataset]

_SPLITS = ("train", "val", "valid", "validation", "test")
_NO_CLASSES = frozenset({"images", "labels", "masks", "annotations"})
_NOTHING = Dataset("nothing", NOT_CONFIGURED, (), {}, {})


def read_dataset(path: Path, mistakes: Mistakes, *, prefer: str = NOT_CONFIGURED) -> Dataset:
    """The data set at `path`, a folder or the file that describes it; what is wrong with it is noted in `mistakes`.

    `prefer` is the type to read it as where its annotations allow several: polygons as the rectangles around them.
    Where they tell nothing it is the type of the result.
    """
    if path.is_dir():
        return _read_folder(path, mistakes, prefer)
    suffix = ending(path.name)
    if not path.is_file():
        found = "nothing there" if not path.exists() else "no plain file"
        mistakes.add(str(path), expected="a folder of images or a data set", found=found, todo="correct the path")
        return _NOTHING
    if suffix == ".json":
        document = read_json(path, mistakes)
        return _NOTHING if document is None else coco_dataset(path, document, mistakes, prefer=prefer)
    if suffix in YAML_ENDINGS or path.name == CLASSES:
        return yolo_dataset(path.parent, path, mistakes, prefer=prefer)
    if suffix in CONTENT_TYPES:
        return Dataset("one image", prefer, (), read_images(path.parent, [path.name], mistakes), {})
    expected = f"a folder, an image ({ENDINGS}), a COCO file (.json) or a YOLO description (.yaml, {CLASSES})"
    mistakes.add(str(path), expected=expected, found=f"a file {path.name!r}", todo="give one of these")
    return _NOTHING


def _read_folder(folder: Path, mistakes: Mistakes, prefer: str) -> Dataset:
    if folder.name == "Annotations":
        folder = folder.parent
        readers = _voc(folder, mistakes, prefer)
    else:
        readers = _coco(folder, mistakes, prefer) | _yolo(folder, prefer) | _voc(folder, mistakes, prefer)
    if len(readers) > 1:
        expected, todo = "one data set", "give the path of the one you mean, or move the others away"
        mistakes.add(str(folder), expected=expected, found=" and ".join(readers), todo=todo)
        return _NOTHING
    for read in readers.values():
        return read(mistakes)
    return _read_images(folder, mistakes, prefer)


def _coco(folder: Path, mistakes: Mistakes, prefer: str) -> dict[str, _Reader]:
    documents = {
        path: read_json(path, mistakes)
        for place in (folder, folder / "annotations")
        for path in (sorted(place.iterdir()) if place.is_dir() else ())
        if path.suffix.lower() == ".json" and not path.name.startswith(".") and path.is_file()
    }
    return {
        f"COCO ({path})": partial(coco_dataset, path, document, prefer=prefer)
        for path, document in documents.items()
        if is_coco(document)
    }


def _yolo(folder: Path, prefer: str) -> dict[str, _Reader]:
    return {
        f"YOLO ({description or folder})": partial(yolo_dataset, folder, description, prefer=prefer)
        for description in yolo_descriptions(folder)
    }


def _voc(folder: Path, mistakes: Mistakes, prefer: str) -> dict[str, _Reader]:
    files = find_voc(folder, mistakes)
    return {f"Pascal VOC ({folder / files[0]})": partial(voc_dataset, folder, files, prefer=prefer)} if files else {}


def _read_images(folder: Path, mistakes: Mistakes, prefer: str) -> Dataset:
    relatives = find_images(folder, mistakes)
    if not relatives:
        mistakes.add(
            str(folder), expected=f"images ({ENDINGS})", found="none", todo="put some there, or correct the path"
        )
    images = read_images(folder, relatives, mistakes)
    class_of = _classes_of_splits(relatives) or _classes_of_folders(relatives)
    declared = read_classes(folder / CLASSES, mistakes) if (folder / CLASSES).is_file() else ()
    says_so = bool(declared) or prefer == "CLASSIFICATION" or bool(_classes_of_splits(relatives))
    if not class_of:
        return Dataset("folder of images", prefer, (), images, {})
    if not says_so:
        source = f"folder of images (its sub-folders are not taken for classes: no {CLASSES} names them)"
        return Dataset(source, prefer, (), images, {})
    labels = declared or tuple(sorted(set(class_of.values())))
    for label in sorted(set(class_of.values()).difference(labels)):
        mistakes.add_unknown(f"{folder / CLASSES}", "label", label, labels)
    return Dataset(
        source=f"classification folders ({len(labels)} classes)",
        type="CLASSIFICATION",
        labels=labels,
        images=images,
        shapes={relative: (FixtureShape("classification", class_of[relative], {}),) for relative in images},
    )


def _classes_of_folders(relatives: list[str]) -> dict[str, str]:
    """The class of each image when all lie as class/image; empty when they do not."""
    parts = {relative: relative.split("/") for relative in relatives}
    if any(len(names) != len(("class", "image")) for names in parts.values()):
        return {}
    return {relative: names[0] for relative, names in parts.items()}


def _classes_of_splits(relatives: list[str]) -> dict[str, str]:
    """The class of each image when all lie as split/class/image and train/ knows all the classes; empty if not."""
    parts = {relative: relative.split("/") for relative in relatives}
    if any(len(names) != len(("split", "class", "image")) or names[0] not in _SPLITS for names in parts.values()):
        return {}
    classes: dict[str, set[str]] = {}
    for split, name, _ in parts.values():
        classes.setdefault(split, set()).add(name)
    known = classes.get("train", set())
    same = len(classes) > 1 and len(known) > 1 and all(known.issuperset(names) for names in classes.values())
    return {relative: names[1] for relative, names in parts.items()} if same and not known & _NO_CLASSES else {}
