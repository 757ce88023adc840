"""The end of a dry-run on the terminal."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING

from picsellia_processing.cli.figures import duration, size, with_commas

if TYPE_CHECKING:
    from collections.abc import Iterator

    from picsellia_processing.cli.out_folder import OutFolder
    from picsellia_processing.job.report import Report

FAILURES_NAMED = 10
LABELS_NAMED = 10
PRODUCED_NAMED = 8
REASON_LENGTH = 160
NAME_LENGTH = 40


def summarize(report: Report, out: OutFolder) -> str:
    """The summary of a Job, as lines."""
    return "\n".join(_lines(report, out))


def _lines(report: Report, out: OutFolder) -> Iterator[str]:
    yield ""
    reason = f": {_first_line(report.reason)}" if report.reason else ""  # the log above has all of it
    yield f"{report.name or out.path.name}: {report.status}{reason}"
    if report.assets.selected or report.produced:
        yield from _figures(report)
    for remark in report.remarks:
        yield _line("look at", remark)
    yield from _failures(report)
    yield from _labels(report)
    paths = (("report", out.page), ("annotations", out.annotations), ("", out.report))
    for name, path in paths:
        if path.is_file():
            yield _line(name, str(path))


def _figures(report: Report) -> Iterator[str]:
    assets, speed = report.assets, report.images_per_second
    if assets.selected or speed is not None:
        yield _line(
            "assets",
            f"{with_commas(assets.processed)} of {with_commas(assets.selected)} processed",
            f"{with_commas(assets.skipped)} skipped",
            f"{with_commas(assets.failed)} failed",
        )
    dropped = sum(report.dropped_shapes.values())
    if report.produced:
        yield _line("produced", *_produced(report), f"{with_commas(dropped)} shapes dropped" if dropped else "")
    else:
        yield _line("shapes", with_commas(report.shapes), f"{with_commas(dropped)} dropped" if dropped else "")
    yield from (_line(name[:NAME_LENGTH], json.dumps(value)[:REASON_LENGTH]) for name, value in report.metadata.items())
    yield _line(
        "time" if speed is None else "speed",
        "" if speed is None else f"{speed:,.1f} images/s",
        f"limited by {report.limiting_stage}" if report.limiting_stage else "",
        duration(report.seconds),
        f"peak memory {size(report.peak_rss_bytes)}",
    )


def _produced(report: Report) -> Iterator[str]:
    for what, count in islice(report.produced.items(), PRODUCED_NAMED):
        yield f"{with_commas(count)} {what}"
    if len(report.produced) > PRODUCED_NAMED:
        yield f"and {with_commas(len(report.produced) - PRODUCED_NAMED)} more in report.json"


def _failures(report: Report) -> Iterator[str]:
    for index, failure in enumerate(report.failures[:FAILURES_NAMED]):
        reason = " ".join(failure.reason.split())
        yield _line("" if index else "failures", f"{failure.asset}: {failure.stage}: {reason[:REASON_LENGTH]}")
    if len(report.failures) > FAILURES_NAMED:
        yield _line("", f"and {with_commas(len(report.failures) - FAILURES_NAMED)} more, all in report.json")


def _labels(report: Report) -> Iterator[str]:
    unmatched = [match for match in report.labels if match.label is None]
    for index, match in enumerate(unmatched[:LABELS_NAMED]):
        closest = f" (closest: {match.closest})" if match.closest else ""
        yield _line("" if index else "no label", f"{match.model_class}{closest}")
    if len(unmatched) > LABELS_NAMED:
        yield _line("", f"and {with_commas(len(unmatched) - LABELS_NAMED)} more classes without a label")
    if unmatched:
        yield _line("", "their shapes were left out; add the labels, or launch with label_matching = add")


def _first_line(reason: str) -> str:
    first, *more = reason.splitlines()
    return f"{first.removesuffix(':')} (see above)" if more else first


def _line(name: str, *parts: str) -> str:
    text = ", ".join(part for part in parts if part)
    printable = "".join(character if character.isprintable() else "\ufffd" for character in text)
    return f"  {name:<12}{'' if len(name) < 12 else ' '}{printable}"  # noqa: PLR2004 - the width of the column
