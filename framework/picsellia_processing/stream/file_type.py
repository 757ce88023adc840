"""What a file is, told from its first bytes: its name and its content type are not asked."""

from __future__ import annotations

import re

from picsellia_processing.errors import AssetError

_PICTURES = (
    ("JPEG", rb"\xff\xd8\xff"),
    ("PNG", rb"\x89PNG\r\n\x1a\n"),
    ("GIF", rb"GIF8[79]a"),
    ("BMP", rb"BM.{12}[\x0c\x10\x28\x34\x38\x40\x6c\x7c]\0\0\0"),
    ("TIFF", rb"II[\x2a\x2b]\0|MM\0[\x2a\x2b]"),
    ("WebP", rb"RIFF....WEBP"),
    ("AVIF", rb"....ftypavi[fs]"),
    ("JPEG 2000", rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51"),
    ("PNM", rb"P[1-6]\s"),
)
_OTHERS = (
    ("HEIC is not supported", rb"....ftyp(?:hei[cxms]|hev[cxms]|mif1|msf1)"),
    ("JPEG XL is not supported", rb"\xff\x0a|\0\0\0\x0cJXL \r\n\x87\n"),
    ("Photoshop is not supported", rb"8BPS"),
    ("SVG is not supported, being no picture of pixels", rb"(?:<\?xml.*?|<!--.*?|\s*)<svg\b"),
    ("video, not an image", rb"....(?:ftyp|moov|mdat)|\x1aE\xdf\xa3|RIFF....AVI |\0\0\x01[\xb3\xba]|OggS|FLV\x01"),
    ("PDF, not an image", rb"%PDF"),
    ("HTML, not an image", rb"\s*<(?:!doctype html|html|head|body)"),
    ("XML, not an image", rb"\s*<\?xml"),
    ("JSON, not an image", rb"\s*[{\[]\s*[\"{\[\]}]"),
    ("zip archive, not an image", rb"PK\x03\x04"),
    ("gzip archive, not an image", rb"\x1f\x8b"),
)
_BEGINNING = 1024


_PICTURE_PATTERNS = [(name, re.compile(pattern, re.DOTALL)) for name, pattern in _PICTURES]
_OTHER_PATTERNS = [(reason, re.compile(pattern, re.DOTALL | re.IGNORECASE)) for reason, pattern in _OTHERS]


def picture_type(data: bytes) -> str:
    """The format of the picture that `data` is: JPEG, PNG, GIF, BMP, TIFF, WebP, AVIF, JPEG 2000 or PNM.

    Raises:
        AssetError: it is none of these; the reason names what it is, or shows how it starts.
    """
    if not data:
        raise AssetError("empty file: 0 bytes")
    beginning = data[:_BEGINNING].removeprefix(b"\xef\xbb\xbf")  # text may start with a byte order mark
    for name, pattern in _PICTURE_PATTERNS:
        if pattern.match(beginning):
            return name
    if not data.strip(b"\0"):
        raise AssetError(f"not an image: {len(data):,} zero bytes")
    for reason, pattern in _OTHER_PATTERNS:
        if pattern.match(beginning):
            raise AssetError(reason)
    raise AssetError(f"not an image: starts with {data[:8]!r}")
