from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from picsellia_processing.errors import TooManyFailuresError
from picsellia_processing.image import AssetReference
from picsellia_processing.stream.tally import (
    HOPELESS_AFTER,
    LONGEST_REASON,
    MOST_CLASSES,
    MOST_REASONS,
    OTHER_REASONS,
    Tally,
)
from picsellia_processing.task import Record, WrittenShape

REFERENCE = AssetReference("id", "a.jpg", "http://host/a.jpg?sig=s3cr3t")


def tally(rate: float = 0.05, selected: int = 0) -> Tally:
    return Tally(rate, lambda *_: None, selected=selected)


def shape(model_class: str, confidence: float | None = None, label: str | None = None) -> WrittenShape:
    return WrittenShape("rectangle", label or model_class, model_class, confidence, {"x": 1})


@given(selected=st.integers(1, 2000), data=st.data())
def test_exactly_the_allowed_share_may_fail(selected: int, data: st.DataObject) -> None:
    allowed = data.draw(st.integers(0, selected))
    counts = tally(allowed / selected, selected)
    counts.skip("so that it is not hopeless")
    for _ in range(allowed):
        counts.fail(REFERENCE, "fetch", "gone")
    if allowed < selected:
        with pytest.raises(TooManyFailuresError):
            counts.fail(REFERENCE, "fetch", "gone")


@pytest.mark.parametrize(
    ("rate", "selected", "allowed"), [(0.29, 100, 29), (0.05, 20, 1), (0.07, 100, 7), (0.05, 19, 0)]
)
def test_shares_as_people_write_them(rate: float, selected: int, allowed: int) -> None:
    counts = tally(rate, selected)
    for _ in range(allowed):
        counts.fail(REFERENCE, "fetch", "gone")
    with pytest.raises(TooManyFailuresError):
        counts.fail(REFERENCE, "fetch", "gone")


def test_the_message_says_how_many_and_what_the_last_one_was() -> None:
    counts = tally(0, 1_000_000)
    with pytest.raises(TooManyFailuresError) as caught:
        counts.fail(REFERENCE, "decode", "truncated")
    assert str(caught.value) == (
        "1 of 1,000,000 assets failed, more than max_failure_rate = 0 allows; the last one: a.jpg, decode: truncated"
    )


def test_everything_may_fail_if_allowed() -> None:
    counts = tally(1, 3 * HOPELESS_AFTER)
    for _ in range(3 * HOPELESS_AFTER):
        counts.fail(REFERENCE, "fetch", "gone")
    assert counts.failed == 3 * HOPELESS_AFTER


@pytest.mark.parametrize("selected", [0, 1_000_000])
def test_a_job_in_which_nothing_works_is_given_up(selected: int) -> None:
    counts = tally(0.5, selected)
    for _ in range(HOPELESS_AFTER - 1):
        counts.fail(REFERENCE, "fetch", "gone")
    with pytest.raises(TooManyFailuresError, match=f"the first {HOPELESS_AFTER} assets all failed"):
        counts.fail(REFERENCE, "fetch", "gone")


@pytest.mark.parametrize("worked", ["acknowledge", "skip"])
def test_a_job_in_which_something_worked_is_not_hopeless(worked: str) -> None:
    counts = tally(0.5, 1_000_000)
    if worked == "skip":
        counts.skip("already annotated")
    else:
        counts.acknowledge([Record(REFERENCE, {})])
    for _ in range(3 * HOPELESS_AFTER):
        counts.fail(REFERENCE, "fetch", "gone")


def test_a_job_is_not_hopeless_while_loaded_images_wait_for_a_slow_model() -> None:
    counts = tally(0.5, 1_000_000)
    counts.loaded = True
    for _ in range(2 * HOPELESS_AFTER):
        counts.fail(REFERENCE, "fetch", "gone")
    for _ in range(HOPELESS_AFTER - 1):
        counts.fail(REFERENCE, "process", "ValueError")
    with pytest.raises(TooManyFailuresError, match=r"all failed; .*\(with max_failure_rate = 1 a Job goes on\)"):
        counts.fail(REFERENCE, "process", "ValueError")


def test_a_failure_is_told_before_it_ends_the_job() -> None:
    told: list[tuple[AssetReference, str, str]] = []
    counts = Tally(0, lambda *failure: told.append(failure), selected=1)
    with pytest.raises(TooManyFailuresError):
        counts.fail(REFERENCE, "write", "refused")
    assert told == [(REFERENCE, "write", "refused")]


def test_the_account_adds_up() -> None:
    counts = tally(1, 10)
    counts.skip("already annotated", 4)
    counts.skip("a video, not an image")
    counts.fail(REFERENCE, "fetch", "gone")
    counts.acknowledge(
        [
            Record(REFERENCE, {}, [shape("car", 0.5), shape("car", 0.9), shape("bus")], ["no area"], ["zebra"]),
            Record(REFERENCE, {}, dropped=["no area", "wholly outside"]),
        ]
    )
    snapshot = counts.snapshot()
    assert snapshot["assets"] == {"selected": 10, "processed": 2, "skipped": 5, "failed": 1}
    assert counts.done == 8
    assert snapshot["shapes"] == 3
    assert snapshot["dropped_shapes"] == {"no area": 2, "wholly outside": 1}
    assert snapshot["skipped"] == {"already annotated": 4, "a video, not an image": 1}
    assert json.loads(json.dumps(snapshot)) == snapshot
    car, bus, zebra = (counts.classes[name] for name in ("car", "bus", "zebra"))
    assert (car.label, car.shapes, car.scored, car.total, car.lowest, car.highest) == ("car", 2, 2, 1.4, 0.5, 0.9)
    assert (bus.shapes, bus.scored) == (1, 0)
    assert (zebra.label, zebra.shapes) == (None, 1)


