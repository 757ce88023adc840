from __future__ import annotations

import inspect
import subprocess
import sys

import picsellia_processing
import pytest

HEAVY = {"torch", "cv2", "ray", "starlette", "uvicorn", "picsellia", "numpy", "PIL", "requests", "simplejpeg", "tqdm"}


def test_exported_names() -> None:
    assert picsellia_processing.__all__ == [
        "AnnotationParameters",
        "AugmentationParameters",
        "AutoAnnotation",
        "AutoTagging",
        "Classification",
        "DataAugmentation",
        "DataAutoTagging",
        "DataTags",
        "DatasetVersionCreation",
        "Depends",
        "Field",
        "Image",
        "Input",
        "JobContext",
        "Keypoints",
        "Labels",
        "Line",
        "Mask",
        "ModelCompression",
        "ModelConversion",
        "ModelFile",
        "ModelParameters",
        "NewVersionParameters",
        "Parameters",
        "Point",
        "Polygon",
        "PreAnnotation",
        "Processing",
        "ProcessingError",
        "ProducedModel",
        "Rectangle",
        "Sample",
        "Shape",
        "SkipAsset",
        "TaggingParameters",
        "auto_annotation",
        "auto_tagging",
        "data_augmentation",
        "data_auto_tagging",
        "dataset_version_creation",
        "model_compression",
        "model_conversion",
        "pre_annotation",
        "processing",
    ]


@pytest.mark.parametrize("name", picsellia_processing.__all__)
def test_every_exported_name_is_there_and_documented(name: str) -> None:
    value = getattr(picsellia_processing, name)
    assert name == "Shape" or inspect.getdoc(value)


@pytest.mark.parametrize("module", ["picsellia_processing", "picsellia_processing.job.channel"])
def test_importing_loads_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert HEAVY & set(done.stdout.split()) == set()


def test_nothing_is_printed_or_warned_about() -> None:
    command = [sys.executable, "-W", "error", "-c", "from picsellia_processing import *"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert (done.stdout, done.stderr) == ("", "")
