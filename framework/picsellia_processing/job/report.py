"""What a Job did, as data: the contents of `report.json`.

`report.schema.json` beside this module is generated from these models: `python -m picsellia_processing.job.report`.
"""

from __future__ import annotations

import json
import math
import os
import tempfile
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import to_json

SCHEMA_PATH = Path(__file__).with_name("report.schema.json")


def _text(value: Any) -> Any:
    """Text that any encoding can hold: a lone surrogate in a hostile file name becomes its escape."""
    return value.encode("utf-8", "backslashreplace").decode("utf-8") if isinstance(value, str) else value


def plain(value: Any) -> Any:
    """The value as JSON can hold it: text for what JSON does not know, null for NaN and the infinities."""
    match value:
        case None | bool() | int():
            return value
        case str():
            return _text(value)
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {_text(str(key)): plain(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [plain(item) for item in value]
    if getattr(value, "shape", None) == ():  # a scalar of numpy or torch
        return plain(value.item())
    return _text(str(value))


Text = Annotated[str, BeforeValidator(_text)]
Count = Annotated[int, Field(ge=0)]
Counts = dict[Text, Count]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Confidence = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_serialization_defaults_required=True)


class Target(_Part):
    """What the Job worked on, or filled."""

    type: Text
    id: Text
    name: Text


class Assets(_Part):
    """How many assets the Job was given, and what became of them."""

    selected: Count = 0
    processed: Count = 0
    skipped: Count = 0
    failed: Count = 0


class Failure(_Part):
    """One asset that could not be processed: the stage (fetch, decode, process, write) it failed in, and why."""

    asset: Text
    asset_id: Text
    stage: Text
    reason: Text


class Stage(_Part):
    """One stage of the data plane: the seconds its threads were busy, added up, and the items that went through."""

    seconds: Seconds = 0.0
    items: Count = 0
    threads: Annotated[int, Field(ge=1)] = 1


class Requests(_Part):
    """What was sent to the platform, retries included, by `METHOD /path/{}`."""

    total: Count = 0
    by_endpoint: Counts = Field(default_factory=dict)
    retries: Count = 0


class ModelVersion(_Part):
    """The ModelVersion the Job was given."""

    id: Text
    name: Text
    version: Text | int
    type: Text | None
    framework: Text | None


class ConfidenceRange(_Part):
    """The model's scores for one class."""

    mean: Confidence
    min: Confidence
    max: Confidence


class LabelMatch(_Part):
    """One class of the model and the Label it was written as; `closest` where it has none."""

    model_class: Text
    label: Text | None = None
    closest: Text | None = None
    shapes: Count = 0
    confidence: ConfidenceRange | None = None


class Report(_Part):
    """Everything there is to say about a Job that has ended.

    Only `status` is always known: a Job that ended before its worker said anything has the defaults for the rest.
    `output` is the DatasetVersion it filled, where there is one. `shapes` were written; what else was is counted in
    `produced`, and `metadata` is what the processing says of its result; `dropped_shapes` and `skipped` count by
    reason; `remarks` are what a person should look at although nothing failed; `limiting_stage` is the one that set the
    speed; `first_write_seconds` is how long it took until the first result was durable. These two and
    `images_per_second` are None where the images are not the work, but looked at on the way: in a Job on a
    ModelVersion.
    """

    status: Literal["succeeded", "failed", "terminated"]
    reason: Text | None = None
    name: Text = ""
    task: Text = ""
    job_id: Text = ""
    target: Target | None = None
    output: Target | None = None
    assets: Assets = Field(default_factory=Assets)
    shapes: Count = 0
    produced: Counts = Field(default_factory=dict)
    metadata: Annotated[dict[str, Any], BeforeValidator(plain)] = Field(default_factory=dict)
    dropped_shapes: Counts = Field(default_factory=dict)
    remarks: list[Text] = Field(default_factory=list)
    skipped: Counts = Field(default_factory=dict)
    failures: list[Failure] = Field(default_factory=list)
    stages: dict[Text, Stage] = Field(default_factory=dict)
    limiting_stage: Text | None = None
    requests: Requests = Field(default_factory=Requests)
    images_per_second: Seconds | None = 0.0
    seconds: Seconds = 0.0
    first_write_seconds: Seconds | None = None
    peak_rss_bytes: Count = 0
    parameters: Annotated[dict[str, Any], BeforeValidator(plain)] = Field(default_factory=dict)
    model_version: ModelVersion | None = None
    labels: list[LabelMatch] = Field(default_factory=list)
    versions: dict[Text, Text] = Field(default_factory=dict)


def write(report: Report, path: Path) -> None:
    """Write `report` as JSON, so that `path` holds either what it held before or the whole report.

    Raises:
        OSError: the file cannot be written; nothing is left behind.
    """
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(to_json(report, indent=2) + b"\n")
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def read(path: Path) -> Report:
    """Read what `write` wrote.

    Raises:
        OSError: the file cannot be read.
        pydantic.ValidationError: it is not a report.
    """
    return Report.model_validate_json(path.read_bytes())


def schema() -> str:
    """The JSON schema of `report.json`."""
    document = {"$schema": "https://json-schema.org/draft/2020-12/schema"} | Report.model_json_schema(
        mode="serialization"
    )
    return json.dumps(document, indent=2) + "\n"


if __name__ == "__main__":
    SCHEMA_PATH.write_text(schema(), encoding="utf-8")
