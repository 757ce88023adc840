"""What the tests of `pxp build` and `pxp push` work with: an author's folder, a base image, a registry."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Self

from packaging.requirements import Requirement

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PROCESSING = '''
from picsellia_processing import AnnotationParameters, Field, Image, Rectangle, pre_annotation


class BrightParameters(AnnotationParameters):
    least: int = Field(200, ge=0, le=255, description="The least value of a bright pixel.")


@pre_annotation(labels=["bright"])
def bright(image: Image, parameters: BrightParameters) -> list[Rectangle]:
    """Propose a box around what is bright."""
    return []
'''
PROJECT = '[project]\nname = "{name}"\nversion = "{version}"\n'
DOCKERFILE = "ARG BASE={base}\nFROM ${{BASE}}\nCOPY . .\n"
BASE_DOCKERFILE = """
FROM {python}
COPY packages /opt/site-packages
ENV PYTHONPATH=/opt/site-packages
RUN printf '#!/bin/sh\\nexec python3 -m picsellia_processing "$@"\\n' > /usr/bin/pxp && chmod +x /usr/bin/pxp
WORKDIR /processing
USER 42420:42420
"""
FRAMEWORK = Path(__file__).parents[3] / "framework" / "picsellia_processing"


@dataclass
class Author:
    """Somebody with a processing folder. `name` is its image's; `environment` is for pxp, beside the test's own."""

    folder: Path
    base: str
    name: str
    environment: dict[str, str] = field(default_factory=dict)

    def write(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    @property
    def image(self) -> str:
        return f"{self.name}:1.0.0"

    def begin(self) -> None:
        self.write({"processing.py": PROCESSING, "Dockerfile": DOCKERFILE.format(base=self.base)})
        self.release("1.0.0")

    def release(self, version: str) -> None:
        self.write({"pyproject.toml": PROJECT.format(name=self.name, version=version)})

    def pxp(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "picsellia_processing", *words]
        environment = {**os.environ, "PYTHONPATH": str(FRAMEWORK.parent), **self.environment}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    def build(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.pxp("build", str(self.folder), *words)

    def push(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.pxp("push", str(self.folder), *words)


def docker(*words: str) -> str:
    """What docker prints; a failure of it fails the test."""
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=True).stdout.strip()


def names() -> list[str]:
    """Every name of every local image."""
    return docker("image", "ls", "--format={{.Repository}}:{{.Tag}}").split()


def has(*words: str) -> bool:
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", *words], capture_output=True, check=False).returncode == 0


def python_image() -> str | None:
    """A local image with the Python that runs this test: the official one, or one that stands in for it."""
    tag = f"{sys.version_info.major}.{sys.version_info.minor}-slim-bookworm"
    return next((name for name in (f"python:{tag}", f"stand-in/python:{tag}") if has("image", "inspect", name)), None)


def build_base(python: str, folder: Path, name: str) -> None:
    """Build a base image with the framework, and with the packages it needs as they are installed here."""
    packages = folder / "packages"
    packages.mkdir()
    shutil.copytree(FRAMEWORK, packages / FRAMEWORK.name, ignore=shutil.ignore_patterns("__pycache__"))
    ours = metadata.distribution("picsellia-processing")
    known = packages / f"picsellia_processing-{ours.version}.dist-info"
    known.mkdir()
    (known / "METADATA").write_text(ours.read_text("METADATA") or "")
    for distribution in _needed("picsellia-processing", set()):
        for file in distribution.files or ():
            if ".." not in file.parts and "__pycache__" not in file.parts:
                copy = packages / file
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(distribution.locate_file(file), copy)
    (folder / "Dockerfile").write_text(BASE_DOCKERFILE.format(python=python))
    docker("buildx", "build", "--quiet", "--load", "--provenance=false", f"--tag={name}", str(folder))


def _needed(name: str, seen: set[str]) -> Iterator[metadata.Distribution]:
    """The packages that a package requires, and these in turn."""
    for text in metadata.requires(name) or ():
        requirement = Requirement(text)
        applies = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if applies and requirement.name not in seen:
            seen.add(requirement.name)
            yield metadata.distribution(requirement.name)
            yield from _needed(requirement.name, seen)


class Registry:
    """A registry of the test's own, on loopback; with `htpasswd`, one that wants a login."""

    def __init__(self, folder: Path, htpasswd: Path | None = None) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{probe.getsockname()[1]}"
        self.storage = folder / "registry"
        auth = f"auth: {{htpasswd: {{realm: test, path: {htpasswd}}}}}\n" if htpasswd else ""
        configuration = folder / "registry.yml"
        configuration.write_text(
            f"version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {self.storage}}}}}\n"
            f"http: {{addr: '{self.address}'}}\n{auth}"
        )
        self._log = (folder / "registry.log").open("wb")
        self._process = subprocess.Popen(
            ["docker-registry", "serve", str(configuration)], stdout=self._log, stderr=self._log
        )

    def __enter__(self) -> Self:
        host, port = self.address.split(":")
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex((host, int(port))) == 0:
                    return self
            time.sleep(0.05)
        raise AssertionError("the registry does not answer")

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()
        self._log.close()

    def bytes(self) -> int:
        """How much it holds."""
        return sum(path.stat().st_size for path in self.storage.rglob("*") if path.is_file())
