"""Pictures to compare models on: of the DatasetVersion that a Job gives, or made up."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

import numpy as np
from picsellia_processing.errors import JobError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from picsellia_processing import JobContext


def first_pictures(context: JobContext, count: int) -> list[NDArray[np.uint8]]:
    """The pixels of the first images of the Job's DatasetVersion, but for those that cannot be read.

    Raises:
        JobError: None of them can be read.
    """
    found: list[tuple[str, NDArray[np.uint8]]] = []
    for [image] in context.images(first=count):
        found.append((image.filename, image.pixels.copy()))  # its memory is given back with the next one
        context.write(image, ())
    if not found:
        raise JobError(f"none of the first {count} images of the DatasetVersion can be read: nothing to compare on")
    return [pixels for _, pixels in sorted(found, key=itemgetter(0))]


def made_up_pictures(count: int) -> list[NDArray[np.uint8]]:
    """Pictures of soft blobs and noise, the same each time (64 x 96 x 3)."""
    draw = np.random.default_rng(0)
    coarse = draw.integers(0, 256, (count, 8, 12, 3)).repeat(8, 1).repeat(8, 2)
    noisy = coarse + draw.integers(-20, 21, coarse.shape)
    return list(noisy.clip(0, 255).astype(np.uint8))
