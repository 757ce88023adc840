"""Source: the assets that still have to be done, read page by page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from picsellia_processing.image import AssetReference
from picsellia_processing.sdk.annotations import load_shapes
from picsellia_processing.sdk.assets import Page, pages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from picsellia_processing.annotation import Shape
    from picsellia_processing.context import JobContext
    from picsellia_processing.stream.tally import Tally
    from picsellia_processing.task import Output

ALREADY_DONE = "already annotated"


@dataclass(frozen=True, slots=True)
class Work:
    """One asset to be done; `shapes` are what it is annotated with, in the coordinates of its file as stored."""

    reference: AssetReference
    shapes: tuple[Shape, ...] = ()


def remaining(context: JobContext, output: Output, tally: Tally, *, annotated: bool) -> Iterator[Work]:
    """The assets of the Job that `output` does not hold yet; with what they are annotated with if `annotated`.

    The first page is read at once, so that a selection that does not resolve is found before any work.

    Raises:
        JobError: there is nothing to do at all.
        PlatformError: the platform cannot be reached.
    """
    version = context.dataset_version
    assert version is not None
    listed = pages(version, context.selection)
    first = next(listed)
    tally.selected = first.total

    def work() -> Iterator[Work]:
        page: Page | None = first
        while page is not None:
            for missing in page.missing:
                tally.fail(AssetReference(missing, missing), "fetch", "the DatasetVersion has no such asset")
            wanted = output.pending(page.references)
            if len(wanted) < len(page.references):
                tally.skip(ALREADY_DONE, len(page.references) - len(wanted))
            sizes = {each.id: (each.width, each.height) for each in wanted}
            shapes = load_shapes(version, sizes) if annotated and wanted else {}
            for reference in wanted:
                if reference.type != "IMAGE":
                    tally.skip(f"a {reference.type.lower()}, not an image")
                else:
                    yield Work(reference, shapes.get(reference.id, ()))
            page = next(listed, None)

    return work()
