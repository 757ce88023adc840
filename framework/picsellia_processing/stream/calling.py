"""The author's function, called on a batch of images."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from picsellia_processing.errors import ResultError
from picsellia_processing.image import Sample

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from picsellia_processing.signature import Items


def results_of(call: Callable[[Any], Any], items: Items, batch: Sequence[Sample]) -> list[Any]:
    """What it returns, as one result for each image of the batch.

    Generators are run to their end: what they raise is raised here, where it concerns these images alone.

    Raises:
        ResultError: a function of batches returned no list, or one of another length.
        Exception: whatever the author's code raises.
    """
    given: list[Any] = list(batch) if items.type is Sample else [sample.image for sample in batch]
    returned = _evaluated(call(given if items.batched else given[0]))
    results = _one_for_each(returned, len(batch)) if items.batched else [returned]
    return [_evaluated(result) for result in results]


def _evaluated(result: Any) -> Any:
    return list(result) if isinstance(result, Iterator) else result


def _one_for_each(returned: Any, expected: int) -> Sequence[Any]:
    if not isinstance(returned, (list, tuple)):
        raise ResultError(
            f"a function of list[Image] returns a list with one result for each image; "
            f"found {type(returned).__name__} for {expected} images"
        )
    if len(returned) != expected:
        raise ResultError(
            f"a function of list[Image] returns one result for each image, in the same order; "
            f"found {len(returned)} for {expected} images"
        )
    return returned
