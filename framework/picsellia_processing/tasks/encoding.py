"""New images as files: encoded ahead, in threads, into a folder, so that only what is under way holds pixels."""

from __future__ import annotations

import io
import os
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
import simplejpeg
from PIL import Image

from picsellia_processing.errors import AssetError, ResultError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

JPEG_QUALITY = 95
PNG_COMPRESSION = 3
"""zlib's level: files a few percent larger than at its default, in a third of the time."""
JPEG_SUFFIXES = frozenset({".jpg", ".jpeg"})


def suffix_like(filename: str) -> str:
    """The suffix of a new image derived from the file `filename`: JPEG stays JPEG, everything else becomes PNG."""
    suffix = PurePosixPath(filename).suffix.lower()
    return suffix if suffix in JPEG_SUFFIXES else ".png"


def check_pixels(pixels: Any, name: str) -> None:
    """Check that these are the pixels of an image.

    Raises:
        ResultError: they are not height x width x 3 of uint8, or there are none.
    """
    found = f"{type(pixels).__name__} {pixels!r:.60}"
    if isinstance(pixels, np.ndarray):
        if pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.shape[2] == 3 and pixels.size:  # noqa: PLR2004
            return
        found = f"{' x '.join(map(str, pixels.shape)) or 'a scalar'} of {pixels.dtype}"
    raise ResultError(f"the pixels of {name} are height x width x 3 of uint8, RGB; found {found}")


def encode(pixels: NDArray[np.uint8], suffix: str) -> bytes:
    """The file: JPEG of quality 95 without chroma subsampling for .jpg and .jpeg, else PNG. Same pixels, same bytes.

    Raises:
        AssetError: the format cannot hold it: a JPEG is at most 65,500 pixels wide and high.
    """
    try:
        return _encoded(pixels, suffix)
    except ValueError as error:
        height, width, _ = pixels.shape
        raise AssetError(f"a new image of {width:,} x {height:,} cannot be stored as {suffix}: {error}") from error


def _encoded(pixels: NDArray[np.uint8], suffix: str) -> bytes:
    if suffix in JPEG_SUFFIXES:
        file: bytes = simplejpeg.encode_jpeg(pixels, JPEG_QUALITY, colorspace="RGB", colorsubsampling="444")
        return file
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=PNG_COMPRESSION)
    return buffer.getvalue()


class Encoder:
    """Encodes images in threads, into files of a folder. At most two images per core are held at once."""

    def __init__(self, folder: Path) -> None:
        cores = os.cpu_count() or 1
        self._folder = folder
        self._pool = ThreadPoolExecutor(cores, thread_name_prefix="encode")
        self._room = threading.BoundedSemaphore(2 * cores)

    def submit(self, pixels: NDArray[np.uint8], filename: str) -> Future[Path]:
        """Have a copy of `pixels` written to a file of this name. Waits while too many others are under way."""
        self._room.acquire()
        try:
            future = self._pool.submit(self._write, np.array(pixels, order="C"), filename)
        except BaseException:
            self._room.release()
            raise
        future.add_done_callback(lambda _: self._room.release())
        return future

    def _write(self, pixels: NDArray[np.uint8], filename: str) -> Path:
        path = self._folder / filename
        path.write_bytes(encode(pixels, path.suffix))
        return path
