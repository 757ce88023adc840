"""Images as a model sees them, each kept on disk with what is annotated on it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from picsellia_processing import Classification, Polygon, Rectangle, Sample
from picsellia_processing.errors import JobError
from PIL import Image, ImageOps

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from model_file import OnnxModel
    from numpy.typing import NDArray
    from picsellia_processing import JobContext

GREY = (114, 114, 114)
"""What ultralytics fills the edges of a letterbox with."""

Truth = tuple[Rectangle | Classification, ...]


class Normalisation(NamedTuple):
    """Mean and standard deviation of red, green and blue, as the model was trained with."""

    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def tensor(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Pixels (height x width x 3) as a model takes them (1 x 3 x height x width)."""
        mean, std = np.array([self.mean, self.std], np.float32)
        return np.ascontiguousarray(((np.float32(pixels) / 255 - mean) / std).transpose(2, 0, 1)[None])


@dataclass(frozen=True, slots=True)
class Picture:
    """One image in the size of the model's input.

    Attributes:
        file: where its pixels are kept, so that memory does not grow with the DatasetVersion.
        truth: what is annotated on it: rectangles in pixels of the input, or its class. Empty: nothing of use.
        normalisation: how its pixels become a tensor.
    """

    file: Path
    truth: Truth
    normalisation: Normalisation

    def tensor(self) -> NDArray[np.float32]:
        """The input of the model: 1 x 3 x height x width."""
        return self.normalisation.tensor(np.load(self.file))


def read_pictures(
    context: JobContext, model: OnnxModel, class_of: dict[str, str], normalisation: Normalisation
) -> list[Picture]:
    """Every image that can be read, in an order that depends on their pixels alone."""
    folder = context.folder / "pictures"
    folder.mkdir()
    fit = letterboxed if model.task == "detection" else cropped
    pictures: list[Picture] = []
    for batch in context.samples(batch_size=16):
        for sample in batch:
            pixels, truth = fit(sample, model.width, model.height)
            known = tuple(replace(each, label=class_of[each.label]) for each in truth if each.label in class_of)
            file = folder / f"{hashlib.sha256(pixels.tobytes()).hexdigest()}.npy"
            np.save(file, pixels)
            pictures.append(Picture(file, known, normalisation))
            context.write(sample.image, ())
    return sorted(pictures, key=lambda picture: picture.file.name)


def split(pictures: Sequence[Picture], calibration: int) -> tuple[list[Picture], list[Picture]]:
    """Those to calibrate on, at most half of all, and those of the others that the model can be measured by.

    Raises:
        JobError: There is none of one kind.
    """
    put_aside = min(calibration, len(pictures) // 2)
    measured = [picture for picture in pictures[put_aside:] if picture.truth]
    if not put_aside or not measured:
        raise JobError(
            f"of {len(pictures)} images that could be read, {put_aside} are put aside for calibration, and "
            f"{len(measured)} of the others have an annotation to measure by; expected at least one of each: "
            "annotate more images"
        )
    return list(pictures[:put_aside]), measured


def letterboxed(sample: Sample, width: int, height: int) -> tuple[NDArray[np.uint8], tuple[Rectangle, ...]]:
    """The whole image, scaled into the middle of `width` x `height`, and the boxes that are annotated on it."""
    image = sample.image
    scale = min(width / image.width, height / image.height)
    size = max(round(image.width * scale), 1), max(round(image.height * scale), 1)
    left, top = (width - size[0]) // 2, (height - size[1]) // 2
    canvas = Image.new("RGB", (width, height), GREY)
    canvas.paste(Image.fromarray(image.pixels).resize(size, Image.Resampling.BILINEAR), (left, top))
    boxes = tuple(
        Rectangle(box.label, box.x * scale + left, box.y * scale + top, box.width * scale, box.height * scale)
        for box in _boxes(sample)
    )
    return np.asarray(canvas), boxes


def cropped(sample: Sample, width: int, height: int) -> tuple[NDArray[np.uint8], tuple[Classification, ...]]:
    """The middle of the image, as large as fits `width` x `height`, and the class that is annotated."""
    pixels = ImageOps.fit(Image.fromarray(sample.image.pixels), (width, height), Image.Resampling.BILINEAR)
    return np.asarray(pixels), tuple(each for each in sample.annotations if isinstance(each, Classification))


def _boxes(sample: Sample) -> Iterable[Rectangle]:
    """Rectangles as they are, polygons as the rectangles around them."""
    for shape in sample.annotations:
        if isinstance(shape, Rectangle):
            yield shape
        elif isinstance(shape, Polygon):
            (left, top), (right, bottom) = np.min(shape.points, axis=0), np.max(shape.points, axis=0)
            yield Rectangle(shape.label, float(left), float(top), float(right - left), float(bottom - top))
