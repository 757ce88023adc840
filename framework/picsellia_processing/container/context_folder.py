"""What is sent to Docker: the files a processing needs, as real files, and nothing that must not be in an image.

A file has the same mode and time whoever copies it, so that it does not tell who built an image, and when.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from picsellia_processing.container.dockerignore import IgnoreRules
from picsellia_processing.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

DOCKERFILE = "Dockerfile"
IGNORE_FILE = ".dockerignore"

SECRETS = (
    "**/.env*", "**/*.env", "**/.netrc", "**/_netrc", "**/.pypirc", "**/pip.conf", "**/.npmrc", "**/.git-credentials",
    "**/.pgpass", "**/.htpasswd", "**/.vault-token",
    "**/*.pem", "**/*.key", "**/*.p12", "**/*.pfx", "**/*.jks", "**/*.keystore", "**/*.ppk", "**/*.gpg",
    "**/id_rsa*", "**/id_dsa*", "**/id_ecdsa*", "**/id_ed25519*",
    "**/.ssh", "**/.aws", "**/.azure", "**/.docker", "**/.gnupg", "**/.huggingface", "**/.kaggle", "**/.kube",
    "**/credentials.json", "**/service-account*.json", "**/kaggle.json", "**/secrets.toml", "**/secrets.y*ml",
)  # fmt: skip
NOT_FOR_IMAGES = (
    "**/.git", "**/.gitignore", "**/.gitattributes", "**/.github", IGNORE_FILE, DOCKERFILE, "Makefile", "README.md",
    "fixture", "tests", "pxp-out",
    "**/.pxp", "**/.venv", "**/venv", "**/__pycache__", "**/*.pyc", "**/*.egg-info", "**/.*_cache", "**/.cache",
    "**/.hypothesis", "**/.coverage", "**/.idea", "**/.vscode", "**/.DS_Store", "**/.ipynb_checkpoints",
)  # fmt: skip
"""Left out unless the author's `.dockerignore` brings them back (`!fixture`), or --include does."""


@dataclass(frozen=True, slots=True)
class Context:
    """The files of a build, by their path in it, and where each one lies. `dockerfile` is not among them."""

    dockerfile: Path
    files: Mapping[str, Path]

    @property
    def bytes(self) -> int:
        """How much is sent to Docker."""
        return sum(path.stat().st_size for path in self.files.values())

    def digest(self) -> str:
        """A digest of every path, mode and content, and of the Dockerfile."""
        digest = hashlib.sha256()
        for name, path in sorted({**self.files, f"/{DOCKERFILE}": self.dockerfile}.items()):
            with path.open("rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
            digest.update(f"{name}\0{_mode(path):o}\0{content}\0".encode())
        return f"sha256:{digest.hexdigest()}"

    def copy_to(self, folder: Path, *, epoch: int) -> None:
        """Copy the files into an empty folder. Every file and folder gets the time `epoch`, in seconds."""
        for name, path in self.files.items():
            copy = folder / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
            copy.chmod(_mode(path))
        for path in (*folder.rglob("*"), folder):
            if path.is_dir():
                path.chmod(0o755)
            os.utime(path, (epoch, epoch))


def gather(folder: Path, include: Sequence[str] = ()) -> Context:
    """What is sent to Docker of a processing folder; `include` are patterns to bring back, as in a `.dockerignore`.

    Raises:
        UsageError: there is no Dockerfile, a link leads nowhere, in a circle or to a secret, or a pattern or a name
            is none.
    """
    dockerfile = folder / DOCKERFILE
    if not dockerfile.is_file():
        raise UsageError(
            f"there is no {DOCKERFILE} in {folder}: write one, or take that of a reference processing (`pxp new`)"
        )
    lines = _lines(folder / IGNORE_FILE)
    rules = IgnoreRules([*NOT_FOR_IMAGES, *SECRETS, *lines, *(f"!{pattern}" for pattern in include)])
    return Context(dockerfile.resolve(), dict(_files(folder, PurePosixPath(), rules, above=[])))


def _lines(ignore_file: Path) -> list[str]:
    try:
        return ignore_file.read_text(encoding="utf-8-sig").splitlines() if ignore_file.is_file() else []
    except UnicodeDecodeError as error:
        raise UsageError(f"{ignore_file} is no text in UTF-8: {error}") from None


def _files(folder: Path, place: PurePosixPath, rules: IgnoreRules, above: list[Path]) -> Iterator[tuple[str, Path]]:
    """The files of `folder`, which is `place` in the context; `above` are the real folders it was reached through."""
    trail = [*above, folder.resolve()]
    for path in sorted(folder.iterdir()):
        name = place / path.name
        left_out = rules.leave_out(str(name))
        if left_out and not (rules.bring_back and path.is_dir()):
            continue
        _check_name(path)
        _check_link(path, trail)
        if path.is_dir():
            yield from _files(path, name, rules, trail)
        elif path.is_file() and not left_out:
            yield str(name), path.resolve()


def _check_name(path: Path) -> None:
    try:
        path.name.encode()
    except UnicodeEncodeError:
        raise UsageError(f"{path.parent} holds {path.name!r}, which is no Unicode: give it another name") from None


def _check_link(path: Path, trail: list[Path]) -> None:
    if not path.is_symlink():
        return
    if not path.exists():
        raise UsageError(f"{path} is a link that leads nowhere (to {path.readlink()}): correct or remove it")
    if path.resolve() in trail:
        raise UsageError(f"{path} is a link to a folder it lies in (to {path.readlink()}): a copy would have no end")
    target = path.resolve()
    apart = target.relative_to(os.path.commonpath([trail[0], target]))
    if IgnoreRules(SECRETS).leave_out(apart.as_posix()):
        raise UsageError(f"{path} is a link to {apart}, which looks like a secret: remove the link")


def _mode(path: Path) -> int:
    return 0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644
