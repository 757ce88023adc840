"""Source: the assets that still have to be done, read page by page."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
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


class Source:
    """The items of the Job that `output` does not hold yet. An author who drives may go through them several times."""

    def __init__(self, output: Output, tally: Tally) -> None:
        self._output = output
        self._tally = tally
        self._pages_counted = 0

    def remaining(self, *, annotated: bool) -> Iterator[Work]:
        """All of them; with what they are annotated with if `annotated`.

        The first page is read at once, so that a selection that does not resolve is found before any work. What is
        left out is counted the first time.

        Raises:
            JobError: there is nothing to do at all.
            PlatformError: the platform cannot be reached.
        """
        listed = self._output.pages()
        first = next(listed)
        self._tally.selected = first.total
        return self._work(chain([first], listed), annotated=annotated)

    def _work(self, pages: Iterator[Page], *, annotated: bool) -> Iterator[Work]:
        for number, page in enumerate(pages, start=1):
            wanted = self._output.pending(page.references)
            images = [reference for reference in wanted if reference.type == "IMAGE"]
            if number > self._pages_counted:
                self._pages_counted = number
                self._count(page, wanted)
            shapes = self._output.load_shapes(images) if annotated and images else {}
            for reference in images:
                yield Work(reference, shapes.get(reference.id, tuple))

    def _count(self, page: Page, wanted: list[AssetReference]) -> None:
        for missing in page.missing:
            self._tally.fail(AssetReference(missing, missing), "fetch", "the platform has it no more")
        if len(wanted) < len(page.references):
            self._tally.skip(self._output.done, len(page.references) - len(wanted))
        for reference in wanted:
            if reference.type != "IMAGE":
                self._tally.skip(f"a {reference.type.lower()}, not an image")
