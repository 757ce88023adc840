import io
import threading
from pathlib import Path

import pytest
from picsellia_processing.errors import PlatformError
from picsellia_processing.job import logs
from picsellia_processing.job.console import Console
from picsellia_processing.job.logs import FIRST_CHAPTER, LINES_AT_ONCE, LONGEST_BATCH, LONGEST_SENT_LINE, LogBook

ALWAYS = 60.0


class Platform:
    """Keeps lines as the platform does: by number, the last one sent under a number wins."""

    def __init__(self, answers=()):
        self.lines = {}
        self.batches = []
        self._answers = list(answers)
        self.asked = threading.Event()
        self.may_answer = threading.Event()
        self.may_answer.set()

    def send(self, batch):
        self.asked.set()
        assert self.may_answer.wait(ALWAYS)
        self.batches.append(batch)
        answer = self._answers.pop(0) if self._answers else True
        if isinstance(answer, Exception):
            raise answer
        if answer:
            self.lines.update({batch.first + at: (batch.part, text) for at, text in enumerate(batch.lines)})
        return answer

    @property
    def texts(self):
        return [text for _, (_, text) in sorted(self.lines.items())]


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def stream():
    return io.StringIO()


@pytest.fixture
def book(tmp_path, stream):
    return LogBook(tmp_path / "log.txt", Console(stream), interval=ALWAYS, clock=Clock())


def file_of(book):
    book.close(ALWAYS)
    return Path(book._file.name).read_text(encoding="utf-8").splitlines()


def sent(book, platform):
    book.attach(platform.send)
    assert book.close(ALWAYS)
    return platform.texts


def test_lines_are_numbered_from_0_and_go_everywhere(book, stream):
    platform = Platform()
    for text in ("one", "", "three"):
        book.line(text)
    assert sent(book, platform) == ["one", "", "three"]
    assert sorted(platform.lines) == [0, 1, 2]
    assert [(batch.first, batch.part, batch.final) for batch in platform.batches] == [(0, FIRST_CHAPTER, True)]
    assert file_of(book) == ["one", "", "three"]
    assert stream.getvalue() == "one\n\nthree\n"


def test_an_update_is_replaced_by_what_follows_it(book, stream):
    platform = Platform()
    book.line("before")
    for text in ("", "10%", "20%"):
        book.update(text)
    book.line("100%")
    book.line("after")
    assert sent(book, platform) == ["before", "100%", "after"]
    assert file_of(book) == ["before", "100%", "after"]
    assert stream.getvalue() == "before\n100%\nafter\n"


def test_an_update_that_was_sent_already_is_replaced_under_its_number(book):
    platform = Platform()
    for number in range(LINES_AT_ONCE - 1):
        book.line(str(number))
    platform.may_answer.clear()
    book.attach(platform.send)
    book.update("10%")
    assert platform.asked.wait(ALWAYS)
    book.update("20%")
    book.line("100%")
    platform.may_answer.set()
    assert book.close(ALWAYS)
    assert platform.texts[-2:] == [str(LINES_AT_ONCE - 2), "100%"]
    assert [batch.first for batch in platform.batches] == [0, LINES_AT_ONCE - 1]


def test_an_update_at_the_end_of_the_log_is_kept(book):
    platform = Platform()
    book.update("99%")
    assert sent(book, platform) == ["99%"]
    assert file_of(book) == ["99%"]


def test_progress_replaces_itself_while_it_is_the_last_line(book):
    platform = Platform()
    book.line("start")
    for done in range(5):
        book.progress(done, 9, f"{done}/9")
    book.line("a word")
    book.progress(5, 9, "5/9")
    book.progress(6, 9, "6/9")
    book.settle()
    book.line("end")
    assert sent(book, platform) == ["start", "4/9", "a word", "6/9", "end"]


def test_progress_is_a_line_of_its_own_every_ten_seconds_and_at_the_end(book, stream):
    for second in range(36):
        book._clock.now = float(second)
        book.progress(second, 35, f"{second}/35")
    book.line("end")
    assert stream.getvalue().splitlines() == ["0/35", "10/35", "20/35", "30/35", "35/35", "end"]
    assert file_of(book) == ["0/35", "10/35", "20/35", "30/35", "35/35", "end"]


def test_progress_says_nothing_twice(book, stream):
    platform = Platform()
    for second in range(36):
        book._clock.now = float(second)
        book.progress(7, None, "7/7")
    for second in range(36, 72):
        book._clock.now = float(second)
        book.progress(9, 9, f"9/9 in {second} s")
    book.settle()
    book.line("end")
    assert sent(book, platform) == ["9/9 in 71 s", "end"]
    said = [f"9/9 in {second} s" for second in (36, 46, 56, 66, 71)]
    assert stream.getvalue().splitlines() == ["7/7", *said, "end"]


def test_the_last_progress_is_kept_when_the_worker_dies(book, stream):
    platform = Platform()
    book.progress(1, 9, "1/9")
    book.progress(2, 9, "2/9")
    book.settle()
    book.line("The Job failed")
    assert sent(book, platform) == ["2/9", "The Job failed"]
    assert stream.getvalue().splitlines() == ["1/9", "2/9", "The Job failed"]


