"""Make another DatasetVersion of the images worth keeping: sound ones, each of them once, balanced within a budget."""

from __future__ import annotations

from typing import TYPE_CHECKING

from candidate import measure, rank
from choosing import Choice, Leaving, shares, within_budget, without_duplicates
from picsellia_processing import Field, JobContext, NewVersionParameters, dataset_version_creation
from pydantic import model_validator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from candidate import Candidate


class CurationParameters(NewVersionParameters):
    """What a Job may set. An image leaves where it does not meet one of these."""

    min_width: int = Field(1, ge=1, description="The least width of a kept image in pixels.")
    min_height: int = Field(1, ge=1, description="The least height of a kept image in pixels.")
    min_sharpness: float = Field(
        20, ge=0, description="The least variance of the Laplacian, measured at no more than 512 pixels a side."
    )
    min_brightness: float = Field(15, ge=0, le=255, description="The least mean grey level of a kept image, 0 to 255.")
    max_brightness: float = Field(240, ge=0, le=255, description="The largest mean grey level of a kept image.")
    duplicate_distance: int | None = Field(
        8,
        ge=0,
        le=31,
        description="How many of the 128 bits of their difference hashes may differ for two images to be taken for the "
        "same; null keeps duplicates.",
    )
    max_images: int | None = Field(None, ge=1, description="The most images that are kept; null keeps all.")
    balance: bool = Field(
        True,  # noqa: FBT003 - the default, as of every field
        description="Whether max_images is shared out so that every class is on about as many images.",
    )

    @model_validator(mode="after")
    def _some_brightness_fits(self) -> CurationParameters:
        if self.min_brightness > self.max_brightness:
            raise ValueError(
                f"min_brightness is {self.min_brightness:g}, above max_brightness = {self.max_brightness:g}; "
                "expected no image or some to fit between them"
            )
        return self


@dataset_version_creation
def curate(context: JobContext, parameters: CurationParameters) -> None:
    """Measure every image, decide once all are known, and keep: no image is read twice, and none is uploaded."""
    candidates = [measure(sample) for batch in context.samples(parameters.batch_size) for sample in batch]
    candidates.sort(key=rank)
    sound, flawed = without_flaws(candidates, parameters)
    distinct, repeated = without_duplicates(sound, parameters.duplicate_distance)
    kept, surplus = within_budget(distinct, parameters.max_images, balanced=parameters.balance)
    for candidate in kept:
        context.keep(candidate.asset)
    for leaving in (*flawed, *repeated, *surplus):
        print(f"left out: {leaving}", flush=True)  # noqa: T201 - into the log of the Job
        context.skip(leaving.reason)
    context.metadata["images kept of each class"] = shares(kept, candidates)


def without_flaws(candidates: Sequence[Candidate], limits: CurationParameters) -> Choice:
    """Leave out what is too small, too dark, too bright, or blurred."""
    kept: list[Candidate] = []
    left: list[Leaving] = []
    for each in candidates:
        if each.width < limits.min_width or each.height < limits.min_height:
            left.append(Leaving(each, "too small", f"{each.width} x {each.height}"))
        elif each.brightness < limits.min_brightness:
            left.append(Leaving(each, "too dark", f"brightness {each.brightness:.1f}"))
        elif each.brightness > limits.max_brightness:
            left.append(Leaving(each, "too bright", f"brightness {each.brightness:.1f}"))
        elif each.sharpness < limits.min_sharpness:
            left.append(Leaving(each, "blurred", f"sharpness {each.sharpness:.1f}"))
        else:
            kept.append(each)
    return Choice(kept, left)
