"""Letterbox, decoding and non-maximum suppression against the published YOLOX package."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

if TYPE_CHECKING:
    from types import ModuleType

MODEL = Path(__file__).parents[1] / "fixture" / "model.onnx"

sides = st.integers(40, 300)  # the package fails where less than a pixel would be left
sizes = st.tuples(*[st.sampled_from([32, 64, 96, 160, 224])] * 2)


@settings(deadline=None)
@given(data=st.data(), size=sizes)
def test_a_picture_is_letterboxed_to_the_last_bit_as_there(
    yolox: ModuleType, letterbox: ModuleType, data: st.DataObject, size: tuple[int, int]
) -> None:
    preproc = importlib.import_module("yolox.data.data_augment").preproc
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    pictures = [rng.integers(0, 256, (*data.draw(st.tuples(sides, sides)), 3), np.uint8) for _ in range(3)]

    batch, scales = letterbox.letterbox(pictures, size, blue_first=True)
    rgb, _ = letterbox.letterbox(pictures, size, blue_first=False)

    for ours, scale, picture in zip(batch, scales, pictures, strict=True):
        theirs, ratio = preproc(np.ascontiguousarray(picture[..., ::-1]), size)
        np.testing.assert_array_equal(ours, theirs)
        assert ours.dtype == theirs.dtype
        assert scale == ratio
    np.testing.assert_array_equal(rgb, batch[:, ::-1])


@settings(deadline=None)
@given(data=st.data(), size=sizes, classes=st.integers(1, 4))
def test_a_raw_output_is_decoded_as_there(
    yolox: ModuleType, boxes: ModuleType, data: st.DataObject, size: tuple[int, int], classes: int
) -> None:
    torch = importlib.import_module("torch")
    head = importlib.import_module("yolox.models").YoloxHead(classes, width=0.25)
    head.hw = [(size[0] // stride, size[1] // stride) for stride in head.strides]
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    raw = rng.normal(0, 2, (2, sum(height * width for height, width in head.hw), 5 + classes)).astype(np.float32)

    theirs = head.decode_outputs(torch.from_numpy(raw.copy()), "torch.FloatTensor").numpy()

    np.testing.assert_allclose(boxes.decode(raw, size), theirs, rtol=1e-6)


# Quarters of pixels and of certainty: exact in every arithmetic, so that both packages must agree on every tie.
quarters = st.tuples(
    st.integers(0, 60), st.integers(0, 60), st.integers(1, 40), st.integers(1, 40), st.integers(0, 4)
).map(lambda numbers: [number / 4 for number in numbers])


@settings(deadline=None)
@given(
    data=st.data(),
    candidates=st.lists(quarters, min_size=2, max_size=30),
    classes=st.integers(1, 3),
    confidence=st.sampled_from([0.0, 0.25, 0.3, 0.5, 1.0]),
    iou=st.sampled_from([0.0, 0.2, 0.45, 0.65, 0.9, 1.0]),
)
def test_the_same_boxes_are_kept_as_there(
    yolox: ModuleType,
    boxes: ModuleType,
    data: st.DataObject,
    candidates: list[list[float]],
    classes: int,
    confidence: float,
    iou: float,
) -> None:
    likelihoods = data.draw(
        arrays.arrays(np.float32, (len(candidates), classes), elements=st.sampled_from([0, 0.25, 0.5, 0.75, 1]))
    )
    output = np.concatenate([np.array(candidates, np.float32), likelihoods], axis=1)

    ours = boxes.select(output, confidence, iou)

    theirs = published_selection(output, classes, confidence, iou)
    assert sorted(zip(ours.corners.tolist(), ours.scores.tolist(), ours.classes.tolist(), strict=True)) == theirs
    assert (np.diff(ours.scores) <= 0).all()


def published_selection(output: Any, classes: int, confidence: float, iou: float) -> list[tuple[Any, ...]]:
    torch = importlib.import_module("torch")
    utils = importlib.import_module("yolox.utils")
    (kept,) = utils.postprocess(torch.from_numpy(output[None].copy()), classes, confidence, iou)
    if kept is None:
        return []
    return sorted((row[:4], row[4] * row[5], int(row[6])) for row in kept.tolist())


def test_the_package_finds_the_same_on_the_fixture(
    yolox: ModuleType, processing: ModuleType, fixture_images: dict[str, Any]
) -> None:
    preproc = importlib.import_module("yolox.data.data_augment").preproc
    session = onnxruntime.InferenceSession(MODEL, providers=["CPUExecutionProvider"])
    parameters = processing.YoloxParameters()
    labelmap = SimpleNamespace(labels={"0": "0", "1": "1", "2": "2"})
    images = list(fixture_images.values())

    found = processing.annotate(images, processing.yolox(MODEL, labelmap, parameters), parameters)

    for image, ours in zip(images, found, strict=True):
        picture, ratio = preproc(np.ascontiguousarray(image.pixels[..., ::-1]), (160, 160))
        (output,) = session.run(None, {"images": picture[None]})
        theirs = published_selection(output[0], 3, parameters.confidence, parameters.iou)
        boxes = sorted(([b.x, b.y, b.x + b.width, b.y + b.height], b.confidence, int(b.label)) for b in ours)
        assert len(boxes) == len(theirs)
        for (corners, score, label), (their_corners, their_score, their_label) in zip(boxes, theirs, strict=True):
            assert (score, label) == (pytest.approx(their_score, abs=1e-6), their_label)
            assert corners == pytest.approx([corner / ratio for corner in their_corners], abs=1e-3)
