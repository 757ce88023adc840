"""Compare with picsellia-cv-engine on one local platform: `python -m tests.benchmarks`. The method is in README.md.

Prints Markdown on stdout and its progress on stderr. What takes long to make (pictures, the peer's virtual environment,
the weights) is kept in `.cache/benchmarks`.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from itertools import chain
from pathlib import Path

from tests.benchmarks import parts
from tests.benchmarks.rig import BenchmarkError

README = Path(__file__).parent / "README.md"
RESULTS = "## Results\n"
PARTS = ("null", "yolo", "memory")


def main() -> int:
    """Run the parts that were asked for and print their tables."""
    arguments = _arguments()
    lines = [_machine()]
    print(*lines, sep="\n", flush=True)
    try:
        for line in chain.from_iterable([*_chosen(arguments)]):
            print(line, flush=True)
            lines.append(line)
    except BenchmarkError as error:
        print(f"benchmark stopped: {error}", file=sys.stderr)
        return 1
    if arguments.save:
        text = README.read_text()
        README.write_text(text[: text.index(RESULTS)] + RESULTS + "\n" + "\n".join(lines) + "\n")
    return 0


def _chosen(arguments: argparse.Namespace):
    if arguments.part in (None, "null"):
        yield parts.null_model(arguments.images, arguments.rounds, arguments.latency_ms)
    if arguments.part in (None, "yolo"):
        yield parts.yolo(arguments.yolo_images, arguments.rounds)
    if arguments.part in (None, "memory"):
        yield parts.memory(arguments.few, arguments.many)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--part", choices=PARTS, help="this one only")
    parser.add_argument("--quick", action="store_true", help="smaller sizes, one round: does it run?")
    parser.add_argument("--rounds", type=int, help="runs of each side, in turn (3)")
    parser.add_argument("--images", type=int, help="for the null model (2000)")
    parser.add_argument("--latency-ms", type=float, nargs="+", default=[0, 50], help="for the null model (0 50)")
    parser.add_argument("--yolo-images", type=int, help="for YOLO (160)")
    parser.add_argument("--few", type=int, help="assets of the smaller memory run (1000)")
    parser.add_argument("--many", type=int, help="assets of the larger memory run (20000)")
    parser.add_argument("--save", action="store_true", help="write the results into README.md")
    arguments = parser.parse_args()
    full = {"rounds": 3, "images": 2000, "yolo_images": 160, "few": 1000, "many": 20_000}
    quick = {"rounds": 1, "images": 200, "yolo_images": 32, "few": 500, "many": 3000}
    for name, value in (quick if arguments.quick else full).items():
        if getattr(arguments, name) is None:
            setattr(arguments, name, value)
    return arguments


def _machine() -> str:
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; "
        f"load average before the run: {load}"
    )


if __name__ == "__main__":
    sys.exit(main())
