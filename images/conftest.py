"""What the tests of images work with. They are run by images/ci/test.sh, with the images it has built.

DOCKER names the engine's program: docker, or podman, which understands the same words.

The tests in images/NAME/tests are for the image NAME and for every image that is made of it, as deep as it goes: a test
that asks for `image` is run with each of them.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property, partial
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from _pytest.terminal import TerminalReporter

DOCKER = os.environ.get("DOCKER", "docker")
PODMAN = DOCKER.endswith("podman")
UID = 42420
MEASURED = "measured"
MANIFESTS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--bake", type=Path, required=True, metavar="FILE", help="what `bake --print` says")
    parser.addoption("--built", type=Path, required=True, metavar="FILE", help="the metadata file of that bake")


@dataclass(frozen=True)
class Image:
    """An image that was built and pushed.

    target:    its name in the bake file
    reference: its name and digest, as `docker run` takes them
    lineage:   the folders of this image and those it is made of, the nearest first
    arguments: what its Dockerfile got
    """

    target: str
    reference: str
    lineage: tuple[str, ...]
    arguments: Mapping[str, str]

    @property
    def name(self) -> str:
        return self.lineage[0]

    def run(self, *command: str, options: tuple[str, ...] = (), code: int | None = 0) -> str:
        """What a container prints; it must end with `code`."""
        done = docker("run", "--rm", *options, self.reference, *command, code=None)
        assert code is None or done.returncode == code, f"exit {done.returncode}:\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def shell(self, script: str, *, options: tuple[str, ...] = ()) -> str:
        return self.run("sh", "-c", script, options=options)

    def as_root(self, script: str) -> str:
        return self.shell(script, options=("--user", "0:0"))

    @cached_property
    def config(self) -> dict[str, Any]:
        config: dict[str, Any] = _inspected(self.reference)["Config"]
        return config

    @cached_property
    def contents(self) -> list[str]:
        return contents(self.reference)

    @cached_property
    def environment(self) -> dict[str, str]:
        return dict(variable.split("=", 1) for variable in self.config["Env"])

    @cached_property
    def unpacked_bytes(self) -> int:
        """What all layers take on a disk: a file that a later layer has again counts twice."""
        if PODMAN:  # it rounds the sizes of single layers
            return int(_inspected(self.reference)["Size"])
        sizes = docker("history", "--human=false", "--format", "{{.Size}}", self.reference).stdout.split()
        return sum(map(int, sizes))

    @cached_property
    def layers(self) -> list[dict[str, Any]]:
        """Digest and compressed size of each layer, the lowest first."""
        return layers(self.reference)


def contents(reference: str) -> list[str]:
    """The digest of what is in each layer, however it is compressed; the lowest first. The image must be here."""
    digests: list[str] = _inspected(reference)["RootFS"]["Layers"]
    return digests


def _inspected(reference: str) -> dict[str, Any]:
    (found,) = json.loads(docker("image", "inspect", reference).stdout)
    inspected: dict[str, Any] = found
    return inspected


def layers(reference: str) -> list[dict[str, Any]]:
    manifest = raw_manifest(reference)
    if "manifests" in manifest:  # an index: the image, and the attestation of how it was built
        (platform,) = (each for each in manifest["manifests"] if each["platform"]["os"] != "unknown")
        manifest = raw_manifest(f"{repository(reference)}@{platform['digest']}")
    found: list[dict[str, Any]] = manifest["layers"]
    return found


def repository(reference: str) -> str:
    """The NAME of NAME:TAG or NAME@DIGEST."""
    return reference.rpartition("@" if "@" in reference else ":")[0]


def raw_manifest(reference: str) -> dict[str, Any]:
    """What the registry has under NAME:TAG or NAME@DIGEST."""
    name = repository(reference)
    manifest: dict[str, Any] = json.loads(_from_registry(name, f"manifests/{reference[len(name) + 1 :]}"))
    return manifest


def blob(name: str, digest: str) -> bytes:
    """A layer, or whatever else a manifest of NAME refers to."""
    return _from_registry(name, f"blobs/{digest}")


def _from_registry(name: str, path: str) -> bytes:
    host, _, below = name.partition("/")
    with closing(HTTPConnection(host)) as registry:  # on loopback: no TLS, and no proxy
        registry.request("GET", f"/v2/{below}/{path}", headers={"Accept": ", ".join(MANIFESTS)})
        answer = registry.getresponse()
        content = answer.read()
    assert answer.status == 200, content
    return content


def docker(
    *arguments: str, code: int | None = 0, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [DOCKER, *arguments], capture_output=True, text=True, check=False, env={**os.environ, **(env or {})}
    )
    assert code is None or done.returncode == code, f"docker {arguments[0]}: exit {done.returncode}:\n{done.stderr}"
    return done


def built_images(bake: Path, built: Path) -> list[Image]:
    targets = json.loads(bake.read_text())["target"]
    return [
        Image(
            target=name,
            reference=f"{found['image.name'].split(',')[0].rpartition(':')[0]}@{found['containerimage.digest']}",
            lineage=tuple(lineage(targets, name)),
            arguments=targets[name].get("args", {}),
        )
        for name, found in json.loads(built.read_text()).items()
        if "containerimage.digest" in found
    ]


def lineage(targets: Mapping[str, Any], name: str) -> list[str]:
    target = targets[name]
    contexts = target.get("contexts", {})
    parent = contexts.get("parent") or contexts.get("base")
    return [Path(target["context"]).name, *(lineage(targets, parent.removeprefix("target:")) if parent else [])]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "image" not in metafunc.fixturenames:
        return
    option = metafunc.config.option
    images = built_images(option.bake, option.built)
    folder = metafunc.definition.path.parents[1].name
    chosen = [image for image in images if folder in image.lineage]
    metafunc.parametrize("image", chosen, ids=[image.target for image in chosen], scope="session")


@pytest.fixture(scope="session")
def images(request: pytest.FixtureRequest) -> dict[str, Image]:
    """All images that were built, by the name of their folder; of several Pythons, on the oldest."""
    option = request.config.option
    built = sorted(built_images(option.bake, option.built), key=lambda image: image.target, reverse=True)
    return {image.name: image for image in built}


@pytest.fixture
def measured(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Call it with a figure in words: all figures are printed in the end."""
    return partial(record_property, MEASURED)


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    reports = terminalreporter.getreports("passed")
    figures = [text for report in reports for name, text in report.user_properties if name == MEASURED]
    terminalreporter.section("measured")
    terminalreporter.write("".join(f"{figure}\n" for figure in sorted(figures)))


def wait_for(word: str, container: str) -> None:
    """Wait until a container has printed a word; it must not end before."""
    while word not in (printed := docker("logs", container).stdout):
        running = docker("container", "inspect", "--format", "{{.State.Running}}", container).stdout.strip()
        assert running == "true", f"the container has ended; it printed {printed!r}"
        time.sleep(0.05)


@pytest.fixture(scope="session")
def docker_command() -> list[str]:
    return [DOCKER]


@pytest.fixture(scope="session", autouse=True)
def _pulled(request: pytest.FixtureRequest) -> None:
    for image in built_images(request.config.option.bake, request.config.option.built):
        docker("pull", "--quiet", image.reference)
