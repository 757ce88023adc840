"""Fills a platform from a fixture: straight into the tables, in one transaction, without copying a file."""

from __future__ import annotations

import mimetypes
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from picsellia_processing.errors import FixtureError

from .blobs import suffix_of
from .resources.annotation import insert_annotations
from .resources.dataset import create_dataset, create_version
from .resources.label import ensure_labels
from .resources.model import create_model, create_model_version
from .resources.model_file import insert_model_file
from .resources.shape import insert_shapes, read_shapes
from .shapes import KINDS
from .store import new_id, now
from .wire import ApiError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from picsellia_processing.fixture import (
        Fixture,
        FixtureDatalake,
        FixtureDatasetVersion,
        FixtureImage,
        FixtureModelVersion,
    )

    from .resources.shape import Record
    from .state import State

_PLURALS = {kind.singular: plural for plural, kind in KINDS.items()}
_LARGE_FILE = 25 * 1024 * 1024


def seed(state: State, fixture: Fixture) -> dict[str, Any]:
    """Write `fixture`; the ids of what was made, and what the Job is to be launched with.

    Keys: `fixture`, `source`, `task`, `inputs`, `parameters`, `datalake_id`; with a dataset version
    `dataset_version_id`, `asset_count` and `asset_ids` (those of the selection; None without one); with a datalake
    `data_ids` (those of the selection; all without one); with a model version `model_version_id`. Raises FixtureError
    when a part cannot be written, and then nothing is.

    Files are referenced where they lie, and only ever read: they must outlive the platform.
    """
    seeded: dict[str, Any] = {
        "fixture": fixture.name,
        "source": fixture.source,
        "task": fixture.task,
        "inputs": fixture.inputs,
        "parameters": fixture.parameters,
        "datalake_id": state.organization.datalake_id,
    }
    try:
        with state.store.transaction():
            if fixture.dataset_version is not None:
                seeded |= _seed_dataset_version(state, fixture.dataset_version, fixture.selection)
            if fixture.datalake is not None:
                seeded["data_ids"] = _seed_datalake(state, fixture.datalake, fixture.selection)
            if fixture.model_version is not None:
                seeded["model_version_id"] = _seed_model_version(state, fixture.model_version)
    except ApiError as error:
        hint = "this data folder was seeded before: start without a seed to use what is there, or use another folder"
        hints = [hint] if error.status == HTTPStatus.CONFLICT else []
        raise FixtureError(fixture.name, [error.message, *error.detail, *hints]) from error
    return seeded


def _seed_dataset_version(
    state: State, fixture: FixtureDatasetVersion, selection: tuple[str, ...] | None
) -> dict[str, Any]:
    dataset_id: str = state.store.value("SELECT id FROM dataset WHERE name = ?", fixture.name) or create_dataset(
        state.store, fixture.name
    )
    version_id = create_version(state.store, dataset_id, fixture.version, fixture.type)
    labels = {row["name"]: row["id"] for row in ensure_labels(state.store, version_id, fixture.labels)}
    # Lists show the newest first: written in reverse, the images appear in the fixture's order.
    asset_ids = _seed_images(state, version_id, fixture.images[::-1])
    _seed_annotations(state, version_id, fixture.images[::-1], asset_ids, labels)
    return {
        "dataset_id": dataset_id,
        "dataset_version_id": version_id,
        "asset_count": len(asset_ids),
        "asset_ids": None if selection is None else [asset_ids[filename] for filename in selection],
    }


def _seed_datalake(state: State, fixture: FixtureDatalake, selection: tuple[str, ...] | None) -> list[str]:
    data_ids = _seed_data(state, fixture.images[::-1])
    return [data_ids[image.filename] for image in fixture.images if selection is None or image.filename in selection]


