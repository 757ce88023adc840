"""Recognising a data set on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from picsellia_processing.platform.dataset_images import CONTENT_TYPES, ENDINGS, ending, find_images, read_images
from picsellia_processing.platform.fixture_types import NOT_CONFIGURED, Dataset

if TYPE_CHECKING:
    from pathlib import Path

    from picsellia_processing.platform.fixture_mistakes import Mistakes


def read_dataset(path: Path, mistakes: Mistakes, *, prefer: str = NOT_CONFIGURED) -> Dataset:
    """The data set at `path`; what is wrong with it is noted in `mistakes`."""
    del prefer
    if path.is_file() and ending(path.name) in CONTENT_TYPES:
        return Dataset("one image", NOT_CONFIGURED, (), read_images(path.parent, [path.name], mistakes), {})
    if not path.is_dir():
        mistakes.add(
            str(path),
            expected="a folder of images",
            found="a file" if path.exists() else "nothing there",
            todo="give a folder",
        )
        return Dataset("nothing", NOT_CONFIGURED, (), {}, {})
    images = read_images(path, find_images(path, mistakes), mistakes)
    if not images:
        mistakes.add(
            str(path), expected=f"images ({ENDINGS})", found="none", todo="put some there, or give another folder"
        )
    return Dataset("folder of images", NOT_CONFIGURED, (), images, {})
