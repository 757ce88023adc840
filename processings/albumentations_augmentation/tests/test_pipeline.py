"""Which pipelines are taken, that points follow the pixels, and that a seed decides everything."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from picsellia_processing.errors import ParameterError
from picsellia_processing.parameters import resolve

if TYPE_CHECKING:
    from types import ModuleType

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # what the library says of its own transforms

NAME = "__class_fullname__"
WIDTH, HEIGHT = 220, 160
NO_POINTS = np.zeros((0, 2))
NO_MASKS = np.zeros((0, HEIGHT, WIDTH), bool)

ARGUMENTS: dict[str, dict[str, Any]] = {
    "CenterCrop": {"height": 120, "width": 150},
    "Crop": {"x_min": 20, "y_min": 10, "x_max": 190, "y_max": 140},
    "CropAndPad": {"percent": [-0.3, 0.3]},
    "ElasticTransform": {"alpha": 200, "sigma": 15},
    "LongestMaxSize": {"max_size": 700},
    "OpticalDistortion": {"distort_limit": [-0.3, 0.3]},
    "PadIfNeeded": {"min_height": 300, "min_width": 280},
    "PiecewiseAffine": {"scale": [0.01, 0.02]},
    "RandomCrop": {"height": 120, "width": 150},
    "RandomResizedCrop": {"size": [480, 500], "scale": [0.2, 0.5]},
    "RandomScale": {"scale_limit": [1.5, 3]},
    "RandomSizedCrop": {"min_max_height": [80, 120], "size": [500, 480]},
    "Resize": {"height": 700, "width": 500},
    "SmallestMaxSize": {"max_size": 600},
}


def one(name: str, **arguments: Any) -> dict[str, Any]:
    return {NAME: name, "p": 1.0, **ARGUMENTS.get(name, {}), **arguments}


def several(*transforms: dict[str, Any]) -> dict[str, Any]:
    return {"__version__": "2.0.8", "transform": {NAME: "Compose", "p": 1.0, "transforms": list(transforms)}}


def spot(x: float, y: float) -> np.ndarray:
    """A soft white spot around a place on black."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    level = 255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 2.0**2))
    return np.repeat(level[..., None], 3, axis=2).round().astype(np.uint8)


def middle(pixels: np.ndarray) -> Any:
    """Where a spot is."""
    weights = pixels[..., 0].astype(float) - 40
    rows, columns = np.nonzero(weights > 0)
    return np.average(np.stack([columns, rows]) + 0.5, axis=1, weights=weights[rows, columns])


HIDING = {"CoarseDropout", "Erasing", "FrequencyMasking", "GridDropout", "PixelDropout", "TimeMasking", "XYMasking"}
"""What it hides, the spot may be."""


def test_points_follow_the_pixels(pipelines: ModuleType, reading: ModuleType) -> None:
    """Every transform that moves pixels moves a point as it moves the spot around it."""
    wrong, compared = {}, dict.fromkeys(set(reading.MOVING) - HIDING, 0)
    for name in compared:
        pipeline = pipelines.Pipeline(one(name))
        for seed in range(6):
            x, y = np.random.default_rng(seed).uniform((60, 50), (160, 110))
            made = pipeline(spot(x, y), np.array([(x, y)]), NO_MASKS, seed=seed)
            height, width = made.pixels.shape[:2]
            if (made.points > 16).all() and (made.points < (width - 16, height - 16)).all():
                distance = np.hypot(*(made.points[0] - middle(made.pixels)))
                compared[name] += 1
                if distance > 1:
                    wrong[name, seed] = distance
    assert not wrong
    assert min(compared.values()) > 0


@pytest.mark.parametrize("name", sorted(HIDING))
def test_what_is_hidden_stays_where_it_is(pipelines: ModuleType, name: str) -> None:
    points = np.random.default_rng(0).uniform(0, (WIDTH, HEIGHT), (200, 2))
    made = pipelines.Pipeline(one(name))(spot(80, 80), points, NO_MASKS, seed=1)
    assert made.points == pytest.approx(points, abs=1e-4)


def test_points_leave_the_picture(pipelines: ModuleType) -> None:
    """Where distorting pushes the border out, what was on it is outside, and not drawn back to it."""
    pipeline = pipelines.Pipeline(one("OpticalDistortion", distort_limit=[-0.5, -0.5]))
    made = pipeline(spot(80, 80), np.array([(1.0, 80), (WIDTH - 1.0, 80)]), NO_MASKS, seed=0)
    shrunk = pipelines.Pipeline(one("OpticalDistortion", distort_limit=[0.5, 0.5]))
    inside = shrunk(spot(80, 80), np.array([(1.0, 80), (WIDTH - 1.0, 80)]), NO_MASKS, seed=0)
    outwards = sorted([made.points[:, 0].tolist(), inside.points[:, 0].tolist()])
    assert outwards[0][0] < 0
    assert outwards[0][1] > WIDTH
    assert outwards[1][0] > 1
    assert outwards[1][1] < WIDTH - 1


