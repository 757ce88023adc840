"""Cut the images of a DatasetVersion into tiles, with what is annotated on them, as another DatasetVersion."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Literal

from picsellia_processing import Field, Image, NewVersionParameters, Sample, dataset_version_creation
from pydantic import model_validator
from tiling import Grid, cut, moved


class TilerParameters(NewVersionParameters):
    """What a Job may set; sizes are in pixels."""

    tile_width: int = Field(640, ge=1, description="Width of a tile.")
    tile_height: int = Field(640, ge=1, description="Height of a tile.")
    overlap: int = Field(0, ge=0, description="How many pixels neighbouring tiles share.")
    edge: Literal["pad", "drop", "shift"] = Field(
        "pad",
        description="What becomes of the right and lower edge where no whole tile fits: pad with black, drop it, or "
        "shift the last tile back inside.",
    )
    min_visible: float = Field(
        0.0, ge=0, le=1, description="The least share of a shape that a tile must show for the shape to be on it."
    )

    @model_validator(mode="after")
    def _tiles_advance(self) -> TilerParameters:
        smaller = min(self.tile_width, self.tile_height)
        if self.overlap >= smaller:
            raise ValueError(
                f"overlap is {self.overlap}, but a tile is {self.tile_width} x {self.tile_height}; "
                f"expected less than {smaller}"
            )
        return self


@dataset_version_creation(batch_size=4)
def tile(sample: Sample, parameters: TilerParameters) -> list[Sample]:
    """Every tile of the image, as a new image whose name says where it was: `photo-x640-y0`."""
    image = sample.image
    grid = Grid(parameters.tile_width, parameters.tile_height, parameters.overlap, parameters.edge)
    path = PurePosixPath(image.filename)
    tiles = []
    for window in grid.windows(image.width, image.height):
        shapes = (moved(shape, window, parameters.min_visible) for shape in sample.annotations)
        name = f"{path.stem}-x{window.x}-y{window.y}{path.suffix}"
        tiles.append(Sample(Image(cut(image.pixels, window), name), tuple(shape for shape in shapes if shape)))
    return tiles