def _seed_images(state: State, version_id: str, images: Iterable[FixtureImage]) -> dict[str, str]:
    """The ids of the assets, by file name."""
    data_ids = _seed_data(state, images)
    assets = {filename: new_id() for filename in data_ids}
    time = now()
    state.store.write_many(
        "INSERT INTO asset (id, dataset_version_id, data_id, created_at) VALUES (?, ?, ?, ?)",
        ((asset_id, version_id, data_ids[filename], time) for filename, asset_id in assets.items()),
    )
    return assets


def _seed_data(state: State, images: Iterable[FixtureImage]) -> dict[str, str]:
    """The ids of the data, by file name."""
    time = now()
    objects, data, ids = [], [], {}
    for image in images:
        object_id, ids[image.filename] = new_id(), new_id()
        object_name = f"data/{object_id}{suffix_of(image.filename)}"
        objects.append((object_id, object_name, *_file(image.path), image.content_type))
        # The SDK cannot read an asset without a size, whatever its file is worth.
        size = (image.width or 1, image.height or 1)
        identity = (ids[image.filename], state.organization.datalake_id, object_id, object_name)
        data.append((*identity, image.filename, image.content_type, *size, time))
    state.store.write_many("INSERT INTO object (id, name, file, size, content_type) VALUES (?, ?, ?, ?, ?)", objects)
    state.store.write_many(
        "INSERT INTO data (id, datalake_id, object_id, object_name, filename, type, content_type, upload_status, width,"
        " height, created_at) VALUES (?, ?, ?, ?, ?, 'IMAGE', ?, 'DONE', ?, ?, ?)",
        data,
    )
    return ids


def _seed_annotations(
    state: State, version_id: str, images: Iterable[FixtureImage], asset_ids: dict[str, str], labels: dict[str, str]
) -> None:
    annotations: list[tuple[object, ...]] = []
    shapes: list[Record] = []
    mistakes: list[str] = []
    time = now()
    for image in images:
        if image.annotation is None:
            continue
        annotation_id = new_id()
        annotations.append(
            (annotation_id, asset_ids[image.filename], version_id, 0.0, image.annotation.status, None, time)
        )
        values: dict[str, list[dict[str, Any]]] = {}
        for shape in image.annotation.shapes:
            raw = {"label_id": labels.get(shape.label, shape.label), **shape.data}
            values.setdefault(_PLURALS[shape.kind], []).append(raw)
        size = (image.width or 1, image.height or 1)
        records, wrong = read_shapes(values, annotation_id, size, set(labels.values()), f"{image.filename}: ")
        shapes += records
        mistakes += wrong
    if mistakes:
        raise FixtureError("the annotations", mistakes)
    insert_annotations(state.store, annotations)
    insert_shapes(state.store, shapes)


def _seed_model_version(state: State, fixture: FixtureModelVersion) -> str:
    model_id: str = state.store.value("SELECT id FROM model WHERE name = ?", fixture.name) or create_model(
        state.store, fixture.name
    )
    version_id = create_model_version(
        state.store, model_id, version=fixture.version, name=None, type_=fixture.type, framework=fixture.framework,
        settings={"labels": fixture.labels, "parameters": fixture.parameters},
    )  # fmt: skip
    for file in fixture.files:
        path, size = _file(file.path)
        content_type = mimetypes.guess_type(file.path.name)[0] or "application/octet-stream"
        object_name = f"model_file/{new_id()}{suffix_of(file.path.name)}"
        object_id = state.blobs.reserve(object_name, content_type)
        state.store.write("UPDATE object SET file = ?, size = ? WHERE id = ?", path, size, object_id)
        insert_model_file(
            state.store, version_id, name=file.name, filename=file.path.name, object_id=object_id,
            object_name=object_name, large=size > _LARGE_FILE,
        )  # fmt: skip
    return version_id


def _file(path: Path) -> tuple[str, int]:
    try:
        return str(path.absolute()), path.stat().st_size
    except OSError as error:
        raise FixtureError(str(path), [f"the file cannot be read: {error.strerror}"]) from error
