from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
import pytest
from picsellia_processing.errors import UsageError

if TYPE_CHECKING:
    from types import ModuleType

MODEL = Path(__file__).parents[1] / "fixture" / "model.onnx"


def test_the_file_of_the_fixture_is_understood(network: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    found = network.Network(MODEL, "auto", 4)

    assert (found.size, found.classes, found.decoded, found.blue_first) == ((160, 160), 3, True, True)
    assert f"onnxruntime {onnxruntime.__version__} computes on CPUExecutionProvider" in capsys.readouterr().out


def variant_of(variants: ModuleType, folder: Path, name: str) -> Path:
    path: Path = variants.variant(MODEL, folder / f"{name}.onnx", getattr(variants, name))
    return path


def test_an_output_that_is_not_decoded_is_told_by_its_values(
    network: ModuleType, boxes: ModuleType, variants: ModuleType, tmp_path: Path
) -> None:
    pictures = np.random.default_rng(1).integers(0, 256, (3, 3, 160, 160)).astype(np.float32)
    decoded = network.Network(MODEL, "cpu", 4)

    raw = network.Network(variant_of(variants, tmp_path, "raw"), "cpu", 4)

    assert not raw.decoded
    in_pixels = decoded.run(pictures)
    assert np.abs(raw.run(pictures) - in_pixels).max() > 50
    np.testing.assert_allclose(boxes.decode(raw.run(pictures), raw.size), in_pixels, rtol=1e-5)


def test_a_file_that_leaves_the_size_open_needs_the_parameter(
    network: ModuleType, variants: ModuleType, tmp_path: Path
) -> None:
    path = variant_of(variants, tmp_path, "any_size")

    for side in (160, 320):
        assert network.Network(path, "cpu", 4, image_size=side).size == (side, side)
    with pytest.raises(UsageError, match=r"size of the pictures is open: 'any_size\.onnx' takes any .* image_size"):
        network.Network(path, "cpu", 4)
    with pytest.raises(UsageError, match=r"image_size=320 cannot be used: 'model\.onnx' was exported for .* x 160 x"):
        network.Network(MODEL, "cpu", 4, image_size=320)


def test_a_file_that_fails_on_the_size_asked_for_is_refused(
    network: ModuleType, variants: ModuleType, tmp_path: Path
) -> None:
    path = variant_of(variants, tmp_path, "baked_size")

    with pytest.raises(UsageError, match=r"found a graph that fails on pictures of 320 x 320 \(.*Add"):
        network.Network(path, "cpu", 4, image_size=320)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("two_outputs", r"2 outputs \(output, .*\)"),
        ("byte_input", r"an input of type tensor\(uint8\)"),
        ("without_classes", "an output of the shape 1 x 525 x 5 instead of 1 x 525 x "),
        ("with_cells_missing", "an output of the shape 1 x 400 x 8 instead of 1 x 525 x "),
    ],
)
def test_another_model_is_refused(
    network: ModuleType, variants: ModuleType, tmp_path: Path, name: str, found: str
) -> None:
    path = variant_of(variants, tmp_path, name)

    with pytest.raises(UsageError, match=f"'{name}.onnx' cannot be used: found {found}.*expected a YOLOX detector"):
        network.Network(path, "cpu", 4)


def test_a_classifier_is_refused(network: ModuleType, variants: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "classifier.onnx"
    path.write_bytes(variants.classifier().SerializeToString())

    with pytest.raises(UsageError, match="found an input of the shape batch x 10; expected a YOLOX detector"):
        network.Network(path, "cpu", 4)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html><body>404 not found</body></html>",
        (MODEL.parent / "images" / "empty.jpg").read_bytes(),
        MODEL.read_bytes()[:500_000],
    ],
    ids=["empty", "page", "picture", "truncated"],
)
def test_what_is_no_onnx_file_is_refused(network: ModuleType, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)

    with pytest.raises(UsageError, match=f"found a file of {len(content)} bytes that onnxruntime .* does not load"):
        network.Network(path, "cpu", 4)


