import contextlib
import os
import threading

import pytest
from picsellia_processing.job.channel import (
    COMMANDS_FD,
    EVENTS_FD,
    Chapter,
    EventReader,
    Failed,
    Failure,
    Finished,
    Progress,
    Sender,
    Snapshot,
    Start,
    Stop,
    read_commands,
    worker_pipes,
)

EVENTS = [
    Chapter("Annotate"),
    Progress(412, 2000, "412/2,000 assets, 38.1 images/s, 3 failed"),
    Progress(1, None, "1 asset"),
    Failure("a.jpg", "0191", "decode", "truncated after 12 bytes"),
    Snapshot({"assets": {"selected": 3}, "parameters": {"é": [1, 2.5, None, True]}}),
    Failed("no label", "Traceback ...\n  line", 2),
    Finished(),
]


@pytest.fixture
def pipe():
    reading, writing = os.pipe()
    yield reading, writing
    for fd in (reading, writing):
        with contextlib.suppress(OSError):
            os.close(fd)


def drained(fd):
    os.set_blocking(fd, False)
    found = b""
    try:
        while chunk := os.read(fd, 1 << 20):
            found += chunk
    except BlockingIOError:
        pass
    return found


def test_every_event_arrives_as_it_was_sent(pipe):
    reading, writing = pipe
    sender = Sender(writing)
    for event in EVENTS:
        sender.send(event)
    assert EventReader().feed(drained(reading)) == EVENTS


def test_it_does_not_matter_where_a_read_cuts_the_bytes(pipe):
    reading, writing = pipe
    sender = Sender(writing)
    for event in EVENTS:
        sender.send(event)
    reader = EventReader()
    found = [event for byte in drained(reading) for event in reader.feed(bytes([byte]))]
    assert found == EVENTS


@pytest.mark.parametrize(
    "garbage",
    [
        b"\xff\xfe\x00",
        b"{",
        b"[]",
        b"null",
        b'"finished"',
        b'{"event":"unknown"}',
        b'{"event":"progress","done":"many"}',
        b'{"event":"failure","asset":"a","asset_id":"b","stage":"elsewhere","reason":""}',
        b'{"command":"stop"}',
        b"",
        b"[" * 100_000,
        b"x" * (5 << 20),
    ],
)
def test_a_line_that_is_no_event_is_left_out_and_the_next_is_read(garbage):
    reader = EventReader()
    found = []
    whole = garbage + b'\n{"event":"finished"}\n'
    for start in range(0, len(whole), 1 << 16):
        found += reader.feed(whole[start : start + (1 << 16)])
    assert found == [Finished()]


def test_a_line_cut_short_by_the_death_of_the_worker_is_left_out():
    reader = EventReader()
    assert reader.feed(b'{"event":"finished"}\n{"event":"fin') == [Finished()]
    assert reader.feed(b"\n") == []


def test_a_name_that_is_not_utf_8_still_arrives(pipe):
    reading, writing = pipe
    Sender(writing).send(Failure("a\udcff.jpg", "1", "fetch", "404"))
    assert EventReader().feed(drained(reading)) == [Failure("a?.jpg", "1", "fetch", "404")]


def test_sending_to_nobody_does_nothing(pipe):
    reading, writing = pipe
    sender = Sender(writing)
    os.close(reading)
    sender.send(Finished())
    sender.send(Finished())
    sender.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(writing)


def test_lines_of_many_threads_stay_whole(pipe):
    reading, writing = pipe
    sender = Sender(writing)
    reader, found = EventReader(), []

    def send(number):
        for _ in range(50):
            sender.send(Chapter(f"{number}" * 3000))

    def read():
        while chunk := os.read(reading, 1 << 16):
            found.extend(reader.feed(chunk))

    threads = [threading.Thread(target=send, args=[number]) for number in range(8)]
    listener = threading.Thread(target=read)
    listener.start()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sender.close()
    listener.join()
    assert sorted(chapter.name for chapter in found) == sorted(
        f"{number}" * 3000 for number in range(8) for _ in range(50)
    )


def test_commands_are_read_in_order_and_a_stop_is_the_last(pipe):
    reading, writing = pipe
    os.write(
        writing, b'garbage\n{"command":"start","target":"processings/x","out":null}\n{"command":"stop"}\n{"command":'
    )
    assert list(read_commands(reading)) == [Start("processings/x"), Stop()]


def test_the_end_of_the_pipe_is_a_stop(pipe):
    reading, writing = pipe
    os.write(writing, b'{"command":"start","target":"module:attr","out":"/abs"}\n')
    os.close(writing)
    assert list(read_commands(reading)) == [Start("module:attr", "/abs"), Stop()]


def test_what_the_author_starts_does_not_inherit_the_pipes(pipe):
    reading, writing = pipe
    environ = {EVENTS_FD: str(writing), COMMANDS_FD: str(reading), "HOME": "/"}
    for fd in pipe:
        os.set_inheritable(fd, True)
    assert worker_pipes(environ) == (writing, reading)
    assert environ == {"HOME": "/"}
    assert not any(os.get_inheritable(fd) for fd in pipe)


def test_a_worker_without_a_supervisor_is_told_which_variable_is_missing():
    with pytest.raises(KeyError, match=EVENTS_FD):
        worker_pipes({})
