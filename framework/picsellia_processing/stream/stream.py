"""The data plane of one worker: source -> fetch and decode in threads -> the author's function -> sink."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from picsellia_processing.annotation import Mask
from picsellia_processing.errors import (
    AssetError,
    ProcessingError,
    ResultError,
    SkipAsset,
    TooManyFailuresError,
    UsageError,
)
from picsellia_processing.geometry import to_oriented
from picsellia_processing.image import Image, Sample
from picsellia_processing.sdk.assets import fetch
from picsellia_processing.stack import authors_place, authors_trace, message_of
from picsellia_processing.stream.calling import results_of
from picsellia_processing.stream.decode import decode
from picsellia_processing.stream.prefetch import Prefetch
from picsellia_processing.stream.sink import Sink
from picsellia_processing.stream.source import Source, Work
from picsellia_processing.task import RejectedError
from picsellia_processing.tasks.annotation_output import stored_orientation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from picsellia_processing.context import JobContext
    from picsellia_processing.image import AssetReference
    from picsellia_processing.signature import Items
    from picsellia_processing.stream.sink import Acknowledge
    from picsellia_processing.stream.tally import Tally
    from picsellia_processing.task import Output

FETCH_THREADS = 24
BUDGET = 192 * 1024 * 1024
FEWEST_AHEAD = 64
"""Images fetched ahead where batches are small; else two batches. What is small would pile up otherwise."""
UNKNOWN_SIZE = 24 * 1024 * 1024
"""Bytes counted, until it is loaded, for an asset whose size the platform does not know."""
TRACEBACKS = 3
"""How many of the author's exceptions are shown in full; all of them are on the report."""


NOTHING_WRITTEN = "the processing wrote nothing for it"


class _Stopped(BaseException):
    """The Job is being stopped, and an author who drives gets no further batch. No error: nothing is to catch it."""


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """How a stream runs: images per call, threads that fetch, bytes of decoded images held at once."""

    batch_size: int
    fetch_threads: int = FETCH_THREADS
    budget: int = BUDGET


