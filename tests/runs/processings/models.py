"""Processings on a ModelVersion, and in the general form."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from picsellia.sdk.dataset_version import DatasetVersion
from picsellia_processing import (
    Field,
    Input,
    JobContext,
    ModelConversion,
    ModelFile,
    ModelParameters,
    Parameters,
    ProducedModel,
    model_compression,
    model_conversion,
    processing,
)

Weights = Annotated[Path, ModelFile("weights")]


class Repeats(ModelParameters):
    times: int = Field(2, ge=1)


@model_conversion(produces=["doubled"])
def doubles(weights: Weights, context: JobContext, parameters: Repeats) -> Path:
    print("converting")
    path = context.folder / "doubled.txt"
    path.write_bytes(weights.read_bytes() * parameters.times)
    return path


@model_conversion(produces=["big", "package", "small"])
def several(weights: Weights, context: JobContext) -> ProducedModel:
    package = context.folder / "model.package"
    (package / "empty").mkdir(parents=True)
    (package / "data").mkdir()
    (package / "data" / "weights.bin").write_bytes(weights.read_bytes())
    (package / "Manifest.json").write_text("{}")
    big = context.folder / "big.bin"
    big.write_bytes(bytes(range(256)) * (26 * 1024 * 4))
    small = context.folder / "small.onnx"
    small.write_bytes(b"small")
    metadata = {"opset": 17, "largest error": 1e-5}
    return ProducedModel({"big": big, "package": package, "small": small}, metadata, framework="ONNX")


@model_conversion
def returns_what_is_asked(weights: Weights, context: JobContext, parameters: Asked) -> Any:
    good = context.folder / "good.txt"
    good.write_text("good")
    empty = context.folder / "empty.txt"
    empty.touch()
    folder = context.folder / "folder"
    folder.mkdir()
    linked = context.folder / "linked"
    linked.mkdir()
    (linked / "file").symlink_to(good)
    return {
        "missing": {"good": good, "bad": context.folder / "nowhere"},
        "empty": {"good": good, "bad": empty},
        "empty folder": {"good": good, "bad": folder},
        "link": {"good": good, "bad": linked},
        "text": {"good": good, "bad": "good.txt"},
        "nameless": {" ": good},
        "nothing": {},
        "none": None,
        "path": good,
        "metadata": ProducedModel({"good": good}, {"error": float("nan")}),
        "framework": ProducedModel({"good": good}, framework="ABACUS"),
        "good": {"good": good},
    }[parameters.what]


class Asked(Parameters):
    what: str


@model_conversion(produces=["a", "b"])
def not_as_declared(weights: Weights, context: JobContext) -> dict[str, Path]:
    return {"a": weights, "c": weights}


class Wanted(ModelParameters):
    wanted: tuple[str, ...] = ("a",)

    def chosen(self, names: Sequence[str]) -> list[str]:
        return [name for name in names if name in self.wanted]


@model_conversion(produces=["a", "b"])
def makes_what_is_wanted(weights: Weights, parameters: Wanted) -> dict[str, Path]:
    return dict.fromkeys(parameters.wanted, weights)


class Copy(ModelConversion[Repeats]):
    produces = ("copy",)

    def setup(self, weights: Weights) -> None:
        self.weights = weights

    def process(self, context: JobContext) -> Path:
        path = context.folder / "copy.bin"
        path.write_bytes(self.weights.read_bytes() * self.parameters.times)
        return path


@model_compression(produces=["calibrated"])
def calibrates(
    weights: Weights, context: JobContext, images: Annotated[DatasetVersion, Input("dataset_version_id")]
) -> ProducedModel:
    seen = 0
    for batch in context.samples(batch_size=8):
        for sample in batch:
            seen += 1
            context.write(sample.image, ())
    path = context.folder / "calibrated.bin"
    path.write_bytes(weights.read_bytes())
    return ProducedModel({"calibrated": path}, {"calibrated with": [str(images.version), seen]})


@processing(target="DATASET_VERSION")
def renames(context: JobContext) -> None:
    assert context.dataset_version
    for batch in context.images(batch_size=4):
        for image in batch:
            context.write(image, ())
    context.metadata["seen"] = {"version": context.dataset_version.version}
    context.dataset_version.update(description="seen")


@processing(target="MODEL_VERSION", type="MODEL_CONVERSION", name="documents")
def documents(context: JobContext, weights: Weights) -> None:
    assert context.model_version
    context.model_version.update(description=weights.read_text())
