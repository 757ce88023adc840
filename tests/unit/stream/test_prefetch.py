from __future__ import annotations

import itertools
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from picsellia_processing.stream.prefetch import MOST_AHEAD, Prefetch

from .watchdog import wait_until, within_patience

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


class Meter:
    """Loads (number, bytes) items; knows how many bytes were held, and how far ahead the source was read, at most."""

    def __init__(self, costs: Iterable[int], *, useless: Callable[[int], bool] = lambda _: False) -> None:
        self._lock = threading.Lock()
        self._useless = useless
        self._costs = costs
        self.held = self.most_held = self.read = self.given_back = self.most_ahead = 0
        self.lent: list[tuple[int, int]] = []

    def source(self) -> Iterator[tuple[int, int]]:
        for number, cost in enumerate(self._costs):
            with self._lock:
                self.read += 1
                self.most_ahead = max(self.most_ahead, self.read - self.given_back)
            yield number, cost

    def load(self, item: tuple[int, int]) -> tuple[int, int] | None:
        with self._lock:
            self.held += item[1]
            self.most_held = max(self.most_held, self.held)
        if self._useless(item[0]):
            self.give_back([item])
            return None
        return item

    def give_back(self, items: list[tuple[int, int]]) -> None:
        with self._lock:
            self.held -= sum(cost for _, cost in items)
            self.given_back += len(items)

    def take(self, prefetch: Prefetch[Any, Any], count: int) -> list[tuple[int, int]]:
        self.give_back(self.lent)
        self.lent = prefetch.take(count)
        return self.lent

    def prefetch(self, *, threads: int, budget: int) -> Prefetch[tuple[int, int], tuple[int, int]]:
        return Prefetch(self.source(), self.load, cost=lambda item: item[1], threads=threads, budget=budget)

    def run(self, *, count: int, threads: int, budget: int) -> list[list[tuple[int, int]]]:
        with self.prefetch(threads=threads, budget=budget) as prefetch:
            batches = list(iter(lambda: self.take(prefetch, count), []))
            assert prefetch.take(count) == []
        return batches


@settings(max_examples=150, deadline=None)
@given(
    costs=st.lists(st.integers(0, 30), max_size=60),
    count=st.integers(1, 70),
    threads=st.integers(1, 6),
    budget=st.integers(0, 60),
    useless=st.sampled_from([1, 2, 3, 1000]),
)
def test_every_item_comes_out_once_and_memory_is_bounded(
    costs: list[int], count: int, threads: int, budget: int, useless: int
) -> None:
    meter = Meter(costs, useless=lambda number: number % useless == useless - 1)
    batches = within_patience(lambda: meter.run(count=count, threads=threads, budget=budget))
    wanted = [item for item in enumerate(costs) if item[0] % useless != useless - 1]
    assert sorted(itertools.chain.from_iterable(batches)) == wanted
    assert all(0 < len(batch) <= count for batch in batches)
    assert meter.most_held <= max(budget, *costs, 0)


def test_batches_are_full_while_there_is_room() -> None:
    meter = Meter([1] * 105)
    batches = within_patience(lambda: meter.run(count=10, threads=4, budget=1000))
    assert [len(batch) for batch in batches] == [10] * 10 + [5]


def test_batches_are_full_when_little_more_than_one_fits() -> None:
    meter = Meter(itertools.repeat(10, 600))
    batches = within_patience(lambda: meter.run(count=3, threads=2, budget=40))
    assert {len(batch) for batch in batches} == {3}


def test_a_batch_larger_than_the_budget_comes_in_pieces() -> None:
    meter = Meter([10] * 50)
    batches = within_patience(lambda: meter.run(count=50, threads=4, budget=35))
    assert sum(map(len, batches)) == 50
    assert max(map(len, batches)) == 3
    assert meter.most_held <= 35


def test_items_larger_than_the_budget_pass_alone() -> None:
    meter = Meter([5, 1000, 5, 2000, 1000])
    batches = within_patience(lambda: meter.run(count=4, threads=4, budget=20))
    assert sorted(itertools.chain.from_iterable(batches)) == [(0, 5), (1, 1000), (2, 5), (3, 2000), (4, 1000)]
    assert meter.most_held == 2000


def test_ten_thousand_tiny_items() -> None:
    meter = Meter(itertools.repeat(1, 10_000))
    batches = within_patience(lambda: meter.run(count=16, threads=8, budget=1 << 30))
    assert sum(map(len, batches)) == 10_000
    assert meter.most_ahead <= MOST_AHEAD + 16 + 1


def test_a_batch_larger_than_what_is_read_ahead_at_most() -> None:
    meter = Meter(itertools.repeat(1, 3 * MOST_AHEAD))
    batches = within_patience(lambda: meter.run(count=10 * MOST_AHEAD, threads=4, budget=1 << 30))
    assert sum(map(len, batches)) == 3 * MOST_AHEAD
    assert max(map(len, batches)) <= MOST_AHEAD


def test_the_source_is_read_only_as_far_as_there_is_room() -> None:
    meter = Meter(itertools.repeat(10))
    with meter.prefetch(threads=2, budget=100) as prefetch:
        for _ in range(20):
            assert len(within_patience(lambda: meter.take(prefetch, 3))) == 3
    assert meter.most_held <= 100
    assert meter.most_ahead <= 100 // 10 + 1


