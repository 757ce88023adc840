from __future__ import annotations

import threading
from itertools import chain
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from picsellia_processing.errors import AssetError, PlatformError, TooManyFailuresError
from picsellia_processing.image import AssetReference
from picsellia_processing.stream.sink import Sink
from picsellia_processing.stream.tally import Tally
from picsellia_processing.task import Record, RejectedError

from .watchdog import wait_until, within_patience

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

NEVER = 1e6
"""Seconds after which a chunk is written though it is not full, in tests of something else."""


class Journal:
    """An Output that keeps what is written, in chunks, and refuses those numbers it is told to."""

    chunk = 100

    def __init__(
        self, *, refuses: Callable[[int], bool] = lambda _: False, most: int = 10**9, before: Callable[[], object] = int
    ) -> None:
        self.calls: list[list[int]] = []
        self.written: list[list[int]] = []
        self.arrived = threading.Semaphore(0)
        self._refuses = refuses
        self._most = most
        self._before = before

    def pending(self, references: Sequence[AssetReference]) -> list[AssetReference]:
        return list(references)

    def record(self, image: Any, result: Any) -> Record:
        raise NotImplementedError

    def write(self, records: Sequence[Record]) -> None:
        self._before()
        numbers = [record.payload["number"] for record in records]
        self.calls.append(numbers)
        if len(numbers) > self._most:
            raise RejectedError("too large")
        if any(map(self._refuses, numbers)):
            raise RejectedError("no such label")
        self.written.append(numbers)
        self.arrived.release()

    def wait(self) -> None:
        assert self.arrived.acquire(timeout=30), "nothing was written"


def record(number: int) -> Record:
    return Record(AssetReference(str(number), f"{number}.jpg"), {"number": number})


def tally(*, rate: float = 1) -> tuple[Tally, list[tuple[str, str, str]]]:
    failures: list[tuple[str, str, str]] = []
    counts = Tally(rate, lambda reference, stage, reason: failures.append((reference.id, stage, reason)))
    return counts, failures


def put_all(output: Journal, numbers: Sequence[int], counts: Tally, **options: Any) -> None:
    def run() -> None:
        with Sink(output, counts, **{"interval": NEVER, **options}) as sink:
            for number in numbers:
                sink.put(record(number))

    within_patience(run)


def test_chunks_are_full_and_in_order() -> None:
    output, (counts, failures) = Journal(), tally()
    put_all(output, range(350), counts)
    assert [len(chunk) for chunk in output.written] == [100, 100, 100, 50]
    assert list(chain.from_iterable(output.written)) == list(range(350))
    assert (counts.processed, failures) == (350, [])
    assert counts.stages["write"].items == 350
    assert counts.first_write is not None


@pytest.mark.parametrize(
    ("count", "chunks"), [(0, []), (1, [1]), (99, [99]), (100, [100]), (101, [100, 1]), (200, [100] * 2)]
)
def test_no_request_is_empty_and_none_too_many(count: int, chunks: list[int]) -> None:
    output, (counts, _) = Journal(), tally()
    put_all(output, range(count), counts)
    assert [len(chunk) for chunk in output.written] == chunks


def test_a_chunk_that_does_not_fill_up_is_written_in_the_end_of_the_interval() -> None:
    output, (counts, _) = Journal(), tally()
    with Sink(output, counts, interval=0.01) as sink:
        for number in range(3):
            sink.put(record(number))
            output.wait()
            assert counts.processed == number + 1


def test_a_chunk_that_fills_up_is_written_before_the_interval_ends() -> None:
    output, (counts, _) = Journal(), tally()
    with Sink(output, counts, interval=NEVER) as sink:
        for number in range(100):
            sink.put(record(number))
        output.wait()
        assert output.written == [list(range(100))]


def test_flush() -> None:
    output, (counts, _) = Journal(), tally()
    with Sink(output, counts, interval=NEVER) as sink:
        sink.put(record(0))
        sink.put(record(1))
        sink.flush()
        output.wait()
        sink.put(record(2))
        sink.put(record(3))
        assert len(output.written) == 1
    assert output.written in ([[0, 1], [2, 3]], [[0], [1], [2, 3]])


def test_flushing_nothing_does_not_tear_the_next_chunk_apart() -> None:
    output, (counts, _) = Journal(), tally()
    with Sink(output, counts, interval=NEVER) as sink:
        for _ in range(3):
            sink.flush()
        for number in range(100):
            sink.put(record(number))
        output.wait()
    assert output.written == [list(range(100))]


