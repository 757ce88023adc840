"""Files as they come in practice: odd ones that must decode, broken ones that must be refused with a reason."""

from __future__ import annotations

import io
import math
import struct
import zlib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import simplejpeg
from PIL import Image, features

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

Colour: TypeAlias = tuple[int, int, int]
Corners: TypeAlias = tuple[Colour, Colour, Colour, Colour]

WIDTH, HEIGHT = 64, 48
RED, GREEN, BLUE, WHITE, BLACK = (220, 30, 30), (30, 180, 40), (40, 60, 200), (240, 240, 240), (0, 0, 0)
CORNERS: Corners = (RED, GREEN, BLUE, WHITE)
"""The colours of PICTURE: upper left, upper right, lower left, lower right."""


@dataclass(frozen=True)
class Decodes:
    """The file is a picture of this size; `corners` are its four quarters, None where they may be anything."""

    width: int = WIDTH
    height: int = HEIGHT
    corners: Corners | None = CORNERS
    orientation: int = 1


@dataclass(frozen=True)
class Refused:
    """The file is refused, and the reason says this."""

    reason: str


@dataclass(frozen=True)
class BadImage:
    name: str
    data: bytes
    outcome: Decodes | Refused


def picture_pixels() -> NDArray[np.uint8]:
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    middle_x, middle_y = WIDTH // 2, HEIGHT // 2
    pixels[:middle_y, :middle_x], pixels[:middle_y, middle_x:] = RED, GREEN
    pixels[middle_y:, :middle_x], pixels[middle_y:, middle_x:] = BLUE, WHITE
    return pixels


def grey(corners: Corners = CORNERS) -> Corners:
    a, b, c, d = (round(0.299 * r + 0.587 * g + 0.114 * b) for r, g, b in corners)
    return (a, a, a), (b, b, b), (c, c, c), (d, d, d)


PICTURE = Image.fromarray(picture_pixels())
GREY_DECODES = Decodes(corners=grey())
STORED_AS = {
    1: lambda picture: picture,
    2: lambda picture: picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    3: lambda picture: picture.transpose(Image.Transpose.ROTATE_180),
    4: lambda picture: picture.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
    5: lambda picture: picture.transpose(Image.Transpose.TRANSPOSE),
    6: lambda picture: picture.transpose(Image.Transpose.ROTATE_90),
    7: lambda picture: picture.transpose(Image.Transpose.TRANSVERSE),
    8: lambda picture: picture.transpose(Image.Transpose.ROTATE_270),
}
"""EXIF orientation -> the picture as a camera stores it, so that it is upright once the orientation is applied."""


@cache
def bad_images() -> tuple[BadImage, ...]:
    """Every kind of file, under a name that is unique."""
    sources = (
        _jpegs,
        _truncated_and_corrupt_jpegs,
        _pngs,
        _broken_pngs,
        _tiffs,
        _other_pictures,
        _oriented,
        _no_pictures,
    )
    return tuple(BadImage(name, data, outcome) for source in sources for name, data, outcome in source())


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def exif_block(orientation: int, byte_order: str = "<", kind: int = 3) -> bytes:
    """An EXIF block which holds an orientation and nothing else."""
    value = struct.pack(byte_order + {3: "HH", 4: "I"}[kind], *([orientation] if kind == 4 else [orientation, 0]))
    header = (b"II" if byte_order == "<" else b"MM") + struct.pack(byte_order + "HI", 42, 8)
    return b"Exif\0\0" + header + struct.pack(byte_order + "HHHI", 1, 0x0112, kind, 1) + value + bytes(4)


def segment(marker: int, content: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(content) + 2) + content


def _with_segment(jpeg: bytes, marker: int, content: bytes) -> bytes:
    return jpeg[:2] + segment(marker, content) + jpeg[2:]


def _jpeg(**options: object) -> bytes:
    return saved(PICTURE, "JPEG", quality=95, **options)


def _noise_jpeg(**options: object) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)
    return saved(Image.fromarray(pixels), "JPEG", quality=95, **options)


