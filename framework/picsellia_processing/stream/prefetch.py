"""Prefetch: load items ahead of the one who uses them, in threads, within a budget of bytes.

A feeder thread takes items from the source as long as the budget has room for the next one, so the source is read
lazily and memory does not grow with it. Loaded items come out as they are ready, in no particular order. An item that
is larger than the whole budget passes alone. When the budget is used up by items that are ready, they are handed out
even if fewer than asked for: a batch larger than the budget cannot deadlock.
"""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Generic, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Item = TypeVar("Item")
Loaded = TypeVar("Loaded")
MOST_AHEAD = 512
"""Items under way or ready, unless said otherwise."""


class Prefetch(Generic[Item, Loaded]):
    """Loads items of `source` with `load` in `threads` threads; use as a context manager.

    `cost` is how many bytes an item will hold, as far as is known beforehand, and `weigh` how many it does hold once it
    is loaded; `budget` is how many there may be. At most `ahead` items are under way or ready, however small they are.
    `load` returns None for an item that is of no use. An exception of `source` or `load` comes out of `take`.
    Leaving the context does not wait for loads under way; their results are dropped.
    """

    def __init__(
        self,
        source: Iterator[Item],
        load: Callable[[Item], Loaded | None],
        *,
        cost: Callable[[Item], int],
        weigh: Callable[[Loaded], int] | None = None,
        threads: int,
        budget: int,
        ahead: int = MOST_AHEAD,
    ) -> None:
        self._source = source
        self._load = load
        self._cost = cost
        self._weigh = weigh
        self._budget = budget
        self._ahead = ahead
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="load")
        self._feeder = threading.Thread(target=self._feed, name="feed", daemon=True)
        self._changed = threading.Condition()
        self._ready: deque[tuple[Loaded, int]] = deque()
        self._held = 0
        self._lent = 0
        self._under_way = 0
        self._loading = 0
        self._wanted: int | None = None
        self._exhausted = False
        self._closed = False
        self._error: BaseException | None = None

    def __enter__(self) -> Self:
        self._feeder.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def close(self) -> None:
        """Stop loading: what is ready or under way is dropped, and `take` returns nothing any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def is_loading(self) -> bool:
        """Whether a load is under way. Its thread holds up the end of the interpreter, however long it takes."""
        return self._loading > 0

    def take(self, count: int) -> list[Loaded]:
        """The next items, at most `count`; an empty list when there are no more.

        The bytes of the items taken before are given back: call it when done with them.

        Raises:
            ValueError: `count` is less than one.
        """
        if count < 1:
            raise ValueError(f"a batch of {count} is none: expected at least 1")
        with self._changed:
            self._held -= self._lent
            self._lent = 0
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._can_take(count))
            if self._error is not None:
                raise self._error
            if self._closed:
                return []
            taken = [self._ready.popleft() for _ in range(min(count, len(self._ready)))]
            self._lent = sum(cost for _, cost in taken)
            self._changed.notify_all()
        return [loaded for loaded, _ in taken]

    def _can_take(self, count: int) -> bool:
        stuck = self._wanted is not None and not self._has_room(self._wanted)
        stalled = stuck and not self._under_way and bool(self._ready)
        ended = self._exhausted and not self._under_way
        return bool(self._error or self._closed or len(self._ready) >= count or stalled or ended)

    def _feed(self) -> None:
        try:
            for item in self._source:
                cost = self._cost(item)
                if not self._reserve(cost):
                    break
                self._pool.submit(self._run, item, cost)
        except BaseException as error:  # noqa: BLE001 - it is raised again where the items are used
            self._fail(error)
        with self._changed:
            self._exhausted = True
            self._changed.notify_all()

    def _reserve(self, cost: int) -> bool:
        with self._changed:
            self._wanted = cost
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._closed or self._error is not None or self._has_room(cost))
            self._wanted = None
            if self._closed or self._error is not None:
                return False
            self._held += cost
            self._under_way += 1
        return True

    def _has_room(self, cost: int) -> bool:
        if self._under_way + len(self._ready) >= self._ahead:
            return False
        return self._held + cost <= self._budget or self._held <= 0

    def _run(self, item: Item, cost: int) -> None:
        loaded = None
        try:
            if not self._closed:
                loaded = self._loaded(item)
        except BaseException as error:  # noqa: BLE001 - it is raised again where the items are used
            self._fail(error)
        with self._changed:
            self._under_way -= 1
            self._held -= cost
            if loaded is not None:
                held = cost if self._weigh is None else self._weigh(loaded)
                self._held += held
                self._ready.append((loaded, held))
            self._changed.notify_all()

    def _loaded(self, item: Item) -> Loaded | None:
        with self._changed:
            self._loading += 1
        try:
            return self._load(item)
        finally:
            with self._changed:
                self._loading -= 1

    def _fail(self, error: BaseException) -> None:
        with self._changed:
            self._error = self._error or error
            self._changed.notify_all()
