"""Image and Sample: what an author receives for one Asset."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from picsellia_processing.annotation import Shape  # noqa: TC001 - authors resolve the hints of these classes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class AssetReference:
    """An Asset as the platform lists it: no pixels, and a URL that expires.

    `width` and `height` are the size the platform has for the file; 0 where it has none. `tags` are the names of the
    tags it had when it was listed. For a data of a Datalake, `id` is that of the data.
    """

    id: str
    filename: str
    url: str | None = field(default=None, repr=False)
    width: int = 0
    height: int = 0
    object_name: str = ""
    data_id: str = ""
    type: str = "IMAGE"
    upload_status: str = "DONE"
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Image:
    """A decoded Asset.

    `pixels` is height x width x 3, uint8, RGB, C-contiguous, with the EXIF orientation applied, whatever the file
    held (greyscale, CMYK, palette, 16 bits, the first frame of an animation). It is valid while the author's function
    runs and after it, until nothing refers to it. Change a copy rather than `pixels`: of a batch on which the function
    raises, the images are handed over again. A unit test needs no Asset: `Image(pixels)` is enough.
    """

    pixels: NDArray[np.uint8]
    filename: str = "image"
    asset: AssetReference | None = None
    orientation: int = 1

    @property
    def width(self) -> int:
        """Width of `pixels`."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Height of `pixels`."""
        return int(self.pixels.shape[0])


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """An Image together with the annotation the Asset already has, in the coordinates of `image.pixels`.

    `dropped` is what an author says of shapes left out of a new Sample: why, once for each. The report counts it.
    """

    image: Image
    annotations: tuple[Shape, ...] = ()
    dropped: tuple[str, ...] = ()
