"""Finding image files and reading their sizes, from their headers alone."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from typing import TYPE_CHECKING

from picsellia_processing.platform.fixture_types import FixtureImage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path
    from typing import IO

    from picsellia_processing.platform.fixture_mistakes import Mistakes

CONTENT_TYPES = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".bmp": "image/bmp",
    ".gif": "image/gif",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".webp": "image/webp",
}
ENDINGS = ", ".join(ending.removeprefix(".") for ending in CONTENT_TYPES)


def ending(name: str) -> str:
    """The file ending of `name`, in small letters with its dot: ".jpg" for "a.b.JPG", "" when there is none."""
    return os.path.splitext(name)[1].lower()  # noqa: PTH122 - names come by the ten thousand, and are not paths here


def find_files(root: Path, endings: Iterable[str], mistakes: Mistakes) -> list[str]:
    """Paths below `root`, relative to it with "/", sorted, of the files with one of `endings` (as ".jpg").

    Hidden files and folders are ignored. A folder reached again through a symbolic link is read once.
    """
    wanted = frozenset(endings)
    found: list[str] = []
    seen: set[str] = set()

    def unreadable(error: OSError) -> None:
        mistakes.add(
            str(error.filename),
            expected="a folder that can be read",
            found=str(error.strerror),
            todo="allow to read it",
        )

    for folder, folders, names in os.walk(root, followlinks=True, onerror=unreadable):
        real = os.path.realpath(folder)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        prefix = os.path.relpath(folder, root).replace(os.sep, "/") + "/"
        prefix = "" if prefix == "./" else prefix
        found += [prefix + name for name in names if ending(name) in wanted and not name.startswith(".")]
    return sorted(found)


def find_images(root: Path, mistakes: Mistakes) -> list[str]:
    """The image files below `root`, as `find_files` gives them."""
    return find_files(root, CONTENT_TYPES, mistakes)


def read_images(root: Path, relatives: list[str], mistakes: Mistakes) -> dict[str, FixtureImage]:
    """The images at `relatives` below `root`, keyed by them and not annotated.

    An image whose header cannot be read is no mistake: it has the size 0 x 0. A file name is the last part of the path
    or, where two images would share it, the whole path with "__" for "/".
    """
    filenames = _unique_filenames(relatives)
    for filename, count in Counter(filenames.values()).items():
        if count > 1:
            same = sorted(relative for relative, name in filenames.items() if name == filename)
            mistakes.add(
                str(root),
                expected="images with different names",
                found=f"{count} that would both be named {filename!r}: {', '.join(same)}",
                todo="rename one of them",
            )
    size_of = _header_reader()
    images: dict[str, FixtureImage] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of odd metadata; an odd image is the processing's to judge
        for relative, filename in filenames.items():
            if not _is_text(relative):
                mistakes.add(
                    str(root),
                    expected="file names in UTF-8",
                    found=ascii(relative),
                    todo="rename it",
                    alike="file names",
                )
                continue
            path = root / relative
            if not path.is_file():
                mistakes.add(
                    str(path),
                    expected="an image file",
                    found="a link to nowhere, or no plain file",
                    todo="repair or remove it",
                    alike="links to nowhere",
                )
                continue
            width, height = size_of(path)
            images[relative] = FixtureImage(filename, path, width, height, CONTENT_TYPES[ending(relative)], None)
    return images


def _unique_filenames(relatives: list[str]) -> dict[str, str]:
    last_parts = {relative: relative.rpartition("/")[2] for relative in relatives}
    count = Counter(last_parts.values())
    return {
        relative: last if count[last] == 1 else relative.replace("/", "__") for relative, last in last_parts.items()
    }


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _header_reader() -> Callable[[Path], tuple[int, int]]:
    """A function from a path to the stored width and height, (0, 0) when they cannot be read.

    The format is recognised by content, whatever the file's ending. Pillow's `Image.open` is not used because it
    refuses the header of a large image, which costs nothing to read.
    """
    from PIL import (  # noqa: PLC0415 - the platform answers requests without ever loading Pillow
        BmpImagePlugin,
        GifImagePlugin,
        Image,
        JpegImagePlugin,
        PngImagePlugin,
        TiffImagePlugin,
        WebPImagePlugin,
    )

    readers = (
        (b"\xff\xd8\xff", JpegImagePlugin.JpegImageFile),
        (b"\x89PNG\r\n\x1a\n", PngImagePlugin.PngImageFile),
        (b"RIFF", WebPImagePlugin.WebPImageFile),
        (b"II", TiffImagePlugin.TiffImageFile),
        (b"MM", TiffImagePlugin.TiffImageFile),
        (b"BM", BmpImagePlugin.BmpImageFile),
        (b"GIF8", GifImagePlugin.GifImageFile),
    )

    def read(file: IO[bytes]) -> tuple[int, int]:
        start = file.read(8)
        file.seek(0)
        for magic, image_file in readers:
            if start.startswith(magic):
                return image_file(file).size
        return 0, 0

    def size_of(path: Path) -> tuple[int, int]:
        try:
            with path.open("rb") as file:
                return read(file)
        except (OSError, SyntaxError, ValueError, OverflowError, Image.DecompressionBombError):  # a damaged header
            return 0, 0

    return size_of
