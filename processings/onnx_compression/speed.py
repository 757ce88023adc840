"""How fast a model is beside another one."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

from accuracy import session

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

ROUNDS = 30


def pictures_per_second(paths: tuple[Path, Path], tensor: NDArray[np.float32]) -> tuple[float, float]:
    """How often each of two models runs at best on this machine's CPU.

    They take turns, so that whatever else the machine does slows both of them.
    """
    sessions = [session(path) for path in paths]
    least = [float("inf"), float("inf")]
    for _ in range(ROUNDS):
        for index, each in enumerate(sessions):
            start = perf_counter()
            each.run(None, {each.get_inputs()[0].name: tensor})
            least[index] = min(least[index], perf_counter() - start)
    return 1 / least[0], 1 / least[1]
