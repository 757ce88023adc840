"""Processings that fill a DatasetVersion: augmentations and curations whose results can be checked."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
from picsellia.sdk.dataset_version import DatasetVersion
from picsellia_processing import (
    AugmentationParameters,
    DataAugmentation,
    DatasetVersionCreation,
    Image,
    JobContext,
    Parameters,
    Rectangle,
    Sample,
    Shape,
    data_augmentation,
    dataset_version_creation,
)


class FlipParameters(AugmentationParameters):
    variants: int = 2


def flipped(sample: Sample, value: int) -> Sample:
    pixels = sample.image.pixels[:, ::-1] // (value + 1)
    shapes: list[Shape] = []
    for shape in sample.annotations:
        assert isinstance(shape, Rectangle)
        shapes.append(replace(shape, x=sample.image.width - shape.x - shape.width))
    return Sample(Image(pixels), tuple(shapes))


@data_augmentation(batch_size=7)
def flip(samples: list[Sample], parameters: FlipParameters) -> list[list[Sample]]:
    return [[flipped(sample, value) for value in range(parameters.variants)] for sample in samples]


@data_augmentation(keep_originals=True)
def darken(image: Image) -> Sample | None:
    if image.filename == "03.jpg":
        return None
    return Sample(Image(image.pixels // 2, "dark.png"))


class Slowly(DataAugmentation[Parameters]):
    batch_size = 3

    def process(self, samples: list[Sample]) -> list[list[Sample]]:
        time.sleep(0.05)
        return [[flipped(sample, 0)] for sample in samples]


@data_augmentation
def stumbles(image: Image) -> Sample:
    if image.filename == "13.jpg":
        raise ValueError("thirteen")
    return Sample(Image(image.pixels))


@data_augmentation
def floats(image: Image) -> Sample:
    return Sample(Image(image.pixels / 255))


@data_augmentation
def bare(image: Image) -> Image:
    return Image(image.pixels)


@data_augmentation
def unwrapped(image: Image) -> Sample:
    return Sample(image.pixels)  # type: ignore[arg-type]  # the mistake


@data_augmentation
def twice(image: Image) -> list[Sample]:
    return [Sample(Image(image.pixels, "same")), Sample(Image(image.pixels, "same"))]


@data_augmentation
def crops(sample: Sample) -> Sample:
    return Sample(Image(sample.image.pixels[:8]), dropped=("cut off",) * len(sample.annotations))


@dataset_version_creation(batch_size=8)
def keep_all(samples: list[Sample]) -> list[Sample]:
    return samples


@dataset_version_creation
def keep_images(image: Image) -> Image:
    return image


@dataset_version_creation
def curate(samples: list[Sample]) -> list[Sample | list[Sample] | None]:
    """Every third is kept, every third changed, the others left out."""
    return [chosen(sample) for sample in samples]


def chosen(sample: Sample) -> Sample | list[Sample] | None:
    number = int(sample.image.filename.split(".")[0])
    if number % 3 == 0:
        return sample
    if number % 3 == 1:
        return Sample(replace(sample.image, pixels=np.ascontiguousarray(sample.image.pixels[:32])), sample.annotations)
    return [] if number % 2 else None


class Curate(DatasetVersionCreation[Parameters]):
    def process(self, sample: Sample) -> Sample | None:
        return sample if sample.annotations else None


@dataset_version_creation
def decides_at_the_end(context: JobContext) -> None:
    seen = [image.asset for images in context.images(batch_size=8) for image in images if image.asset is not None]
    kept = sorted(seen, key=lambda asset: asset.filename)[:10]
    for asset in kept:
        context.keep(asset)
    context.skip("over the budget", len(seen) - len(kept))


@dataset_version_creation
def drives(context: JobContext) -> None:
    for batch in context.samples(batch_size=4):
        for sample in batch:
            if sample.image.filename != "03.jpg":
                context.write(sample.image, [sample])


@dataset_version_creation
def relabels(sample: Sample) -> Sample:
    return replace(sample, annotations=tuple(replace(shape, label="other") for shape in sample.annotations))


@data_augmentation
def shapes(image: Image) -> list[Rectangle]:
    return []


@dataset_version_creation
def keeps_while_a_person_renames(image: Image, version: DatasetVersion) -> Image:
    if image.filename == "07.jpg":
        version.get_label("thing").update("renamed")
    return image
