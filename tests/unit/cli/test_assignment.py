from __future__ import annotations

import pytest
from picsellia_processing.cli.assignment import json_or_text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.5", 0.5),
        ("-3", -3),
        ("true", True),
        ("null", None),
        ('["a", 1.5]', ["a", 1.5]),
        ('"5"', "5"),
        ("keep", "keep"),
    ],
)
def test_a_value_is_json_or_else_a_text(text, value):
    assert json_or_text(text) == value
    assert type(json_or_text(text)) is type(value)


@pytest.mark.parametrize("text", ["NaN", "-Infinity", "1e999", "[NaN]"])
def test_a_number_that_json_does_not_have_is_a_text(text):
    assert json_or_text(text) == text
