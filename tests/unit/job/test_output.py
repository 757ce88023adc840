import re
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from picsellia_processing.job.output import LONGEST_LINE, Line, OutputLines
from picsellia_processing.job.redaction import PLACEHOLDER, redact

TOKEN = "a0c9f3bbf7e8bc175494fc44bfc6f89aae3eb9d0"


def lines_of(*chunks, secrets=()):
    lines = OutputLines(partial(redact, secrets=secrets), overlap=max(map(len, secrets), default=0))
    return [line for chunk in chunks for line in lines.feed(chunk)] + lines.end()


def settled(*texts):
    return [Line(text) for text in texts]


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        ([], []),
        ([b"one\ntwo\n"], settled("one", "two")),
        ([b"one\r\ntwo\r", b"\nthree"], settled("one", "two", "three")),
        ([b"\n\n"], settled("", "")),
        ([b"\r 10%\r 20%\r100%\n"], [Line("", False), Line(" 10%", False), Line(" 20%", False), Line("100%")]),
        ([b"10%\r"], settled("10%")),
        ([b"10%\r", b"20%\n"], [Line("10%", False), Line("20%")]),
        ([b"a\r\r\r\nb\r\r", b"\r\n"], settled("a", "b")),
        ([b"caf\xc3", b"\xa9\n"], settled("café")),
        ([b"\xff\xfe ok\n"], settled("\ufffd\ufffd ok")),
        ([b"caf\xc3"], settled("caf\ufffd")),
        ([b"\x1b[1;31mred\x1b[0m \x1b]0;title\x07x\n"], settled("red x")),
        ([b"a\x00b\x08c\x07\td\x7f\n"], settled("a\ufffdbc\td\ufffd")),
        ([b"bar   \r\n"], settled("bar")),
    ],
)
def test_lines(chunks, expected):
    assert lines_of(*chunks) == expected


@settings(deadline=None)
@given(st.binary(max_size=300), st.data())
def test_where_reads_cut_the_bytes_does_not_matter(data, draw):
    cuts = sorted(draw.draw(st.lists(st.integers(0, len(data)), max_size=8)))
    chunks = [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    assert lines_of(*chunks) == lines_of(data)


@settings(deadline=None)
@given(st.binary(max_size=2000))
def test_whatever_is_printed_lines_are_plain_text(data):
    for line in lines_of(data):
        assert not re.search(r"[\x00-\x08\x0a-\x1f\x7f]", line.text)
        line.text.encode("utf-8")


def test_a_token_that_straddles_two_reads_is_redacted():
    assert lines_of(b"token " + TOKEN[:7].encode(), TOKEN[7:].encode() + b"\n", secrets=(TOKEN,)) == settled(
        f"token {PLACEHOLDER}"
    )


def test_a_long_line_of_words_is_broken_at_spaces_and_nothing_is_lost():
    words = [f"word{number}" for number in range(40_000)]
    lines = lines_of(" ".join(words).encode() + b"\nnext\n")
    assert lines[-1] == Line("next")
    assert " ".join(line.text for line in lines[:-1]).split() == words
    assert all(len(line.text) <= LONGEST_LINE for line in lines)


@pytest.mark.parametrize("size", [1, 1000, 1 << 18])
def test_a_megabyte_without_a_space_keeps_its_beginning_and_says_what_is_missing(size):
    data = b"x" * 1_000_000 + b"\nnext\n"
    lines = lines_of(*(data[at : at + size] for at in range(0, len(data), size))) if size > 1 else lines_of(data)
    assert [line.text[:5] for line in lines] == ["xxxxx", "next"]
    head, missing = re.fullmatch(r"(x+)\[\.\.\. ([\d,]+) more characters\]", lines[0].text).groups()
    assert len(head) + int(missing.replace(",", "")) == 1_000_000


def test_memory_is_bounded_when_no_line_ever_ends():
    lines = OutputLines(lambda text: text)
    for _ in range(200):
        lines.feed(b"y" * (1 << 16))
    assert sum(map(len, lines._unfinished)) <= LONGEST_LINE


@pytest.mark.parametrize("before", range(0, 200, 7))
def test_a_token_where_a_long_line_is_broken_is_redacted(before):
    text = "w " * ((LONGEST_LINE - 100) // 2) + "v" * before + TOKEN + " tail " * 20_000
    chunks = [text[at : at + 1000].encode() for at in range(0, len(text), 1000)]
    joined = "".join(line.text for line in lines_of(*chunks, secrets=(TOKEN,)))
    assert TOKEN[:20] not in joined
    assert TOKEN[20:] not in joined
    assert PLACEHOLDER in joined


def test_the_signed_url_at_the_place_where_a_long_line_is_broken_is_redacted():
    url = "https://h/a.jpg?X-Amz-Signature=" + "f" * 2000
    text = "w " * ((LONGEST_LINE - 1000) // 2) + url + " tail" * 20_000
    for size in (777, 1 << 16):
        chunks = [text[at : at + size].encode() for at in range(0, len(text), size)]
        assert "ffff" not in "".join(line.text for line in lines_of(*chunks))


def test_a_flood_of_carriage_returns_is_read_in_linear_time():
    assert lines_of(*[b"\r" * (1 << 16)] * 50, b"end\n")[-1] == Line("end")
