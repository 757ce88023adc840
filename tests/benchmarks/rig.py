"""One local platform with one DatasetVersion, on which both sides run their Jobs, and what the platform saw of each."""

from __future__ import annotations

import logging
import math
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from picsellia import Client
from picsellia_processing.platform.process import LocalPlatform

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".cache" / "benchmarks"
LATEST = 10_000
"""Requests the ledger tells in full."""
LIMIT_SECONDS = 3600.0
LISTING = "/api/dataset/version/{}/assets"
WRITE = "POST /api/dataset/version/{}/bulk-annotations"


class BenchmarkError(Exception):
    """A side did not do the work, so there is nothing to compare."""


@dataclass(frozen=True, slots=True)
class Run:
    """One Job as a person and as the platform saw it. Times in seconds.

    images:      assets of the Job
    annotated:   assets that had an annotation afterwards
    wall:        from the start of the process to its end
    moving:      from the first listing of assets to the answer to the last write of annotations; nan where the ledger
                 does not tell, after more than `LATEST` requests
    first_write: from the start of the process to the answer to the first write; None where nothing was written
    cpu:         of the process and its children
    peak_rss:    of the largest process of the side, in bytes
    requests:    by endpoint, as the platform counted them
    """

    images: int
    annotated: int
    wall: float
    moving: float
    first_write: float | None
    cpu: float
    peak_rss: int
    requests: Counter[str]

    @property
    def rate(self) -> float:
        """Images per second from the start of the process to its end."""
        return self.images / self.wall

    @property
    def moving_rate(self) -> float:
        """Images per second while assets moved: without the start of the interpreter and the imports."""
        return self.images / self.moving


@dataclass(frozen=True, slots=True)
class Rig:
    """A platform that runs, with a fixture of pictures on it."""

    platform: LocalPlatform
    client: Client

    def launch(self, name: str, *, select: bool = True, parameters: dict[str, Any] | None = None) -> dict[str, str]:
        """Launch a Job on an unannotated DatasetVersion; the environment its container would get.

        With `select` all the assets are named, as when a person ticks them all; the peer cannot do without.
        """
        version = self._version()
        version.delete_all_annotations()
        processing = self.client.create_processing(
            name=f"{name}-{time.time_ns()}", target="DATASET_VERSION", type="PRE_ANNOTATION", default_cpu=1,
            default_gpu=0, default_parameters={}, docker_image=name, docker_tag="benchmark",
        )  # fmt: skip
        job = version.launch_processing(
            processing, version.list_assets() if select else None, parameters=parameters or {},
            inputs={"model_version_id": self.platform.seeded["model_version_id"]},
        )  # fmt: skip
        self.platform.clear_ledger()
        return {
            "host": self.platform.host,
            "api_token": self.platform.api_token,
            "organization_id": self.platform.organization_id,
            "job_id": str(job.id),
        }

    def run(self, command: Sequence[str], environment: dict[str, str], *, folder: Path) -> Run:
        """Run a side's command in `folder` and collect what the platform saw of it.

        Raises:
            BenchmarkError: it failed, or it annotated nothing.
        """
        log = folder / "output.txt"
        started = time.time()
        with log.open("wb") as output:
            process = subprocess.Popen(
                command, cwd=folder, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
            status, usage = _wait(process)
        wall = time.time() - started
        ledger = self.platform.ledger(LATEST)
        annotated = len(self._annotation_ids())
        if status != 0 or not annotated:
            tail = log.read_text(errors="replace")[-3000:]
            raise BenchmarkError(f"exit status {status}, {annotated} annotations: {' '.join(command)}\n{tail}")
        requests = ledger["requests"] if ledger["total"] <= LATEST else []
        writes = [each["time"] for each in requests if f"{each['method']} {each['path']}" == WRITE]
        listed = [each["time"] - each["duration"] for each in requests if each["path"] == LISTING]
        return Run(
            images=self.platform.seeded["asset_count"],
            annotated=annotated,
            wall=wall,
            moving=max(writes) - min(listed) if listed and writes else math.nan,
            first_write=min(writes) - started if writes else None,
            cpu=usage.ru_utime + usage.ru_stime,
            peak_rss=usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
            requests=Counter(ledger["by_endpoint"]),
        )

    def _version(self) -> Any:
        return self.client.get_dataset_version_by_id(self.platform.seeded["dataset_version_id"])

    def _annotation_ids(self) -> list[str]:
        path = f"/api/dataset/version/{self.platform.seeded['dataset_version_id']}/annotations/ids"
        return self.client.connection.get(path).json()


@contextmanager
def rig(
    count: int, size: tuple[int, int], *, latency_ms: float = 0.0, labels: Sequence[str] = ("object",),
    weights: Path | None = None,
) -> Iterator[Rig]:  # fmt: skip
    """A platform with `count` pictures of `size` (width, height) and a detector with the file "pretrained-weights"."""
    draw(count, size)
    pictures = pictures_of(size)
    with tempfile.TemporaryDirectory(prefix="rig-", dir=CACHE) as folder:
        fixture = Path(folder) / "fixture"
        _write_fixture(fixture, sorted(pictures.glob("*.jpg"))[:count], labels, weights)
        with LocalPlatform(data=Path(folder) / "platform", seed=fixture, latency_ms=latency_ms) as platform:
            logging.getLogger("picsellia").setLevel(logging.WARNING)  # its greetings are no part of the tables
            client = Client(api_token=platform.api_token, host=platform.host, organization_id=platform.organization_id)
            yield Rig(platform, client)


def pictures_of(size: tuple[int, int]) -> Path:
    """The folder in which pictures of a size are kept."""
    return CACHE / f"photographs-{size[0]}x{size[1]}"


def draw(count: int, size: tuple[int, int]) -> None:
    """Make sure that there are `count` pictures, in a process of its own: the memory it takes is on no account here."""
    CACHE.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "tests.benchmarks.photographs", pictures_of(size), *map(str, (count, *size))]
    subprocess.run(command, check=True, cwd=ROOT)


def _write_fixture(fixture: Path, pictures: Sequence[Path], labels: Sequence[str], weights: Path | None) -> None:
    (fixture / "images").mkdir(parents=True)
    for picture in pictures:
        (fixture / "images" / picture.name).hardlink_to(picture)
    if weights is None:
        (fixture / "model.pt").write_bytes(b"a null model")
    else:
        (fixture / "model.pt").hardlink_to(weights)
    names = "[" + ", ".join(f'"{label}"' for label in labels) + "]"
    (fixture / "fixture.toml").write_text(
        'task = "pre_annotation"\n'
        f'[dataset_version]\nname = "photographs"\ntype = "OBJECT_DETECTION"\nlabels = {names}\n'
        f'[model_version]\nname = "detector"\ntype = "OBJECT_DETECTION"\nframework = "PYTORCH"\nlabels = {names}\n'
        'files = { pretrained-weights = "model.pt" }\n'
    )


def _wait(process: subprocess.Popen[bytes]) -> tuple[int, Any]:
    """Exit status and resource usage, the children's included. A process that takes too long is killed."""
    alarm = threading.Timer(LIMIT_SECONDS, os.killpg, (process.pid, signal.SIGKILL))
    alarm.daemon = True
    alarm.start()
    try:
        _, status, usage = os.wait4(process.pid, 0)
    except BaseException:
        os.killpg(process.pid, signal.SIGTERM)
        raise
    finally:
        alarm.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage
