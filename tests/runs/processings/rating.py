"""A task type of one's own, whole: what it takes is this module, and a line where its decorator is exported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from picsellia_processing import Image
from picsellia_processing.decorator import TaskDecorator
from picsellia_processing.errors import ResultError
from picsellia_processing.parameters import Field, StreamParameters
from picsellia_processing.sdk.tags import read_asset_tags
from picsellia_processing.task import Task
from picsellia_processing.tasks.tag_output import AssetTagOutput

if TYPE_CHECKING:
    from picsellia_processing.context import JobContext
    from picsellia_processing.signature import Signature
    from picsellia_processing.task import Declaration, Output, Record


class RatingParameters(StreamParameters):
    stars: int = Field(5, ge=1, le=10, description="The best rating.")


class RatingOutput(AssetTagOutput):
    stars = 5

    def record(self, image: Image, result: Any) -> Record:
        if not 1 <= result <= self.stars:
            raise ResultError(f"a rating is 1 to {self.stars} stars; found {result} for {image.filename}")
        return super().record(image, f"{result} stars")


def check(signature: Signature, _: Declaration) -> list[str]:
    if signature.returns in {int, None}:
        return []
    return [f"{signature.place}: it returns {signature.returns.__name__}; expected int, the stars of the image"]


def prepare(context: JobContext, options: RatingParameters, _: Signature, __: Declaration) -> tuple[JobContext, Output]:
    tags = read_asset_tags(context.dataset_version)
    output = RatingOutput(context.dataset_version, context.selection, tags, adds=True)
    output.stars = options.stars
    return context, output


class RatingDecorator(TaskDecorator):
    def __call__(self, function: Any) -> Any:
        return self.decorate(function, None, {})


asset_rating = RatingDecorator(
    Task("asset_rating", "AUTO_TAGGING", "DATASET_VERSION", RatingParameters, check=check, prepare=prepare)
)


@asset_rating
def rate(image: Image) -> int:
    return 1 + int(image.pixels[0, 0, 0]) // 32
