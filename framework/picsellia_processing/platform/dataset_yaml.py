"""Reading class names from a YOLO `data.yaml`.

A few top-level keys of a file that is otherwise skipped: no YAML library is among what a dry-run needs. `names` is
understood in every form that ultralytics, Roboflow, CVAT and Label Studio write: a list or a table, in brackets or one
entry per line. Names stay texts whatever they look like, so `no` and `1` are classes too.
"""

from __future__ import annotations

import re

_KEY = re.compile(r"""^["']?(?P<key>\w+)["']?\s*:(?:\s+(?P<rest>.*))?$""")
_TOKEN = re.compile(
    r"""
      (?P<space> \s+ | \#[^\n]* )
    | (?P<double> "(?:[^"\\]|\\.)*" )
    | (?P<single> '(?:[^']|'')*' )
    | (?P<mark> [\[\]{},] | :(?=\s|$) | ^-(?=\s) )
    | (?P<plain> [^\s,\[\]{}\#:"'&*!|>%@`] (?: [^,\[\]{}\n:\#] | :(?!\s|$) | (?<=\S)\# )* )
    """,
    re.VERBOSE | re.MULTILINE,
)
_PLAIN_LINE = re.compile(r"""^(?:-\s+|(?P<index>\d+)\s*:\s+)(?P<name>[^\s"'\[\]{}&*!|>%@`\#,].*?)(?:\s+\#.*)?\s*$""")

_ESCAPE = re.compile(
    r"\\(?:x(?P<x>[0-9a-fA-F]{2})|u(?P<u>[0-9a-fA-F]{4})|U(?P<U>000[0-9a-fA-F]{5}|0010[0-9a-fA-F]{4})|(?P<other>.))"
)
_ESCAPES = {'"': '"', "\\": "\\", "/": "/", " ": " ", "t": "\t", "n": "\n", "_": "\xa0"}


class NotUnderstoodError(ValueError):
    """A value is in a form that is not read here."""


def top_level(text: str) -> dict[str, str]:
    """The top-level keys of a YAML document, each with its value as it is written, over however many lines."""
    values: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.splitlines():
        key = _KEY.match(line)
        if key:
            lines = values.setdefault(key["key"], [])
            lines.append(key["rest"] or "")
        else:
            lines.append(line)
    return {key: "\n".join(lines).strip("\n") for key, lines in values.items()}


def scalar(written: str) -> str:
    """The text of a value that is one text. Raises NotUnderstoodError."""
    tokens = _tokens(written)
    if len(tokens) == 1 and tokens[0][0] == "text":
        return tokens[0][1]
    raise NotUnderstoodError(f"{written.strip()!r}")


def names(written: str) -> dict[int, str]:
    """The class names of a value that is a list or a table of them, by class index. Raises NotUnderstoodError."""
    lines = [line.strip() for line in written.splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    if not lines:
        return {}
    if not lines[0].startswith(("[", "{")):
        return _indexed([_entry(line) for line in lines])
    tokens = _tokens(written)
    if [text for _, text in tokens[:1]] == ["["] and tokens[-1] == ("mark", "]"):
        return _indexed([(None, _only(part)) for part in _split(tokens[1:-1])])
    if [text for _, text in tokens[:1]] == ["{"] and tokens[-1] == ("mark", "}"):
        return _indexed([_pair(part) for part in _split(tokens[1:-1])])
    raise NotUnderstoodError(f"{written.strip()[:60]!r}")


def _indexed(entries: list[tuple[int | None, str]]) -> dict[int, str]:
    indexed = {position if index is None else index: name for position, (index, name) in enumerate(entries)}
    if sorted(indexed) != list(range(len(entries))):
        raise NotUnderstoodError(f"classes {sorted(indexed)} instead of 0 to {len(entries) - 1}")
    return dict(sorted(indexed.items()))


def _entry(line: str) -> tuple[int | None, str]:
    """One line of a list or table that has an entry per line."""
    plain = _PLAIN_LINE.match(line)
    if plain and ": " not in plain["name"]:
        return (None if plain["index"] is None else int(plain["index"])), plain["name"]
    tokens = _tokens(line)
    if tokens[:1] == [("mark", "-")]:
        return None, _only(tokens[1:])
    return _pair(tokens)


def _pair(tokens: list[tuple[str, str]]) -> tuple[int, str]:
    match tokens:
        case [("text", index), ("mark", ":"), ("text", name)] if index.isdecimal():
            return int(index), name
    raise NotUnderstoodError(" ".join(text for _, text in tokens))


def _only(tokens: list[tuple[str, str]]) -> str:
    match tokens:
        case [("text", name)]:
            return name
    raise NotUnderstoodError(" ".join(text for _, text in tokens))


def _split(tokens: list[tuple[str, str]]) -> list[list[tuple[str, str]]]:
    """The tokens between commas; a comma after the last entry starts no other."""
    parts: list[list[tuple[str, str]]] = [[]]
    for token in tokens:
        if token == ("mark", ","):
            parts.append([])
        else:
            parts[-1].append(token)
    return parts if parts[-1] else parts[:-1]


def _tokens(written: str) -> list[tuple[str, str]]:
    """("text", unquoted) and ("mark", one of [ ] { } , : -) in turn."""
    tokens: list[tuple[str, str]] = []
    position = 0
    while position < len(written):
        token = _TOKEN.match(written, position)
        if token is None:
            raise NotUnderstoodError(f"{written[position : position + 60]!r}")
        position = token.end()
        match token.lastgroup:
            case "double":
                tokens.append(("text", _unescaped(token[0][1:-1])))
            case "single":
                tokens.append(("text", token[0][1:-1].replace("''", "'")))
            case "plain":
                tokens.append(("text", token[0].rstrip()))
            case "mark":
                tokens.append(("mark", token[0].strip()))
    return tokens


def _unescaped(text: str) -> str:
    def character(escape: re.Match[str]) -> str:
        code = escape["x"] or escape["u"] or escape["U"]
        if code:
            return chr(int(code, 16))
        if escape["other"] in _ESCAPES:
            return _ESCAPES[escape["other"]]
        raise NotUnderstoodError(escape[0])

    return _ESCAPE.sub(character, text)