@pytest.mark.parametrize(("odd", "remarks"), [(1, []), (2, ["2 of 8 shapes look odd"])])
def test_many_shapes_that_are_odd_in_one_way_are_a_remark(odd: int, remarks: list[str]) -> None:
    counts = tally()
    assert counts.snapshot()["remarks"] == []
    counts.acknowledge(
        [
            Record(REFERENCE, {}, [shape("car")] * 5, ["no area"], doubts=["look odd"] * odd),
            Record(REFERENCE, {}, produced={"shapes": 2}),
        ]
    )
    assert counts.snapshot()["remarks"] == remarks


def test_classes_do_not_grow_with_the_data_set() -> None:
    counts = tally()
    for number in range(MOST_CLASSES + 10):
        counts.acknowledge([Record(REFERENCE, {}, [shape(f"written {number}")], unmatched=[f"unmatched {number}"])])
    assert len(counts.classes) == MOST_CLASSES + 1
    assert sum(each.shapes for each in counts.classes.values()) == 2 * (MOST_CLASSES + 10)


def test_a_reason_is_short() -> None:
    reasons: list[str] = []
    counts = Tally(1, lambda *failure: reasons.append(failure[2]))
    counts.skip("x" * 10_000_000)
    counts.fail(REFERENCE, "process", "x" * 10_000_000)
    assert max(map(len, [*reasons, *counts.skipped])) <= LONGEST_REASON + 3


def test_reasons_that_hold_a_number_do_not_grow_with_the_data_set() -> None:
    counts = tally()
    for number in range(10 * MOST_REASONS):
        counts.skip(f"too dark: {number}")
        counts.acknowledge([Record(REFERENCE, {}, dropped=[f"no area: {number} x 0"])])
    for reasons in (counts.skipped, counts.dropped):
        assert len(reasons) == MOST_REASONS + 1
        assert reasons.total() == 10 * MOST_REASONS
        assert reasons[OTHER_REASONS] == 9 * MOST_REASONS
    counts.skip("too dark: 3")
    assert counts.skipped["too dark: 3"] == 2


def test_time_is_counted_whether_it_worked_or_not() -> None:
    counts = tally()
    with counts.time("process", 16):
        pass
    with pytest.raises(ZeroDivisionError), counts.time("process", 4):
        _ = 1 / 0
    assert counts.stages["process"].items == 20
    assert counts.stages["process"].seconds > 0


def test_the_limiting_stage_is_the_one_whose_threads_were_busiest() -> None:
    counts = tally()
    assert counts.limiting_stage is None
    assert counts.snapshot()["limiting_stage"] is None
    counts.widths = {"fetch": 24, "decode": 2, "process": 1, "write": 1}
    counts.stages["fetch"].seconds = 20
    counts.stages["process"].seconds = 1
    assert counts.limiting_stage == "process"
    counts.stages["decode"].seconds = 3
    assert counts.limiting_stage == "decode"
    counts.widths = {}
    assert counts.limiting_stage == "fetch"


def test_there_is_no_speed_where_the_images_are_not_the_work() -> None:
    counts = Tally(0, lambda *_: None, paced=False)
    with counts.time("fetch"):
        pass
    counts.acknowledge([Record(REFERENCE, {})])
    found = counts.snapshot()
    assert (found["limiting_stage"], found["images_per_second"], found["first_write_seconds"]) == (None, None, None)
    assert found["assets"]["processed"] == found["stages"]["fetch"]["items"] == 1


def test_first_write_and_restart() -> None:
    counts = tally()
    assert counts.snapshot()["first_write_seconds"] is None
    counts.started -= 100
    counts.acknowledge([Record(REFERENCE, {})])
    assert counts.first_write >= 100
    before = counts.first_write
    counts.acknowledge([Record(REFERENCE, {})])
    assert counts.first_write == before
    assert counts.snapshot()["seconds"] >= 100
    counts.restart()
    assert counts.snapshot()["seconds"] < 100


def test_threads_lose_no_count() -> None:
    counts = tally(1, 100_000)
    seen = threading.Semaphore(0)
    counts.on_failure = lambda *_: seen.release()

    def work(number: int) -> None:
        for _ in range(500):
            counts.fail(REFERENCE, "fetch", "gone")
            counts.skip(f"reason {number}")
            counts.acknowledge([Record(REFERENCE, {}, [shape(f"class {number}", 0.5)])])
            with counts.time("fetch"):
                pass
            counts.snapshot()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert (counts.failed, counts.skipped.total(), counts.processed, counts.shapes) == (2000,) * 4
    assert counts.stages["fetch"].items == 2000
    assert counts.done == 6000
