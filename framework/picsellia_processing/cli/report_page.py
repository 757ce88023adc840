"""`report.html`: one page that shows what a Job did, by itself: no request leaves it, no script runs in it."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from picsellia_processing.cli.drawing import PALETTE, draw
from picsellia_processing.cli.figures import duration, size, with_commas

if TYPE_CHECKING:
    from collections.abc import Sequence

    from picsellia_processing.cli.pictures import Picture
    from picsellia_processing.job.report import Report

FOLDER = Path(__file__).parent
PICTURES = 60
SHAPES_PER_PICTURE = 100
PICTURE_BYTES = 3_000_000
ROWS = 200
RESULT_TILES = 4
"""Of what a Job has produced; where there is more, as a tag for each class, the most, and a table has all of it."""


@dataclass(frozen=True, slots=True)
class Page:
    """What the page shows: the report, and pictures of `asset_count` Assets. `labels`, in order, fix the colours."""

    report: Report
    title: str
    labels: Sequence[str] = ()
    pictures: Sequence[Picture] = field(default=())
    asset_count: int = 0


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure of the summary."""

    name: str
    value: str
    note: str = ""
    bad: bool = False


@dataclass(frozen=True, slots=True)
class StageBar:
    """A stage of the data plane: how long each of its threads was busy; `percent` of the busiest stage's time."""

    name: str
    seconds: float
    threads: int
    items: int
    percent: float
    limiting: bool

    @property
    def milliseconds(self) -> float:
        """Busy milliseconds an item."""
        return 1000 * self.seconds * self.threads / self.items if self.items else 0.0


def render(page: Page) -> str:
    """The page as HTML. Whatever it shows is escaped: names of files, labels and reasons may hold anything."""
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"count": with_commas, "seconds": duration, "json": _json}
    style = _style()
    colours = {label: index % len(PALETTE) for index, label in enumerate(page.labels)}
    return environment.get_template("report_page.html").render(
        page=page,
        report=page.report,
        style=Markup(style),  # noqa: S704 - our own file
        style_hash="sha256-" + base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii"),
        colours=colours,
        tiles=_tiles(page.report) if _has_begun(page.report) else [],
        stages=_stages(page.report),
        drawings=[draw(picture, colours) for picture in page.pictures],
        rows=ROWS,
        in_tiles=RESULT_TILES,
    )


def _style() -> str:
    colours = "".join(f".c{index}{{--colour:{colour}}}\n" for index, colour in enumerate(PALETTE))
    return (FOLDER / "report_page.css").read_text(encoding="utf-8") + colours


def _has_begun(report: Report) -> bool:
    return bool(report.assets.selected or report.produced or report.requests.total)


def _tiles(report: Report) -> list[Tile]:
    assets, speed, first = report.assets, report.images_per_second, report.first_write_seconds
    processed = Tile("processed", with_commas(assets.processed), f"of {with_commas(assets.selected)} assets")
    others = [
        Tile("skipped", with_commas(assets.skipped)),
        Tile("failed", with_commas(assets.failed), bad=assets.failed > 0),
    ]
    limit = f"limited by {report.limiting_stage}" if report.limiting_stage else ""
    of_images = assets.selected > 0 or speed is not None
    return [
        *([processed] if of_images else []),
        *_results(report),
        *(others if of_images else []),
        *([] if speed is None else [Tile("images/s", f"{speed:,.1f}", limit)]),
        Tile("duration", duration(report.seconds), "" if first is None else f"first result after {duration(first)}"),
        Tile("peak memory", size(report.peak_rss_bytes)),
        Tile("requests", with_commas(report.requests.total), f"{with_commas(report.requests.retries)} retried"),
    ]


def _results(report: Report) -> list[Tile]:
    """Shapes on the assets, or whatever else the task counts."""
    results = list((report.produced or {"shapes": report.shapes}).items())
    if len(results) > RESULT_TILES:
        results = sorted(results, key=itemgetter(1), reverse=True)[:RESULT_TILES]
    return [Tile(what, with_commas(count), _dropped(report) if what == "shapes" else "") for what, count in results]


def _dropped(report: Report) -> str:
    dropped = sum(report.dropped_shapes.values())
    return f"{with_commas(dropped)} dropped" if dropped else ""


def _stages(report: Report) -> list[StageBar]:
    if not any(stage.items for stage in report.stages.values()):
        return []
    busiest = max((stage.seconds / stage.threads for stage in report.stages.values()), default=0.0)
    return [
        StageBar(
            name,
            stage.seconds / stage.threads,
            stage.threads,
            stage.items,
            100 * stage.seconds / stage.threads / (busiest or 1.0),
            name == report.limiting_stage,
        )
        for name, stage in report.stages.items()
    ]


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
