"""The serialised form of a pipeline. It is not trusted: its names are looked up among known ones, its values tried."""

from __future__ import annotations

from inspect import isclass, signature
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from library import A
from picsellia_processing.parameters import suggestion
from points import MOVING
from pydantic import ValidationError

if TYPE_CHECKING:
    from collections.abc import Mapping

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
COLOURING: dict[str, Any] = {
    name: each for name, each in vars(A).items() if isclass(each) and issubclass(each, A.ImageOnlyTransform)
}
"""The transforms that leave every pixel where it is."""
UNMIRRORED = (cv2.BORDER_CONSTANT, cv2.BORDER_REPLICATE)
PROBE = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)


def read(document: Mapping[str, Any]) -> Any:
    """The transform, mostly a composition of others, that `albumentations.to_dict` turned into `document`.

    Raises:
        ValueError: it is not that, or has transforms or arguments that cannot be used: all of them, with their places.
    """
    mistakes: list[str] = []
    transform = _read(document.get("transform", document), "transform", mistakes)
    if mistakes:
        raise ValueError("; ".join(mistakes))
    return transform


def _read(node: Any, place: str, mistakes: list[str]) -> Any:
    """The transform that a part of the document stands for; None where there are mistakes, which are added."""
    try:
        if not isinstance(node, dict) or not isinstance(node.get(NAME), str):
            raise ValueError(  # noqa: TRY004 - a value of the Job, not an argument of the wrong type
                f"expected a transform as albumentations.to_dict writes it, found {node!r:.80}"
            )
        name = node[NAME].rpartition(".")[2] if node[NAME].startswith("albumentations.") else node[NAME]
        place = f"{place} ({name})"
        arguments = {key: value for key, value in node.items() if key != NAME}
        if name in COMPOSITIONS:
            return _composed(name, arguments, place, mistakes)
        return _transform(name, arguments)
    except Exception as error:  # noqa: BLE001 - whatever the library raises, it is these arguments that it cannot use
        mistakes.append(f"{place}: {_in_one_line(error)}")
        return None


def _composed(name: str, arguments: dict[str, Any], place: str, mistakes: list[str]) -> Any:
    children = arguments.pop("transforms", None)
    if not isinstance(children, list) or not children:
        raise ValueError(f"expected a list of transforms, found {children!r:.80}")
    if name == "Compose":
        arguments = {key: value for key, value in arguments.items() if key not in OF_COMPOSE_ONLY}
    read = [_read(child, f"{place}[{number}]", mistakes) for number, child in enumerate(children)]
    return None if None in read else COMPOSITIONS[name](transforms=read, **{"p": 1.0, **arguments})


def _transform(name: str, arguments: dict[str, Any]) -> Any:
    if name in COLOURING:
        transform = COLOURING[name](**_known(arguments, COLOURING[name]))
        _check_result(transform(image=PROBE.copy(), force_apply=True)["image"])
        return transform
    if name in MOVING:
        transform = MOVING[name](**_known(arguments, MOVING[name]))
        _check_border(getattr(transform, "border_mode", cv2.BORDER_CONSTANT))
        return transform
    if hasattr(A, name):
        raise ValueError("it is not used here: annotations do not follow it, or it needs more than an image")
    known = suggestion(name, [*COMPOSITIONS, *MOVING, *COLOURING])
    raise ValueError(f"there is no such transform in albumentations{known}")


def _known(arguments: dict[str, Any], kind: type) -> dict[str, Any]:
    """Those that `kind` takes. Its serialised form may also have some of its base's, which say nothing more."""
    names = [name for each in kind.__mro__[:-1] for name in signature(each).parameters]
    unknown = [f"it has no argument {name!r}{suggestion(name, names)}" for name in arguments if name not in names]
    if unknown:
        raise ValueError("; ".join(unknown))
    return {name: value for name, value in arguments.items() if name in signature(kind).parameters}


def _check_result(image: Any) -> None:
    if image.dtype != np.uint8 or image.shape != PROBE.shape:
        shape = " x ".join(map(str, image.shape))
        raise ValueError(f"it makes {image.dtype} of {shape} of an image of uint8, {' x '.join(map(str, PROBE.shape))}")


def _check_border(mode: int) -> None:
    if mode not in UNMIRRORED:
        raise ValueError(
            f"border_mode {mode} repeats objects in the margin, where no annotation follows; "
            "expected 0 (constant) or 1 (replicate)"
        )


def _in_one_line(error: Exception) -> str:
    wrong = error.__cause__
    if isinstance(wrong, ValidationError):
        return "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in wrong.errors())
    return " ".join(str(error).split()) or type(error).__name__
