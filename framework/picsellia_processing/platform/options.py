"""How a local platform is to behave, and the command line arguments that say so."""

from __future__ import annotations

import argparse
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from picsellia_processing.errors import UsageError

TOKEN_VARIABLE = "PICSELLIA_PROCESSING_PLATFORM_TOKEN"  # noqa: S105 - the name of a variable, not a token
ALL_GENERATIONS = "all"
GENERATIONS = (ALL_GENERATIONS, "docs", "per-target", "unified")


@dataclass(frozen=True, slots=True)
class Options:
    """The settings of one local platform. Raises UsageError when one is out of range.

    data:          folder of the database and the blobs; made when missing
    port:          0 lets the system choose
    token:         what clients authenticate with
    seed:          fixture folder to fill the platform from
    images:        images to seed in place of the fixture's, or alone; `annotated` keeps what is drawn on them
    model_files:   (name, path) of model files to seed in place of, or besides, the fixture's
    latency_ms:    waited before every request is handled
    fault_rate:    share of requests, 0 to 1, that go wrong; drawn from a generator seeded with `fault_seed`
    url_ttl:       seconds for which a signed URL is good
    max_body_mb:   a larger body of an API request is refused with 413; uploads of blobs have no bound
    job_payload:   which generation of payload keys a Job carries, see `resources.job`
    job_polls:     how often a Job that the platform itself runs (adding data ...) says RUNNING before SUCCESS
    """

    data: Path
    port: int = 0
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    seed: Path | None = None
    images: Path | None = None
    model_files: tuple[tuple[str, Path], ...] = ()
    annotated: bool = False
    latency_ms: float = 0.0
    fault_rate: float = 0.0
    fault_seed: int = 0
    url_ttl: float = 3600.0
    max_body_mb: float = 100.0
    job_payload: str = ALL_GENERATIONS
    job_polls: int = 0
    exit_with_parent: bool = False

    def __post_init__(self) -> None:
        mistakes = []
        if not 0 <= self.port <= 65535:  # noqa: PLR2004 - the range of ports
            mistakes.append(f"port: expected 0 to 65535, found {self.port}")
        if not 0 <= self.fault_rate <= 1:
            mistakes.append(f"fault rate: expected 0 to 1, found {self.fault_rate}")
        mistakes += [
            f"{name.replace('_', ' ')}: expected a number >= 0, found {getattr(self, name)}"
            for name in ("latency_ms", "url_ttl", "max_body_mb", "job_polls")
            if not getattr(self, name) >= 0
        ]
        if self.job_payload not in GENERATIONS:
            mistakes.append(f"job payload: expected one of {', '.join(GENERATIONS)}, found {self.job_payload!r}")
        if not self.token or not self.token.isascii() or not self.token.isprintable():
            mistakes.append("token: expected printable ASCII characters")
        if mistakes:
            raise UsageError("the local platform cannot start: " + "; ".join(mistakes))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that `from_arguments` reads."""
    parser.add_argument("--port", "--host-port", type=int, default=0, help="port on 127.0.0.1; 0, the default, is any")
    parser.add_argument("--data", type=Path, help="folder of the database and the files (default: a temporary one)")
    parser.add_argument("--seed", type=Path, metavar="DIR", help="fixture folder to fill the platform from")
    parser.add_argument("--images", type=Path, metavar="DIR", help="images, or a data set, to seed instead")
    parser.add_argument("--annotated", action="store_true", help="seed what is drawn on --images, too")
    parser.add_argument(
        "--model-file", type=_named_path, action="append", default=[], metavar="NAME=PATH", help="model file to seed"
    )
    parser.add_argument("--latency-ms", type=float, default=0.0, help="wait this long before every request")
    parser.add_argument("--fault-rate", type=float, default=0.0, help="share of requests that go wrong, 0 to 1")
    parser.add_argument("--seed-faults", type=int, default=0, help="seed of the faults, to repeat them")
    parser.add_argument("--url-ttl", type=float, default=3600.0, help="seconds for which a presigned URL is good")
    parser.add_argument("--max-body-mb", type=float, default=100.0, help="refuse larger API requests with 413")
    parser.add_argument("--job-payload", default=ALL_GENERATIONS, choices=GENERATIONS, help="payload keys of Jobs")
    parser.add_argument("--job-polls", type=int, default=0, help="polls before the platform's own jobs are done")
    parser.add_argument("--exit-with-parent", action="store_true", help="stop when stdin reaches its end")
    parser.add_argument("--json", action="store_true", help="print one line of JSON when ready")


def from_arguments(arguments: argparse.Namespace, data: Path) -> Options:
    """The options that `arguments` ask for, with the token from the environment when it is there."""
    token = os.environ.get(TOKEN_VARIABLE)
    return Options(
        data=data,
        port=arguments.port,
        **({"token": token} if token else {}),
        seed=arguments.seed,
        images=arguments.images,
        model_files=tuple(arguments.model_file),
        annotated=arguments.annotated,
        latency_ms=arguments.latency_ms,
        fault_rate=arguments.fault_rate,
        fault_seed=arguments.seed_faults,
        url_ttl=arguments.url_ttl,
        max_body_mb=arguments.max_body_mb,
        job_payload=arguments.job_payload,
        job_polls=arguments.job_polls,
        exit_with_parent=arguments.exit_with_parent,
    )


def _named_path(text: str) -> tuple[str, Path]:
    name, equals, path = text.partition("=")
    if not name or not equals or not path:
        raise argparse.ArgumentTypeError(f"expected NAME=PATH, found {text!r}")
    return name, Path(path)
