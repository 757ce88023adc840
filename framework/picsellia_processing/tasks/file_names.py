"""Names of new images: the same in every run of the same work, different for everything else."""

from __future__ import annotations

import hashlib
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import orjson

from picsellia_processing.tasks.encoding import suffix_like

if TYPE_CHECKING:
    from collections.abc import Mapping

    from picsellia_processing.image import AssetReference, Image

UNNAMED = "image"
"""What an Image is called where its author does not name it."""
LONGEST_STEM = 100
"""Bytes."""
DIGEST = 12


class FileNames:
    """The file names of new images for one output DatasetVersion and one set of parameters.

    A name is the stem of the source, the number of the variant, and a digest of source, output and parameters:
    `photo-2-3f9a1c0e77b2.jpg`. An image that its author has named has that stem and no number. Files of another output
    or of other parameters are never taken for these, whatever is in the Datalake.
    """

    def __init__(self, version_id: str, parameters: Mapping[str, Any]) -> None:
        self._key = orjson.dumps([version_id, dict(parameters)], option=orjson.OPT_SORT_KEYS, default=str)

    def of(self, source: AssetReference, image: Image, number: int) -> str:
        """The name of the `number`-th image made of `source`, counted from 1."""
        digest = hashlib.sha256(self._key + source.data_id.encode()).hexdigest()[:DIGEST]
        named = image.filename not in {UNNAMED, source.filename}
        stem = _plain(PurePosixPath(image.filename if named else source.filename).stem)
        suffix = suffix_like(image.filename if named and PurePosixPath(image.filename).suffix else source.filename)
        return f"{stem}-{digest}{suffix}" if named else f"{stem}-{number}-{digest}{suffix}"


def _plain(stem: str) -> str:
    printable = "".join(char if char.isprintable() and char not in "/\\" else "_" for char in stem)
    return printable.encode()[:LONGEST_STEM].decode(errors="ignore") or UNNAMED
