"""A real Job on the local platform, made the way a person makes one: a Processing, launched on its target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from picsellia_processing.errors import FixtureError
from picsellia_processing.sdk.client import translated

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from picsellia import Client
    from picsellia.sdk.asset import MultiAsset
    from picsellia.sdk.dataset_version import DatasetVersion
    from picsellia.sdk.job import Job
    from picsellia.sdk.processing import Processing

    from picsellia_processing.fixture import Fixture

MODEL_TASKS = ("model_conversion", "model_compression")
"""Tasks whose Jobs run on a ModelVersion, also where there are images beside it."""


def launch(
    client: Client, name: str, fixture: Fixture, seeded: Mapping[str, Any], parameters: Mapping[str, Any]
) -> Job:
    """Launch a Job on what the task is for: the fixture's DatasetVersion, Datalake or ModelVersion.

    It is the ModelVersion where there is neither of the others, or where the task is for one. What else the fixture has
    is given to the Job as the input `model_version_id` or `dataset_version_id`. A Job on a DatasetVersion that fills
    another one fills one that is named as the processing, unless the fixture's inputs say otherwise. `seeded` has the
    ids of what the platform was seeded with; `parameters` come in front of the fixture's.

    Raises:
        FixtureError: the platform knows no task of that name, or has not what is selected.
        PlatformError: the platform refuses.
    """
    inputs = dict(fixture.inputs)
    options: dict[str, Any] = {"parameters": {**fixture.parameters, **parameters}, "inputs": inputs}
    if (fixture.dataset_version is None and fixture.datalake is None) or fixture.task in MODEL_TASKS:
        processing = _processing(client, name, "MODEL_VERSION", fixture)
        if fixture.dataset_version is not None:
            inputs.setdefault("dataset_version_id", seeded["dataset_version_id"])
        with translated("launching the Job"):
            return client.get_model_version_by_id(seeded["model_version_id"]).launch_processing(processing, **options)
    if fixture.model_version is not None:
        inputs.setdefault("model_version_id", seeded["model_version_id"])
    if fixture.datalake is not None:
        return _launch_on_datalake(client, _processing(client, name, "DATALAKE", fixture), fixture, seeded, options)
    processing = _processing(client, name, "DATASET_VERSION", fixture)
    inputs.setdefault("target_version_name", name)
    with translated("launching the Job"):
        version = client.get_dataset_version_by_id(seeded["dataset_version_id"])
        assets = None if fixture.selection is None else _selected(version, fixture)
        return version.launch_processing(processing, assets, **options)


def _launch_on_datalake(
    client: Client, processing: Processing, fixture: Fixture, seeded: Mapping[str, Any], options: Mapping[str, Any]
) -> Job:
    """Launch it on the selected data: on a Datalake there is no Job without a selection."""
    names = fixture.selection or [image.filename for image in fixture.images]
    with translated("launching the Job"):
        lake = client.get_datalake(id=seeded["datalake_id"])
        return lake.launch_processing(processing, lake.list_data(filenames=list(names)), **options)


def _processing(client: Client, name: str, target: str, fixture: Fixture) -> Processing:
    with translated("looking up the processings"):
        existing = next((each for each in client.list_processings() if each.name == name), None)
    if existing is not None:
        return existing
    with translated("making the processing"):
        return client.create_processing(
            name=name,
            target=target,
            type=fixture.task,
            default_cpu=1,
            default_gpu=0,
            default_parameters={},
            docker_image=name,
            docker_tag="dry-run",
        )


def _selected(version: DatasetVersion, fixture: Fixture) -> MultiAsset:
    names: Sequence[str] = fixture.selection or ()
    assets = version.list_assets(filenames=list(names))
    found = {asset.filename for asset in assets}  # pyright: ignore[reportAttributeAccessIssue] - the SDK's iterator is untyped
    missing = set(names) - found
    if missing:
        raise FixtureError(fixture.name, [f"selection: {name} is not on the platform" for name in sorted(missing)])
    return assets
