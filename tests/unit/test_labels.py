from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from picsellia_processing.labels import Labels, unique

NAMES = st.lists(st.text(max_size=6), unique=True, max_size=6)


def test_the_same_name() -> None:
    labels = Labels(("car", "Car", "bus"))
    assert labels.match("car") == "car"
    assert labels.match("Car") == "Car"


def test_another_case() -> None:
    assert Labels(("Traffic Light",)).match("traffic light") == "Traffic Light"


def test_another_case_of_two_labels_is_none_of_them() -> None:
    labels = Labels(("car", "Car"))
    assert labels.match("CAR") is None
    assert "CAR" not in labels


@pytest.mark.parametrize(
    ("label", "name"), [("Straße", "STRASSE"), ("ÉCOLE", "école"), ("ΣΊΣΥΦΟΣ", "σίσυφος"), ("猫", "猫"), ("🚗", "🚗")]
)
def test_case_is_that_of_every_script(label: str, name: str) -> None:
    assert Labels((label,)).match(name) == label


@pytest.mark.parametrize("name", [" car", "car ", "cars", "c ar", ""])
def test_what_differs_in_more_than_case_does_not_match(name: str) -> None:
    assert Labels(("car",)).match(name) is None


def test_open_labels_take_every_name_but_prefer_one_that_is_there() -> None:
    labels = Labels(("Car",), ("car", "bus"), open=True)
    assert labels.match("CAR") == "Car"
    assert labels.match("bus") == "bus"
    assert "whatever" in labels
    assert labels.unmatched == ()


def test_open_labels_that_are_ambiguous_take_the_name_itself() -> None:
    assert Labels(("car", "Car"), open=True).match("CAR") == "CAR"


def test_classes_without_label_are_named_in_their_order() -> None:
    assert Labels(("car",), ("zebra", "CAR", "ape")).unmatched == ("zebra", "ape")


def test_only_names_are_contained() -> None:
    labels = Labels(("1",), open=True)
    assert 1 not in labels
    assert None not in labels


def test_iterating_gives_the_labels() -> None:
    assert list(Labels(("b", "a"), ("c",))) == ["b", "a"]


@pytest.mark.parametrize(
    ("name", "closest"),
    [("carr", "Car"), ("pedestrians", "Pedestrian"), ("xyz", None), ("", None), ("PEDESTRAIN", "Pedestrian")],
)
def test_closest(name: str, closest: str | None) -> None:
    assert Labels(("Car", "Pedestrian")).closest(name) == closest


def test_the_closest_is_looked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = Labels(("Car", "Pedestrian"))
    assert labels.closest("carr") == "Car"
    monkeypatch.delattr("picsellia_processing.labels.get_close_matches")
    assert labels.closest("carr") == "Car"


def test_there_is_no_closest_of_none() -> None:
    assert Labels(()).closest("car") is None


@given(NAMES, st.text(max_size=6), st.booleans())
def test_a_match_is_a_label_or_allowed_to_become_one(names: list[str], name: str, is_open: bool) -> None:
    labels = Labels(tuple(names), open=is_open)
    found = labels.match(name)
    assert (found is None) <= (name not in names)
    assert found is None or found in names or (is_open and found == name)
    assert found is None or found.casefold() == name.casefold()
    assert (name in labels) is (found is not None)
    assert labels.closest(name) is None or labels.closest(name) in names


@given(st.lists(st.text(max_size=2)))
def test_unique(names: list[str]) -> None:
    found = unique(iter(names))
    assert sorted(found) == sorted(set(names))
    assert [names.index(name) for name in found] == sorted(names.index(name) for name in found)


def test_labels_are_values() -> None:
    assert Labels(("a",), ("b",)) == Labels(("a",), ("b",))
    assert len({Labels(("a",)), Labels(("a",)), Labels(("a",), open=True)}) == 2
    with pytest.raises(AttributeError):
        Labels(()).open = True