def test_a_chapter_begins_a_new_batch(book, stream):
    platform = Platform()
    book.chapter("Setup")
    book.line("one")
    book.update("half")
    book.chapter("Work")
    book.line("two")
    book.chapter("Work")
    book.line("three")
    assert sent(book, platform) == ["one", "half", "two", "three"]
    assert [(batch.first, batch.part, len(batch.lines)) for batch in platform.batches] == [
        (0, "Setup", 2),
        (2, "Work", 2),
    ]
    assert stream.getvalue().splitlines() == ["--- Setup ---", "one", "half", "--- Work ---", "two", "three"]


def test_a_batch_waits_for_its_time_or_for_enough_lines(book):
    platform = Platform()
    book.attach(platform.send)
    for number in range(LINES_AT_ONCE):
        assert not platform.asked.is_set()
        book.line(str(number))
    assert platform.asked.wait(ALWAYS)
    book.line("last")
    assert book.close(ALWAYS)
    assert [len(batch.lines) for batch in platform.batches] == [LINES_AT_ONCE, 1]


def test_lines_that_wait_for_less_are_sent_after_the_interval(tmp_path, stream):
    book = LogBook(tmp_path / "log.txt", Console(stream), interval=0.01)
    platform = Platform()
    book.attach(platform.send)
    book.line("one")
    assert platform.asked.wait(ALWAYS)
    assert book.close(ALWAYS)


def test_a_flood_is_sent_in_few_requests(book):
    platform = Platform()
    for number in range(10_000):
        book.line(str(number))
    assert sent(book, platform) == [str(number) for number in range(10_000)]
    assert len(platform.batches) == 10_000 / LONGEST_BATCH


def test_lines_wait_while_the_platform_is_down(book, monkeypatch):
    monkeypatch.setattr(logs, "PAUSE_AFTER_FAILURE", 0.0)
    book._interval = 0.0
    platform = Platform([PlatformError("down"), PlatformError("down")])
    for number in range(250):
        book.line(str(number))
    book.attach(platform.send)
    while len(platform.batches) < 3:
        platform.asked.wait(ALWAYS)
        platform.asked.clear()
    assert book.close(ALWAYS)
    assert platform.texts == [str(number) for number in range(250)]


def test_an_update_replaced_while_its_batch_is_lost_is_sent_once(book, monkeypatch):
    monkeypatch.setattr(logs, "PAUSE_AFTER_FAILURE", 0.0)
    book._interval = 0.0
    platform = Platform([PlatformError("down")])
    platform.may_answer.clear()
    book.line("one")
    book.update("10%")
    book.attach(platform.send)
    assert platform.asked.wait(ALWAYS)
    book.line("100%")
    book.line("two")
    platform.may_answer.set()
    while len(platform.batches) < 2:
        platform.asked.wait(0.01)
    assert book.close(ALWAYS)
    assert platform.texts == ["one", "100%", "two"]


def test_the_oldest_lines_are_left_to_the_file_when_too_many_wait(book, monkeypatch):
    monkeypatch.setattr(logs, "LONGEST_QUEUE", 10)
    platform = Platform()
    for number in range(25):
        book.line(str(number))
    texts = sent(book, platform)
    assert texts == ["[15 lines before this one are in the stored log only]", *map(str, range(15, 25))]
    assert sorted(platform.lines) == list(range(14, 25))
    assert file_of(book) == [str(number) for number in range(25)]


def test_a_batch_that_the_platform_refuses_is_left_to_the_file(book):
    platform = Platform([False, ValueError("a mistake in the SDK")])
    for number in range(2 * LONGEST_BATCH + 1):
        book.line(str(number))
    texts = sent(book, platform)
    assert texts == [
        f"[{2 * LONGEST_BATCH - 1:,} lines before this one are in the stored log only]",
        str(2 * LONGEST_BATCH - 1),
        str(2 * LONGEST_BATCH),
    ]
    assert sorted(platform.lines) == [2 * LONGEST_BATCH - 2, 2 * LONGEST_BATCH - 1, 2 * LONGEST_BATCH]


def test_a_platform_that_never_answers_holds_up_neither_lines_nor_the_end(book):
    platform = Platform()
    platform.may_answer.clear()
    book.attach(platform.send)
    for number in range(1000):
        book.line(str(number))
    assert platform.asked.wait(ALWAYS)
    assert not book.close(0.01)
    platform.may_answer.set()


def test_a_platform_that_is_gone_does_not_hold_up_the_end(book):
    platform = Platform([PlatformError("gone")] * 3)
    book.line("one")
    book.attach(platform.send)
    assert not book.close(ALWAYS)


def test_a_long_line_is_cut_for_the_platform_alone(book):
    platform = Platform()
    text = "x" * (LONGEST_SENT_LINE + 1234)
    book.line(text)
    assert sent(book, platform) == ["x" * LONGEST_SENT_LINE + "[... 1,234 more characters are in the stored log]"]
    assert file_of(book) == [text]


def test_lines_of_many_threads_are_all_there(book):
    platform = Platform()
    book.attach(platform.send)
    threads = [
        threading.Thread(target=lambda name: [book.line(f"{name} {at}") for at in range(500)], args=[name])
        for name in "abcd"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert book.close(ALWAYS)
    assert sorted(platform.texts) == sorted(f"{name} {at}" for name in "abcd" for at in range(500))


def test_a_full_disk_does_not_end_the_job(book, stream):
    book._file.close()
    book.line("one")
    platform = Platform()
    assert sent(book, platform) == ["one"]
    assert stream.getvalue() == "one\n"