def _jpegs() -> Iterator[tuple[str, bytes, Decodes | Refused]]:
    plain = _jpeg()
    cmyk = PICTURE.convert("CMYK")
    yield "jpeg", plain, Decodes()
    yield "jpeg progressive", _jpeg(progressive=True), Decodes()
    yield "jpeg rgb, not ycbcr", _jpeg(keep_rgb=True), Decodes()
    yield "jpeg grey", saved(PICTURE.convert("L"), "JPEG", quality=95), GREY_DECODES
    yield "jpeg cmyk by adobe, inverted", saved(cmyk, "JPEG", quality=95), Decodes()
    inverted = np.ascontiguousarray(255 - np.asarray(cmyk))
    yield "jpeg ycck by adobe", simplejpeg.encode_jpeg(inverted, 95, "CMYK", "444"), Decodes()
    yield "jpeg followed by garbage", plain + b"\0GARBAGE" * 100, Decodes()
    yield "jpeg followed by zeros", plain + bytes(5000), Decodes()
    yield "jpeg named with a comment", _with_segment(plain, 0xFE, b"a.png"), Decodes()
    yield "jpeg with padding before a marker", plain[:2] + b"\xff\xff\xff" + plain[2:], Decodes()
    yield "jpeg with broken colour profile", _jpeg(icc_profile=b"no profile at all"), Decodes()
    yield (
        "jpeg with xmp that looks like exif",
        _with_segment(plain, 0xE1, b"http://ns.adobe.com/xap/1.0/\0Exif"),
        Decodes(),
    )
    yield (
        "jpeg in a multi-picture file",
        saved(PICTURE, "MPO", save_all=True, append_images=[Image.new("RGB", (9, 9))]),
        (Decodes()),
    )
    yield "jpeg of one pixel", saved(Image.new("RGB", (1, 1), RED), "JPEG", quality=95), Decodes(1, 1, None)
    yield "jpeg of one column", saved(Image.new("RGB", (1, 300), RED), "JPEG", quality=95), Decodes(1, 300, (RED,) * 4)
    yield "jpeg of one row", saved(Image.new("RGB", (300, 1), RED), "JPEG", quality=95), Decodes(300, 1, (RED,) * 4)
    without_pixels = plain[: plain.index(b"\xff\xda")]
    yield "jpeg tables only", without_pixels + b"\xff\xd9", Refused("JPEG")


def _truncated_and_corrupt_jpegs() -> Iterator[tuple[str, bytes, Decodes | Refused]]:
    noise = _noise_jpeg()
    middle = len(noise) // 2
    for name, end in (("in its header", 300), ("halfway", middle), ("near its end", -40), ("before its end mark", -2)):
        yield f"jpeg truncated {name}", noise[:end], Refused("truncated")
    yield "jpeg truncated after three bytes", noise[:3], Refused("JPEG")
    yield "jpeg progressive truncated", _noise_jpeg(progressive=True)[:middle], Refused("truncated")
    yield "jpeg cmyk truncated", saved(PICTURE.convert("CMYK"), "JPEG")[:-100], Refused("truncated")
    yield "jpeg cut short, then closed", noise[:middle] + b"\xff\xd9", Refused("corrupt JPEG: part of its")
    yield "jpeg cut short, then padded", noise[:middle] + bytes(4000), Refused("truncated")
    thumbnail = exif_block(1) + saved(PICTURE.resize((16, 12)), "JPEG")
    yield (
        "jpeg truncated, its thumbnail is whole",
        _with_segment(noise, 0xE1, thumbnail)[:-middle],
        Refused("truncated"),
    )
    yield "jpeg with a hole of zeros", noise[:middle] + bytes(40) + noise[middle + 40 :], Decodes(corners=None)
    yield "jpeg with a foreign marker inside", noise[:middle] + b"\xff\xc4" + noise[middle + 2 :], Refused("JPEG")
    frame = noise.index(b"\xff\xc0") + 5
    huge = noise[:frame] + struct.pack(">HH", 60_000, 60_000) + noise[frame + 4 :]
    yield "jpeg of 60,000 x 60,000 by its header", huge, Refused("too large: 60,000 x 60,000 is 3,600,000,000 pixels")
    empty = noise[:frame] + struct.pack(">HH", 0, 0) + noise[frame + 4 :]
    yield "jpeg of 0 x 0 by its header", empty, Refused("JPEG")


