"""Sink: results written in chunks by a thread of their own, as soon as there is a chunk, or after a few seconds."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Protocol, Self

from picsellia_processing.errors import AssetError
from picsellia_processing.task import RejectedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from picsellia_processing.stream.tally import Tally
    from picsellia_processing.task import Output, Record


class Acknowledge(Protocol):
    """Told of the records of every write that the platform has confirmed."""

    def __call__(self, records: Sequence[Record]) -> None:
        """Called in the writer's thread, in the order of the writes."""
        ...


class Sink:
    """Collects records and writes them; use as a context manager, which waits for the last write.

    `interval` is how many seconds a record waits at most for its chunk to fill up. A chunk that the platform rejects,
    or that holds what cannot be written, is halved until the culprit is alone; that one is reported, the others are
    written. Any other error ends the writing, and is raised by the next `put` or on leaving the context.
    """

    ROOM = 4
    """Chunks that may wait to be written before `put` blocks."""

    def __init__(
        self, output: Output, tally: Tally, *, interval: float = 5.0, acknowledged: Acknowledge | None = None
    ) -> None:
        self._output = output
        self._tally = tally
        self._interval = interval
        self._acknowledged: Callable[[Sequence[Record]], None] = acknowledged or (lambda _: None)
        self._records: list[Record] = []
        self._oldest = 0.0
        self._changed = threading.Condition()
        self._closed = False
        self._flushing = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="write", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()
        if self._error is not None and kind is None:
            raise self._error

    def put(self, record: Record) -> None:
        """Hand over one record. Blocks while too much is waiting to be written.

        Raises:
            ProcessingError: writing has failed for good.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._error or len(self._records) < self.ROOM * self._output.chunk)
            if self._error is not None:
                raise self._error
            if not self._records:
                self._oldest = time.monotonic()
            self._records.append(record)
            if len(self._records) == 1 or len(self._records) >= self._output.chunk:
                self._changed.notify_all()

    def flush(self) -> None:
        """Have everything that waits written now, without waiting for it."""
        with self._changed:
            self._flushing = bool(self._records)
            self._changed.notify_all()

    def _run(self) -> None:
        while chunk := self._next_chunk():
            try:
                self._write(chunk)
            except BaseException as error:  # noqa: BLE001 - it is raised again where records are handed over
                with self._changed:
                    self._error = error
                    self._records.clear()
                    self._changed.notify_all()
                return

    def _next_chunk(self) -> list[Record]:
        with self._changed:
            while not self._is_due():
                self._changed.wait(self._seconds_left())
            chunk, self._records = self._records[: self._output.chunk], self._records[self._output.chunk :]
            self._oldest = time.monotonic()
            self._flushing = self._flushing and bool(self._records)
            self._changed.notify_all()
            return chunk

    def _is_due(self) -> bool:
        if self._closed or len(self._records) >= self._output.chunk:
            return True
        return bool(self._records) and (self._flushing or self._seconds_left() == 0)

    def _seconds_left(self) -> float | None:
        return max(0.0, self._oldest + self._interval - time.monotonic()) if self._records else None

    def _write(self, records: list[Record]) -> None:
        try:
            with self._tally.time("write", len(records)):
                self._output.write(records)
        except (RejectedError, AssetError) as error:
            if len(records) == 1:
                self._tally.fail(records[0].reference, "write", str(error))
                return
            half = len(records) // 2
            self._write(records[:half])
            self._write(records[half:])
        else:
            self._tally.acknowledge(records)
            self._acknowledged(records)
