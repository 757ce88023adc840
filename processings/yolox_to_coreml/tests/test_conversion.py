"""What is stored computes what the checkpoint computes, says how to use it, and what does not is caught."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pytest
import torch
from coremltools import models
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from picsellia_processing.errors import ProcessingError
from PIL import Image as Pillow

if TYPE_CHECKING:
    from collections.abc import Callable

FIXTURE = Path(__file__).parents[1] / "fixture"
CHECKPOINT = FIXTURE / "yolox_nano.pth"
LABELS = ["circle", "square", "triangle"]
SIZE = 160
MODEL, WEIGHTS = "Data/com.apple.CoreML/model.mlmodel", "Data/com.apple.CoreML/weights/weight.bin"


@pytest.fixture(scope="session")
def pictures(modules: Any) -> list[Any]:
    """The fixture's pictures as the model sees them: letterboxed, RGB."""
    paths = sorted((FIXTURE / "images").glob("shapes-*.jpg"))
    assert paths
    return [modules.running.letterboxed(np.asarray(Pillow.open(path).convert("RGB")), SIZE) for path in paths]


class Verified(Protocol):
    """Compares a stored model with the checkpoint, as the processing does."""

    def __call__(self, path: Path, precision: str, compression: str = "none") -> dict[str, float]: ...


@pytest.fixture(scope="session")
def verified(modules: Any, checkpoint: Any, pictures: list[Any]) -> Verified:
    def verify(path: Path, precision: str, compression: str = "none") -> dict[str, float]:
        errors: dict[str, float] = modules.comparison.compare(
            path.name,
            modules.running.of_core_ml(modules.reading.read_model(path)),
            modules.running.of_network(checkpoint.network),
            pictures,
            modules.conversion.tolerances(precision, compression),
            judged=None if (precision, compression) == ("float32", "none") else modules.running.seen,
        )
        return errors

    return verify


class Saves(Protocol):
    """Saves a converted model in a folder of its own."""

    def __call__(self, model: Any, name: str) -> Path: ...


@pytest.fixture(scope="session")
def saves(modules: Any, checkpoint: Any, tmp_path_factory: pytest.TempPathFactory) -> Saves:
    def save(model: Any, name: str) -> Path:
        path = tmp_path_factory.mktemp("stored") / name
        modules.conversion.save(model, checkpoint, SIZE, LABELS, path)
        return path

    return save


@pytest.fixture(scope="session")
def exact(modules: Any, checkpoint: Any, saves: Saves) -> Path:
    """A package in 32-bit floats that takes pictures."""
    return saves(modules.conversion.to_program(checkpoint, SIZE, "float32"), "nano.mlpackage")


@pytest.fixture(scope="session")
def classic(modules: Any, checkpoint: Any, saves: Saves) -> Path:
    """The older format, that takes arrays."""
    model = modules.conversion.to_neural_network(checkpoint, SIZE, "float32", takes_pictures=False)
    return saves(model, "nano.mlmodel")


def test_a_program_in_32_bits(exact: Path, verified: Verified) -> None:
    errors = verified(exact, "float32")
    assert errors["box"] < 0.05
    assert errors["score"] < 1e-3


def test_a_neural_network_in_32_bits(classic: Path, verified: Verified) -> None:
    assert verified(classic, "float32")["box"] < 0.05


def test_a_program_in_16_bits(modules: Any, checkpoint: Any, saves: Saves, verified: Verified, exact: Path) -> None:
    path = saves(modules.conversion.to_program(checkpoint, SIZE, "float16", takes_pictures=False), "half.mlpackage")
    errors = verified(path, "float16")
    assert 0 < errors["box"] < 1
    assert 1e-5 < errors["score"] < 5e-3  # it is rounded where Core ML rounds
    assert (path / WEIGHTS).stat().st_size < 0.55 * (exact / WEIGHTS).stat().st_size


def test_compressed_weights(modules: Any, checkpoint: Any, saves: Saves, verified: Verified, exact: Path) -> None:
    model = modules.conversion.to_program(checkpoint, SIZE, "float32", "palette8")
    path = saves(model, "small.mlpackage")
    assert verified(path, "float32", "palette8")["score"] > 1e-4
    assert (path / WEIGHTS).stat().st_size < 0.4 * (exact / WEIGHTS).stat().st_size


@pytest.mark.parametrize("bits", [2, 6, 8])
@given(
    weights=arrays.arrays(
        np.float32, arrays.array_shapes(min_dims=1, max_dims=4, max_side=6), elements=st.floats(-2, 2, width=32)
    )
)
def test_a_palette_is_as_near_as_an_even_one(modules: Any, bits: int, weights: Any) -> None:
    values, chosen = modules.conversion.palette(weights, bits)
    assert values.shape == (2**bits,)
    assert chosen.shape == (weights.size,)
    assert chosen.max() < 2**bits
    step = (weights.max() - weights.min()) / max(2 ** (bits - 1) - 1, 1)
    assert np.abs(values[chosen] - weights.reshape(-1)).max() <= step + 1e-6


