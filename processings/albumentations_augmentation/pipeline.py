"""A pipeline of albumentations: read from its serialised form, which is not trusted, and run on one image."""

from __future__ import annotations

import random
from dataclasses import dataclass
from inspect import isclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from library import A
from picsellia_processing.parameters import suggestion
from points import MOVING
from pydantic import ValidationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

NAME = "__class_fullname__"
COMPOSITIONS = {
    "Compose": A.Sequential,
    "OneOf": A.OneOf,
    "OneOrOther": A.OneOrOther,
    "RandomOrder": A.RandomOrder,
    "Sequential": A.Sequential,
    "SomeOf": A.SomeOf,
}
OF_COMPOSE_ONLY = frozenset(
    {"additional_targets", "bbox_params", "is_check_shapes", "keypoint_params", "mask_interpolation", "seed", "strict"}
)
"""What a serialised Compose says of annotations and of chance: the processing knows better."""
COLOURING = {name: each for name, each in vars(A).items() if isclass(each) and issubclass(each, A.ImageOnlyTransform)}
UNMIRRORED = (cv2.BORDER_CONSTANT, cv2.BORDER_REPLICATE)
PROBE = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)

DEFAULT: dict[str, Any] = A.to_dict(
    A.Compose(
        [
            A.HorizontalFlip(p=0.5),
            A.Affine(scale=(0.8, 1.2), translate_percent=(-0.1, 0.1), rotate=(-15, 15), p=0.8),
            A.RandomBrightnessContrast(p=0.5),
            A.HueSaturationValue(hue_shift_limit=10, sat_shift_limit=20, val_shift_limit=10, p=0.3),
            A.OneOf(
                [A.GaussianBlur(), A.GaussNoise(std_range=(0.02, 0.08)), A.ImageCompression(quality_range=(60, 95))],
                p=0.3,
            ),
        ]
    )
)


@dataclass(frozen=True, slots=True)
class Augmented:
    """What a pipeline made of an image: pixels, points as rows of (x, y), and masks."""

    pixels: NDArray[np.uint8]
    points: NDArray[np.float64]
    masks: NDArray[np.bool_]


class Pipeline:
    """A pipeline that can be run again and again, on whatever image, with the same outcome for the same seed.

    `document` is what `albumentations.to_dict` returns, as JSON keeps it. What it says about boxes and points is not
    heeded: points are moved along and returned wherever they are.

    Raises:
        ValueError: it is not that, or has transforms or arguments that cannot be used: all of them, with their places.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        mistakes: list[str] = []
        transform = _read(document.get("transform", document), "transform", mistakes)
        if mistakes:
            raise ValueError("; ".join(mistakes))
        keypoints = A.KeypointParams(format="xy", remove_invisible=False, check_each_transform=False)
        self._compose = A.Compose([transform], keypoint_params=keypoints)

    def __call__(
        self, pixels: NDArray[np.uint8], points: NDArray[np.float64], masks: NDArray[np.bool_], *, seed: int
    ) -> Augmented:
        """Run it on an image with points and masks (masks x height x width) in the coordinates of the framework.

        `points` are returned in their order, all of them, also those that are outside the new image.

        Raises:
            ValueError: the image is too small for a crop of a fixed size, or the like.
        """
        # Generators shared by all transforms: of one seed for each, all would make the same choices.
        self._compose.set_random_state(np.random.default_rng(seed), random.Random(seed))  # noqa: S311 - no secret
        cv2.setRNGSeed(seed % 2**31)
        data: dict[str, Any] = {"image": pixels, "keypoints": points - 0.5}  # the library counts from a pixel's middle
        if len(masks):
            data["masks"] = masks.view(np.uint8) * 255
        found = self._compose(**data)
        moved = np.asarray(found["keypoints"], np.float64).reshape(-1, 2) + 0.5
        assert len(moved) == len(points), "every transform used here keeps all points"
        height, width = found["image"].shape[:2]
        cut = np.asarray(found.get("masks", ())).reshape(-1, height, width) > 127  # noqa: PLR2004 - half of 255
        return Augmented(found["image"], moved, cut)


def _read(node: Any, place: str, mistakes: list[str]) -> Any:
    """The transform that a part of the document stands for; None where there are mistakes."""
    if not isinstance(node, dict) or not isinstance(node.get(NAME), str):
        mistakes.append(f"{place}: expected a transform as albumentations.to_dict writes it, found {node!r:.80}")
        return None
    name = node[NAME].rpartition(".")[2] if node[NAME].startswith("albumentations.") else node[NAME]
    arguments = {key: value for key, value in node.items() if key != NAME}
    place = f"{place} ({name})"
    if name in COMPOSITIONS:
        return _composed(name, arguments, place, mistakes)
    if name not in MOVING and name not in COLOURING:
        mistakes.append(f"{place}: {_why_not(name)}")
        return None
    return _transform((MOVING | COLOURING)[name], arguments, place, mistakes)


def _composed(name: str, arguments: dict[str, Any], place: str, mistakes: list[str]) -> Any:
    children = arguments.pop("transforms", None)
    if not isinstance(children, list) or not children:
        mistakes.append(f"{place}: expected a list of transforms, found {children!r:.80}")
        return None
    if name == "Compose":
        arguments = {key: value for key, value in arguments.items() if key not in OF_COMPOSE_ONLY}
    read = [_read(child, f"{place}.transforms[{number}]", mistakes) for number, child in enumerate(children)]
    if None in read:
        return None
    try:
        return COMPOSITIONS[name](transforms=read, **{"p": 1.0, **arguments})
    except (TypeError, ValueError) as error:
        mistakes.append(f"{place}: {_in_one_line(error)}")
        return None


def _transform(kind: type, arguments: dict[str, Any], place: str, mistakes: list[str]) -> Any:
    try:
        transform = kind(**arguments, strict=True)
        if kind.__name__ in COLOURING:
            _check_result(transform(image=PROBE.copy(), force_apply=True)["image"])
        elif getattr(transform, "border_mode", cv2.BORDER_CONSTANT) not in UNMIRRORED:
            raise ValueError(
                f"border_mode {transform.border_mode} repeats objects in the margin, where no annotation follows; "
                "expected 0 (constant) or 1 (replicate)"
            )
    except Exception as error:  # noqa: BLE001 - whatever the library raises, it is these arguments that it cannot use
        mistakes.append(f"{place}: {_in_one_line(error)}")
        return None
    return transform


def _check_result(image: Any) -> None:
    if image.dtype != np.uint8 or image.shape != PROBE.shape:
        shape = " x ".join(map(str, image.shape))
        raise ValueError(f"it makes {image.dtype} of {shape} of an image of uint8, {' x '.join(map(str, PROBE.shape))}")


def _why_not(name: str) -> str:
    if hasattr(A, name):
        return "this transform of albumentations is not used here: annotations do not follow it, or it needs more data"
    return f"there is no such transform in albumentations{suggestion(name, [*COMPOSITIONS, *MOVING, *COLOURING])}"


def _in_one_line(error: Exception) -> str:
    wrong = error.__cause__
    if isinstance(wrong, ValidationError):
        return "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in wrong.errors())
    return " ".join(str(error).split()) or type(error).__name__
