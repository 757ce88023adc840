"""Make new images of those of a DatasetVersion with a pipeline of albumentations; annotations come along."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any

from carrying import augmented
from picsellia_processing import AugmentationParameters, Depends, Field, Sample, data_augmentation
from pipeline import DEFAULT, Pipeline
from pydantic import field_validator


class AlbumentationsParameters(AugmentationParameters):
    """What a Job may set."""

    pipeline: dict[str, Any] = Field(
        DEFAULT, description="The pipeline as albumentations.to_dict writes it: JSON with __class_fullname__ and more."
    )
    variants: int = Field(2, ge=1, le=1000, description="How many new images are made of each image.")
    seed: int = Field(0, ge=0, description="Another seed makes other images; the same seed makes the same ones.")
    min_visibility: float = Field(
        0.1, ge=0, le=1, description="The least share of a shape that a new image must show for the shape to be on it."
    )
    keep_originals: bool = Field(
        True,  # noqa: FBT003 - the default, as of every field
        description="Whether the output holds the original images too, with their annotations.",
    )

    @field_validator("pipeline")
    @classmethod
    def _can_be_used(cls, document: dict[str, Any]) -> dict[str, Any]:
        Pipeline(document)
        return document


def pipeline_of(parameters: AlbumentationsParameters) -> Pipeline:
    """The pipeline of the Job."""
    return Pipeline(parameters.pipeline)


@data_augmentation
def augment(
    sample: Sample, pipeline: Annotated[Pipeline, Depends(pipeline_of)], parameters: AlbumentationsParameters
) -> list[Sample]:
    """The variants of an image, as its name and the seed decide: whatever else is done, wherever, and how often."""
    return [
        augmented(
            sample,
            pipeline,
            seed=seed_of(parameters.seed, sample.image.filename, variant),
            min_visibility=parameters.min_visibility,
        )
        for variant in range(parameters.variants)
    ]


def seed_of(seed: int, filename: str, variant: int) -> int:
    """A seed of its own for each variant of each image."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{variant}/{filename}".encode(errors="surrogateescape")).digest()[:8])
