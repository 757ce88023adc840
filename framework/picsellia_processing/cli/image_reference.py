"""Which container image a processing is: never a tag alone, which may mean another image tomorrow."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from picsellia_processing.container.context_folder import gather
from picsellia_processing.container.records import FOLDER, PushedImage
from picsellia_processing.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

_REFERENCE = re.compile(r"(?P<name>[a-z0-9][\w./:-]*?):(?P<tag>\w[\w.-]{0,127})@(?P<digest>sha256:[0-9a-f]{64})")
_EXPECTED = "expected NAME:TAG@sha256:DIGEST"


@dataclass(frozen=True, slots=True)
class ImageReference:
    """An image by name, tag and digest. Of a reference with both, engines pull what the digest says."""

    name: str
    tag: str
    digest: str

    @classmethod
    def parse(cls, text: str) -> ImageReference:
        """Read `NAME:TAG@sha256:DIGEST`. Raises UsageError for anything else."""
        match = _REFERENCE.fullmatch(text)
        if match is None:
            why = "" if "@" in text else "; a tag alone may mean another image tomorrow"
            raise UsageError(f"the image {text!r} cannot be deployed: {_EXPECTED}{why}")
        return cls(match["name"], match["tag"], match["digest"])

    @property
    def pinned_tag(self) -> str:
        """The tag with the digest: what a platform that joins name and tag by a colon is to be given."""
        return f"{self.tag}@{self.digest}"


def find_image(folder: Path, given: str | None) -> ImageReference:
    """The image `given`, or else the one that was pushed from this processing folder, as it still is.

    Raises:
        UsageError: there is none, it is not fixed by a digest, or the folder has changed since.
    """
    if given is not None:
        return ImageReference.parse(given)
    path = folder / FOLDER / PushedImage.file
    if not path.is_file():
        raise UsageError(
            f"there is no image to deploy: {path} is not there; run `pxp push` first, or give --image ({_EXPECTED})"
        )
    pushed = PushedImage.read(folder)
    if pushed is None:
        raise UsageError(f"{path} cannot be used: expected an object with image, tag and digest; run `pxp push` again")
    if pushed.context and gather(folder, pushed.include).digest() != pushed.context:
        raise UsageError(
            f"{folder} has changed since {pushed.image}:{pushed.tag} was made of it, and that may not be what the "
            f"definition says: run `pxp build` and `pxp push` again, or give --image {pushed.reference}"
        )
    return ImageReference.parse(pushed.reference)