@settings(max_examples=60, deadline=None)
@given(
    bad=st.sets(st.integers(0, 249), max_size=12),
    count=st.integers(0, 250),
    most=st.sampled_from([1, 3, 40, 99, 100, 1000]),
)
def test_what_is_refused_is_found_and_the_others_are_written(bad: set[int], count: int, most: int) -> None:
    output, (counts, failures) = Journal(refuses=lambda number: number in bad, most=most), tally()
    acknowledged: list[int] = []
    put_all(
        output,
        range(count),
        counts,
        acknowledged=lambda records: acknowledged.extend(each.payload["number"] for each in records),
    )
    good = [number for number in range(count) if number not in bad]
    assert list(chain.from_iterable(output.written)) == good == acknowledged
    assert sorted(failures) == sorted((str(number), "write", "no such label") for number in bad if number < count)
    assert (counts.processed, counts.failed) == (len(good), count - len(good))
    assert len(output.calls) <= 2 * count + 1


def test_one_culprit_costs_few_requests() -> None:
    output, (counts, failures) = Journal(refuses=lambda number: number == 37), tally()
    put_all(output, range(100), counts)
    assert [number for number, _, _ in failures] == ["37"]
    assert len(output.calls) <= 15


def test_a_record_that_cannot_be_written_costs_itself_alone() -> None:
    def refuses(number: int) -> bool:
        if number == 37:
            raise AssetError("it cannot be encoded")
        return False

    output, (counts, failures) = Journal(refuses=refuses), tally()
    put_all(output, range(100), counts)
    assert failures == [("37", "write", "it cannot be encoded")]
    assert counts.processed == 99


def test_too_many_refusals_end_the_job() -> None:
    output, (counts, failures) = Journal(refuses=lambda _: True), tally(rate=0.05)
    counts.selected = 100
    with pytest.raises(TooManyFailuresError, match="6 of 100 assets failed"):
        put_all(output, range(100), counts)
    assert len(failures) == 6


def test_a_failure_of_the_platform_comes_out_of_put() -> None:
    def unreachable() -> None:
        raise PlatformError("the platform is gone")

    output, (counts, _) = Journal(before=unreachable), tally()
    reached: list[int] = []

    def run() -> None:
        with Sink(output, counts, interval=NEVER) as sink:
            for number in range(10_000):
                sink.put(record(number))
                reached.append(number)

    with pytest.raises(PlatformError, match="gone"):
        within_patience(run)
    assert 99 <= len(reached) <= 100 * Sink.ROOM + 100
    assert counts.processed == 0


@pytest.mark.parametrize("error", [PlatformError("gone"), OSError("no space left"), SystemExit(3)], ids=repr)
def test_a_failure_in_the_last_write_comes_out_on_leaving(error: BaseException) -> None:
    def fail() -> None:
        raise error

    output, (counts, _) = Journal(before=fail), tally()
    with pytest.raises(type(error)):
        put_all(output, [1], counts)
    assert counts.processed == 0


def test_a_failure_to_take_note_of_what_was_written_is_one() -> None:
    def full(_: object) -> None:
        raise OSError("no space left")

    output, (counts, _) = Journal(), tally()
    with pytest.raises(OSError, match="no space left"):
        put_all(output, [1], counts, acknowledged=full)
    assert output.written == [[1]]


def test_the_authors_error_is_not_replaced_and_what_was_done_is_written() -> None:
    output, (counts, _) = Journal(), tally()

    def run() -> None:
        with Sink(output, counts, interval=NEVER) as sink:
            sink.put(record(1))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        within_patience(run)
    assert output.written == [[1]]


def test_put_waits_for_a_slow_writer() -> None:
    writing, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        writing.set()
        wait_until(go_on)

    output, (counts, _) = Journal(before=slow), tally()
    room = 100 * Sink.ROOM
    done: list[int] = []
    blocked = threading.Event()

    def put(sink: Sink) -> None:
        for number in range(100 + room + 1):
            if number == 100:
                wait_until(writing)
            if number == 100 + room:
                blocked.set()
            sink.put(record(number))
            done.append(number)

    with Sink(output, counts, interval=NEVER) as sink:
        putting = threading.Thread(target=put, args=(sink,), daemon=True)
        putting.start()
        wait_until(blocked)
        putting.join(0.2)
        assert putting.is_alive()
        assert len(done) == 100 + room
        go_on.set()
        putting.join(30)
        assert not putting.is_alive()
    assert list(chain.from_iterable(output.written)) == list(range(100 + room + 1))


def test_many_threads_may_put() -> None:
    output, (counts, _) = Journal(), tally()
    with Sink(output, counts, interval=0.001) as sink:
        threads = [
            threading.Thread(
                target=lambda start: [sink.put(record(start + each)) for each in range(500)], args=(1000 * n,)
            )
            for n in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert sorted(chain.from_iterable(output.written)) == [1000 * n + each for n in range(6) for each in range(500)]
    assert max(map(len, output.written)) <= 100
    assert counts.processed == 3000
