"""The part of the platform's query language that the SDK itself writes, and a little more, as SQL conditions.

    tags.name = "night" and data.tags.name in ("a", "b")
    filename = "a.jpg" or (content_type = "image/png" and not upload_status = "ERROR")

The SDK does not escape names, so a text holds every character but the quote.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .wire import bad_request

if TYPE_CHECKING:
    from collections.abc import Mapping

_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"[^"]*"|'[^']*')|(?P<word>[A-Za-z_][\w.]*|-?\d+(?:\.\d+)?)|(?P<sign>!=|[=(),]))"""
)


def to_sql(query: str, fields: Mapping[str, str]) -> tuple[str, list[object]]:
    """`query` as an SQL condition and its arguments. Raises 400 when it is not understood.

    `fields` maps a name of the language to an SQL condition with one `{}`, where the comparison goes.
    """
    parser = _Parser(query, fields)
    condition = parser.alternatives()
    if parser.peek():
        raise parser.refusal(f"nothing after {parser.peek()!r}")
    return condition, parser.arguments


class _Parser:
    def __init__(self, query: str, fields: Mapping[str, str]) -> None:
        self.query = query
        self.fields = fields
        self.arguments: list[object] = []
        self._tokens = _tokens(query)
        self._position = 0

    def alternatives(self) -> str:
        terms = [self._conjunction()]
        while self.peek().lower() == "or":
            self._next()
            terms.append(self._conjunction())
        return "(" + " OR ".join(terms) + ")"

    def peek(self) -> str:
        return self._tokens[self._position] if self._position < len(self._tokens) else ""

    def refusal(self, expected: str) -> Exception:
        return bad_request(f"q: the local platform does not understand {self.query!r}: expected {expected}")

    def _conjunction(self) -> str:
        terms = [self._term()]
        while self.peek().lower() == "and":
            self._next()
            terms.append(self._term())
        return "(" + " AND ".join(terms) + ")"

    def _term(self) -> str:
        token = self._next()
        if token == "(":  # noqa: S105 - a bracket
            condition = self.alternatives()
            self._expect(")")
            return condition
        if token.lower() == "not":
            return f"NOT {self._term()}"
        if token not in self.fields:
            raise self.refusal(f"one of {', '.join(self.fields)}, found {token!r}")
        return self._comparison(self.fields[token])

    def _comparison(self, template: str) -> str:
        operator = self._next().lower()
        if operator == "=":
            self.arguments.append(self._value())
            return template.format("= ?")
        if operator == "!=":
            self.arguments.append(self._value())
            return "NOT " + template.format("= ?")
        if operator != "in":
            raise self.refusal(f"=, != or in, found {operator!r}")
        self._expect("(")
        values = [self._value()]
        while self.peek() == ",":
            self._next()
            values.append(self._value())
        self._expect(")")
        self.arguments.extend(values)
        return template.format(f"IN ({', '.join('?' * len(values))})")

    def _value(self) -> object:
        token = self._next()
        if token[:1] in {'"', "'"}:
            return token[1:-1]
        try:
            return float(token)
        except ValueError:
            raise self.refusal(f"a quoted text or a number, found {token!r}") from None

    def _expect(self, token: str) -> None:
        found = self._next()
        if found != token:
            raise self.refusal(f"{token!r}, found {found!r}")

    def _next(self) -> str:
        token = self.peek()
        self._position += 1
        return token


def _tokens(query: str) -> list[str]:
    tokens, position = [], 0
    text = query.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise bad_request(f"q: the local platform does not understand {query!r} from character {position + 1}")
        tokens.append(match.group(match.lastgroup or 0))
        position = match.end()
    return tokens
