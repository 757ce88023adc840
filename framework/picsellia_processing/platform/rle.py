"""Masks as COCO writes them: run lengths down the columns, zeros first, packed into ASCII (the `counts` string)."""

from __future__ import annotations


def runs_of(counts: str) -> list[int]:
    """The run lengths in `counts`. Raises ValueError when it is not a COCO counts string."""
    runs: list[int] = []
    value = shift = 0
    for character in counts:
        bits = ord(character) - 48
        if not 0 <= bits < 64:  # noqa: PLR2004 - six bits a character
            raise ValueError(f"expected characters from '0' to 'o', found {character!r}")
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:
            value -= 1 << shift
        if len(runs) > 2:  # noqa: PLR2004 - from the fourth run on, the difference to the one two before is stored
            value += runs[-2]
        if value < 0:
            raise ValueError("expected run lengths >= 0")
        runs.append(value)
        value = shift = 0
    if shift:
        raise ValueError("expected a complete last run length")
    return runs


def measure(counts: str, width: int, height: int) -> tuple[float, list[int]]:
    """Area in pixels and bounding box `[x, y, w, h]` of a mask. Raises ValueError when it is not one of this size."""
    runs = runs_of(counts)
    if sum(runs) != width * height:
        raise ValueError(f"expected runs of {width * height} pixels in all ({width} x {height}), found {sum(runs)}")
    area = start = 0
    left, top, right, bottom = width, height, -1, -1
    for position, run in enumerate(runs):
        end = start + run
        if position % 2 and run:
            area += run
            left, right = min(left, start // height), max(right, (end - 1) // height)
            if start // height == (end - 1) // height:
                top, bottom = min(top, start % height), max(bottom, (end - 1) % height)
            else:
                top, bottom = 0, height - 1
        start = end
    if not area:
        return 0.0, [0, 0, 0, 0]
    return float(area), [left, top, right - left + 1, bottom - top + 1]
