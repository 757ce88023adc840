"""Every annotation is where its object is, inside the image, or counted as dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from picsellia_processing import Classification, Image, Keypoints, Line, Mask, Point, Polygon, Rectangle, Sample, Shape
from picsellia_processing.geometry import fit, to_oriented

if TYPE_CHECKING:
    from types import ModuleType

NAME = "__class_fullname__"
ORIENTATIONS = {
    "HorizontalFlip": 2,
    "VerticalFlip": 4,
    "Transpose": 5,
}
"""The EXIF orientation that does the same."""


def one(name: str, **arguments: Any) -> dict[str, Any]:
    return {NAME: name, "p": 1.0, **arguments}


def several(*transforms: dict[str, Any]) -> dict[str, Any]:
    return {NAME: "Compose", "p": 1.0, "transforms": list(transforms)}


SIZES = st.tuples(st.integers(2, 90), st.integers(2, 90))


@st.composite
def samples(draw: st.DrawFn) -> Sample:
    """An image with one shape of each kind, on whole pixels."""
    width, height = draw(SIZES)
    random = np.random.default_rng(draw(st.integers(0, 10**6)))
    places = [(int(x), int(y)) for x, y in random.integers(0, (width + 1, height + 1), (9, 2))]
    mask = random.random((height, width)) > 0.6
    mask[0, 0] = True
    x, y = (int(value) for value in random.integers(0, (width, height)))
    box = Rectangle("a", x, y, int(random.integers(1, width - x + 1)), int(random.integers(1, height - y + 1)))
    shapes: tuple[Shape, ...] = (
        box,
        Polygon("b", [(x, y), (x + box.width, y), (x, y + box.height)]),
        Line("c", [*places[3:6], (places[5][0] ^ 1, places[5][1])]),
        Point("d", *places[6], 0.5),
        Keypoints("e", [(*places[7], 2), (0, 0, 0), (*places[8], 1)]),
        Mask("f", mask),
        Classification("g", 0.25),
    )
    return Sample(Image(random.integers(0, 256, (height, width, 3), np.uint8), "image.png"), shapes)


def augmented(carrying: ModuleType, pipelines: ModuleType, sample: Sample, document: Any, **options: Any) -> Sample:
    pipeline = pipelines.Pipeline(document)
    made: Sample = carrying.augmented(sample, pipeline, **{"seed": 0, "min_visibility": 0.0, **options})
    return made


def plain(shape: Shape) -> Any:
    """Comparable: the part on the pixel grid, a mask as its bytes."""
    if isinstance(shape, Mask):
        return shape.label, shape.pixels.shape, shape.pixels.tobytes()
    return shape


@given(sample=samples(), name=st.sampled_from(sorted(ORIENTATIONS)))
def test_flips_are_exact(carrying: ModuleType, pipelines: ModuleType, sample: Sample, name: str) -> None:
    made = augmented(carrying, pipelines, sample, one(name))
    width, height = made.image.width, made.image.height
    expected = [to_oriented(shape, ORIENTATIONS[name], width, height) for shape in sample.annotations]
    found = [fit(shape, width, height) for shape in made.annotations]
    assert [plain(each) for each in found] == [plain(fit(each, width, height)) for each in expected]
    assert not made.dropped
    back = augmented(carrying, pipelines, made, one(name))
    assert (back.image.pixels == sample.image.pixels).all()
    again = [
        plain(fit(shape, height, width) if name == "Transpose" else fit(shape, width, height))
        for shape in back.annotations
    ]
    assert again == [plain(fit(each, sample.image.width, sample.image.height)) for each in sample.annotations]


def shifted(x: int, y: int) -> dict[str, Any]:
    return one("Affine", translate_px={"x": [x, x], "y": [y, y]}, scale=1.0, rotate=0.0, shear=0.0, interpolation=0)


@given(sample=samples(), x=st.integers(-95, 95), y=st.integers(-95, 95), least=st.sampled_from([0.0, 0.3, 1.0]))
def test_shifts_are_exact_and_everything_is_accounted_for(
    carrying: ModuleType, pipelines: ModuleType, sample: Sample, x: int, y: int, least: float
) -> None:
    made = augmented(carrying, pipelines, sample, shifted(x, y), min_visibility=least)
    width, height = sample.image.width, sample.image.height
    assert len(made.annotations) + len(made.dropped) == len(sample.annotations)
    found: dict[str, Any] = {shape.label: shape for shape in made.annotations}
    box = sample.annotations[0]
    assert isinstance(box, Rectangle)
    left, right = np.clip([box.x + x, box.x + x + box.width], 0, width)
    top, bottom = np.clip([box.y + y, box.y + y + box.height], 0, height)
    area = (right - left) * (bottom - top)
    if area > 0 and area >= least * box.width * box.height:
        assert fit(found["a"], width, height) == Rectangle("a", left, top, right - left, bottom - top)
    else:
        assert "a" not in found
    mask = sample.annotations[5]
    assert isinstance(mask, Mask)
    padded = np.zeros((3 * height + 200, 3 * width + 200), bool)
    rows, columns = np.nonzero(mask.pixels)
    padded[rows + y + 100, columns + x + 100] = True
    expected = padded[100 : 100 + height, 100 : 100 + width]
    if expected.any() and expected.sum() >= least * mask.pixels.sum():
        assert (found["f"].pixels == expected).all()
    else:
        assert "f" not in found
    point = sample.annotations[3]
    assert isinstance(point, Point)
    assert ("d" in found) == (0 <= point.x + x <= width and 0 <= point.y + y <= height)
    assert "g" in found


GEOMETRY = several(
    one("HorizontalFlip", p=0.5),
    one("Perspective", p=0.5),
    one("Affine", scale=[0.6, 1.5], rotate=[-180, 180], translate_percent=[-0.3, 0.3]),
    one("RandomResizedCrop", size=[150, 170], scale=[0.3, 1.0], p=0.5),
)


@settings(max_examples=40)
@given(seed=st.integers(0, 10**9), x=st.integers(0, 80), y=st.integers(0, 60), side=st.integers(30, 90))
def test_a_box_an_outline_and_a_mask_of_one_object_stay_together(
    carrying: ModuleType, pipelines: ModuleType, seed: int, x: int, y: int, side: int
) -> None:
    """Neither is enlarged, and nothing is outside the image."""
    width, height = 200, 160
    mask = np.zeros((height, width), bool)
    mask[y : y + side, x : x + side] = True
    outline = Polygon("b", [(x, y), (x + side, y), (x + side, y + side), (x, y + side)])
    shapes = (Rectangle("a", x, y, side, side), outline, Mask("c", mask))
    sample = Sample(Image(np.repeat(mask[..., None] * np.uint8(255), 3, axis=2)), shapes)
    made = augmented(carrying, pipelines, sample, GEOMETRY, seed=seed)
    assert len(made.annotations) + len(made.dropped) == 3
    found: dict[str, Any] = {shape.label: shape for shape in made.annotations}
    if "c" not in found:
        return
    box, drawn = found["a"], np.array(found["b"].points)
    inside = np.array([(box.x, box.y), (box.x + box.width, box.y + box.height)])
    assert (inside > -1e-6).all()
    assert (inside < (made.image.width + 1e-6, made.image.height + 1e-6)).all()
    assert inside == pytest.approx(np.array([drawn.min(axis=0), drawn.max(axis=0)]), abs=1)
    rows, columns = np.nonzero(found["c"].pixels)  # of pixels that a crop may have made two wide
    assert (inside[0] - 2 <= (columns.min(), rows.min())).all()
    assert (inside[1] + 2 >= (columns.max() + 1, rows.max() + 1)).all()
    following = np.roll(drawn, 1, axis=0)
    area = abs((drawn[:, 0] * following[:, 1] - drawn[:, 1] * following[:, 0]).sum()) / 2
    assert len(rows) == pytest.approx(area, abs=1.5 * np.hypot(*(drawn - following).T).sum())


@settings(max_examples=30)
@given(sample=samples(), seed=st.integers(0, 10**9))
def test_the_default_pipeline_accounts_for_everything(
    carrying: ModuleType, pipelines: ModuleType, sample: Sample, seed: int
) -> None:
    made = augmented(carrying, pipelines, sample, pipelines.DEFAULT, seed=seed, min_visibility=0.1)
    assert len(made.annotations) + len(made.dropped) == len(sample.annotations)
    assert made.image.pixels.shape == sample.image.pixels.shape
    assert {shape.confidence for shape in made.annotations if isinstance(shape, Classification)} == {0.25}


def test_too_little_to_see_is_dropped_and_counted(carrying: ModuleType, pipelines: ModuleType) -> None:
    """Of ten pixels of each shape two stay in the picture."""
    mask = np.zeros((40, 40), bool)
    mask[0:10, 30:40] = True
    shapes = (
        Rectangle("a", 30, 0, 10, 10),
        Polygon("b", [(30, 0), (40, 0), (40, 10), (30, 10)]),
        Line("c", [(30, 5), (40, 5)]),
        Keypoints("d", [(31, 5, 2), (39, 5, 2), (38, 5, 1), (37, 5, 2), (36, 5, 2)]),
        Mask("e", mask),
    )
    sample = Sample(Image(np.zeros((40, 40, 3), np.uint8)), shapes)
    made = augmented(carrying, pipelines, sample, shifted(8, 0), min_visibility=0.2)
    assert [shape.label for shape in made.annotations] == ["a", "b", "c", "d", "e"]
    assert fit(made.annotations[0], 40, 40) == Rectangle("a", 38, 0, 2, 10)
    made = augmented(carrying, pipelines, sample, shifted(8, 0), min_visibility=0.21)
    assert made.annotations == ()
    assert made.dropped == ("less than 0.21 of it in the new image",) * 5


def test_what_was_cut_off_stays_off(carrying: ModuleType, pipelines: ModuleType) -> None:
    """A crop through the middle of all shapes, then room around it: no shape reaches into the room."""
    mask = np.zeros((40, 40), bool)
    mask[10:30, 10:30] = True
    shapes = (
        Rectangle("a", 10, 10, 20, 20),
        Polygon("b", [(10, 10), (30, 10), (30, 30), (10, 30)]),
        Line("c", [(10, 20), (30, 20)]),
        Point("d", 25, 20),
        Keypoints("e", [(12, 20, 2), (25, 20, 2)]),
        Mask("f", mask),
    )
    crop = one("Crop", x_min=0, y_min=0, x_max=20, y_max=40)
    document = several(crop, one("Pad", padding=20))
    sample = Sample(Image(np.full((40, 40, 3), 255, np.uint8)), shapes)
    made = augmented(carrying, pipelines, sample, document, min_visibility=0.5)
    left = [fit(shape, made.image.width, made.image.height) for shape in made.annotations]
    assert [shape.label for shape in left] == ["a", "b", "c", "e", "f"]
    box, outline, line, skeleton, cut = left
    assert box == Rectangle("a", 30, 30, 10, 20)
    assert isinstance(outline, Polygon)
    assert set(outline.points) == {(30, 30), (40, 30), (40, 50), (30, 50)}
    assert line == Line("c", [(30, 40), (40, 40)])
    assert skeleton == Keypoints("e", [(32, 40, 2), (0, 0, 0)])
    assert isinstance(cut, Mask)
    assert cut.pixels.sum() == 200
    assert augmented(carrying, pipelines, sample, document, min_visibility=0.51).dropped


def test_an_image_without_annotations(carrying: ModuleType, pipelines: ModuleType) -> None:
    made = augmented(carrying, pipelines, Sample(Image(np.zeros((9, 9, 3), np.uint8))), GEOMETRY)
    assert (made.annotations, made.dropped) == ((), ())
