"""What a Core ML model takes: a picture, or an array of numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from picsellia_processing.errors import ProcessingError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

COLOURS = {20: "RGB", 30: "BGR"}
"""The colour spaces of ImageFeatureType.ColorSpace in Apple's FeatureTypes.proto."""


@dataclass(frozen=True, slots=True)
class Input:
    """The one input of a model.

    Attributes:
        name: as the model calls it.
        colours: "RGB" or "BGR", the order in which an app's picture gets to the model; None: it takes an array.
        shape: 1 x 3 x height x width.
    """

    name: str
    colours: str | None
    shape: tuple[int, ...]

    def of_picture(self, picture: NDArray[np.uint8]) -> torch.Tensor:
        """A picture (height x width x 3, RGB) as Core ML hands it over: 1 x 3 x height x width, 0 to 255.

        Raises:
            ProcessingError: the model takes an array, or pictures of another size.
        """
        if self.colours is None:
            raise ProcessingError(f"the input {self.name!r} takes an array, not a picture")
        values = torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].float()
        return self.of_array(values if self.colours == "RGB" else values.flip(1))

    def of_array(self, values: torch.Tensor) -> torch.Tensor:
        """Values that have the shape of the input.

        Raises:
            ProcessingError: they do not.
        """
        if tuple(values.shape) != self.shape:
            raise ProcessingError(f"the input {self.name!r} takes {self.shape}; found {tuple(values.shape)}")
        return values.float()


def read_input(description: Any) -> Input:
    """The input in a model's description (`ModelDescription` of Apple's Model.proto).

    Raises:
        ProcessingError: there is not exactly one, or it is neither a picture in colour nor an array.
    """
    if len(description.input) != 1:
        raise ProcessingError(f"expected a model of one input; found {len(description.input)}")
    feature = description.input[0]
    kind = feature.type.WhichOneof("Type")
    if kind == "imageType" and feature.type.imageType.colorSpace in COLOURS:
        image = feature.type.imageType
        return Input(feature.name, COLOURS[image.colorSpace], (1, 3, image.height, image.width))
    if kind == "multiArrayType":
        return Input(feature.name, None, tuple(feature.type.multiArrayType.shape))
    raise ProcessingError(f"the input {feature.name!r} is a {kind}; expected a picture in colour, or an array")