def test_every_transform_is_taken_in_its_own_serialised_form(pipelines: ModuleType, reading: ModuleType) -> None:
    refused = set()
    for name in [*reading.MOVING, *reading.COLOURING]:
        own = {"size": (9, 9)} if name == "ImageOnlyTransform" else ARGUMENTS.get(name, {})
        try:
            document = pipelines.A.to_dict(getattr(pipelines.A, name)(p=1.0, **own))
            pipelines.Pipeline(json.loads(json.dumps(document)))
        except (NotImplementedError, TypeError, ValueError):
            refused.add(name)
    assert refused == {
        *("FDA", "HistogramMatching", "PixelDistributionAdaptation", "TextImage"),  # need other images, or texts
        *("FromFloat", "Normalize", "ToFloat"),  # make or take what is no picture
        "ImageOnlyTransform",  # the base of all
    }


@pytest.mark.parametrize("name", ["OneOf", "RandomOrder", "SomeOf", "Sequential"])
def test_compositions_are_taken(pipelines: ModuleType, name: str) -> None:
    inner = pipelines.A.to_dict(getattr(pipelines.A, name)([pipelines.A.Transpose(), pipelines.A.Blur()], p=1.0))
    made = pipelines.Pipeline(several(inner["transform"], one("NoOp")))(spot(9, 9), NO_POINTS, NO_MASKS, seed=3)
    assert made.pixels.shape in {(HEIGHT, WIDTH, 3), (WIDTH, HEIGHT, 3)}


def test_a_seed_decides_everything(pipelines: ModuleType, processing: ModuleType) -> None:
    """Not what was done before, nor how many threads OpenCV has."""
    pixels = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    document = several(*pipelines.DEFAULT["transform"]["transforms"], one("AdditiveNoise"), one("CoarseDropout"))
    pipeline, threads = pipelines.Pipeline(document), cv2.getNumThreads()
    first = [pipeline(pixels, NO_POINTS, NO_MASKS, seed=seed).pixels for seed in range(6)]
    try:
        cv2.setNumThreads(3 if threads == 1 else 1)
        second = [pipelines.Pipeline(document)(pixels, NO_POINTS, NO_MASKS, seed=5 - seed).pixels for seed in range(6)]
    finally:
        cv2.setNumThreads(threads)
    assert [each.tobytes() for each in first] == [each.tobytes() for each in reversed(second)]
    assert len({each.tobytes() for each in first}) == 6
    seeds = {processing.seed_of(seed, name, variant) for seed in (0, 1) for name in "ab" for variant in range(5)}
    assert len(seeds) == 20
    assert processing.seed_of(0, "photo.jpg", 0) == processing.seed_of(0, "photo.jpg", 0)


def test_transforms_choose_independently(pipelines: ModuleType) -> None:
    """All four outcomes of two coins: with one seed for each of them, they would always fall alike."""
    pipeline = pipelines.Pipeline(several(one("HorizontalFlip", p=0.5), one("VerticalFlip", p=0.5)))
    pixels = spot(40, 40)
    outcomes = {tuple((middle(pipeline(pixels, NO_POINTS, NO_MASKS, seed=s).pixels) > 80).tolist()) for s in range(40)}
    assert len(outcomes) == 4


@pytest.mark.parametrize(
    ("transform", "reason"),
    [
        (one("HorizontlFlip"), r"there is no such transform in albumentations \(did you mean 'HorizontalFlip'\?\)"),
        (one("os.system"), r"\(os.system\): there is no such transform in albumentations; found"),
        (one("albumentations.core.serialization.Serializable"), "there is no such transform"),
        (one("Lambda"), "it is not used here"),
        (one("ThinPlateSpline"), "it is not used here: annotations do not follow it"),
        (one("Mosaic"), "it is not used here: .* or it needs more than an image"),
        (one("Affine", rotat=3), r"it has no argument 'rotat' \(did you mean 'rotate'\?\)"),
        (one("HorizontalFlip", p=2), "p: Input should be less than or equal to 1"),
        ({NAME: "Resize"}, "height: Field required; width: Field required"),
        (one("Rotate", border_mode=4), "border_mode 4 repeats objects in the margin"),
        (one("Normalize"), "it makes float32 of 64 x 64 x 3 of an image of uint8"),
        (one("ToGray", num_output_channels=1), "it makes uint8 of 64 x 64 of"),
        (one("TextImage", font_path="font.ttf"), "TextImage requires"),
        (one("OneOf", transforms=[]), r"\(OneOf\): expected a list of transforms, found \[\]"),
        (one("SomeOf", transforms=[one("Blur")], m=3), r"\(SomeOf\): .*unexpected keyword argument 'm'"),
        ("flip", "expected a transform as albumentations.to_dict writes it, found 'flip'"),
    ],
)
def test_what_cannot_be_used_is_refused(processing: ModuleType, transform: Any, reason: str) -> None:
    with pytest.raises(ParameterError, match=reason):
        resolve([processing.AlbumentationsParameters], {"pipeline": several(one("NoOp"), transform)}, {})


def test_all_mistakes_are_told_with_their_places(pipelines: ModuleType) -> None:
    with pytest.raises(
        ValueError, match=r"transform \(Compose\)\[0\] \(Flop\): .*\(Compose\)\[1\] \(OneOf\)\[0\]: exp"
    ):
        pipelines.Pipeline(several(one("Flop"), one("OneOf", transforms=[3])))
