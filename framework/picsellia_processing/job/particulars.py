"""What there is to say of a Job: at the beginning of its log, while it works, and in its report."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from picsellia_processing.job.channel import Progress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from picsellia.sdk.dataset_version import DatasetVersion

    from picsellia_processing.context import JobContext
    from picsellia_processing.labels import Labels
    from picsellia_processing.processing import Processing
    from picsellia_processing.stream.tally import Tally


def table(processing: Processing[..., Any], context: JobContext, values: dict[str, Any]) -> Iterator[str]:
    """What the log begins with: what runs on what, with which parameters."""
    rows = {"processing": f"{processing.name} ({processing.task.name})", context.target_type: context.target_name}
    if context.model_version is not None:
        rows["MODEL_VERSION"] = context.model_name
    if context.selection is not None:
        rows["selection"] = f"{len(context.selection):,} ids"
    rows |= {name: str(value) for name, value in values.items()}
    width = max(len(name) for name in rows)
    for name, value in rows.items():
        yield f"  {name.ljust(width)}  {value}"


def described(context: JobContext, job_id: str) -> dict[str, Any]:
    """What the report says of a Job, of what it runs on and of its model."""
    target = context.dataset_version or context.model_version or context.datalake
    model = context.model_version
    return {
        "job_id": job_id,
        "target": target and {"type": context.target_type, "id": str(target.id), "name": context.target_name},
        "model_version": model
        and {
            "id": str(model.id),
            "name": model.origin_name,
            "version": model.version,
            "type": model.type.value,
            "framework": model.framework.value,
        },
    }


def described_output(version: DatasetVersion) -> dict[str, Any]:
    """What the report says of the DatasetVersion that is filled."""
    return {"type": "DATASET_VERSION", "id": str(version.id), "name": f"{version.name}/{version.version}"}


def described_labels(labels: Labels, tally: Tally) -> list[dict[str, Any]]:
    """What the report says of each class of the model: its label, its shapes, their confidence."""
    rows = []
    for name in dict.fromkeys((*labels.classes, *tally.classes)):
        counted = tally.classes.get(name)
        label = labels.match(name)
        confidence = None
        if counted is not None and counted.scored:
            mean = counted.total / counted.scored
            confidence = {"mean": round(mean, 4), "min": round(counted.lowest, 4), "max": round(counted.highest, 4)}
        rows.append(
            {
                "model_class": name,
                "label": label,
                "closest": None if label is not None else labels.closest(name),
                "shapes": counted.shapes if counted is not None else 0,
                "confidence": confidence,
            }
        )
    return rows


def versions() -> dict[str, str]:
    """What runs the Job."""
    import platform  # noqa: PLC0415 - the standard library's, beside this package's own `platform`

    return {
        "picsellia_processing": version("picsellia-processing"),
        "picsellia": version("picsellia"),
        "python": platform.python_version(),
    }


def progress(done: int, counts: dict[str, Any]) -> Progress:
    """How far the work is; `counts` are those of a Tally."""
    selected, failed, speed = counts["assets"]["selected"], counts["assets"]["failed"], counts["images_per_second"]
    failures = f", {failed:,} failed" if failed else ""
    if speed is None:  # the work goes on when the images are through
        return Progress(done, None, f"{done:,}/{selected:,} images looked at{failures}")
    return Progress(done, selected, f"{done:,}/{selected:,} assets, {speed:.1f} images/s{failures}")
