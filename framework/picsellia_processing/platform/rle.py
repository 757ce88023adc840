"""The area and bounding box of a mask, from COCO's compressed run lengths alone."""

from __future__ import annotations

from picsellia_processing.run_lengths import unpack


def measure(counts: str, width: int, height: int) -> tuple[float, list[int]]:
    """Area in pixels and bounding box `[x, y, w, h]` of a mask. Raises ValueError when it is not one of this size."""
    try:
        runs = unpack(counts)
    except ValueError as error:
        raise ValueError(f"expected the COCO counts string of a mask: {error}") from error
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
