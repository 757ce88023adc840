"""Docker, driven through its command line: the only module that starts it.

No word of a command is a secret: Docker finds the logins to registries by itself, in its own configuration.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from picsellia_processing.container.troubles import INSTALL_BUILDX, INSTALL_DOCKER, image_error
from picsellia_processing.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import TextIO

ANSWER_SECONDS = 60.0
GOING = re.compile(r"already in progress|no such container", re.IGNORECASE)
"""What Docker says of a container that is being removed, or just was."""

PUSHED = re.compile(r"digest: (sha256:[0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """What a build is given beside its context; the fields are named as the flags of `docker buildx build`.

    `secret` are values of --secret (`id=ca,src=/path`), `build_context` values of --build-context (`name=path`).
    """

    platform: str = "linux/amd64"
    build_arg: Mapping[str, str] = field(default_factory=dict)
    secret: Sequence[str] = ()
    build_context: Sequence[str] = ()
    no_cache: bool = False

    def words(self) -> list[str]:
        """These options as the words of a command."""
        repeated = {
            "--build-arg": [f"{name}={value}" for name, value in self.build_arg.items()],
            "--secret": self.secret,
            "--build-context": self.build_context,
        }
        plain = [f"--platform={self.platform}", *(["--no-cache"] if self.no_cache else [])]
        return plain + [f"{flag}={value}" for flag, values in repeated.items() for value in values]


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer of an image: what made it, and its unpacked size in bytes."""

    made_by: str
    bytes: int


@dataclass(frozen=True, slots=True)
class RemoteImage:
    """An image in a registry, by the digests of its manifest and of its configuration. Docker's id is one of them."""

    digest: str
    configuration: str


def check_docker() -> None:
    """See that docker, its daemon and buildx are there.

    Raises:
        ImageError: one is not; it says which, and what cures that.
    """
    daemon_version()
    buildx_version()


def daemon_version() -> str:
    """The version of the Docker daemon. Raises `ImageError` when there is no docker, or its daemon does not answer."""
    return _ask("asking Docker for its version", "version", "--format", "{{.Server.Version}}").strip()


def buildx_version() -> str:
    """The version of Docker's builder. Raises `ImageError` when there is none."""
    finished = _run("buildx", "version")
    if finished.returncode:
        raise ImageError("docker has no buildx, its builder", INSTALL_BUILDX)
    return finished.stdout.split()[1]


def build(dockerfile: Path, context: Path, tag: str, options: BuildOptions, labels: Mapping[str, str]) -> str:
    """Build a Dockerfile, with the files of `context`, into a local image named `tag`, and return the image's id.

    Docker's progress goes to stderr as it comes.

    Raises:
        ImageError: the build failed.
    """
    flags = [f"--label={name}={value}" for name, value in labels.items()]
    plain = ["--progress=plain", "--provenance=false", "--load", f"--tag={tag}", f"--file={dockerfile}"]
    _follow(f"building {tag}", "buildx", "build", *plain, *options.words(), *flags, str(context))
    built = image_id(tag)
    if built is None:
        raise ImageError(f"building {tag}: Docker reported success, and has no such image")
    return built


def image_id(name: str) -> str | None:
    """The id of a local image, or None when there is none of that name."""
    finished = _run("image", "inspect", "--format", "{{.Id}}", name)
    if finished.returncode and "no such image" not in finished.stderr.lower():
        raise image_error(f"looking for the image {name}", finished.stderr)
    return finished.stdout.strip() or None


def layers(image: str) -> list[Layer]:
    """The layers of a local image, the lowest one first."""
    listed = _ask(f"listing the layers of {image}", "history", "--no-trunc", "--human=false", "--format=json", image)
    steps = [json.loads(line) for line in listed.splitlines()]
    return [Layer(step["CreatedBy"] or step["Comment"], int(step["Size"])) for step in reversed(steps)]


def run_in(image: str, program: str, *words: str, user: str | None = None, stdin: str = "") -> str:
    """Run a program of an image in a container without a network, and return what it printed.

    Raises:
        ImageError: it ended with another code than 0; its last words on stderr are in the message.
    """
    chosen = [f"--user={user}"] if user is not None else []
    options = ["--rm", "--interactive", "--network=none", *chosen, f"--entrypoint={program}"]
    return _ask(f"running {program} in {image}", "run", *options, image, *words, stdin=stdin, limit=None)


def cpu_count() -> int:
    """How many CPUs the containers of the daemon have."""
    return int(_ask("asking Docker for its CPUs", "info", "--format", "{{.NCPU}}"))


def start_pull(image: str) -> subprocess.Popen[bytes]:
    """Start pulling an image: the client that does it ends with 0 when the image is here. It says on stderr why not."""
    return _start(["pull", image], {}, stdout=subprocess.DEVNULL)


