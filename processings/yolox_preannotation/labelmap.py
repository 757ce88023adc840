"""Which name each class of a network has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from picsellia_processing.errors import JobError

if TYPE_CHECKING:
    from collections.abc import Mapping


def class_names(labelmap: Mapping[str, str] | None, classes: int) -> tuple[str, ...]:
    """The names of the classes 0, 1, 2 ... of a network, from the labelmap of its ModelVersion.

    Args:
        labelmap: The names by the number of the class, as the platform keeps it: {"0": "circle", "1": "square"}.
        classes: How many classes the network tells apart.

    Raises:
        JobError: The labelmap does not name exactly the classes 0 to `classes` - 1.
    """
    names = {str(number): str(name) for number, name in (labelmap or {}).items()}
    expected = [str(number) for number in range(classes)]
    if sorted(names) != sorted(expected):
        listed = ", ".join(f"{number}: {name}" for number, name in names.items()) or "none"
        raise JobError(
            f"the labels of the ModelVersion do not fit its file: the network tells {classes} classes apart, the"
            f" ModelVersion has {len(names)} labels ({listed}); expected one label for each of the numbers 0 to"
            f" {classes - 1}, in the order of the training; correct the labelmap, or attach the file that belongs to it"
        )
    return tuple(names[number] for number in expected)
