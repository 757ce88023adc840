"""From a picture to what a classifier sees, as its ONNX file or the Job says."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np
from picsellia_processing.errors import UsageError
from PIL import Image, ImageOps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

Resize: TypeAlias = Literal["crop", "stretch", "pad"]
Colour: TypeAlias = "Sequence[float]"
"""A value for each of red, green and blue, in 0..1."""

_TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16}


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """How pictures are prepared for a model.

    Attributes:
        width: pixels the model sees.
        height: pixels the model sees.
        resize: "crop" scales a picture to cover that size and takes its middle, "stretch" ignores its proportions,
            "pad" fits it in, on black.
        mean: is subtracted from red, green and blue in 0..1,
        std: and what is left divided by it.
        channels_last: whether the model takes height x width x 3 in place of 3 x height x width.
        dtype: the numbers the model takes.
    """

    width: int
    height: int
    resize: Resize
    mean: Colour
    std: Colour
    channels_last: bool = False
    dtype: Any = np.float32

    def __call__(self, pixels: NDArray[np.uint8]) -> NDArray[Any]:
        """What the model sees of a picture (height x width x 3, RGB)."""
        seen = np.asarray(self._resized(Image.fromarray(pixels)), np.float32) / 255
        seen = (seen - np.asarray(self.mean, np.float32)) / np.asarray(self.std, np.float32)
        return (seen if self.channels_last else seen.transpose(2, 0, 1)).astype(self.dtype)

    def _resized(self, picture: Image.Image) -> Image.Image:
        size, bilinear = (self.width, self.height), Image.Resampling.BILINEAR
        if self.resize == "stretch":
            return picture.resize(size, bilinear)
        return (ImageOps.fit if self.resize == "crop" else ImageOps.pad)(picture, size, bilinear)


def preprocessing_of(
    session: Any, *, size: int | None, resize: Resize | None, mean: Colour | None, std: Colour | None
) -> Preprocessing:
    """How the model of an `onnxruntime.InferenceSession` wants its pictures.

    What is None is taken from the file's metadata: `mean` and `std` as JSON lists of three numbers, `resize` as a word.

    Raises:
        UsageError: the model takes no pictures, or neither the Job nor the file says how they are prepared.
    """
    metadata = session.get_modelmeta().custom_metadata_map
    inputs = session.get_inputs()
    shape, kind = inputs[0].shape, inputs[0].type
    channels_last = len(shape) == 4 and shape[1] != 3 and shape[3] == 3  # noqa: PLR2004 - N, H, W, RGB
    if len(inputs) != 1 or len(shape) != 4 or kind not in _TYPES or not (channels_last or shape[1] == 3):  # noqa: PLR2004
        found = ", ".join(f"{each.name}: {each.type} {each.shape}" for each in inputs)
        raise UsageError(
            f"the model does not take pictures: found the inputs {found}; expected a single one, of floats, of the "
            "shape [N, 3, height, width] or [N, height, width, 3]"
        )
    height, width = shape[1:3] if channels_last else shape[2:4]
    return Preprocessing(
        width=_side(width, size),
        height=_side(height, size),
        resize=resize or _resize(metadata),
        mean=mean or _colour("mean", metadata),
        std=_no_zeros(std or _colour("std", metadata)),
        channels_last=channels_last,
        dtype=_TYPES[kind],
    )


def _side(of_model: int | str | None, asked: int | None) -> int:
    """A side in pixels: the model's own where it is fixed."""
    if isinstance(of_model, int):
        if asked not in {None, of_model}:
            raise UsageError(f"image_size is {asked}, but the model sees {of_model} pixels only; leave it out")
        return of_model
    if asked is None:
        raise UsageError("the model sees pictures of any size; say with image_size which one it was trained on")
    return asked


def _resize(metadata: dict[str, str]) -> Resize:
    found: Any = metadata.get("resize", "crop")
    if found not in get_args(Resize):
        raise UsageError(f"the model's metadata say resize = {found!r}; expected {', '.join(get_args(Resize))}")
    known: Resize = found
    return known


def _colour(name: str, metadata: dict[str, str]) -> list[float]:
    text = metadata.get(name)
    if text is None:
        raise UsageError(
            f"the model does not say how colours are normalised: its metadata have no {name!r}; found "
            f"{', '.join(sorted(metadata)) or 'none'}; give the parameters mean and std as in its training (such as "
            "[0.485, 0.456, 0.406] and [0.229, 0.224, 0.225] for ImageNet, [0, 0, 0] and [1, 1, 1] for none)"
        )
    try:
        red, green, blue = map(float, json.loads(text))
    except (TypeError, ValueError):
        raise UsageError(f"the model's metadata say {name} = {text!r}; expected a list of three numbers") from None
    return [red, green, blue]


def _no_zeros(std: Colour) -> Colour:
    if not all(value > 0 for value in std):
        raise UsageError(f"std is {list(std)}; expected three numbers above 0, since colours are divided by them")
    return std
