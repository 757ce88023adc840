"""Binary masks as COCO's compressed run-length string, the form in which the platform stores them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from picsellia_processing import run_lengths
from picsellia_processing.geometry.coordinates import DegenerateShape

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def encode_rle(mask: NDArray[np.bool_]) -> str:
    """`mask` (bool, height x width) as COCO's compressed run-length string. See `decode_rle`."""
    import numpy as np  # noqa: PLC0415 - importing the package stays light

    flat = np.asarray(mask, dtype=bool).ravel(order="F")
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    runs: list[int] = np.diff(edges, prepend=0, append=flat.size).tolist()
    if flat.size and flat[0]:
        runs.insert(0, 0)
    return run_lengths.pack(runs)


def decode_rle(counts: str, width: int, height: int) -> NDArray[np.bool_]:
    """The mask that `counts`, COCO's compressed run-length string, stands for: bool, height x width, writable.

    Raises:
        DegenerateShape: `counts` is no such string, or its runs are not those of `width` x `height` pixels.
    """
    import numpy as np  # noqa: PLC0415

    try:
        runs = run_lengths.unpack(counts)
    except ValueError as error:
        raise DegenerateShape(f"the mask is no run-length string: {error}") from error
    if (total := sum(runs)) != width * height:
        raise DegenerateShape(f"the mask's runs cover {total} pixels, not the {width * height} of {width} x {height}")
    flat = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    return np.ascontiguousarray(flat.reshape((height, width), order="F"))
