"""What a dry-run leaves in its out folder besides `report.json`: `annotations.json` and `report.html`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from picsellia_processing.cli.coco import to_coco
from picsellia_processing.cli.end_state import EndState, read_confidences, read_datalake_state, read_end_state
from picsellia_processing.cli.pictures import load_pictures, spread
from picsellia_processing.cli.report_page import PICTURE_BYTES, PICTURES, SHAPES_PER_PICTURE, Page, render
from picsellia_processing.sdk.assets import fetch

if TYPE_CHECKING:
    from pathlib import Path

    from picsellia import Client
    from picsellia.sdk.datalake import Datalake
    from picsellia.sdk.dataset_version import DatasetVersion

    from picsellia_processing.cli.out_folder import OutFolder
    from picsellia_processing.job.report import Report


def write_results(
    client: Client, version: DatasetVersion | None, report: Report, out: OutFolder, *, lake: Datalake | None = None
) -> None:
    """Write the page, and, for a Job on a DatasetVersion, what is annotated there now; `lake` is what else it ran on.

    Raises:
        PlatformError: the platform cannot be read.
        OSError: the out folder cannot be written.
    """
    state = EndState((), ())
    if version is not None:
        state = read_end_state(version, read_confidences([out.earlier_predictions, out.predictions]))
        _write(out.annotations, json.dumps(to_coco(state), ensure_ascii=False))
    elif lake is not None:
        state = read_datalake_state(lake)
    failed = {failure.asset_id for failure in report.failures}
    whole = [asset for asset in state.assets if asset.reference.id not in failed]
    pictures = load_pictures(
        spread(whole, PICTURES),
        lambda reference: fetch(client, reference),
        max_bytes=PICTURE_BYTES,
        max_shapes=SHAPES_PER_PICTURE,
    )
    title = report.name or out.path.name
    _write(out.page, render(Page(report, title, state.labels, pictures, len(state.assets))))


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.part")
    temporary.write_bytes(text.encode("utf-8", "backslashreplace"))
    temporary.replace(path)
