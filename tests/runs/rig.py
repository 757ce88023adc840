"""What the run tests share: a local platform with images on it, and Jobs run on it as their container would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from picsellia.exceptions import ResourceConflictError, ResourceNotFoundError
from picsellia_processing.platform.process import LocalPlatform
from picsellia_processing.sdk import session
from picsellia_processing.sdk.annotations import load_shapes
from picsellia_processing.sdk.assets import pages
from picsellia_processing.sdk.client import connect
from picsellia_processing.sdk.data import read_data
from picsellia_processing.sdk.environment import Environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pytest
    from picsellia.sdk.datalake import Datalake
    from picsellia.sdk.dataset_version import DatasetVersion
    from picsellia.sdk.processing import Processing

PROCESSINGS = Path(__file__).parent / "processings"


def lead_to(platform: LocalPlatform, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the commands of this process find the platform, and give up on it soon."""
    monkeypatch.setenv("host", platform.host)
    monkeypatch.setenv("api_token", platform.api_token)
    monkeypatch.delenv("organization_id", raising=False)
    monkeypatch.setattr(session, "RetryPolicy", partial(session.RetryPolicy, attempts=2, first_pause=0))


@dataclass(frozen=True)
class Run:
    """One finished `pxp run`."""

    status: int
    output: str
    report: dict[str, Any]
    out: Path


class Rig:
    """One local platform, its seeded DatasetVersion, and Jobs on it."""

    def __init__(self, platform: LocalPlatform) -> None:
        self.platform = platform
        self.client = connect(
            Environment(platform.api_token, job_id="", host=platform.host, organization_id=platform.organization_id)
        )

    def close(self) -> None:
        self.client.connection.session.close()

    @cached_property
    def version(self) -> DatasetVersion:
        return self.client.get_dataset_version_by_id(self.platform.seeded["dataset_version_id"])

    def launch(
        self,
        parameters: Mapping[str, Any] | None = None,
        *,
        filenames: Sequence[str] | None = None,
        type: str | None = "PRE_ANNOTATION",
        target: str = "DATASET_VERSION",
        inputs: Mapping[str, Any] | None = None,
    ) -> str:
        processing = self._processing(type, target)
        assets = self.version.list_assets(filenames=list(filenames)) if filenames is not None else None
        given = (
            {}
            if "model_version_id" not in self.platform.seeded
            else {"model_version_id": self.platform.seeded["model_version_id"]}
        )
        job = self.version.launch_processing(
            processing, assets, parameters=dict(parameters or {}), inputs={**given, **(inputs or {})}
        )
        return str(job.id)

    @cached_property
    def lake(self) -> Datalake:
        return self.client.get_datalake(id=self.platform.seeded["datalake_id"])

    def launch_on_datalake(
        self,
        parameters: Mapping[str, Any] | None = None,
        *,
        filenames: Sequence[str] | None = None,
        type: str | None = "DATA_AUTO_TAGGING",
    ) -> str:
        data = self.lake.list_data(filenames=list(filenames)) if filenames is not None else self.lake.list_data()
        job = self.lake.launch_processing(self._processing(type, "DATALAKE"), data, parameters=dict(parameters or {}))
        return str(job.id)

    def asset_tags(self) -> dict[str, list[str]]:
        """The names of the tags of every asset that has one, by file name."""
        path = f"/api/dataset/version/{self.version.id}/assets"
        items = self.client.connection.get(path, params={"limit": 1000}).json()["items"]
        return {item["data"]["filename"]: sorted(tag["name"] for tag in item["tags"]) for item in items if item["tags"]}

    def data_state(self) -> dict[str, tuple[list[str], dict[str, Any] | None]]:
        """The names of the tags and the custom metadata of every data of the Datalake, by file name."""
        data = read_data(self.lake, [str(each) for each in self.lake.list_data().ids])
        return {
            item["filename"]: (sorted(tag["name"] for tag in item["tags"]), item["custom_metadata"])
            for item in data.values()
        }

    def _processing(self, type: str | None, target: str) -> Processing:
        name = f"{type} on {target}"
        try:
            return self.client.get_processing(name)
        except ResourceNotFoundError:
            pass
        try:
            return self.client.create_processing(
                name=name,
                target=target,
                type=type,
                default_cpu=1,
                default_gpu=0,
                default_parameters={},
                docker_image="test",
                docker_tag="test",
            )
        except ResourceConflictError:  # a fault took the answer after it was made
            return self.client.get_processing(name)

    def environment(self, job_id: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name != "PICSELLIA_TOKEN"}
        return {
            **kept,
            "api_token": self.platform.api_token,
            "host": self.platform.host,
            "organization_id": self.platform.organization_id,
            "job_id": job_id,
        }

    def start(self, target: str, job_id: str, out: Path) -> subprocess.Popen[bytes]:
        out.mkdir(parents=True, exist_ok=True)
        with (out / "output.txt").open("wb") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "picsellia_processing", "run", target, "--out", str(out)],
                env=self.environment(job_id),
                cwd=PROCESSINGS,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def run(self, target: str, job_id: str | None = None, *, timeout: float = 120) -> Run:
        out = Path(tempfile.mkdtemp(prefix="run-"))
        process = self.start(target, job_id or self.launch(), out)
        status = process.wait(timeout)
        report = out / "report.json"
        return Run(
            status,
            (out / "output.txt").read_text(errors="replace"),
            json.loads(report.read_text()) if report.exists() else {},
            out,
        )

    def output(self, name: str) -> DatasetVersion:
        """The version `name` of the dataset the seeded version belongs to."""
        return self.client.get_dataset_by_id(str(self.version.origin_id)).get_version(name)

    def annotations(self, version: DatasetVersion | None = None) -> dict[str, list[str]]:
        """The shapes of every annotated asset, by file name, in a comparable form."""
        found: dict[str, list[str]] = {}
        version = version or self.version
        for page in pages(version, None):
            names = {reference.id: reference.filename for reference in page.references}
            sizes = {reference.id: (reference.width, reference.height) for reference in page.references}
            for asset_id, shapes in load_shapes(version, sizes).items():
                found[names[asset_id]] = sorted(map(repr, shapes()))
        return found

    def annotation_count(self) -> int:
        ids = self.client.connection.get(f"/api/dataset/version/{self.version.id}/annotations/ids", params={}).json()
        return len(ids)

    def job(self, job_id: str) -> dict[str, Any]:
        return self.client.get_job_by_id(job_id).sync()

    def log(self, job_id: str) -> str:
        return "\n".join(str(line["log"]) for line in self.platform.job_lines(job_id))
