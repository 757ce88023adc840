"""Tally: what happened to every asset, and where the time went. The one thing all stages of a stream write to."""

from __future__ import annotations

import threading
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from picsellia_processing.errors import TooManyFailuresError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from picsellia_processing.image import AssetReference
    from picsellia_processing.task import Record

STAGES = ("fetch", "decode", "process", "write")
MOST_REASONS = 500
OTHER_REASONS = "other reasons"
"""What reasons that hold a number, a new one for each asset, are counted as from then on."""
LONGEST_REASON = 1_000
MOST_CLASSES = 5_000
OTHER_CLASSES = "other classes"
"""What shapes are counted as from then on, where the label is a text of its own for each asset."""
REMARKABLE = 0.25
"""So large a share of shapes that are odd in one way is a remark."""
HOPELESS_AFTER = 100
"""So many failures and not one success: the rest is not tried."""


@dataclass(slots=True)
class Stage:
    """One stage: seconds its threads were busy, summed over them, and items done."""

    seconds: float = 0.0
    items: int = 0


@dataclass(slots=True)
class LabelTally:
    """The shapes of one class of the model: how many, under which label, and their confidence."""

    label: str | None
    shapes: int = 0
    scored: int = 0
    total: float = 0.0
    lowest: float = 1.0
    highest: float = 0.0

    def add(self, confidence: float | None) -> None:
        """Count one shape."""
        self.shapes += 1
        if confidence is not None:
            self.scored += 1
            self.total += confidence
            self.lowest = min(self.lowest, confidence)
            self.highest = max(self.highest, confidence)


