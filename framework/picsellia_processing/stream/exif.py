"""The EXIF orientation of a file, and nothing else of it: a fast reader which no broken block can trouble."""

from __future__ import annotations

import struct

_HEADER = b"Exif\0\0"
_ORIENTATION = 0x0112
_VALUE_FORMATS = {1: "B", 3: "H", 4: "I"}  # the tag is a SHORT; some writers use other integers
_APP1, _START_OF_SCAN, _END_OF_IMAGE = 0xE1, 0xDA, 0xD9


def jpeg_exif(data: bytes) -> bytes:
    """The EXIF block of the JPEG file `data`; empty where there is none before its pixels."""
    position = 2
    while position + 4 <= len(data) and data[position] == 0xFF:  # noqa: PLR2004 - every marker starts with it
        marker = data[position + 1]
        if marker in (_START_OF_SCAN, _END_OF_IMAGE):
            break
        if marker == 0xFF:  # noqa: PLR2004 - padding
            position += 1
            continue
        end = position + 2 + int.from_bytes(data[position + 2 : position + 4])
        if marker == _APP1 and data.startswith(_HEADER, position + 4):
            return data[position + 4 : end]
        position = end
    return b""


def orientation(exif: bytes) -> int:
    """The orientation, 1 to 8, that an EXIF block (with or without its "Exif" header) holds; 1 where it holds none."""
    block = exif.removeprefix(_HEADER)
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    if order is None:
        return 1
    try:
        (directory,) = struct.unpack_from(order + "I", block, 4)
        (count,) = struct.unpack_from(order + "H", block, directory)
        for entry in range(directory + 2, directory + 2 + 12 * count, 12):
            tag, kind = struct.unpack_from(order + "HH", block, entry)
            if tag == _ORIENTATION and kind in _VALUE_FORMATS:
                (value,) = struct.unpack_from(order + _VALUE_FORMATS[kind], block, entry + 8)
                return value if 1 <= value <= 8 else 1  # noqa: PLR2004 - EXIF knows eight
    except struct.error:
        pass  # the block ends early
    return 1
