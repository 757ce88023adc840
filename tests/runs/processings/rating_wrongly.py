"""What the task type of `rating` refuses."""

from __future__ import annotations

from picsellia_processing import Image
from rating import asset_rating


@asset_rating
def rate(image: Image) -> str:
    return str(image.width)
