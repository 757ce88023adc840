"""How far an exported model is from the checkpoint it was made of, box by box and score by score."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from picsellia_processing.errors import ProcessingError

Input = TypeVar("Input")
Outputs: TypeAlias = Mapping[str, Sequence[NDArray[np.float32]]]
"""What a model computes, by kind: "box", "score", "mask"."""
RELATIVE = ("mask",)
"""Kinds without a unit: they are judged relative to the largest value, and by the tolerance of scores."""


def compare(
    name: str,
    exported: Callable[[Input], Outputs],
    reference: Callable[[Input], Outputs],
    inputs: Sequence[Input],
    tolerances: Mapping[str, float],
    judged: Callable[[Outputs], Mapping[str, NDArray[np.bool_]]] | None = None,
) -> dict[str, float]:
    """The largest difference of each kind over all inputs: of boxes in pixels of the input, of scores, of masks.

    Args:
        name: What is exported, for messages.
        exported: Runs the exported model.
        reference: Runs the checkpoint.
        inputs: What both get; at least one.
        tolerances: The largest difference that is allowed of a "box" and of a "score".
        judged: Which values of the checkpoint's outputs count, by kind; all, where it does not say.

    Raises:
        ProcessingError: A difference is above its tolerance, the outputs are of another shape, or there is no input.
    """
    if not inputs:
        raise ProcessingError(f"{name}: there is no picture to compare it on; give the Job images that can be read")
    largest: dict[str, float] = {}
    for each in inputs:
        expected, found = reference(each), exported(each)
        if _shapes(expected) != _shapes(found):
            raise ProcessingError(f"{name}: its outputs are {_shapes(found)}; the checkpoint's are {_shapes(expected)}")
        which = judged(expected) if judged else {}
        for kind, arrays in expected.items():
            pairs = zip(arrays, found[kind], strict=True)
            distances = [_distance(kind, a, b, which.get(kind, np.s_[...])) for a, b in pairs]
            largest[kind] = max(largest.get(kind, 0.0), *distances)
    _refuse_large(name, largest, {**tolerances, **dict.fromkeys(RELATIVE, tolerances["score"])}, len(inputs))
    return {kind: float(f"{error:.3g}") for kind, error in largest.items()}


def _refuse_large(name: str, largest: Mapping[str, float], allowed: Mapping[str, float], count: int) -> None:
    wrong = [
        f"{kind} differs by {error:.3g}, more than {allowed[kind]:g}"
        for kind, error in largest.items()
        if not error <= allowed[kind]
    ]
    if wrong:
        raise ProcessingError(
            f"{name} does not compute what the checkpoint computes, so nothing is stored: {'; '.join(wrong)} "
            f"(largest difference on {count} pictures)"
        )


def _shapes(outputs: Outputs) -> dict[str, list[tuple[int, ...]]]:
    return {kind: [array.shape for array in arrays] for kind, arrays in outputs.items()}


def _distance(kind: str, expected: NDArray[np.float32], found: NDArray[np.float32], which: Any) -> float:
    """The largest difference among those that count; infinite where anything is not a number."""
    if np.isnan(expected).any() or np.isnan(found).any():
        return float("inf")
    difference = np.abs(expected - found)[which]
    unit = float(np.abs(expected).max(initial=0.0)) or 1.0
    return float(difference.max(initial=0.0)) / (unit if kind in RELATIVE else 1.0)
