"""The vendor's resources: one module each, with its tables and its routes."""

from __future__ import annotations

from . import (
    annotation,
    annotation_file,
    asset,
    bulk_annotation,
    data,
    datalake,
    dataset,
    job,
    job_run,
    label,
    launch,
    model,
    model_file,
    object_storage,
    organization,
    processing,
    processing_input,
    shape,
    tag,
)

SCHEMAS = (
    organization.SCHEMA,
    datalake.SCHEMA,
    tag.SCHEMA,
    data.SCHEMA,
    dataset.SCHEMA,
    label.SCHEMA,
    asset.SCHEMA,
    annotation.SCHEMA,
    shape.SCHEMA,
    model.SCHEMA,
    model_file.SCHEMA,
    processing.SCHEMA,
    processing_input.SCHEMA,
    job.SCHEMA,
    job_run.SCHEMA,
)

ROUTES = (
    *organization.ROUTES,
    *object_storage.ROUTES,
    *datalake.ROUTES,
    *tag.ROUTES,
    *data.ROUTES,
    *dataset.ROUTES,
    *label.ROUTES,
    *asset.ROUTES,
    *annotation.ROUTES,
    *bulk_annotation.ROUTES,
    *annotation_file.ROUTES,
    *shape.ROUTES,
    *model.ROUTES,
    *model_file.ROUTES,
    *processing.ROUTES,
    *processing_input.ROUTES,
    *launch.ROUTES,
    *job.ROUTES,
)
