"""Datasets, their versions and labels."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest
from picsellia.exceptions import BadRequestError, ResourceConflictError, ResourceNotFoundError
from picsellia.types.enums import InferenceType

if TYPE_CHECKING:
    from collections.abc import Iterator

    from picsellia import Client
    from picsellia.sdk.asset import Asset
    from picsellia.sdk.dataset_version import DatasetVersion


def test_dataset_and_versions_are_found_and_unique(client: Client, names: Iterator[str]) -> None:
    name = next(names)
    dataset = client.create_dataset(name, description="d")
    assert client.get_dataset(name) == client.get_dataset_by_id(dataset.id) == dataset
    assert dataset.sync()["description"] == "d"
    assert dataset.id in [found.id for found in client.list_datasets()]
    with pytest.raises(ResourceConflictError):
        client.create_dataset(name)
    version = dataset.create_version("v1", type=InferenceType.SEGMENTATION)
    assert dataset.get_version("v1") == dataset.get_version_by_id(version.id) == version
    assert client.get_dataset_version_by_id(version.id) == version
    assert (version.name, version.version, version.type) == (name, "v1", InferenceType.SEGMENTATION)
    assert version.origin_id == dataset.id
    with pytest.raises(ResourceConflictError):
        dataset.create_version("v1")
    assert dataset.create_version("v2").type == InferenceType.NOT_CONFIGURED
    assert [found.version for found in dataset.list_versions()] == ["v2", "v1"]


def test_what_does_not_exist_is_not_found(client: Client, names: Iterator[str]) -> None:
    dataset = client.create_dataset(next(names))
    for find in (
        lambda: client.get_dataset("nowhere"),
        lambda: client.get_dataset_by_id(uuid.uuid4()),
        lambda: client.get_dataset_version_by_id(uuid.uuid4()),
        lambda: dataset.get_version("nowhere"),
    ):
        with pytest.raises(ResourceNotFoundError):
            find()


def test_version_changes_its_type_and_name(version: DatasetVersion) -> None:
    version.set_type("SEGMENTATION")
    assert version.type == InferenceType.SEGMENTATION
    version.update(version="renamed", description="x", type="CLASSIFICATION")
    raw = version.sync()
    assert (raw["version"], raw["description"], raw["type"]) == ("renamed", "x", "CLASSIFICATION")
    assert raw["size"] == 3
    assert raw["tags"] == []


def test_malformed_bodies_are_refused_with_what_is_wrong(client: Client, version: DatasetVersion) -> None:
    path = f"/api/dataset/version/{version.id}"
    for body, expected in (
        (b"{", "not JSON"),
        (b"[]", "body: expected an object"),
        (b'{"type": "ROUND"}', "type: expected one of"),
        (b'{"version": 3}', "version: expected a text"),
        (b'{"colour": 1}', "colour: not a field"),
    ):
        with pytest.raises(BadRequestError, match=expected):
            client.connection.patch(path, data=body)


def test_labels_are_unique_listed_and_made_in_bulk(version: DatasetVersion) -> None:
    cat = version.create_label("cat")
    assert version.get_label("cat") == cat
    assert version.get_or_create_label("cat") == cat
    with pytest.raises(ResourceConflictError):
        version.create_label("cat")
    with pytest.raises(ResourceNotFoundError):
        version.get_label("dog")
    made = version._bulk_get_or_create_labels(["dog", "cat", "emu", "dog"])
    assert [label.name for label in made] == ["dog", "cat", "emu"]
    assert made[1] == cat
    assert [label.name for label in version.list_labels()] == ["cat", "dog", "emu"]
    assert cat.sync()["name"] == "cat"


def test_labels_of_versions_are_apart(client: Client, names: Iterator[str]) -> None:
    dataset = client.create_dataset(next(names))
    first, second = dataset.create_version("1"), dataset.create_version("2")
    assert first.create_label("cat").id != second.create_label("cat").id


def test_label_changes_name_group_skeleton_and_goes(version: DatasetVersion) -> None:
    label = version.create_label("cat")
    version.create_label("dog")
    group = version.create_label_group("animals")
    child = version.create_label_group("pets", parent=group)
    assert child.get_parent().name == "animals"
    label.set_group(child)
    label.update(name="puss")
    assert (label.name, label.get_group().name) == ("puss", "pets")
    child.update(name="house")
    assert [found.name for found in version.list_label_groups()] == ["animals", "house"]
    with pytest.raises(ResourceConflictError):
        label.update(name="dog")
    with pytest.raises(ResourceConflictError):
        version.create_label_group("animals")
    label.set_skeleton(["nose", "tail"], [[0, 1]])
    assert label.get_skeleton() == {"vertices": ["nose", "tail"], "edges": [[0, 1]]}
    assert version.get_skeletons() == {str(label.id): {"vertices": ["nose", "tail"], "edges": [[0, 1]]}}
    label.delete()
    assert [found.name for found in version.list_labels()] == ["dog"]


def test_stats_count_shapes_and_annotations(version: DatasetVersion, assets: list[Asset]) -> None:
    cat, dog = version.create_label("cat"), version.create_label("dog")
    assets[0].create_annotation().create_multiple_rectangles([(1, 1, 2, 2, cat), (1, 1, 2, 2, dog)])
    assets[1].create_annotation().create_rectangle(1, 1, 2, 2, cat)
    stats = version.retrieve_stats()
    assert stats.label_repartition == {"cat": 2, "dog": 1}
    assert (stats.nb_objects, stats.nb_annotations) == (3, 2)
