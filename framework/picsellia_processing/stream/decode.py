"""The bytes of an Asset -> pixels, whatever the file turns out to be.

JPEG, nearly all there is, goes through simplejpeg; what that does not take, and every other format, through Pillow.
"""

from __future__ import annotations

import contextlib
import ctypes
import io
import logging
import re
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import simplejpeg
from PIL import (
    BmpImagePlugin,
    ExifTags,
    GifImagePlugin,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
    _imaging,
)

from picsellia_processing.errors import AssetError
from picsellia_processing.geometry import orient
from picsellia_processing.stream import exif
from picsellia_processing.stream.file_type import picture_type

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

MAX_PIXELS = 178_956_970
"""The largest picture that is decoded by default, in pixels: half a gibibyte as RGB."""

_READERS: dict[str, Callable[[io.BytesIO], ImageFile]] = {
    "JPEG": JpegImagePlugin.JpegImageFile,
    "PNG": PngImagePlugin.PngImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
    "WebP": WebPImagePlugin.WebPImageFile,
    "JPEG 2000": Jpeg2KImagePlugin.Jpeg2KImageFile,
    "PNM": PpmImagePlugin.PpmImageFile,
}
with contextlib.suppress(ImportError):  # older Pillows have none
    from PIL import AvifImagePlugin

    _READERS["AVIF"] = AvifImagePlugin.AvifImageFile

_SILENCE = ("ignore", None, Warning, re.compile(r"PIL\."), 0)  # as it stands in `warnings.filters`
_JPEG_SCAN, _JPEG_END, _PNG_END = b"\xff\xda", b"\xff\xd9", b"IEND"
_TRANSPOSED = 5  # and every EXIF orientation above: width and height change places


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """A decoded file.

    `pixels` is height x width x 3, uint8, RGB, C-contiguous, writable, with the EXIF `orientation` (1..8) applied.
    `stored_width` and `stored_height` are those of the file, before that.
    """

    pixels: NDArray[np.uint8]
    orientation: int
    stored_width: int
    stored_height: int


def decode(data: bytes, *, max_pixels: int = MAX_PIXELS) -> Decoded:
    """The picture that the file `data` holds: JPEG, PNG, GIF, BMP, TIFF, WebP, AVIF, JPEG 2000 or PNM.

    Of an animation or a file of many pages, the first. Alpha and transparency are dropped: the colour beneath shows.
    Colour profiles are not applied; CMYK is converted without one. 16 bits become 8 by dropping the lower eight;
    32-bit integers are taken for 16-bit ones, clamped. Floats are multiplied by 255 where none is above 1, otherwise
    clamped to 0..255; nan is black. A broken EXIF block counts as none. A JPEG that lacks part of its picture data is
    refused, though a viewer would show the rest of it.

    Safe to call from many threads. Pillow's warnings are switched off in the whole process by the first call that
    needs Pillow: the files it warns of are the very ones expected here, and it cannot be done for one thread.

    Raises:
        AssetError: and nothing else, with a short reason: not an image, truncated, corrupt, more than `max_pixels`
            (told from the header, before memory is taken), a format or a colour mode that cannot be read.
    """
    format_ = picture_type(data)
    try:
        stored = _jpeg_pixels(data, max_pixels) if format_ == "JPEG" else None
        if stored is not None:
            orientation = exif.orientation(exif.jpeg_exif(data))
            pixels = orient(stored, orientation)
        else:
            pixels, orientation = _pillow_pixels(format_, data, max_pixels)
    except AssetError:
        raise
    except Exception as error:  # whatever a codec makes of a broken file, it costs this asset alone
        raise AssetError(_reason(format_, data, error)) from error
    height, width, _ = pixels.shape
    return Decoded(pixels, orientation, *((width, height) if orientation < _TRANSPOSED else (height, width)))


def _jpeg_pixels(data: bytes, max_pixels: int) -> NDArray[np.uint8] | None:
    """The stored pixels, or None where Pillow has to decide: CMYK, odd sampling, anything libjpeg has to mend."""
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(data)
        if colours not in ("YCbCr", "RGB", "Gray"):
            return None
        _refuse_bomb((int(width), int(height)), max_pixels)
        pixels: NDArray[np.uint8] = simplejpeg.decode_jpeg(data, "RGB", strict=True)
    except ValueError as error:
        if "premature end of data segment" in str(error):  # Pillow would fill up with grey, and say nothing
            raise AssetError(f"corrupt JPEG: part of its {len(data):,} bytes of picture data is missing") from error
        return None
    return pixels


