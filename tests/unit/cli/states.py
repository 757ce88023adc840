"""Assets with shapes of every kind, as the tests of the command's results need them."""

from __future__ import annotations

import io

import numpy as np
from picsellia_processing.cli.end_state import AssetState, StoredShape
from picsellia_processing.geometry import encode_rle
from picsellia_processing.image import AssetReference
from PIL import Image

WIDTH, HEIGHT = 40, 30


def mask() -> np.ndarray:
    pixels = np.zeros((HEIGHT, WIDTH), bool)
    pixels[10:20, 5:15] = True
    return pixels


SHAPES = (
    StoredShape("rectangle", "cat", {"x": 1, "y": 2, "w": 10, "h": 5}, 0.75),
    StoredShape("polygon", "dog", {"polygon": [[0, 0], [10, 0], [10, 10], [0, 10]]}),
    StoredShape("mask", "cat", {"mask": encode_rle(mask()), "area": 100, "bbox": [5, 10, 10, 10]}, 0.5),
    StoredShape("line", "dog", {"line": [[0, 5], [20, 25]]}),
    StoredShape("point", "dog", {"point": [7, 8]}),
    StoredShape("keypoints", "cat", {"keypoints": [[1, 2, 2], [9, 8, 1], [0, 0, 0]]}),
    StoredShape("classification", "cat", {}, 0.25),
)


def asset(filename: str, *shapes: StoredShape, annotated: bool = True) -> AssetState:
    return AssetState(AssetReference(f"id-{filename}", filename, width=WIDTH, height=HEIGHT), annotated, shapes)


def file(orientation: int = 1, kind: str = "JPEG", size: tuple[int, int] = (WIDTH, HEIGHT)) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    written = io.BytesIO()
    Image.new("RGB", size, "white").save(written, kind, exif=exif)
    return written.getvalue()