def test_what_an_item_turns_out_to_hold_counts_once_it_is_loaded() -> None:
    every_one = threading.Event()

    def source() -> Iterator[int]:
        yield from range(50)
        every_one.set()

    with Prefetch(source(), lambda _: b"x", cost=lambda _: 100, weigh=len, threads=2, budget=300):
        wait_until(every_one)


def test_what_is_held_by_the_one_who_takes_counts() -> None:
    meter = Meter(itertools.repeat(10))
    with meter.prefetch(threads=2, budget=30) as prefetch:
        taken = within_patience(lambda: meter.take(prefetch, 3))
        assert len(taken) == 3
        assert meter.held == 30
        assert meter.read <= 4


def test_loading_is_concurrent() -> None:
    together = threading.Barrier(4)

    def load(item: int) -> int:
        together.wait(30)
        return item

    with Prefetch(iter(range(8)), load, cost=lambda _: 1, threads=4, budget=100) as prefetch:
        assert sorted(within_patience(lambda: prefetch.take(8))) == list(range(8))


@pytest.mark.parametrize("after", [0, 1, 7])
def test_a_source_that_fails(after: int) -> None:
    def source() -> Iterator[int]:
        yield from range(after)
        raise ConnectionError("no more pages")

    with Prefetch(source(), lambda item: item, cost=lambda _: 1, threads=2, budget=10) as prefetch:
        for _ in range(2):
            with pytest.raises(ConnectionError, match="no more pages"):
                within_patience(lambda: prefetch.take(100))


@pytest.mark.parametrize("error", [ZeroDivisionError, SystemExit, KeyboardInterrupt])
def test_a_load_that_fails(error: type[BaseException]) -> None:
    def load(item: int) -> int:
        if item == 5:
            raise error("five")
        return item

    prefetch = Prefetch(itertools.count(), load, cost=lambda _: 1, threads=2, budget=10)
    with prefetch, pytest.raises(error, match="five"):
        within_patience(lambda: [prefetch.take(3) for _ in range(10)])


def test_a_cost_that_fails() -> None:
    prefetch = Prefetch(iter([1]), lambda item: item, cost=lambda _: 1 // 0, threads=1, budget=10)
    with prefetch, pytest.raises(ZeroDivisionError):
        within_patience(lambda: prefetch.take(1))


def test_closing_while_the_feeder_waits_for_room() -> None:
    meter = Meter(itertools.repeat(10))
    with meter.prefetch(threads=2, budget=10) as prefetch:
        within_patience(lambda: meter.take(prefetch, 1))
        prefetch.close()
        assert prefetch.take(1) == []


def test_closing_ends_a_take_that_waits() -> None:
    asked, go_on = threading.Event(), threading.Event()

    def load(item: int) -> int:
        asked.set()
        wait_until(go_on)
        return item

    with Prefetch(itertools.count(), load, cost=lambda _: 1, threads=1, budget=10) as prefetch:
        closing = threading.Thread(target=lambda: (wait_until(asked), prefetch.close()))
        closing.start()
        assert within_patience(lambda: prefetch.take(5)) == []
        go_on.set()
        closing.join()


def test_nothing_is_loaded_after_closing() -> None:
    loaded: list[int] = []
    asked, go_on = threading.Event(), threading.Event()

    def load(item: int) -> int:
        loaded.append(item)
        asked.set()
        wait_until(go_on)
        return item

    prefetch = Prefetch(itertools.count(), load, cost=lambda _: 1, threads=1, budget=10)
    with prefetch:
        wait_until(asked)
    go_on.set()
    prefetch._pool.shutdown(wait=True)
    assert loaded == [0]


def test_leaving_does_not_wait_for_a_source_or_a_load_that_hangs() -> None:
    never = threading.Event()

    def source() -> Iterator[int]:
        yield 1
        never.wait(30)

    def load(item: int) -> int:
        never.wait(30)
        return item

    def enter_and_leave() -> bool:
        with Prefetch(source(), load, cost=lambda _: 1, threads=1, budget=10):
            return True

    assert within_patience(enter_and_leave)
    assert not never.is_set()
    never.set()


def test_whether_a_load_is_under_way() -> None:
    begun, released = threading.Event(), threading.Event()

    def load(item: int) -> int:
        begun.set()
        wait_until(released)
        return item

    with Prefetch(iter(range(5)), load, cost=lambda _: 1, threads=1, budget=10) as prefetch:
        wait_until(begun)
    assert prefetch.is_loading, "the one that has begun"
    released.set()
    within_patience(lambda: [time.sleep(0.01) for _ in iter(lambda: prefetch.is_loading, False)])


def test_no_items_at_all() -> None:
    assert within_patience(lambda: Meter([]).run(count=1, threads=1, budget=1)) == []


def test_only_useless_items() -> None:
    assert within_patience(lambda: Meter([1] * 100, useless=lambda _: True).run(count=1, threads=3, budget=5)) == []


@pytest.mark.parametrize("count", [0, -1])
def test_a_batch_of_none_is_refused_and_not_taken_for_the_end(count: int) -> None:
    prefetch = Prefetch(iter([1]), lambda item: item, cost=lambda _: 1, threads=1, budget=1)
    with prefetch, pytest.raises(ValueError, match=f"a batch of {count} is none"):
        prefetch.take(count)
