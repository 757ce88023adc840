"""The model gets what it says it wants, scores a picture whatever is beside it, and is refused if it does not fit."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto
from picsellia_processing.errors import JobError, ParameterError, UsageError
from picsellia_processing.parameters import resolve

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from picsellia_processing import Image

FIXTURE = Path(__file__).parents[1] / "fixture"
PATTERNS = {"0": "checks", "1": "dots", "2": "stripes"}
COLOURS = {"0": "red", "1": "green", "2": "blue"}


def ready(tagging: ModuleType, path: Path, labels: dict[str, str] | None = None, **parameters: Any) -> Any:
    given_parameters = tagging.TagParameters(**parameters)
    return tagging.classifier(given_parameters, path, SimpleNamespace(labels=COLOURS if labels is None else labels))


def solid(colour: tuple[int, int, int], height: int = 8, width: int = 8) -> np.ndarray:
    return np.full((height, width, 3), colour, np.uint8)


def test_it_tells_the_patterns_of_the_fixture_apart(tagging: ModuleType, fixture_images: list[Image]) -> None:
    truth = json.loads((FIXTURE / "ground_truth.json").read_text())
    model = ready(tagging, FIXTURE / "model.onnx", PATTERNS)
    scores = model.classify([image.pixels for image in fixture_images])
    right = [
        model.classes[row.argmax()] == truth[image.filename]["class"]
        for row, image in zip(scores, fixture_images, strict=True)
    ]
    assert len(right) == 39
    assert np.mean(right) >= 0.95


def test_batch_mates_and_order_do_not_matter(tagging: ModuleType, fixture_images: list[Image]) -> None:
    pictures = [image.pixels for image in fixture_images]
    model = ready(tagging, FIXTURE / "model.onnx", PATTERNS, batch_size=8)
    together = model.classify(pictures)
    alone = np.concatenate([model.classify([picture]) for picture in pictures])
    backwards = model.classify(pictures[::-1])[::-1]
    assert (together == alone).all()
    assert (together == backwards).all()


def test_it_runs_in_batches(tagging: ModuleType, mean_colour: Callable[..., Path]) -> None:
    """No more pictures are prepared at once than the model gets at once."""
    model = ready(tagging, mean_colour(), batch_size=4)
    session, sizes = model._session, []

    def run(names: Any, feeds: dict[str, np.ndarray]) -> Any:
        sizes.append(len(feeds["pictures"]))
        return session.run(names, feeds)

    model._session = SimpleNamespace(run=run)
    assert len(model.classify([solid((0, 0, 0))] * 10)) == 10
    assert sizes == [4, 4, 4]


def test_a_model_that_takes_a_fixed_number_of_pictures_gets_it(
    tagging: ModuleType, mean_colour: Callable[..., Path]
) -> None:
    model = ready(tagging, mean_colour((3, 3, 8, 8)), batch_size=16, activation="none")
    reds = [solid((level, 0, 0)) for level in (0, 51, 102, 153)]
    assert model.classify(reds)[:, 0] == pytest.approx([0, 0.2, 0.4, 0.6])


@pytest.mark.parametrize("layout", ["channels first", "channels last"])
@pytest.mark.parametrize("dtype", [TensorProto.FLOAT, TensorProto.FLOAT16], ids=["float32", "float16"])
def test_red_is_the_first_channel(
    tagging: ModuleType, mean_colour: Callable[..., Path], layout: str, dtype: int
) -> None:
    first = layout == "channels first"
    path = mean_colour(("N", 3, 8, 8) if first else ("N", 8, 8, 3), axes=(2, 3) if first else (1, 2), dtype=dtype)
    model = ready(tagging, path, activation="none")
    assert model.classify([solid((255, 51, 0))])[0] == pytest.approx([1, 0.2, 0], abs=1e-3)


def test_colours_are_normalised_as_the_file_says_unless_the_job_says_otherwise(
    tagging: ModuleType, mean_colour: Callable[..., Path]
) -> None:
    path = mean_colour(metadata={"mean": "[0.1, 0, 0]", "std": "[2, 1, 1]"})
    picture = solid((255, 51, 0))
    assert ready(tagging, path, activation="none").classify([picture])[0] == pytest.approx([0.45, 0.2, 0])
    other = ready(tagging, path, activation="none", mean=(0, 0.2, 0), std=(1, 1, 1))
    assert other.classify([picture])[0] == pytest.approx([1, 0, 0])


@pytest.mark.parametrize(
    ("resize", "red", "green"), [("crop", 0.0, 1.0), ("stretch", 0.5, 0.5), ("pad", 0.25, 0.25)], ids=str
)
def test_what_the_model_sees_of_a_long_picture(
    tagging: ModuleType, mean_colour: Callable[..., Path], resize: str, red: float, green: float
) -> None:
    """A picture twice as wide as high: a quarter of red, a half of green, a quarter of red."""
    picture = solid((0, 255, 0), 32, 64)
    picture[:, :16] = picture[:, 48:] = (255, 0, 0)
    model = ready(tagging, mean_colour(("N", 3, "h", "w")), activation="none", resize=resize, image_size=64)
    assert model.classify([picture])[0] == pytest.approx([red, green, 0], abs=0.02)


@given(values=st.lists(st.floats(-20, 20, width=32), min_size=2, max_size=5))
def test_scores_of_outputs(scores: Any, values: list[float]) -> None:
    outputs = np.array([values], np.float32)
    softmax = np.exp(outputs.astype(float)) / np.exp(outputs.astype(float)).sum()
    assert scores(outputs, "softmax") == pytest.approx(softmax, abs=1e-6)
    assert scores(outputs, "sigmoid") == pytest.approx(1 / (1 + np.exp(-outputs.astype(float))), abs=1e-6)
    assert (scores(np.float32(softmax), None) == np.float32(softmax)).all(), "probabilities stay what they are"
    if abs(sum(values) - 1) > 0.01 or min(values) < 0:
        assert scores(outputs, None) == pytest.approx(softmax, abs=1e-6)


def test_numbers_that_are_no_scores_are_an_error(scores: Any) -> None:
    with pytest.raises(ValueError, match="infinite numbers, or none"):
        scores(np.array([[0.1, np.nan]], np.float32), None)
    with pytest.raises(ValueError, match=r"outside 0\.\.1"):
        scores(np.array([[0.1, 1.5]], np.float32), "none")


@settings(max_examples=50)
@given(
    row=st.lists(st.floats(0, 1, width=32), min_size=3, max_size=3),
    confidence=st.floats(0, 1, width=32),
    count=st.integers(1, 5),
)
def test_the_best_classes_that_are_sure_enough_are_tags(
    tagging: ModuleType, row: list[float], confidence: float, count: int
) -> None:
    parameters = tagging.TagParameters(confidence=confidence, max_classes=count, class_prefix="is ")
    said = tagging.class_tags(np.array(row, np.float32), ("a", "b", "c"), parameters)
    ranked = sorted(zip([-score for score in row], "abc", strict=True))
    assert said.tags == [f"is {name}" for score, name in ranked if -score >= confidence][:count]
    assert said.metadata["class_name"] == ranked[0][1]


def test_a_model_that_does_not_fit_is_refused(tagging: ModuleType, mean_colour: Callable[..., Path]) -> None:
    with pytest.raises(JobError, match=r"tells 3 classes apart, the ModelVersion has 2 labels \(0: red, 1: green\)"):
        ready(tagging, mean_colour(), {"0": "red", "1": "green"})
    with pytest.raises(
        JobError, match=r"3 labels \(1: a, 2: b, 3: c\); expected one label for each of the numbers 0 to 2"
    ):
        ready(tagging, mean_colour(), {"1": "a", "2": "b", "3": "c"})
    with pytest.raises(UsageError, match=r"found the inputs pictures: tensor\(float\) \['N', 1, 8, 8\]"):
        ready(tagging, mean_colour(("N", 1, 8, 8)))
    with pytest.raises(UsageError, match=r"is no classifier: found a first output of the shape \[16, 3, 8\]"):
        ready(tagging, mean_colour(axes=(3,)))
    with pytest.raises(UsageError, match=r"sees pictures of any size; say with image_size"):
        ready(tagging, mean_colour(("N", 3, "h", "w")))
    with pytest.raises(UsageError, match=r"image_size is 32, but the model sees 8 pixels only"):
        ready(tagging, mean_colour(), image_size=32)
    with pytest.raises(UsageError, match=r"its metadata have no 'mean'; found none; give the parameters mean and std"):
        ready(tagging, mean_colour(metadata={}))
    with pytest.raises(UsageError, match=r"say mean = '\[0.5\]'; expected a list of three numbers"):
        ready(tagging, mean_colour(metadata={"mean": "[0.5]", "std": "[1, 1, 1]"}))
    with pytest.raises(UsageError, match=r"std is \[1.0, 0.0, 1.0\]; expected three numbers above 0"):
        ready(tagging, mean_colour(), std=(1, 0, 1))
    with pytest.raises(UsageError, match=r"resize = 'zoom'; expected crop, stretch, pad"):
        ready(tagging, mean_colour(metadata={"resize": "zoom"}))


def test_a_file_that_is_no_model_is_refused_and_runs_nothing(tagging: ModuleType, tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> Any:
            return Path.touch, (tmp_path / "exploded",)

    for content in (pickle.dumps(Bomb()), b"", b"<html>not found</html>"):
        (tmp_path / "model.onnx").write_bytes(content)
        with pytest.raises(UsageError, match=r"the model file 'model.onnx' cannot be used: .*expected an ONNX file"):
            ready(tagging, tmp_path / "model.onnx")
    assert not (tmp_path / "exploded").exists()


def test_weights_outside_the_file_are_refused(tagging: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(bytes(4000))
    inside = tmp_path / "model" / "model.onnx"
    inside.parent.mkdir()
    model = onnx.load(FIXTURE / "model.onnx")
    weights = next(each for each in model.graph.initializer if each.dims == [3, 48])
    weights.ClearField("raw_data")
    weights.data_location = TensorProto.EXTERNAL
    weights.external_data.add(key="location", value="../secret")
    inside.write_bytes(model.SerializeToString())
    with pytest.raises(UsageError, match="with its weights inside"):
        ready(tagging, inside, PATTERNS)


def test_a_gpu_that_is_not_there_is_an_error(tagging: ModuleType, mean_colour: Callable[..., Path]) -> None:
    ready(tagging, mean_colour(), device="auto")
    with pytest.raises(
        UsageError, match=r"device=cuda:7 cannot be used: onnxruntime .* offers .*; install onnxruntime-gpu"
    ):
        ready(tagging, mean_colour(), device="cuda:7")


def test_nothing_to_tag_is_refused(tagging: ModuleType) -> None:
    assert tagging.classifier(tagging.TagParameters()) is None
    with pytest.raises(JobError, match=r"there is nothing to tag: the Job has no ModelVersion, and quality = false"):
        tagging.classifier(tagging.TagParameters(quality=False))


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"confidence": 1.1}, "confidence: input should be less than or equal to 1"),
        ({"mean": [0.5]}, "mean.1: it has no default, so the Job must give it"),
        ({"activation": "relu"}, "activation: input should be 'softmax', 'sigmoid' or 'none'"),
        ({"dark_bellow": 3}, r"dark_bellow: there is no such parameter \(did you mean 'dark_below'\?\)"),
    ],
)
def test_bad_parameters_are_refused(tagging: ModuleType, parameters: dict[str, Any], reason: str) -> None:
    with pytest.raises(ParameterError, match=reason):
        resolve([tagging.TagParameters], parameters, {})
