"""The whole processing, offline, on its fixtures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from picsellia_processing.errors import JobError, ParameterError, UsageError
from picsellia_processing.parameters import resolve

FOLDER = Path(__file__).parents[1]
CLASSIFIER = FOLDER / "tests" / "classifier"
STORING = "POST /api/model/version/{}/modelfiles"


def test_a_detector_becomes_a_third_of_its_size_and_is_as_good(dry_run: Any) -> None:
    run = dry_run(FOLDER)
    assert run.exit_code == 0, run.log
    figures = run.report["metadata"]
    assert figures["mAP50"]["before"] > 0.95
    assert figures["mAP50"]["before"] - figures["mAP50"]["after"] <= 0.02
    assert figures["bytes"]["ratio"] <= 0.45
    assert figures["bytes"]["before"] == (FOLDER / "fixture" / "model.onnx").stat().st_size
    assert figures["pictures_per_second"]["after"] > 0
    assert figures["images"] == {"calibration": 60, "measured": 53}
    assert run.report["assets"] == {"selected": 120, "processed": 120, "skipped": 0, "failed": 0}
    assert run.report["produced"] == {"files": 1, "files stored": 1, "bytes": figures["bytes"]["after"]}
    assert STORING in run.report["requests"]["by_endpoint"], "what the tests below do not find"


def test_a_classifier_is_measured_by_its_best_class(dry_run: Any) -> None:
    run = dry_run(FOLDER, fixture=CLASSIFIER, parameters={"method": "dynamic_int8", "calibration_images": 10})
    assert run.exit_code == 0, run.log
    figures = run.report["metadata"]
    assert figures["top-1"]["before"] > 0.95
    assert figures["top-1"]["before"] - figures["top-1"]["after"] <= 0.02
    assert figures["bytes"]["ratio"] <= 0.4
    assert figures["images"] == {"calibration": 10, "measured": 110}


def test_a_model_that_compression_wrecks_is_refused_and_nothing_is_stored(dry_run: Any) -> None:
    run = dry_run(FOLDER, parameters={"layers": "all"})
    assert run.exit_code == 1
    assert "of mAP50" in run.report["reason"]
    assert "more than max_accuracy_drop = 0.02, so nothing is stored" in run.report["reason"]
    assert run.report["metadata"]["mAP50"]["after"] < run.report["metadata"]["mAP50"]["before"] - 0.1
    assert STORING not in run.report["requests"]["by_endpoint"]


def test_a_model_that_is_bad_as_it_is_proves_nothing(
    processing: Any, parameters: Any, version: Any, context: Any, samples: Any
) -> None:
    wrong = parameters.CompressionParameters(mean=(0.9, 0.9, 0.9), std=(0.01, 0.01, 0.01))
    images = version("CLASSIFICATION", circle=40, square=40, triangle=40)
    with pytest.raises(JobError, match=r"the model as it is has a top-1 of .* less than min_accuracy = 0\.3"):
        processing.compress_onnx(CLASSIFIER / "model.onnx", images, context(samples["classification"]), wrong)


def test_a_file_that_is_no_onnx_is_refused_before_an_image_is_read(
    processing: Any, parameters: Any, version: Any, context: Any, samples: Any, tmp_path: Path
) -> None:
    path, job = tmp_path / "best.onnx", context(samples["detection"])
    path.write_text("no model")
    with pytest.raises(UsageError, match=r"'best\.onnx' cannot be compressed: it is no whole ONNX file"):
        processing.compress_onnx(path, version("OBJECT_DETECTION", circle=1), job, parameters.CompressionParameters())
    assert job.done == []


def test_images_without_annotations_are_refused_before_one_is_read(
    processing: Any, parameters: Any, version: Any, context: Any, samples: Any
) -> None:
    model, job = FOLDER / "fixture" / "model.onnx", context(samples["detection"])
    with pytest.raises(JobError, match="shapes/v1 has no annotation to measure the model by; annotate it, or give"):
        processing.compress_onnx(model, version("OBJECT_DETECTION"), job, parameters.CompressionParameters())
    assert job.done == []


def test_each_method_makes_a_file_of_its_own(processing: Any, parameters: Any) -> None:
    made = [
        parameters.CompressionParameters(method=method).chosen(processing.compress_onnx.declaration.produces)
        for method in parameters.FILE_NAMES
    ]
    assert made == [[name] for name in parameters.FILE_NAMES.values()]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("method", "int4"),
        ("layers", "none"),
        ("sparsity", 1),
        ("calibration_images", 0),
        ("max_accuracy_drop", -0.1),
        ("min_accuracy", 0),
        ("std", [1, 0, 1]),
        ("mean", [0.5]),
        ("metod", "static_int8"),
    ],
)
def test_wrong_parameters_are_refused(parameters: Any, name: str, value: Any) -> None:
    with pytest.raises(ParameterError, match=name):
        resolve([parameters.CompressionParameters], {name: value}, {})
