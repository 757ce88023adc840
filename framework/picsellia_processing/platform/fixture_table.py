"""Reading the tables of `fixture.toml`: every value checked, every mistake noted with its place."""

from __future__ import annotations

import math
import re
import tomllib
from typing import TYPE_CHECKING, Any

from picsellia_processing.platform.fixture_mistakes import Mistakes, shown

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

_TOML_PLACE = re.compile(
    r"^(?P<what>.*?) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$", re.DOTALL
)


def read_toml(path: Path) -> dict[str, Any]:
    """The content of the TOML file at `path`. Raises FixtureError, with the line, when it is not TOML."""
    mistakes = Mistakes(str(path.parent))
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        mistakes.add(
            str(path),
            expected="a fixture.toml in the folder of a fixture",
            found="folder without it" if path.parent.is_dir() else "no such folder",
            todo="write one, or give a folder of images instead (--images DIR)",
        )
    except OSError as error:
        mistakes.add(str(path), expected="a file that can be read", found=str(error.strerror), todo="allow to read it")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        mistakes.add(
            f"{path}:{line}", expected="UTF-8", found=f"byte {error.object[error.start]:#x}", todo="save as UTF-8"
        )
    except tomllib.TOMLDecodeError as error:
        place = _TOML_PLACE.match(str(error))
        what = place["what"] if place else str(error)
        where = f"{path}:{place['line']}:{place['column']}" if place and place["line"] else f"{path}, at its end"
        mistakes.add(where, expected="TOML", found=f"a mistake ({what})", todo="correct that line")
    mistakes.raise_all()
    raise AssertionError  # every handler above notes a mistake


class Table:
    """One table of `fixture.toml`. A getter returns None for a key that is absent or wrong; what is wrong is noted."""

    def __init__(self, values: dict[str, Any], where: str, mistakes: Mistakes, *, known: Collection[str]) -> None:
        self._values = values
        self._where = where
        self._mistakes = mistakes
        for key in values:
            if key not in known:
                mistakes.add_unknown(where, "key", key, known)

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def where(self, key: str) -> str:
        """The place of `key`, for a message."""
        return f"{self._where} {key}"

    def wrong(self, key: str, *, expected: str, todo: str) -> None:
        """Note that the value of `key` is not what was `expected`."""
        self._mistakes.add(self.where(key), expected=expected, found=shown(self._values[key]), todo=todo)

    def text(self, key: str) -> str | None:
        """A text that is not empty."""
        value = self._values.get(key)
        if value is None or (isinstance(value, str) and value.strip()):
            return value
        self.wrong(key, expected="a text", todo='write it in quotes, as in "shapes"')
        return None

    def choice(self, key: str, choices: Collection[str]) -> str | None:
        """One of `choices`, in any case."""
        text = self.text(key)
        if text is None or text.upper() in choices:
            return text and text.upper()
        self._mistakes.add_unknown(self.where(key), key, text.upper(), choices)
        return None

    def whole_number(self, key: str) -> int | None:
        """A whole number, 0 or more."""
        value = self._values.get(key)
        if value is None or (type(value) is int and value >= 0):
            return value
        self.wrong(key, expected="a whole number, 0 or more", todo="write it without quotes, as in 3")
        return None

    def texts(self, key: str) -> tuple[str, ...] | None:
        """A list of different texts."""
        value = self._values.get(key)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(text, str) and text.strip() for text in value):
            self.wrong(key, expected="a list of texts", todo='write it as in ["circle", "square"]')
            return None
        for twice in sorted({text for text in value if value.count(text) > 1}):
            self._mistakes.add(self.where(key), expected="each name once", found=f"{twice!r} twice", todo="remove one")
        return tuple(dict.fromkeys(value))

    def subtable(self, key: str) -> dict[str, Any] | None:
        """A table, with whatever it holds."""
        value = self._values.get(key)
        if value is None or isinstance(value, dict):
            return value
        self.wrong(key, expected="a table", todo="write it as { name = value }")
        return None

    def json_table(self, key: str) -> dict[str, Any] | None:
        """A table whose values can all be sent as JSON: no dates, no infinite numbers."""
        values = self.subtable(key)
        for place, value in _leaves(values or {}, self.where(key)):
            if not isinstance(value, str | int | float) or (isinstance(value, float) and not math.isfinite(value)):
                self._mistakes.add(
                    place,
                    expected="a text, a finite number, true or false",
                    found=shown(value),
                    todo="write it as a text",
                )
        return values

    def text_table(self, key: str) -> dict[str, str] | None:
        """A table whose values are all texts."""
        values = self.subtable(key)
        if values is None:
            return None
        for name, value in values.items():
            if not isinstance(value, str) or not value.strip():
                self._mistakes.add(
                    f"{self.where(key)}.{name}", expected="a text", found=shown(value), todo="write it in quotes"
                )
        return {name: value for name, value in values.items() if isinstance(value, str) and value.strip()}

    def path_inside(self, key: str, folder: Path) -> Path | None:
        """The path written at `key`, which must lie inside `folder`, links followed."""
        text = self.text(key)
        return None if text is None else inside(folder, text, self.where(key), self._mistakes)


def inside(folder: Path, text: str, where: str, mistakes: Mistakes) -> Path | None:
    """The path `text` below `folder`, or None and a mistake when it leads out of it, links followed."""
    expected = "a path inside the fixture's folder"
    if "\0" in text:
        mistakes.add(where, expected=expected, found=repr(text), todo="write a file name")
        return None
    path = folder / text
    try:
        leads_out = not path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError) as error:  # a loop of links
        mistakes.add(where, expected=expected, found=f"{text!r}: {error}", todo="correct the link")
        return None
    if leads_out:
        mistakes.add(
            where,
            expected=expected,
            found=f"{text!r}, which leads out of it",
            todo="put a copy into the fixture, or give the file when you run (--images DIR, --model-file NAME=PATH)",
        )
        return None
    return path


def _leaves(value: Any, where: str) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [leaf for key, inner in value.items() for leaf in _leaves(inner, f"{where}.{key}")]
    if isinstance(value, list):
        return [leaf for position, inner in enumerate(value) for leaf in _leaves(inner, f"{where}[{position}]")]
    return [(where, value)]