def start_container(image: str, options: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start a container of a local image: the client it is in the foreground of, which ends with its exit code.

    `options` are those of `docker run`. The container has `environment`, and writes to our stderr. The client passes
    SIGTERM on to it, and ends with 125 where it could not be started. Killed, the client leaves the container running:
    give it a label, and `remove_containers` by that.
    """
    names = [f"--env={name}" for name in environment]  # without a value, which the client has and no list of processes
    return _start(["run", "--rm", "--pull=never", *names, *options, image], environment, stdout=sys.stderr)


def label_values(name: str) -> set[str]:
    """What stands in this label, on all containers that have it, running or not."""
    return set(_list_containers(name, f'{{{{.Label "{name}"}}}}'))


def remove_containers(label: str) -> None:
    """Remove the containers with the label `NAME=VALUE`, and their volumes. What still runs in them is killed.

    Raises:
        ImageError: one cannot be removed.
    """
    found = _list_containers(label, "{{.ID}}")
    if not found:
        return
    finished = _run("container", "rm", "--force", "--volumes", *found)
    if finished.returncode and not all(GOING.search(line) for line in finished.stderr.splitlines()):
        raise image_error("removing containers", finished.stderr)


def tag(image: str, name: str) -> None:
    """Give a local image another name."""
    _ask(f"naming {image}", "tag", image, name)


def untag(name: str) -> None:
    """Take a name from a local image; the image goes too when it has no other."""
    _ask(f"removing the name {name}", "image", "rm", name)


def push(name: str) -> str:
    """Push a local image to the registry its name begins with, and return the digest of its manifest there.

    Raises:
        ImageError: no login, no registry, no right; nothing is in the registry under that name that was not before.
    """
    printed = _follow(f"pushing {name}", "push", name, registry=_registry(name))
    digests = PUSHED.findall(printed)
    if not digests:
        raise ImageError(f"pushing {name}: Docker reported success, and no digest; it said:\n{printed}")
    return str(digests[-1])


def find_remote(name: str) -> RemoteImage | None:
    """The image of that name in its registry; None when the registry has none, or does not let us look.

    Raises:
        ImageError: the registry cannot be reached.
    """
    finished = _run("buildx", "imagetools", "inspect", "--raw", name)
    if finished.returncode:
        if re.search(r"not found|unknown|unauthorized|denied|authorization", finished.stderr, re.IGNORECASE):
            return None
        raise image_error(f"looking for {name} in its registry", finished.stderr, _registry(name))
    manifest = json.loads(finished.stdout)
    digest = hashlib.sha256(finished.stdout.encode()).hexdigest()
    return RemoteImage(f"sha256:{digest}", manifest.get("config", {}).get("digest", ""))


def _list_containers(label: str, shown: str) -> list[str]:
    words = ("container", "ls", "--all", "--no-trunc", f"--filter=label={label}", f"--format={shown}")
    return _ask("listing containers", *words).split("\n")[:-1]


def _start(words: Sequence[str], environment: Mapping[str, str], stdout: int | TextIO) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - words, and no shell that could read more into them
        [_docker(), *words],
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        start_new_session=True,  # a Ctrl-C reaches it through us alone
    )


def _ask(doing: str, *words: str, stdin: str = "", limit: float | None = ANSWER_SECONDS) -> str:
    finished = _run(*words, stdin=stdin, limit=limit)
    if finished.returncode:
        raise image_error(doing, finished.stderr)
    return finished.stdout


def _run(*words: str, stdin: str = "", limit: float | None = ANSWER_SECONDS) -> subprocess.CompletedProcess[str]:
    command = [_docker(), *words]
    try:
        return subprocess.run(  # noqa: S603 - words, and no shell that could read more into them
            command, input=stdin, capture_output=True, text=True, errors="replace", check=False, timeout=limit
        )
    except subprocess.TimeoutExpired:
        raise ImageError(f"docker {words[0]} has not answered for {limit:.0f} s", "restart Docker") from None


def _follow(doing: str, *words: str, registry: str = "") -> str:
    """Run a command whose progress people want to see; return what it printed."""
    lines = []
    with subprocess.Popen(  # noqa: S603 - words, and no shell that could read more into them
        [_docker(), *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace",
    ) as process:  # fmt: skip
        assert process.stdout is not None
        try:
            for line in process.stdout:
                sys.stderr.write(line)
                lines.append(line)
        except BaseException:
            process.terminate()
            raise
    printed = "".join(lines)
    if process.returncode:
        raise image_error(doing, printed, registry)
    return printed


def _docker() -> str:
    program = shutil.which("docker")
    if program is None:
        raise ImageError("docker is not installed: it is not on the PATH", INSTALL_DOCKER)
    return program


def _registry(name: str) -> str:
    """The host in the name of an image."""
    return name.partition("/")[0]