def _pillow_pixels(format_: str, data: bytes, max_pixels: int) -> tuple[NDArray[np.uint8], int]:
    """The pixels with the EXIF orientation applied, and that orientation."""
    _silence_pillow()
    if format_ == "JPEG" and data.rfind(_JPEG_END) < data.rfind(_JPEG_SCAN):  # Pillow takes padding for pixels
        raise AssetError(_too_short(format_, data))
    if format_ == "WebP":  # Pillow's reader takes memory for the whole canvas as it opens the file
        _refuse_bomb(_webp_size(data), max_pixels)
    image = _open(format_, data)
    _refuse_bomb(image.size, max_pixels)
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        orientation = image.tag_v2.get(ExifTags.Base.Orientation, 1)
        image.load()  # Pillow applies the orientation, of TIFF alone
        return _rgb(image), int(orientation) if orientation in range(1, 9) else 1
    image.load()
    block = exif.jpeg_exif(data) if format_ == "JPEG" else _exif(image)  # only now: PNG may hold it behind the pixels
    orientation = exif.orientation(block)
    return orient(_rgb(image), orientation), orientation


def _silence_pillow() -> None:
    if tuple(warnings.filters[:1]) != (_SILENCE,):  # tests, and authors, put back filters that stood before
        warnings.filterwarnings("ignore", module=_SILENCE[3].pattern)


def _silence_libtiff() -> None:
    """Let libtiff, within Pillow, report errors without writing them to stderr as well: Pillow offers no switch."""
    with contextlib.suppress(OSError, AttributeError):  # a Pillow built in another way: then it writes
        libtiff = ctypes.CDLL(_imaging.__file__)  # looks the name up in the libraries it is linked to
        libtiff.TIFFSetErrorHandler.argtypes = [ctypes.c_void_p]
        libtiff.TIFFSetErrorHandler.restype = ctypes.c_void_p
        libtiff.TIFFSetErrorHandler(None)


_silence_libtiff()
logging.getLogger("PIL").setLevel(logging.CRITICAL)  # what it logs as an error is the reason of an AssetError here


def _refuse_bomb(size: tuple[int, int], max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels:
        raise AssetError(
            f"too large: {width:,} x {height:,} is {width * height:,} pixels, more than the {max_pixels:,} allowed",
        )


def _webp_size(data: bytes) -> tuple[int, int]:
    """Width and height as the header says; 0 x 0 where it does not, and so no picture that could be opened."""
    chunk, header = data[12:16], data[16:30]
    if len(header) < 14:  # noqa: PLR2004 - the longest of the three kinds
        return 0, 0
    if chunk == b"VP8X":
        return int.from_bytes(header[8:11], "little") + 1, int.from_bytes(header[11:14], "little") + 1
    if chunk == b"VP8L":
        bits = int.from_bytes(header[5:9], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    bits = int.from_bytes(header[10:14], "little")
    return bits & 0x3FFF, bits >> 16 & 0x3FFF


def _open(format_: str, data: bytes) -> ImageFile:
    """The file with its header read. Not by `Image.open`, which would guess, warn, and load plugins on first use."""
    if format_ not in _READERS:
        raise AssetError(f"{format_} is not supported by the Pillow that is installed")
    return _READERS[format_](io.BytesIO(data))


def _exif(image: ImageFile) -> bytes:
    block = image.info.get("exif", b"")
    raw_profile = image.info.get("Raw profile type exif")  # how ImageMagick writes it into PNG: three lines, then hex
    if not block and isinstance(raw_profile, str):
        with contextlib.suppress(ValueError):
            block = bytes.fromhex("".join(raw_profile.split("\n")[3:]))
    return block if isinstance(block, bytes) else b""


def _rgb(image: Image) -> NDArray[np.uint8]:
    """The picture as a new array of height x width x 3, whatever its colour mode."""
    if image.mode == "I" or image.mode.startswith("I;16"):
        return _as_rgb(np.clip(np.asarray(image), 0, 0xFFFF) >> 8)
    if image.mode == "F":
        levels = np.clip(np.nan_to_num(np.asarray(image), nan=0.0), 0, 255)
        return _as_rgb((levels * 255 if levels.max() <= 1 else levels).round())
    image.info.pop("transparency", None)  # else Pillow would warn that it drops it
    return np.array(image if image.mode == "RGB" else image.convert("RGB"))


def _as_rgb(grey: NDArray[Any]) -> NDArray[np.uint8]:
    return np.repeat(grey.astype(np.uint8)[..., None], 3, axis=2)


def _reason(format_: str, data: bytes, error: Exception) -> str:
    if isinstance(error, MemoryError):
        return f"too large: not enough memory to decode this {format_} of {len(data):,} bytes"
    least = _least_size(format_, data)
    if len(data) < least:
        return f"truncated: {len(data):,} of at least {least:,} bytes"
    if "truncated" in str(error).lower() or (format_ == "PNG" and _PNG_END not in data):
        return _too_short(format_, data)
    return f"unreadable {format_}: {error}"


def _too_short(format_: str, data: bytes) -> str:
    return f"truncated: this {format_} of {len(data):,} bytes ends too early"


def _least_size(format_: str, data: bytes) -> int:
    """The size in bytes which the header of the file promises, as far as it does."""
    match format_:
        case "WebP":
            return int.from_bytes(data[4:8], "little") + 8
        case "BMP":
            return int.from_bytes(data[2:6], "little")
        case "TIFF" if data[2:4] in (b"*\0", b"\0*"):  # the offset of the directory
            return int.from_bytes(data[4:8], "little" if data.startswith(b"I") else "big") + 2
        case _:
            return 0
