"""The pictures of the report page: a spread of the Assets, as small upright JPEGs."""

from __future__ import annotations

import base64
import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from PIL import Image as PillowImage
from PIL import ImageOps

from picsellia_processing.errors import ProcessingError
from picsellia_processing.geometry import to_oriented
from picsellia_processing.stream.decode import decode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from picsellia_processing.annotation import Shape
    from picsellia_processing.cli.end_state import AssetState
    from picsellia_processing.image import AssetReference

LONGEST_SIDE = 480
QUALITY = 80
ORIENTATION_TAG = 0x0112
TRANSPOSED = frozenset({5, 6, 7, 8})


@dataclass(frozen=True, slots=True)
class Picture:
    """An Asset as a person looks at it: `width` and `height` are those of the whole picture, upright.

    `shapes` are in that frame. `jpeg` is base64, its longest side at most `LONGEST_SIDE` pixels.
    """

    asset: AssetState
    jpeg: str = field(repr=False)
    width: int
    height: int
    orientation: int
    shapes: tuple[Shape, ...]


def spread(assets: Sequence[AssetState], count: int) -> list[AssetState]:
    """At most `count` of `assets`, evenly spaced, in their order."""
    if len(assets) <= count:
        return list(assets)
    return [assets[index * len(assets) // count] for index in range(count)]


def load_pictures(
    assets: Sequence[AssetState], fetch: Callable[[AssetReference], bytes], *, max_bytes: int, max_shapes: int
) -> list[Picture]:
    """The pictures of these Assets, without those that cannot be decoded, as long as they fit into `max_bytes`.

    `fetch` returns the file of an Asset; threads call it.
    """
    with ThreadPoolExecutor(4) as pool:
        loaded = [picture for picture in pool.map(lambda asset: _load(asset, fetch, max_shapes), assets) if picture]
    kept: list[Picture] = []
    for picture in loaded:
        max_bytes -= len(picture.jpeg)
        if max_bytes < 0:
            break
        kept.append(picture)
    return kept


def _load(asset: AssetState, fetch: Callable[[AssetReference], bytes], max_shapes: int) -> Picture | None:
    try:
        thumbnail, orientation, (width, height) = _thumbnail(fetch(asset.reference))
    except (OSError, ValueError, SyntaxError, PillowImage.DecompressionBombError, ProcessingError):
        return None  # what is wrong with the file stands among the failures
    stored = (height, width) if orientation in TRANSPOSED else (width, height)
    shapes = tuple(to_oriented(shape.value(*stored), orientation, width, height) for shape in asset.shapes[:max_shapes])
    return Picture(asset, _base64_jpeg(thumbnail), width, height, orientation, shapes)


def _thumbnail(data: bytes) -> tuple[PillowImage.Image, int, tuple[int, int]]:
    """The small upright picture, the orientation of the file, and the size of the whole upright picture."""
    with PillowImage.open(io.BytesIO(data)) as image:
        if image.format == "JPEG" and image.mode in {"RGB", "L"}:
            orientation = image.getexif().get(ORIENTATION_TAG, 1)
            width, height = image.size
            image.draft(None, (LONGEST_SIDE, LONGEST_SIDE))  # decodes at a fraction of the size, in its time
            upright = ImageOps.exif_transpose(image)
            size = (height, width) if orientation in TRANSPOSED else (width, height)
        else:
            decoded = decode(data)
            orientation = decoded.orientation
            upright = PillowImage.fromarray(decoded.pixels)
            size = upright.size
    upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    return upright, orientation, size


def _base64_jpeg(image: PillowImage.Image) -> str:
    file = io.BytesIO()
    image.convert("RGB").save(file, "JPEG", quality=QUALITY)
    return base64.b64encode(file.getvalue()).decode("ascii")
