"""Which candidates are kept does not depend on their order, and duplicates are found wherever they are."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from picsellia_processing import Image, Rectangle, Sample
from picsellia_processing.errors import ParameterError
from picsellia_processing.image import AssetReference
from picsellia_processing.parameters import resolve
from PIL import Image as Pillow
from PIL import ImageEnhance, ImageFilter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

BITS = 128


@st.composite
def hashes(draw: st.DrawFn) -> list[int]:
    """A few hashes, each with others that differ from it in some bits."""
    found = []
    for value in draw(st.lists(st.integers(0, 2**BITS - 1), min_size=1, max_size=4)):
        changed = draw(st.lists(st.lists(st.integers(0, BITS - 1), max_size=12), max_size=5))
        found += [value, *(value ^ sum(1 << bit for bit in set(bits)) for bits in changed)]
    return found


@given(values=hashes(), wanted=hashes(), distance=st.integers(0, 31))
def test_the_nearest_hash_is_found(
    near_hashes: ModuleType, values: list[int], wanted: list[int], distance: int
) -> None:
    """As by comparing all of them."""
    known = near_hashes.NearHashes(distance)
    for value in values:
        known.add(value)
    for value in [*values, *wanted]:
        best = min(((each ^ value).bit_count(), number) for number, each in enumerate(values))
        assert known.nearest(value) == (best if best[0] <= distance else None)


def made(candidate: ModuleType, number: int, value: int = 0, classes: Sequence[str] = ("a",), **values: Any) -> Any:
    asset = AssetReference(f"id-{number}", f"{number:04}.jpg")
    figures = {"width": 100, "height": 100, "brightness": 100.0, "sharpness": 100.0, **values}
    return candidate.Candidate(asset=asset, hash=value, classes=tuple(sorted(classes)), **figures)


@given(values=hashes(), distance=st.integers(0, 10), random=st.randoms(use_true_random=False))
def test_of_near_duplicates_the_best_one_is_kept(
    candidate: ModuleType, choosing: ModuleType, values: list[int], distance: int, random: Any
) -> None:
    sharp = [random.choice([50.0, 100.0]) for _ in values]
    candidates = [made(candidate, n, value, sharpness=sharp[n]) for n, value in enumerate(values)]
    ranked = sorted(candidates, key=candidate.rank)
    kept, left = choosing.without_duplicates(ranked, distance)
    assert sorted([*kept, *(each.candidate for each in left)], key=candidate.rank) == ranked
    for number, each in enumerate(kept):
        assert all((each.hash ^ other.hash).bit_count() > distance for other in kept[:number])
    for each in left:
        near = [other for other in kept if (each.candidate.hash ^ other.hash).bit_count() <= distance]
        assert min(map(candidate.rank, near)) < candidate.rank(each.candidate)
    shuffled = random.sample(candidates, len(candidates))
    assert choosing.without_duplicates(sorted(shuffled, key=candidate.rank), distance) == (kept, left)


def test_duplicates_are_found_across_the_whole_version(candidate: ModuleType, choosing: ModuleType) -> None:
    """A thousand images lie between an image and its copy."""
    random = np.random.default_rng(0)
    values = [int.from_bytes(random.bytes(BITS // 8), "big") for _ in range(1000)]
    candidates = [made(candidate, n, value) for n, value in enumerate([*values, *(value ^ 0b101 for value in values)])]
    kept, left = choosing.without_duplicates(candidates, 8)
    assert list(kept) == candidates[:1000]
    assert {each.found for each in left[:1]} == {"2 of 128 bits differ from 0000.jpg"}


CLASSES = st.lists(st.frozensets(st.sampled_from("abcd"), max_size=3), max_size=40)


@given(classes=CLASSES, most=st.integers(1, 45), balanced=st.booleans(), random=st.randoms(use_true_random=False))
def test_a_budget_is_used_up(
    candidate: ModuleType, choosing: ModuleType, classes: list[Any], most: int, balanced: bool, random: Any
) -> None:
    candidates = [made(candidate, number, classes=names) for number, names in enumerate(classes)]
    kept, left = choosing.within_budget(candidates, most, balanced=balanced)
    assert len(kept) == min(most, len(candidates))
    assert sorted([*kept, *(each.candidate for each in left)], key=candidate.rank) == candidates
    shuffled = sorted(random.sample(candidates, len(candidates)), key=candidate.rank)
    assert choosing.within_budget(shuffled, most, balanced=balanced) == (kept, left)
    if not balanced:
        assert list(kept) == candidates[:most]


@given(sizes=st.lists(st.integers(1, 20), min_size=1, max_size=5), data=st.data())
def test_classes_share_a_budget_evenly(
    candidate: ModuleType, choosing: ModuleType, sizes: list[int], data: st.DataObject
) -> None:
    """Each class has as many images as any other, or one less, or all there are."""
    names = [[chr(97 + kind)] for kind, size in enumerate(sizes) for _ in range(size)]
    candidates = [made(candidate, number, classes=each) for number, each in enumerate(names)]
    most = data.draw(st.integers(1, len(candidates)))
    kept, _ = choosing.within_budget(candidates, most, balanced=True)
    counts = Counter(each.classes[0] for each in kept)
    for kind, size in enumerate(sizes):
        assert counts[chr(97 + kind)] >= min(size, max(counts.values()) - 1)


def test_images_without_annotation_are_a_class(candidate: ModuleType, choosing: ModuleType) -> None:
    candidates = [made(candidate, number, classes="a" if number < 90 else "") for number in range(100)]
    kept, _ = choosing.within_budget(candidates, 20, balanced=True)
    assert choosing.shares(kept, candidates) == {"(none)": "10 of 10", "a": "10 of 90"}


@pytest.fixture(scope="module")
def photo() -> Pillow.Image:
    """Patches of random colours with grain and a sharp edge, as a photo has."""
    random = np.random.default_rng(3)
    picture = Pillow.fromarray(random.integers(0, 220, (7, 9, 3), dtype=np.uint8)).resize((900, 700))
    pixels = np.asarray(picture) + random.normal(0, 5, (700, 900, 1))
    pixels[200:400, 300:600] = (30, 160, 70)
    return Pillow.fromarray(pixels.clip(0, 255).astype(np.uint8))


def measured(candidate: ModuleType, picture: Pillow.Image) -> Any:
    image = Image(np.asarray(picture.convert("RGB")), "photo.jpg", AssetReference("1", "photo.jpg", "https://x/y?z"))
    return candidate.measure(Sample(image, (Rectangle("b", 0, 0, 1, 1), Rectangle("a", 0, 0, 1, 1))))


def test_what_is_measured(candidate: ModuleType, photo: Pillow.Image) -> None:
    found = measured(candidate, photo)
    assert (found.width, found.height, found.classes) == (900, 700, ("a", "b"))
    assert found.brightness == pytest.approx(np.asarray(photo.convert("L")).mean(), abs=1)
    assert found.asset.url is None


def test_blur_and_light_are_measured(candidate: ModuleType, photo: Pillow.Image) -> None:
    blurred = [measured(candidate, photo.filter(ImageFilter.GaussianBlur(radius))) for radius in (0, 2, 6)]
    assert blurred[0].sharpness > 4 * blurred[1].sharpness > 4 * blurred[2].sharpness
    lit = [measured(candidate, ImageEnhance.Brightness(photo).enhance(light)).brightness for light in (0.1, 0.5, 1)]
    assert lit == sorted(lit)


@pytest.mark.parametrize("size", [(1, 1), (2, 50), (3, 3)])
def test_tiny_images_are_measured(candidate: ModuleType, size: tuple[int, int]) -> None:
    assert measured(candidate, Pillow.new("RGB", size)).sharpness == 0


def test_the_hash_tells_copies_from_others(candidate: ModuleType, photo: Pillow.Image) -> None:
    value = measured(candidate, photo).hash
    copies = [
        photo.resize((300, 233)),
        photo.resize((1800, 1400)),
        ImageEnhance.Brightness(photo).enhance(1.1),
        ImageEnhance.Contrast(photo).enhance(0.8),
        photo.filter(ImageFilter.GaussianBlur(3)),
        photo.convert("L"),
    ]
    for copy in copies:
        assert (measured(candidate, copy).hash ^ value).bit_count() <= 8
    for other in (photo.transpose(Pillow.Transpose.FLIP_LEFT_RIGHT), photo.rotate(90), photo.crop((0, 0, 450, 350))):
        assert (measured(candidate, other).hash ^ value).bit_count() > 24


@pytest.mark.parametrize(
    ("given_parameters", "reason"),
    [
        ({"duplicate_distance": 32}, "duplicate_distance: input should be less than or equal to 31"),
        ({"max_images": 0}, "max_images: input should be greater than or equal to 1"),
        ({"min_brightness": 250}, "min_brightness is 250, above max_brightness = 240"),
        ({"blur": 3}, "blur: there is no such parameter"),
    ],
)
def test_bad_parameters_are_refused(processing: ModuleType, given_parameters: dict[str, Any], reason: str) -> None:
    with pytest.raises(ParameterError, match=reason):
        resolve([processing.CurationParameters], given_parameters, {})