class Recorder:
    """A session that notes how many pictures each run has."""

    def __init__(self, session: Any, providers: list[str]) -> None:
        self._session, self._providers = session, providers
        self.runs: list[int] = []

    def run(self, names: None, feed: dict[str, Any]) -> Any:
        (pictures,) = feed.values()
        self.runs.append(len(pictures))
        return self._session.run(names, feed)

    def get_providers(self) -> list[str]:
        return self._providers

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)


@pytest.fixture
def recorded(network: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes a Network whose session is a Recorder: `recorded(path, batch_size, providers)`."""
    load = onnxruntime.InferenceSession

    def make(path: Path, batch_size: int, providers: list[str]) -> tuple[Any, Recorder]:
        recorders: list[Recorder] = []

        def session(file: str, options: Any, providers: Any) -> Recorder:
            recorders.append(Recorder(load(file, options, providers=["CPUExecutionProvider"]), names))
            return recorders[-1]

        names = providers
        monkeypatch.setattr(onnxruntime, "InferenceSession", session)
        monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: names)
        made = network.Network(path, "auto", batch_size)
        recorders[0].runs.clear()
        return made, recorders[0]

    return make


PICTURES = np.random.default_rng(2).integers(0, 256, (6, 3, 160, 160)).astype(np.float32)


def test_one_run_does_a_whole_batch(recorded: Any) -> None:
    made, session = recorded(MODEL, 16, ["CPUExecutionProvider"])

    output = made.run(PICTURES)

    assert output.shape == (6, 525, 8)
    assert session.runs == [6]


@pytest.mark.parametrize(("size", "runs"), [(1, [1] * 6), (4, [4, 4]), (8, [8])])
def test_a_file_for_a_fixed_number_of_pictures_gets_that_number(
    recorded: Any, network: ModuleType, variants: ModuleType, tmp_path: Path, size: int, runs: list[int]
) -> None:
    path = variants.variant(MODEL, tmp_path / "fixed.onnx", variants.fixed_batch(size))
    made, session = recorded(path, 16, ["CPUExecutionProvider"])

    output = made.run(PICTURES)

    np.testing.assert_array_equal(output, network.Network(MODEL, "cpu", 16).run(PICTURES))
    assert session.runs == runs


def test_a_gpu_always_gets_as_many_pictures(recorded: Any) -> None:
    made, session = recorded(MODEL, 4, ["CUDAExecutionProvider", "CPUExecutionProvider"])

    output = made.run(PICTURES)

    assert session.runs == [4, 4]
    np.testing.assert_array_equal(output[5:], made.run(PICTURES[5:]))


def test_half_precision_is_fed_where_the_file_wants_it(
    network: ModuleType, variants: ModuleType, tmp_path: Path
) -> None:
    half = network.Network(variant_of(variants, tmp_path, "half_input"), "cpu", 4)

    output = half.run(PICTURES)  # whole numbers to 255 are exact in it

    assert output.dtype == np.float32
    np.testing.assert_array_equal(output, network.Network(MODEL, "cpu", 4).run(PICTURES))


@pytest.mark.parametrize("device", ["cuda", "cuda:3"])
def test_a_gpu_that_is_not_there_is_an_error(network: ModuleType, monkeypatch: pytest.MonkeyPatch, device: str) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])

    with pytest.raises(UsageError, match=f"device={device} cannot be used: .* built without CUDA; .*device=auto"):
        network.Network(MODEL, device, 4)


def test_a_gpu_that_onnxruntime_silently_leaves_aside_is_an_error(
    network: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    load = onnxruntime.InferenceSession
    there = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: there)
    monkeypatch.setattr(
        onnxruntime,
        "InferenceSession",
        lambda file, options, providers: load(file, options, providers=["CPUExecutionProvider"]),
    )

    with pytest.raises(UsageError, match=r"device=cuda cannot be used: .* CUDA libraries cannot be loaded; install"):
        network.Network(MODEL, "cuda", 4)
    assert network.Network(MODEL, "auto", 4).device == "CPUExecutionProvider"
    assert "built for CUDA, but its CUDA libraries cannot be loaded" in capsys.readouterr().out
