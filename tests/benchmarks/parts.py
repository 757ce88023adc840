"""The three parts of the benchmark; each gives the lines of its table."""

from __future__ import annotations

import subprocess
import sys
from statistics import median
from typing import TYPE_CHECKING

from tests.benchmarks.rig import CACHE, ROOT, Run, draw, pictures_of, rig
from tests.benchmarks.sides import NULL_MODEL, YOLO, install_peer, run_ours, run_peer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

PHOTOGRAPH = (1280, 720)
SQUARE = (960, 960)
"""As many pixels as a photograph. A square becomes 640x640 however it is scaled, so both sides compute alike."""
TINY = (160, 120)
BATCH_SIZE = 16
CLASSES = tuple(str(index) for index in range(80))
"""The names that ultralytics gives the classes of a model which has been trained on nothing."""


def null_model(images: int, rounds: int, latencies: Sequence[float]) -> Iterator[str]:
    """A model that costs nothing: what is left is the moving of images and annotations."""
    install_peer(yolo=False)
    for latency in latencies:
        yield f"\n### Null model, {images:,} JPEGs of 1280x720, {latency:g} ms latency\n"
        with rig(images, PHOTOGRAPH, latency_ms=latency) as platform:
            ours, peers = _in_turn(rounds, lambda: run_ours(platform, NULL_MODEL), lambda: run_peer(platform))
        yield from _comparison(ours, peers)


def yolo(images: int, rounds: int) -> Iterator[str]:
    """A YOLOv8n with random weights at 640 pixels: how much of the model's own rate is left."""
    install_peer(yolo=True)
    draw(images, SQUARE)
    weights = CACHE / "yolov8n.pt"
    subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.detector", weights, pictures_of(SQUARE)],
        check=True, cwd=ROOT, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    yield f"\n### YOLOv8n at 640 pixels, {images:,} JPEGs of 960x960, no latency\n"
    with rig(images, SQUARE, labels=CLASSES, weights=weights) as platform:
        ours, peers, ceilings = _in_turn(
            rounds,
            lambda: run_ours(platform, YOLO, parameters={"batch_size": BATCH_SIZE}),
            lambda: run_peer(platform, yolo=True),
            lambda: _ceiling(weights, images),
        )
    yield from _comparison(ours, peers)
    yield ""
    shares = [run.moving_rate / ceiling for run, ceiling in zip(ours, ceilings, strict=True)]
    peer_shares = [run.moving_rate / ceiling for run, ceiling in zip(peers, ceilings, strict=True)]
    yield (
        f"The model alone, on decoded images: {median(ceilings):.1f} images/s. Of that rate, while images moved, "
        f"ours kept {median(shares):.2f} ({_all(shares)}), the peer {median(peer_shares):.2f} ({_all(peer_shares)})."
    )


def memory(few: int, many: int) -> Iterator[str]:
    """Whether memory grows with the number of assets. The rate is that of the whole run."""
    yield f"\n### Memory, null model, JPEGs of {TINY[0]}x{TINY[1]}\n"
    yield "| assets | peak memory of the worker | requests | N + N/100 + N/1000 + 20 | of them, log | images/s |"
    yield "|---:|---:|---:|---:|---:|---:|"
    peaks = []
    for count in (few, many):
        with rig(count, TINY) as platform:
            run = run_ours(platform, NULL_MODEL, select=False)
        peaks.append(run.peak_rss)
        yield (
            f"| {count:,} | {_mega(run.peak_rss)} | {run.requests.total():,} | {request_bound(count):,} "
            f"| {log_requests(run)} | {run.rate:.0f} |"
        )
    yield f"\nPeak memory at {many:,} assets is {peaks[1] / peaks[0]:.2f} times that at {few:,}."


def request_bound(images: int) -> int:
    """The most requests a Job on `images` assets may take, besides those for its log."""
    return images + -(-images // 100) + -(-images // 1000) + 20


def log_requests(run: Run) -> int:
    """How many of the requests brought lines of the log."""
    return sum(count for endpoint, count in run.requests.items() if endpoint.endswith("/logging"))


def _in_turn(rounds: int, *sides: Callable[[], object]) -> list[list]:
    """Each side once a round, so that what else the machine does meets them all: its runs, by side."""
    results: list[list] = [[] for _ in sides]
    for _ in range(rounds):
        for runs, side in zip(results, sides, strict=True):
            runs.append(side())
            print(f"  {_short(runs[-1])}", file=sys.stderr, flush=True)
    return results


def _short(result: object) -> str:
    return f"{result.rate:.1f} images/s in {result.wall:.1f} s" if isinstance(result, Run) else f"{result:.1f} images/s"


def _ceiling(weights: Path, images: int) -> float:
    command = [sys.executable, "-m", "tests.benchmarks.ceiling", weights, pictures_of(SQUARE), str(images)]
    finished = subprocess.run([*command, str(BATCH_SIZE)], check=True, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    return float(finished.stdout.splitlines()[-1])


def _comparison(ours: list[Run], peers: list[Run]) -> Iterator[str]:
    rows: list[tuple[str, Callable[[Run], float], Callable[[float], str]]] = [
        ("images/s, whole run", lambda run: run.rate, "{:.1f}".format),
        ("images/s, while assets moved", lambda run: run.moving_rate, "{:.1f}".format),
        ("seconds, whole run", lambda run: run.wall, "{:.1f}".format),
        ("seconds to the first durable write", lambda run: run.first_write or 0.0, "{:.1f}".format),
        ("CPU seconds", lambda run: run.cpu, "{:.1f}".format),
        ("peak memory, largest process", lambda run: run.peak_rss, _mega),
        ("requests", lambda run: run.requests.total(), "{:,.0f}".format),
        ("of them, log", log_requests, "{:,.0f}".format),
        ("assets annotated", lambda run: run.annotated, "{:,.0f}".format),
    ]
    yield "| median | ours | peer | ours / peer, median of the rounds | each round |"
    yield "|---|---:|---:|---:|---|"
    for name, value, spell in rows:
        mine, theirs = [value(run) for run in ours], [value(run) for run in peers]
        ratios = [one / other for one, other in zip(mine, theirs, strict=True)] if all(theirs) else []
        ratio = f"{median(ratios):.2f}" if ratios else ""
        yield f"| {name} | {spell(median(mine))} | {spell(median(theirs))} | {ratio} | {_all(ratios)} |"
    yield "\nRequests by endpoint:\n"
    yield "| endpoint | ours | peer |"
    yield "|---|---:|---:|"
    for endpoint in sorted(ours[-1].requests | peers[-1].requests):
        yield f"| `{endpoint}` | {ours[-1].requests[endpoint] or ''} | {peers[-1].requests[endpoint] or ''} |"


def _all(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.2f}" for value in values)


def _mega(size: float) -> str:
    return f"{size / 1e6:,.0f} MB"
