"""Source: the assets that still have to be done, read page by page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from picsellia_processing.image import AssetReference

if TYPE_CHECKING:
    from collections.abc import Iterator

    from picsellia_processing.stream.tally import Tally
    from picsellia_processing.task import Drawn, Output, Page


@dataclass(frozen=True, slots=True)
class Work:
    """One asset to be done; `shapes()` is what it is annotated with, in the coordinates of its file as stored."""

    reference: AssetReference
    shapes: Drawn = tuple


def remaining(output: Output, tally: Tally, *, annotated: bool) -> Iterator[Work]:
    """The items of the Job that `output` does not hold yet; with what they are annotated with if `annotated`.

    The first page is read at once, so that a selection that does not resolve is found before any work.

    Raises:
        JobError: there is nothing to do at all.
        PlatformError: the platform cannot be reached.
    """
    listed = output.pages()
    first = next(listed)
    tally.selected = first.total

    def work() -> Iterator[Work]:
        page: Page | None = first
        while page is not None:
            for missing in page.missing:
                tally.fail(AssetReference(missing, missing), "fetch", "the platform has it no more")
            wanted = output.pending(page.references)
            if len(wanted) < len(page.references):
                tally.skip(output.done, len(page.references) - len(wanted))
            shapes = output.load_shapes(wanted) if annotated and wanted else {}
            for reference in wanted:
                if reference.type != "IMAGE":
                    tally.skip(f"a {reference.type.lower()}, not an image")
                else:
                    yield Work(reference, shapes.get(reference.id, tuple))
            page = next(listed, None)

    return work()