def png(pixels: bytes, width: int, height: int, depth: int, colours: int, *before: bytes, after: bytes = b"") -> bytes:
    """A PNG of these filtered rows, with chunks before and after the pixels."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colours, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(pixels))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(before) + data + after + chunk(b"IEND", b"")


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def rows(pixels: NDArray[np.generic]) -> bytes:
    return b"".join(b"\0" + row.tobytes() for row in pixels)


def _rgb_png(*before: bytes, after: bytes = b"") -> bytes:
    return png(rows(picture_pixels()), WIDTH, HEIGHT, 8, 2, *before, after=after)


def _pngs() -> Iterator[tuple[str, bytes, Decodes | Refused]]:
    pixels = picture_pixels()
    wide = (pixels.astype(np.uint16) << 8) | 0x7F
    palette = PICTURE.quantize(4)
    alpha = np.tile(np.arange(WIDTH, dtype=np.uint8), (HEIGHT, 1))
    yield "png", saved(PICTURE, "PNG"), Decodes()
    yield "png interlaced and called .jpg", saved(PICTURE, "PNG", interlace=1), Decodes()
    yield "png grey", saved(PICTURE.convert("L"), "PNG"), GREY_DECODES
    grey_alpha = np.dstack([np.asarray(PICTURE.convert("L")), alpha])
    yield "png grey and alpha", saved(Image.fromarray(grey_alpha), "PNG"), GREY_DECODES
    yield "png rgb and alpha", saved(Image.fromarray(np.dstack([pixels, alpha])), "PNG"), Decodes()
    yield "png palette", saved(palette, "PNG"), Decodes()
    yield "png palette, one colour transparent", saved(palette, "PNG", transparency=1), Decodes()
    yield "png palette, every colour half transparent", saved(palette, "PNG", transparency=bytes([9, 99, 0])), Decodes()
    yield "png rgb, one colour transparent", saved(PICTURE, "PNG", transparency=RED), Decodes()
    yield (
        "png 1 bit",
        saved(PICTURE.convert("L").point(lambda v: 255 * (v > 150), "1"), "PNG"),
        (Decodes(corners=(BLACK, BLACK, BLACK, (255, 255, 255)))),
    )
    yield (
        "png 16 bits grey",
        saved(Image.fromarray(wide[..., 0]), "PNG"),
        (Decodes(corners=tuple((red, red, red) for red, *_ in CORNERS))),
    )
    yield "png 16 bits rgb", png(rows(wide.astype(">u2")), WIDTH, HEIGHT, 16, 2), Decodes()
    yield (
        "png animated",
        saved(PICTURE, "PNG", save_all=True, append_images=[Image.new("RGB", PICTURE.size)]),
        Decodes(),
    )
    yield "png animation with no frames", _rgb_png(chunk(b"acTL", bytes(8))), Decodes()
    yield "png with broken colour profile", _rgb_png(chunk(b"iCCP", b"icc\0\0" + zlib.compress(b"none"))), Decodes()
    yield "png with colour profile that does not inflate", _rgb_png(chunk(b"iCCP", b"icc\0\0junk")), Decodes()
    yield (
        "png of which the data inflate to 30 MB",
        png(rows(pixels) + bytes(30_000_000), WIDTH, HEIGHT, 8, 2),
        Decodes(),
    )
    yield "png without its last three bytes", _rgb_png()[:-3], Decodes()
    yield (
        "png rotated by exif behind the pixels",
        _rgb_png(after=chunk(b"eXIf", exif_block(6)[6:])),
        (Decodes(HEIGHT, WIDTH, (BLUE, RED, WHITE, GREEN), orientation=6)),
    )
    profile = f"\nexif\n      {len(exif_block(3))}\n{exif_block(3).hex()}\n".encode()
    yield (
        "png rotated by exif in a text chunk",
        _rgb_png(chunk(b"tEXt", b"Raw profile type exif\0" + profile)),
        (Decodes(corners=(WHITE, BLUE, GREEN, RED), orientation=3)),
    )


def _broken_pngs() -> Iterator[tuple[str, bytes, Decodes | Refused]]:
    noise = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)
    whole = saved(Image.fromarray(noise), "PNG")
    data = whole.index(b"IDAT") + 4
    yield "png truncated halfway", whole[: len(whole) // 2], Refused("truncated")
    yield "png truncated in its header", whole[:20], Refused("truncated")
    yield "png truncated after its signature", whole[:8], Refused("PNG")
    yield "png with wrong check sum in its header", whole[:29] + b"\0\0\0\0" + whole[33:], Refused("unreadable PNG")
    yield (
        "png of which the data do not inflate",
        whole[:data] + bytes(60) + whole[data + 60 :],
        Refused("unreadable PNG"),
    )
    yield (
        "png with a damaged line ending",
        whole.replace(b"\r\n", b"\n", 1),
        Refused("not an image: starts with b'\\x89PNG"),
    )
    yield (
        "png of 20,000 x 20,000 by its header",
        png(bytes(99), 20_000, 20_000, 8, 2),
        Refused("too large: 20,000 x 20,000"),
    )
    yield "png of 0 x 0", png(b"", 0, 0, 8, 2), Refused("unreadable PNG")
    bomb = zlib.compress(bytes(5_000_000))
    yield (
        "png with text that inflates to 5 MB",
        _rgb_png(chunk(b"zTXt", b"a\0\0" + bomb)),
        Refused("unreadable PNG: Decompressed"),
    )
    yield (
        "png with profile that inflates to 5 MB",
        _rgb_png(chunk(b"iCCP", b"a\0\0" + bomb)),
        Refused("unreadable PNG: Decompressed"),
    )


def tiff(pixels: NDArray[np.generic], orientation: object = 1, byte_order: str = "<") -> bytes:
    """An uncompressed TIFF of grey or RGB pixels of any type."""
    height, width, *samples = pixels.shape
    count = samples[0] if samples else 1
    data = pixels.astype(pixels.dtype.newbyteorder(byte_order)).tobytes()
    sample_format = {"u": 1, "i": 2, "f": 3}[pixels.dtype.kind]
    tags = ((256, width), (257, height), (258, 8 * pixels.itemsize), (259, 1), (262, 2 if samples else 1), (273, 8))
    tags += ((274, orientation), (277, count), (278, height), (279, len(data)), (339, sample_format))
    directory = struct.pack(byte_order + "H", len(tags))
    extra = 8 + len(data) + 2 + 12 * len(tags) + 4
    for tag, value in tags:
        if tag in (258, 339) and count > 2:  # one value for each sample, too many to fit into the entry
            directory += struct.pack(byte_order + "HHII", tag, 3, count, extra if tag == 258 else extra + 2 * count)
        else:
            directory += struct.pack(
                byte_order + "HHII" if tag in (273, 279) else byte_order + "HHIHxx",
                tag,
                4 if tag in (273, 279) else 3,
                1,
                value,
            )
    values = struct.pack(byte_order + f"{2 * count}H", *[8 * pixels.itemsize] * count, *[sample_format] * count)
    start = (b"II" if byte_order == "<" else b"MM") + struct.pack(byte_order + "HI", 42, 8 + len(data))
    return start + data + directory + bytes(4) + values


def _tiffs() -> Iterator[tuple[str, bytes, Decodes | Refused]]:
    pixels = picture_pixels()
    red = pixels[..., 0]
    red_decodes = Decodes(corners=tuple((value, value, value) for value, *_ in CORNERS))
    wide = (pixels.astype(np.uint16) << 8) | 0x7F
    unit = (red / 255).astype(np.float32)
    dotted = unit.copy()
    dotted[5, 5] = math.nan
    yield "tiff", tiff(pixels), Decodes()
    yield "tiff big endian", tiff(pixels, byte_order=">"), Decodes()
    yield "tiff bigtiff", saved(PICTURE, "TIFF", big_tiff=True), Decodes()
    for compression in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"):
        yield f"tiff compressed by {compression}", saved(PICTURE, "TIFF", compression=compression), Decodes()
    yield "tiff cmyk", saved(PICTURE.convert("CMYK"), "TIFF"), Decodes()
    yield "tiff 16 bits grey", tiff(wide[..., 0]), red_decodes
    yield "tiff 16 bits grey, big endian", tiff(wide[..., 0], byte_order=">"), red_decodes
    yield "tiff 16 bits rgb", tiff(wide), Decodes()
    yield "tiff 32 bits", tiff(wide[..., 0].astype(np.int32)), red_decodes
    yield "tiff 32 bits, beyond 16", tiff(np.full((9, 9), 1 << 20, np.int32)), Decodes(9, 9, ((255, 255, 255),) * 4)
    yield "tiff 16 bits signed, negative", tiff(np.full((9, 9), -5, np.int16)), Decodes(9, 9, (BLACK,) * 4)
    yield "tiff float within 0..1", tiff(unit), red_decodes
    yield "tiff float within 0..255", tiff(red.astype(np.float32)), red_decodes
    yield "tiff float with nan", tiff(dotted), red_decodes
    yield "tiff float of nothing but nan", tiff(np.full((9, 9), math.nan, np.float32)), Decodes(9, 9, (BLACK,) * 4)
    yield (
        "tiff float with infinities",
        tiff(np.array([[-math.inf, math.inf]], np.float32)),
        (Decodes(2, 1, (BLACK, (255, 255, 255), BLACK, (255, 255, 255)))),
    )
    yield "tiff of two pages", saved(PICTURE, "TIFF", save_all=True, append_images=[Image.new("L", (9, 9))]), Decodes()
    yield (
        "tiff with a tag that points nowhere",
        tiff(pixels).replace(struct.pack("<HHI", 339, 3, 3), struct.pack("<HHI", 339, 3, 99_999)),
        Decodes(),
    )
    yield "tiff rotated", tiff(pixels, 6), Decodes(HEIGHT, WIDTH, (BLUE, RED, WHITE, GREEN), orientation=6)
    yield (
        "tiff 16 bits rotated",
        tiff(wide[..., 0], 3),
        Decodes(corners=tuple((value, value, value) for value, *_ in reversed(CORNERS)), orientation=3),
    )
    yield (
        "tiff rotated, compressed by jpeg",
        saved(PICTURE, "TIFF", compression="jpeg", exif=_exif(6)),
        (Decodes(HEIGHT, WIDTH, (BLUE, RED, WHITE, GREEN), orientation=6)),
    )
    yield "tiff with orientation 9", tiff(pixels, 9), Decodes()
    yield "tiff lab", saved(Image.new("LAB", (9, 9)), "TIFF"), Decodes(9, 9, None)
    for compression in ("tiff_lzw", "tiff_adobe_deflate", "jpeg"):
        whole = saved(PICTURE, "TIFF", compression=compression)
        corrupt = whole[:8] + b"\xff\xd8\xff\xc4" * 8 + whole[40:]
        yield f"tiff compressed by {compression}, corrupt", corrupt, Refused("unreadable TIFF")
    many = tiff(pixels).replace(struct.pack("<HHIH", 277, 3, 1, 3), struct.pack("<HHIH", 277, 3, 1, 255))
    yield "tiff of 255 channels", many, Refused("unreadable TIFF")
    yield "tiff truncated", tiff(pixels)[: WIDTH * HEIGHT], Refused("truncated: 3,072 of at least 9,226 bytes")
    yield "tiff truncated, directory first", saved(PICTURE, "TIFF")[:-1000], Refused("truncated")
    yield "tiff header only", tiff(pixels)[:8], Refused("truncated")
    yield (
        "tiff of 40,000 x 40,000 by its header",
        tiff(pixels)
        .replace(struct.pack("<HHIH", 256, 3, 1, WIDTH), struct.pack("<HHIH", 256, 3, 1, 40_000))
        .replace(struct.pack("<HHIH", 257, 3, 1, HEIGHT), struct.pack("<HHIH", 257, 3, 1, 40_000)),
        Refused("too large"),
    )


def _exif(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def _other_pictures() -> Iterator[tuple[str, bytes, Decodes | Refused]]:
    black = Image.new("RGB", PICTURE.size)
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8))
    see_through = PICTURE.convert("RGBA")
    see_through.putalpha(99)
    yield "gif", saved(PICTURE, "GIF"), Decodes()
    yield "gif animated", saved(PICTURE, "GIF", save_all=True, append_images=[black]), Decodes()
    yield "gif with a transparent colour", saved(PICTURE.quantize(4), "GIF", transparency=0), Decodes()
    yield "gif truncated", saved(noise, "GIF")[:1000], Refused("truncated")
    yield "gif header only", saved(noise, "GIF")[:13], Refused("GIF")
    yield (
        "gif of 60,000 x 60,000 by its header",
        b"GIF89a" + struct.pack("<HH", 60_000, 60_000) + (saved(noise, "GIF")[10:]),
        Refused("too large"),
    )
    yield "bmp", saved(PICTURE, "BMP"), Decodes()
    yield "bmp palette", saved(PICTURE.quantize(4), "BMP"), Decodes()
    yield "bmp truncated", saved(PICTURE, "BMP")[:1000], Refused("truncated: 1,000 of at least 9,270 bytes")
    yield "webp lossless", saved(PICTURE, "WEBP", lossless=True), Decodes()
    yield "webp", saved(PICTURE, "WEBP", quality=95), Decodes()
    yield "webp with alpha", saved(see_through, "WEBP", lossless=True, exact=True), Decodes()
    yield "webp animated", saved(PICTURE, "WEBP", save_all=True, append_images=[black], lossless=True), Decodes()
    yield "webp truncated", saved(noise, "WEBP")[:500], Refused("truncated: 500 of at least ")
    for kind, canvas in (
        ("extended", b"VP8X" + struct.pack("<I", 10) + bytes(4) + b"\xff\xff\0" * 2),
        ("lossless", b"VP8L" + struct.pack("<I", 10) + b"\x2f" + struct.pack("<I", 16_382 << 14 | 16_382) + bytes(5)),
        ("lossy", b"VP8 " + struct.pack("<I", 10) + b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", 16_383, 16_383)),
    ):
        yield (
            f"webp {kind} of huge size by its header",
            b"RIFF" + struct.pack("<I", 22) + b"WEBP" + canvas,
            (Refused("too large")),
        )
    yield "jpeg 2000", saved(PICTURE, "JPEG2000"), Decodes()
    yield "jpeg 2000 truncated", saved(noise, "JPEG2000")[:500], Refused("JPEG 2000")
    yield "pnm", saved(PICTURE, "PPM"), Decodes()
    yield "pnm truncated", saved(PICTURE, "PPM")[:500], Refused("truncated")
    if "avif" in features.modules and features.check("avif"):
        yield "avif", saved(PICTURE, "AVIF", quality=95), Decodes()
        yield (
            "avif rotated",
            saved(PICTURE, "AVIF", quality=95, exif=_exif(3)),
            (Decodes(corners=(WHITE, BLUE, GREEN, RED), orientation=3)),
        )
        yield "avif truncated", saved(noise, "AVIF")[:-200], Refused("truncated")
    else:
        yield "avif", b"\0\0\0\x20ftypavif" + bytes(99), Refused("AVIF")


def _oriented() -> Iterator[tuple[str, bytes, Decodes | Refused]]:
    for orientation, stored in STORED_AS.items():
        jpeg = saved(stored(PICTURE), "JPEG", quality=95)
        yield (
            f"jpeg orientation {orientation}",
            _with_segment(jpeg, 0xE1, exif_block(orientation)),
            (Decodes(orientation=orientation)),
        )
    plain = _jpeg()
    turned = Decodes(HEIGHT, WIDTH, (BLUE, RED, WHITE, GREEN), orientation=6)
    yield "jpeg orientation, big endian", _with_segment(plain, 0xE1, exif_block(6, ">")), turned
    yield "jpeg orientation as a long", _with_segment(plain, 0xE1, exif_block(6, kind=4)), turned
    yield (
        "jpeg orientation in the second block of its kind",
        _with_segment(_with_segment(plain, 0xE1, exif_block(6)), 0xE1, b"http://ns.adobe.com/xap/1.0/\0<x/>"),
        turned,
    )
    yield (
        "jpeg cmyk rotated",
        _with_segment(saved(PICTURE.convert("CMYK"), "JPEG", quality=95), 0xE1, exif_block(6)),
        turned,
    )
    yield "webp rotated", saved(PICTURE, "WEBP", lossless=True, exif=_exif(6)), turned
    yield "png rotated", saved(PICTURE, "PNG", exif=_exif(6)), turned
    for orientation in (0, 9, 65_535):
        yield f"jpeg orientation {orientation}", _with_segment(plain, 0xE1, exif_block(orientation)), Decodes()
    whole = exif_block(6)
    for name, block in (
        ("empty", b"Exif\0\0"),
        ("garbage", b"Exif\0\0" + bytes(range(256))),
        ("truncated", whole[:20]),
        ("with a directory beyond its end", whole[:10] + b"\xff\xff\xff\xff" + whole[14:]),
        ("with too many entries", whole[:14] + b"\xff\xff" + bytes(50)),
        ("with a text as orientation", whole[:18] + b"\x02" + whole[19:]),
    ):
        yield f"jpeg exif {name}", _with_segment(plain, 0xE1, block), Decodes()
        yield (
            f"jpeg cmyk exif {name}",
            _with_segment(saved(PICTURE.convert("CMYK"), "JPEG", quality=95), 0xE1, block),
            (Decodes()),
        )
    yield "webp exif garbage", saved(PICTURE, "WEBP", lossless=True, exif=b"Exif\0\0garbage"), Decodes()


def _no_pictures() -> Iterator[tuple[str, bytes, Decodes | Refused]]:
    yield "empty", b"", Refused("empty file")
    yield "zeros", bytes(1000), Refused("1,000 zero bytes")
    yield "one byte", b"\xff", Refused("not an image: starts with b'\\xff'")
    yield "html", b"<!DOCTYPE html>\n<html><body>404 Not Found</body></html>", Refused("HTML, not an image")
    yield "html after a byte order mark", b"\xef\xbb\xbf\n<HTML>", Refused("HTML, not an image")
    yield (
        "error page of a storage",
        b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>',
        Refused("XML, not"),
    )
    yield "json", b'{"detail": "not found"}', Refused("JSON, not an image")
    yield "text", b"once upon a time", Refused("not an image: starts with b'once upo'")
    yield "pdf", b"%PDF-1.7\n", Refused("PDF, not an image")
    yield "svg", b'<svg xmlns="http://www.w3.org/2000/svg"/>', Refused("SVG is not supported")
    yield (
        "svg after an xml declaration",
        b'<?xml version="1.0"?>\n<!-- by hand -->\n<svg/>',
        Refused("SVG is not supported"),
    )
    yield "postscript", b"%!PS-Adobe-3.0 EPSF-3.0\n", Refused("not an image: starts with b'%!PS")
    yield "mp4", b"\0\0\0\x18ftypisom\0\0\2\0isomiso2", Refused("video, not an image")
    yield "quicktime", b"\0\0\0\x14ftypqt  ", Refused("video, not an image")
    yield "matroska", b"\x1aE\xdf\xa3" + bytes(99), Refused("video, not an image")
    yield "avi", b"RIFF\0\0\0\0AVI LIST", Refused("video, not an image")
    yield "heic", b"\0\0\0\x18ftypheic" + bytes(99), Refused("HEIC is not supported")
    yield "jpeg xl", b"\xff\x0a" + bytes(99), Refused("JPEG XL is not supported")
    yield "photoshop", b"8BPS\0\1" + bytes(99), Refused("Photoshop is not supported")
    yield "zip", b"PK\x03\x04" + bytes(99), Refused("zip archive")
    yield "gzip", zlib.compress(b"a", wbits=31), Refused("gzip archive")
    yield (
        "text that starts like a bitmap",
        b"BMW sells cars, and this is no picture of one",
        Refused("not an image: starts with b'BMW sell'"),
    )
    yield "jpeg behind a byte too many", b"\n" + _jpeg(), Refused("not an image")
