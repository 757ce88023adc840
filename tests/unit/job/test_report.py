from __future__ import annotations

import json
import math

import jsonschema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from picsellia_processing.job.report import SCHEMA_PATH, Report, plain, read, schema, write
from pydantic import ValidationError

FULL = {
    "status": "succeeded",
    "reason": None,
    "name": "hello",
    "task": "pre_annotation",
    "job_id": "0192",
    "target": {"type": "DATASET_VERSION", "id": "1", "name": "shapes/v1"},
    "output": {"type": "DATASET_VERSION", "id": "2", "name": "shapes/v2"},
    "assets": {"selected": 3, "processed": 2, "skipped": 0, "failed": 1},
    "shapes": 4,
    "produced": {"new images": 2},
    "metadata": {"largest error": 0.5, "classes": ["a"]},
    "dropped_shapes": {"no area": 1},
    "remarks": ["3 of 4 shapes look odd"],
    "skipped": {},
    "failures": [{"asset": "a.jpg", "asset_id": "1", "stage": "decode", "reason": "truncated"}],
    "stages": {"fetch": {"seconds": 0.5, "items": 3, "threads": 24}},
    "limiting_stage": "fetch",
    "requests": {"total": 3, "by_endpoint": {"GET <blob>": 3}, "retries": 0},
    "images_per_second": 2.5,
    "seconds": 1.25,
    "first_write_seconds": 0.75,
    "peak_rss_bytes": 1000,
    "parameters": {"confidence": 0.5, "names": ["a"], "nothing": None},
    "model_version": {"id": "1", "name": "m", "version": "0", "type": "OBJECT_DETECTION", "framework": None},
    "labels": [
        {
            "model_class": "circle",
            "label": None,
            "closest": "Circle",
            "shapes": 0,
            "confidence": {"mean": 0.5, "min": 0.25, "max": 0.75},
        }
    ],
    "versions": {"python": "3.11"},
}


def test_the_shipped_schema_is_current():
    assert SCHEMA_PATH.read_text() == schema(), "run: python -m picsellia_processing.job.report"


def test_what_is_written_is_what_was_said_and_fits_the_schema(tmp_path):
    path = tmp_path / "report.json"
    write(Report.model_validate(FULL), path)
    written = json.loads(path.read_text())
    assert written == FULL
    jsonschema.Draft202012Validator(json.loads(SCHEMA_PATH.read_text())).validate(written)
    assert read(path) == Report.model_validate(FULL)


def test_the_schema_refuses_what_is_not_a_report():
    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA_PATH.read_text()))
    assert not validator.is_valid({"status": "succeeded"})
    assert not validator.is_valid({**FULL, "status": "finished"})
    assert not validator.is_valid({**FULL, "extra": 1})


def test_a_job_that_said_nothing_has_a_report(tmp_path):
    write(Report(status="failed", reason="killed by SIGKILL"), tmp_path / "report.json")
    assert read(tmp_path / "report.json").assets.processed == 0


@pytest.mark.parametrize(
    "wrong",
    [{"status": "done"}, {"shapes": -1}, {"seconds": math.nan}, {"images_per_second": math.inf}, {"unknown": 1}],
)
def test_nonsense_is_refused(wrong):
    with pytest.raises(ValidationError):
        Report.model_validate(FULL | wrong)


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(
    parameters=st.dictionaries(st.text(max_size=5), json_like | st.binary() | st.dates(), max_size=3),
    text=st.text(st.characters(exclude_categories=())),
)
def test_whatever_parameters_and_names_hold_the_report_is_json(tmp_path_factory, parameters, text):
    path = tmp_path_factory.getbasetemp() / "any.json"
    failure = {"asset": text, "asset_id": text, "stage": "fetch", "reason": text}
    write(Report.model_validate(FULL | {"parameters": parameters, "failures": [failure]}), path)
    jsonschema.Draft202012Validator(json.loads(SCHEMA_PATH.read_text())).validate(json.loads(path.read_bytes()))


def test_a_failed_write_leaves_the_old_report_and_no_litter(tmp_path):
    path = tmp_path / "report.json"
    path.mkdir()
    (path / "in the way").touch()
    with pytest.raises(OSError, match="report"):
        write(Report(status="failed"), path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.json"]


def test_a_number_of_another_library_is_a_number() -> None:
    found = plain({"count": np.int64(3), "share": np.float32(0.5), "all": np.bool_(True), "unknown": np.float32("nan")})
    assert found == {"count": 3, "share": 0.5, "all": True, "unknown": None}
    assert [type(value) for value in found.values()] == [int, float, bool, type(None)]
