import contextlib
import fcntl
import io
import os
import pty
import re
import struct
import termios

import pytest
from picsellia_processing.job.console import Console


@pytest.fixture
def terminal():
    """A terminal to write to, and what it has been sent until it is closed."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    with os.fdopen(follower, "w") as stream, os.fdopen(leader, "rb", buffering=0) as reading:

        def shown():
            stream.close()
            found = b""
            with contextlib.suppress(OSError):  # how Linux says that nobody writes any more
                while chunk := reading.read(1 << 16):
                    found += chunk
            return found.decode()

        yield stream, shown


def test_elsewhere_than_on_a_terminal_there_are_only_lines():
    stream = io.StringIO()
    console = Console(stream)
    console.transient("10%")
    console.progress(1, 2, "1/2")
    console.line("one")
    console.close()
    console.line("too late")
    assert stream.getvalue() == "one\n"


def test_a_line_takes_the_place_of_transient_text(terminal):
    stream, shown = terminal
    console = Console(stream)
    console.transient("10%")
    console.line("done")
    console.line("next")
    assert shown() == "10%\r\x1b[Kdone\r\nnext\r\n"


def test_lines_are_written_above_the_bar(terminal):
    stream, shown = terminal
    console = Console(stream)
    console.progress(5, 10, "5/10 assets")
    console.line("a word")
    console.progress(10, 10, "10/10 assets")
    console.transient("not beside a bar")
    console.close()
    before, after = shown().split("a word\r\n")
    assert re.search(r" 50%\|\S+ *\| 5/10 assets", before)
    assert re.search(r" 50%\|\S+ *\| 5/10 assets.*100%\|\S+\| 10/10 assets", after, re.DOTALL)
    assert "beside" not in after


def test_without_a_total_there_are_only_words(terminal):
    stream, shown = terminal
    console = Console(stream)
    console.progress(5, None, "5 assets")
    console.close()
    assert "5 assets" in (text := shown())
    assert "%" not in text


def test_once_nobody_reads_nothing_more_is_written():
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stream:
        console = Console(stream)
        os.close(reading)
        console.line("one")
        console.line("two")
        console.close()


def test_text_that_the_encoding_lacks_is_escaped():
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    Console(stream).line("café")
    assert raw.getvalue() == b"caf\\xe9\n"
