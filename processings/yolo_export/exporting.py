"""A checkpoint of ultralytics in other formats; the same checkpoint gives the same bytes."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING, Any

import yaml
from coreml.quiet import quiet
from coreml.settling import settle
from picsellia_processing.errors import UsageError
from weights import load_weights

if TYPE_CHECKING:
    from pathlib import Path

LARGEST_DEFAULT = 640
RGB = 3
ENDINGS = {"onnx": ".onnx", "torchscript": ".torchscript", "openvino": "_openvino_model", "coreml": ".mlpackage"}
"""What the name of a file, or folder, of each format ends in; ultralytics tells formats by it."""


class Checkpoint:
    """One checkpoint, loaded safely, to be exported into `folder`.

    Attributes:
        task: "detect", "segment" or "classify".
        image_size: the side in pixels of the square pictures the exported models take.
        classes: how many it tells apart.
    """

    def __init__(self, weights: Path, folder: Path, image_size: int | None) -> None:
        """Read the checkpoint.

        Raises:
            UsageError: It is none of ultralytics, holds code, is of another task or kind, or cannot see this size.
        """
        self._folder = folder
        self._weights = weights
        model = load_weights(weights)
        self.task = str(model.task)
        self.classes = len(model.names)
        self.image_size = image_size or int(model.overrides.get("imgsz", LARGEST_DEFAULT))
        _check(weights.name, model.model, self.image_size)

    def reference(self) -> Any:
        """The torch module as trained, on the CPU: what exported models are compared with."""
        return load_weights(self._weights).model.float().eval()

    def to(self, format_: str, opset: int) -> Path:
        """The model in a format of `ENDINGS`, for one picture at a time, with the metadata of ultralytics inside.

        `opset` is the version of the operators of ONNX.
        """
        match format_:
            case "onnx":
                return self._to_onnx(opset)
            case "torchscript":
                return self._to_torch_script()
            case "openvino":
                return self._to_open_vino()
            case "coreml":
                return self._to_core_ml()
        raise ValueError(format_)

    def _to_onnx(self, opset: int) -> Path:
        import onnx  # noqa: PLC0415 - whoever only reads the definition need not wait

        path = self._export("onnx", opset=opset, simplify=False)
        model = onnx.load(path)
        kept = [entry for entry in model.metadata_props if entry.key != "date"]
        del model.metadata_props[:]
        model.metadata_props.extend(kept)
        path.write_bytes(model.SerializeToString(deterministic=True))
        onnx.checker.check_model(str(path), full_check=True)
        return path

    def _to_torch_script(self) -> Path:
        import torch  # noqa: PLC0415 - likewise

        path = self._export("torchscript")
        extra = {"config.txt": ""}
        module = torch.jit.load(str(path), map_location="cpu", _extra_files=extra)  # type: ignore[no-untyped-call]  # torch's
        metadata = json.loads(extra["config.txt"])
        metadata.pop("date", None)
        torch.jit.save(module, str(path), _extra_files={"config.txt": json.dumps(metadata)})
        return path

    def _to_open_vino(self) -> Path:
        os.environ["CI"] = "true"  # where OpenVINO sends no statistics
        path = self._export("openvino")
        about = path / "metadata.yaml"
        metadata = yaml.safe_load(about.read_text())
        metadata.pop("date", None)
        about.write_text(yaml.safe_dump(metadata, sort_keys=False))
        return path

    def _to_core_ml(self) -> Path:
        path = self._export("coreml")
        settle(path, "date")
        return path

    def _export(self, format_: str, **settings: Any) -> Path:
        folder = self._folder / format_
        folder.mkdir()
        copy = folder / "model.pt"  # ultralytics writes beside the checkpoint, under its name
        shutil.copyfile(self._weights, copy)
        model = load_weights(copy)
        settings |= {"imgsz": self.image_size, "device": "cpu", "end2end": False, "verbose": False}
        with quiet():
            exported = model.export(format=format_, **settings)
        return (folder / str(exported)).rename(folder / f"{self._weights.stem}{ENDINGS[format_]}")


def _check(name: str, network: Any, image_size: int) -> None:
    """See that a network is one whose exports can be compared.

    Raises:
        UsageError: It is not.
    """
    channels = network.yaml.get("channels", RGB)
    if channels != RGB:
        raise UsageError(f"the weights {name!r} cannot be used: the model sees {channels} channels; expected 3, RGB")
    if "RTDETR" in type(network).__name__:
        raise UsageError(f"the weights {name!r} cannot be used: found an RT-DETR; expected a YOLO, which has anchors")
    stride = int(max(network.stride))
    if image_size % stride:
        below = image_size // stride * stride
        sizes = " or ".join(str(size) for size in (below, below + stride) if size)
        raise UsageError(f"image_size={image_size}: {name!r} sees multiples of {stride} pixels only; take {sizes}")
