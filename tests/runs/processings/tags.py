"""Tags that can be checked: of the number in a picture's name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
from picsellia_processing import (
    AutoTagging,
    DataTags,
    Image,
    JobContext,
    Rectangle,
    Sample,
    TaggingParameters,
    auto_tagging,
    data_auto_tagging,
)


def number(image: Image) -> int:
    return int(image.filename.split(".")[0])


@auto_tagging(batch_size=7)
def parity(images: list[Image]) -> list[list[str]]:
    return [["even" if number(image) % 2 == 0 else "odd", f"ends in {number(image) % 5}"] for image in images]


@auto_tagging
def even_alone(image: Image) -> Literal["even"] | None:
    return "even" if number(image) % 2 == 0 else None


@auto_tagging(tag_matching="existing")
def existing(image: Image) -> list[str]:
    return ["known", "unknown"]


class Drawn(AutoTagging[TaggingParameters]):
    batch_size = 4

    def process(self, samples: list[Sample]) -> list[str]:
        return [f"{len(sample.annotations)} shapes" for sample in samples]


@auto_tagging
def drives(context: JobContext) -> None:
    for batch in context.images(batch_size=4):
        for image in batch:
            context.write(image, "seen")


@auto_tagging
def wrong(image: Image):
    return [Rectangle("thing", 0, 0, 5, 5)]


@auto_tagging(max_failure_rate=0.1)
def too_long(image: Image) -> str:
    return "x" * 100_000 if number(image) == 13 else "fine"


@data_auto_tagging(batch_size=8)
def measures(images: list[Image]) -> list[DataTags]:
    return [
        DataTags(
            tags=["even" if number(image) % 2 == 0 else "odd"],
            metadata={"brightness": np.float32(number(image)), "number": number(image), "size": [96, 64]},
        )
        for image in images
    ]


@data_auto_tagging
def plain(image: Image) -> Iterator[str]:
    if number(image) % 2 == 0:
        yield "even"


@data_auto_tagging
def not_finite(image: Image) -> DataTags:
    return DataTags(metadata={"sharpness": float("nan")})
