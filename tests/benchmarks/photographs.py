"""JPEGs that weigh and decode like photographs, drawn from seeded noise: `python -m tests.benchmarks.photographs`.

Large soft forms give the colours, fine grain gives the bytes; a photograph of 1280x720 comes to about 300 KB.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

GRAIN = 7.4
QUALITY = 90
_OCTAVES = (4, 16, 64)


def draw_photographs(folder: Path, count: int, width: int, height: int) -> None:
    """Write `00000.jpg` to `count - 1` into `folder`, those that are not there yet. The same ones every time."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = [index for index in range(count) if not (folder / _name(index)).exists()]
    if not missing:
        return
    canvas = _canvas(2 * width, 2 * height)
    for index in missing:
        draw = np.random.default_rng(index)
        left, top = draw.integers(0, width), draw.integers(0, height)
        picture = canvas[top : top + height, left : left + width, draw.permutation(3)]
        part = folder / f"{_name(index)}.part"
        Image.fromarray(np.ascontiguousarray(picture[:: draw.choice((-1, 1))])).save(part, "JPEG", quality=QUALITY)
        part.replace(folder / _name(index))


def _canvas(width: int, height: int) -> np.ndarray:
    draw = np.random.default_rng(720)
    levels = np.full((height, width, 3), 128.0, np.float32)
    for cells in _OCTAVES:
        coarse = Image.fromarray(draw.integers(0, 256, (cells, cells, 3), np.uint8))
        levels += (np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC), np.float32) - 128) / len(
            _OCTAVES
        )
    levels += draw.normal(0, GRAIN, (height, width, 1)).astype(np.float32)
    return np.clip(levels, 0, 255).astype(np.uint8)


def _name(index: int) -> str:
    return f"{index:05}.jpg"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    for number in ("count", "width", "height"):
        parser.add_argument(number, type=int)
    draw_photographs(**vars(parser.parse_args()))