@dataclass(slots=True)
class Tally:
    """Counts of one run. Thread-safe.

    `on_failure` is called for each asset that fails, with its reference, the stage and the reason. `paced` says whether
    the images are the work, so that it has a speed; a Job on a ModelVersion looks at some on the way. `widths` says how
    many threads work on a stage, so that busy seconds can be compared. `loaded` is set once an image has been loaded.
    """

    max_failure_rate: float
    on_failure: Callable[[AssetReference, str, str], None]
    paced: bool = True
    widths: dict[str, int] = field(default_factory=dict)
    selected: int = 0
    processed: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    failed: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    loaded: bool = False
    shapes: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    doubts: Counter[str] = field(default_factory=Counter)
    produced: Counter[str] = field(default_factory=Counter)
    classes: dict[str, LabelTally] = field(default_factory=dict)
    stages: dict[str, Stage] = field(default_factory=lambda: {name: Stage() for name in STAGES})
    started: float = field(default_factory=time.monotonic)
    first_write: float | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def restart(self) -> None:
        """Count the time from now on."""
        self.started = time.monotonic()

    @contextmanager
    def time(self, stage: str, items: int = 1) -> Iterator[None]:
        """Count the block as work of a stage, whether it succeeds or not."""
        began = time.perf_counter()
        try:
            yield
        finally:
            with self._lock:
                self.stages[stage].seconds += time.perf_counter() - began
                self.stages[stage].items += items

    def skip(self, reason: str, count: int = 1) -> None:
        """Count assets that are left out on purpose."""
        with self._lock:
            self.skipped[_bounded(self.skipped, reason)] += count

    def fail(self, reference: AssetReference, stage: str, reason: str) -> None:
        """Count an asset that cannot be used.

        Raises:
            TooManyFailuresError: the share allowed to fail is exceeded whatever comes, or nothing has worked so far.
        """
        reason = _shortened(reason)
        with self._lock:
            self.failed += 1
            self.failures[stage] += 1
            failed, selected, hopeless = self.failed, self.selected, self._is_hopeless()
        self.on_failure(reference, stage, reason)
        if selected and failed / selected > self.max_failure_rate:
            raise TooManyFailuresError(
                f"{failed:,} of {selected:,} assets failed, more than max_failure_rate = {self.max_failure_rate:g} "
                f"allows; the last one: {reference.filename}, {stage}: {reason}"
            )
        if hopeless and self.max_failure_rate < 1:
            raise TooManyFailuresError(
                f"the first {failed:,} assets all failed; the last one: {reference.filename}, {stage}: {reason} "
                "(with max_failure_rate = 1 a Job goes on)"
            )

    def _is_hopeless(self) -> bool:
        """Whether nothing has worked; an image that was loaded and waits for a slow model may still."""
        unloaded = self.failures["fetch"] + self.failures["decode"]
        unloadable = unloaded >= HOPELESS_AFTER and not self.loaded
        useless = self.failed - unloaded >= HOPELESS_AFTER
        return (unloadable or useless) and not self.processed and not self.skipped.total()

    def acknowledge(self, records: Sequence[Record]) -> None:
        """Count assets whose results the platform has confirmed."""
        with self._lock:
            if self.first_write is None:
                self.first_write = time.monotonic() - self.started
            self.processed += len(records)
            for record in records:
                self._count(record)

    def _count(self, record: Record) -> None:
        self.shapes += len(record.shapes)
        self.produced.update(record.produced)
        self.doubts.update(record.doubts)
        for reason in record.dropped:
            self.dropped[_bounded(self.dropped, reason)] += 1
        for shape in record.shapes:
            self._class(shape.model_class, shape.label).add(shape.confidence)
        for name in record.unmatched:
            self._class(name, None).add(None)

    def _class(self, name: str, label: str | None) -> LabelTally:
        if name not in self.classes and len(self.classes) >= MOST_CLASSES:
            name, label = OTHER_CLASSES, None
        return self.classes.setdefault(name, LabelTally(label))

    def produce(self, produced: Mapping[str, int]) -> None:
        """Count what was produced besides shapes."""
        with self._lock:
            self.produced.update(produced)

    @property
    def done(self) -> int:
        """How many assets are accounted for."""
        return self.processed + self.skipped.total() + self.failed

    @property
    def remarks(self) -> list[str]:
        """What a person should look at although nothing failed: many shapes that are odd in the same way."""
        shapes = self.shapes + self.produced["shapes"] + self.dropped.total()
        return [
            f"{count:,} of {shapes:,} shapes {doubt}"
            for doubt, count in self.doubts.items()
            if count >= REMARKABLE * shapes
        ]

    @property
    def limiting_stage(self) -> str | None:
        """The stage whose threads were busiest, which sets the speed; None before any work."""
        busy = {name: stage.seconds / self.widths.get(name, 1) for name, stage in self.stages.items()}
        slowest = max(busy, key=lambda name: busy[name])
        return slowest if busy[slowest] > 0 else None

    def snapshot(self) -> dict[str, Any]:
        """The counts as they stand, for the report."""
        with self._lock:
            seconds = time.monotonic() - self.started
            return {
                "assets": {
                    "selected": self.selected,
                    "processed": self.processed,
                    "skipped": self.skipped.total(),
                    "failed": self.failed,
                },
                "shapes": self.shapes,
                "produced": dict(self.produced),
                "dropped_shapes": dict(self.dropped),
                "remarks": self.remarks,
                "skipped": dict(self.skipped),
                "stages": {
                    name: {
                        "seconds": round(stage.seconds, 4),
                        "items": stage.items,
                        "threads": self.widths.get(name, 1),
                    }
                    for name, stage in self.stages.items()
                },
                "seconds": round(seconds, 3),
                **self._pace(seconds),
            }

    def _pace(self, seconds: float) -> dict[str, Any]:
        if not self.paced:
            return {"limiting_stage": None, "images_per_second": None, "first_write_seconds": None}
        return {
            "limiting_stage": self.limiting_stage,
            "images_per_second": round(self.processed / seconds, 2) if seconds > 0 else 0.0,
            "first_write_seconds": None if self.first_write is None else round(self.first_write, 3),
        }


def _shortened(reason: str) -> str:
    return reason if len(reason) <= LONGEST_REASON else f"{reason[:LONGEST_REASON]}..."


def _bounded(reasons: Counter[str], reason: str) -> str:
    reason = _shortened(reason)
    return reason if reason in reasons or len(reasons) < MOST_REASONS else OTHER_REASONS