class Stream:
    """Runs one author's function over the assets of a Job, or lets the author drive. One use only."""

    def __init__(
        self,
        context: JobContext,
        output: Output,
        tally: Tally,
        options: StreamOptions,
        *,
        stopping: threading.Event,
        acknowledged: Acknowledge | None = None,
    ) -> None:
        self._context = context
        self._output = output
        self._tally = tally
        self._options = options
        self._stopping = stopping
        self._decoders = threading.Semaphore(os.cpu_count() or 1)
        self._shown = 0
        self._driven = False
        self._source = Source(output, tally)
        self._unusable: set[str] = set()
        self._written: set[str] = set()
        self._sink = Sink(output, tally, acknowledged=acknowledged)
        self._prefetch: Prefetch[Work, Sample] | None = None
        tally.widths = {"fetch": options.fetch_threads, "decode": os.cpu_count() or 1, "process": 1, "write": 1}

    def stop(self) -> None:
        """End soon: no further image is loaded or handed out, and what is done is written now. From any thread."""
        self._stopping.set()
        if self._prefetch is not None:
            self._prefetch.close()
        self._sink.flush()

    @property
    def is_loading(self) -> bool:
        """Whether an image is still being loaded, as it may be for an author who has seen enough of them."""
        return self._prefetch is not None and self._prefetch.is_loading

    def run(self, call: Callable[[Any], Any], items: Items) -> None:
        """Call the author's function on every remaining image, alone or in batches, and write what it returns."""
        size = self._options.batch_size if items.batched else 1
        with self._sink, self._loading(size, annotated=items.type is Sample) as prefetch:
            while batch := prefetch.take(size):
                self._process(call, items, batch)
                if self._stopping.is_set():
                    break

    def drive(self, call: Callable[[], Any]) -> None:
        """Call the author's function once; it reads and writes through the context it was given."""
        with self._sink:
            self._driven = True
            try:
                result = call()
            except _Stopped:
                return
            finally:
                self._driven = False
        self._tally.produce(self._output.finish(result))
        left = self._tally.selected - self._tally.done
        if left > 0 and not self._stopping.is_set():
            self._tally.skip(NOTHING_WRITTEN, left)

    # What an author who drives reads and writes with; see `context.Driver`.

    def images(self, batch_size: int, first: int | None = None) -> Iterator[list[Image]]:
        """Batches of images, as `JobContext.images`."""
        for samples in self._batches(batch_size, first, annotated=False):
            yield [sample.image for sample in samples]

    def samples(self, batch_size: int, first: int | None = None) -> Iterator[list[Sample]]:
        """Batches of samples, as `JobContext.samples`."""
        yield from self._batches(batch_size, first, annotated=True)

    def write(self, image: Image, result: Any) -> None:
        """The result for one image, as `JobContext.write`."""
        self._check_driven()
        asset_id = _asset_of(image).id
        if asset_id in self._written:
            raise ResultError(
                f"a second result for {image.filename}, which would be lost: the result of an image is written once, "
                "whole, with all there is to say about it"
            )
        self._written.add(asset_id)
        self._put(image, result)

    def keep(self, asset: AssetReference) -> None:
        """An image that is in the output as it is, as `JobContext.keep`."""
        unread = Image(np.empty((0, 0, 3), np.uint8), asset.filename, asset)
        self.write(unread, unread)

    def skip(self, reason: str, count: int) -> None:
        """Images that are left out on purpose, as `JobContext.skip`."""
        self._check_driven()
        self._tally.skip(reason, count)

    def _check_driven(self) -> None:
        if not self._driven:
            raise RuntimeError(
                "a context gives images and takes results only while the processing's own function runs, "
                "and only where that function asks for no images itself"
            )

    def _batches(self, batch_size: int, first: int | None, *, annotated: bool) -> Iterator[list[Sample]]:
        self._check_driven()
        with self._loading(batch_size, first, annotated=annotated) as prefetch:
            while batch := prefetch.take(batch_size):
                self._written.clear()  # of these alone, so that it does not grow with the data set
                with self._tally.time("process", len(batch)):
                    yield batch
            if self._stopping.is_set():  # what is decided on having seen all images is not decided on some of them
                raise _Stopped

    @contextmanager
    def _loading(
        self, batch_size: int, first: int | None = None, *, annotated: bool
    ) -> Iterator[Prefetch[Work, Sample]]:
        self._prefetch = Prefetch(
            islice(self._source.remaining(annotated=annotated), first),
            self._load,
            cost=_cost,
            weigh=_weigh,
            threads=self._options.fetch_threads,
            budget=self._options.budget,
            ahead=max(FEWEST_AHEAD, 2 * batch_size),
        )
        with self._prefetch as prefetch:
            if self._stopping.is_set():
                prefetch.close()
            yield prefetch

    def _load(self, work: Work) -> Sample | None:
        stage = "fetch"
        try:
            with self._tally.time("fetch"):
                data = fetch(self._context.client, work.reference)
            stage = "decode"
            with self._decoders, self._tally.time("decode"):
                decoded = decode(data)
                image = Image(decoded.pixels, work.reference.filename, work.reference, decoded.orientation)
                shapes = tuple(
                    to_oriented(shape, stored_orientation(image), image.width, image.height) for shape in work.shapes()
                )
        except AssetError as error:
            if work.reference.id not in self._unusable:  # an author who drives may go through the images again
                self._unusable.add(work.reference.id)
                self._tally.fail(work.reference, stage, str(error))
            return None
        self._tally.loaded = True
        return Sample(image, shapes)

    def _process(self, call: Callable[[Any], Any], items: Items, batch: list[Sample]) -> None:
        """Process a batch; where the author's function raises, its halves, until the culprit is alone."""
        try:
            with self._tally.time("process", len(batch)):
                results = results_of(call, items, batch)
        except (ResultError, UsageError, TooManyFailuresError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever the author's code raises concerns these images alone
            if len(batch) > 1:
                half = len(batch) // 2
                self._process(call, items, batch[:half])
                self._process(call, items, batch[half:])
            else:
                self._give_up(batch[0].image, error)
            return
        for sample, result in zip(batch, results, strict=True):
            self._put(sample.image, result)

    def _put(self, image: Image, result: Any) -> None:
        assert image.asset is not None
        try:
            record = self._output.record(image, result)
        except AssetError as error:
            self._tally.fail(image.asset, "process", str(error))
        except RejectedError as error:
            self._tally.fail(image.asset, "write", str(error))
        except ProcessingError:
            raise
        except Exception as error:  # noqa: BLE001 - a result that is made as it is read is the author's code still
            self._give_up(image, error)
        else:
            self._sink.put(record)

    def _give_up(self, image: Image, error: Exception) -> None:
        assert image.asset is not None
        if isinstance(error, SkipAsset):
            self._tally.skip(str(error) or "left out by the processing")
            return
        self._shown += 1
        if self._shown <= TRACEBACKS:
            with suppress(AttributeError, OSError, ValueError):  # the author may have closed it, or put None there
                sys.stderr.write(authors_trace(error))
        self._tally.fail(image.asset, "process", _reason(error))


def _cost(work: Work) -> int:
    return work.reference.width * work.reference.height * 3 or UNKNOWN_SIZE


def _weigh(sample: Sample) -> int:
    masks = sum(shape.pixels.nbytes for shape in sample.annotations if isinstance(shape, Mask))
    return sample.image.pixels.nbytes + masks


def _asset_of(image: Any) -> AssetReference:
    if isinstance(image, Image) and image.asset is not None:
        return image.asset
    found = "one made by the processing" if isinstance(image, Image) else type(image).__name__
    raise ResultError(
        f"a result is for an image that was handed out: `image` of context.images, `sample.image` of context.samples; "
        f"found {found}"
    )


def _reason(error: Exception) -> str:
    if isinstance(error, AssetError):
        return str(error)
    return f"{type(error).__name__}: {message_of(error)} ({authors_place(error)})"