def test_labels_and_how_to_use_it_are_inside(exact: Path, classic: Path) -> None:
    for path in (exact, classic):
        description = models.utils.load_spec(str(path)).description
        about = description.metadata.userDefined
        assert json.loads(about["names"]) == LABELS
        assert (about["image_size"], about["colours"], about["range"]) == (str(SIZE), "BGR", "0 to 255")
        assert "conversion_date" not in "".join(about)
        assert "YOLOX-nano" in description.metadata.shortDescription
        assert "grey (114)" in description.input[0].shortDescription
        assert "objectness" in description.output[0].shortDescription


@pytest.fixture
def damaged(exact: Path, tmp_path: Path) -> Path:
    """A copy of the package, to be damaged."""
    return shutil.copytree(exact, tmp_path / "nano.mlpackage")


def change(package: Path, how: Callable[[Any], None]) -> None:
    spec = models.utils.load_spec(str(package))
    how(spec)
    (package / MODEL).write_bytes(spec.SerializeToString())


def test_swapped_channels_are_caught(damaged: Path, verified: Verified) -> None:
    def swap(spec: Any) -> None:
        image = spec.description.input[0].type.imageType
        image.colorSpace = image.RGB

    change(damaged, swap)
    with pytest.raises(ProcessingError, match=r"box differs by .*; score differs by .*, more than 0\.001"):
        verified(damaged, "float32")
    with pytest.raises(ProcessingError, match=r"more than 0\.2"):  # also by the widest tolerance there is
        verified(damaged, "float16", "palette6")


def test_another_epsilon_is_caught(modules: Any, saves: Saves, verified: Verified) -> None:
    another = modules.checkpoint.load_checkpoint(CHECKPOINT)
    for module in another.network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.eps = 1e-5
    path = saves(modules.conversion.to_program(another, SIZE, "float32"), "wrong.mlpackage")
    with pytest.raises(ProcessingError, match=r"wrong\.mlpackage does not compute what the checkpoint computes"):
        verified(path, "float16")


def without_manifest(package: Path) -> None:
    (package / "Manifest.json").unlink()


def without_weights(package: Path) -> None:
    (package / WEIGHTS).unlink()


def half_of_the_weights(package: Path) -> None:
    shorten(package / WEIGHTS, (package / WEIGHTS).stat().st_size // 2)


def not_the_last_weights(package: Path) -> None:
    shorten(package / WEIGHTS, 200)


def half_of_the_program(package: Path) -> None:
    shorten(package / MODEL, (package / MODEL).stat().st_size // 2)


def shorten(path: Path, count: int) -> None:
    path.write_bytes(path.read_bytes()[:-count])


@pytest.mark.parametrize(
    "damage", [without_manifest, without_weights, half_of_the_weights, not_the_last_weights, half_of_the_program]
)
def test_a_package_that_is_not_whole_is_caught(
    damaged: Path, verified: Verified, damage: Callable[[Path], None]
) -> None:
    damage(damaged)
    with pytest.raises(ProcessingError, match=r"nano\.mlpackage"):
        verified(damaged, "float32")


def test_half_a_file_of_the_older_format_is_caught(classic: Path, modules: Any, tmp_path: Path) -> None:
    path = tmp_path / "half.mlmodel"
    path.write_bytes(classic.read_bytes()[:100_000])
    with pytest.raises(ProcessingError, match=r"half\.mlmodel is no whole Core ML model"):
        modules.reading.read_model(path)


def test_what_is_not_known_is_named(damaged: Path, classic: Path, modules: Any, tmp_path: Path) -> None:
    def rename(spec: Any) -> None:
        (block,) = spec.mlProgram.functions["main"].block_specializations.values()
        next(each for each in block.operations if each.type == "exp").type = "exp2"

    change(damaged, rename)
    with pytest.raises(ProcessingError, match="operators that are not known here: exp2"):
        modules.reading.read_model(damaged)

    spec = models.utils.load_spec(str(classic))
    spec.neuralNetwork.layers[0].softmax.SetInParent()
    other = tmp_path / "other.mlmodel"
    other.write_bytes(spec.SerializeToString())
    with pytest.raises(ProcessingError, match="layers that are not known here: softmax"):
        modules.reading.read_model(other)


def test_boxes_that_nobody_keeps_count_only_where_asked(modules: Any) -> None:
    def outputs(shift: float) -> dict[str, list[Any]]:
        scores = np.array([[[0.9, 0.9], [0.05, 0.1]]], np.float32)
        return {"box": [np.array([[[1, 2, 3, 4], [shift, 0, 0, 0]]], np.float32)], "score": [scores]}

    tolerances = {"box": 0.1, "score": 0.1}

    def compare(judged: Any) -> dict[str, float]:
        found: dict[str, float] = modules.comparison.compare(
            "it", lambda _: outputs(7), lambda _: outputs(0), [None], tolerances, judged
        )
        return found

    assert compare(modules.running.seen) == {"box": 0, "score": 0}
    with pytest.raises(ProcessingError, match=r"box differs by 7, more than 0\.1"):
        compare(None)
    with pytest.raises(ProcessingError, match="there is no picture to compare it on"):
        modules.comparison.compare("it", outputs, outputs, [], tolerances)
