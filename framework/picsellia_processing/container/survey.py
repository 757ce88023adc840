"""What lies in an image, counted from inside it: this file is sent to the Python of the image, on its standard input.

It prints one JSON object: `packages` (what pip and dpkg have installed, with its bytes), `needless` (what no run needs,
by kind, with the folders that hold most of it) and `cuda` (bytes of CUDA libraries, by where they come from). So it
imports nothing but the standard library.
"""

from __future__ import annotations

import csv
import json
import os
import re
import stat
import sys
from collections import defaultdict
from importlib.metadata import distributions
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NOT_OF_THE_IMAGE = {"/proc", "/sys", "/dev"}
PLACES = 5

COMPILERS = r"gcc|g\+\+|cpp|c\+\+|clang|clang\+\+|nvcc|as|ld|ld\.[a-z]+|make|cmake"
NEEDLESS = (
    ("package caches", r"(?P<place>.*/\.cache/(?:pip|uv)|/var/cache/apt|/var/lib/apt/lists|.*/conda/pkgs)/"),
    ("version control", r"(?P<place>.*/\.git)/"),
    ("tests", r"(?P<place>.*/(?:site|dist)-packages/.+?/tests?)/"),
    ("headers", r"(?P<place>/usr/include|/usr/local/include|/usr/local/cuda[^/]*/.*?include)/"),
    ("headers", r"(?P<place>.*/(?:site|dist)-packages/[^/]+)/.*\.(?:h|hh|hpp|cuh|inl)$"),
    ("static libraries", r"(?P<place>.*)/[^/]+\.a$"),
    ("compilers", r"(?P<place>/usr/lib/gcc(?:-cross)?|/usr/libexec/gcc|/usr/lib/llvm-[^/]+)/"),
    ("compilers", rf"(?P<place>.*/bin)/(?:[^/]+-)?(?:{COMPILERS})(?:-[\d.]+)?$"),
    ("documentation", r"(?P<place>/usr/share/(?:doc|man|info))/"),
)  # fmt: skip
"""Kinds of what no run needs, and where it lies; the first one that matches is taken."""

CUDA_LIBRARIES = "lib(?:cudart|cublas|cudnn|cufft|cusparse|cusolver|nccl|nvrtc|nvinfer)"
CUDA = {
    "wheels": r".*/(?:site|dist)-packages/nvidia/",
    "torch": rf".*/(?:site|dist)-packages/torch/lib/{CUDA_LIBRARIES}",
    "system": rf"/usr/local/cuda[^/]*/|/usr/lib/[^/]+/{CUDA_LIBRARIES}",
}
BYTECODE = re.compile(r"(?P<place>.*)/__pycache__/.+\.(?P<tag>[a-z]+-\d+)(?P<optimised>\.opt-\d)?\.pyc$")


def survey(top: str = "/") -> dict[str, object]:
    """Count everything below `top`."""
    owned = owners()
    of_packages: defaultdict[tuple[str, str], int] = defaultdict(int)
    of_needless: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    of_cuda: defaultdict[str, int] = defaultdict(int)
    for path, size in files(top):
        owner = owner_of(path, owned)
        if owner:
            of_packages[owner] += size
        found = needless(path)
        if found:
            kind, place = found
            of_needless[kind][place] += size
        source = cuda_source(path)
        if source:
            of_cuda[source] += size
    installed = [("pip", name, version, size) for (name, version), size in of_packages.items()] + list(
        system_packages()
    )
    return {
        "packages": [dict(zip(("installer", "name", "version", "bytes"), package)) for package in installed],
        "needless": [
            {"kind": kind, "bytes": sum(held.values()), "places": heaviest(held)} for kind, held in of_needless.items()
        ],
        "cuda": of_cuda,
    }


def files(top: str) -> Iterator[tuple[str, int]]:
    """Every regular file of the image, once, with its bytes."""
    seen = set()
    for folder, folders, names in os.walk(top):
        folders[:] = [name for name in folders if os.path.join(folder, name) not in NOT_OF_THE_IMAGE]
        for name in names:
            path = os.path.join(folder, name)
            status = os.lstat(path)
            if stat.S_ISREG(status.st_mode) and (status.st_dev, status.st_ino) not in seen:
                seen.add((status.st_dev, status.st_ino))
                yield path, status.st_size


def needless(path: str) -> tuple[str, str] | None:
    """The kind a file no run needs is of, and the place it belongs to; None for one that a run may need."""
    for kind, pattern in NEEDLESS:
        match = re.match(pattern, path)
        if match:
            return kind, match["place"]
    bytecode = BYTECODE.match(path)
    if bytecode and (bytecode["optimised"] or bytecode["tag"] != sys.implementation.cache_tag):
        return "bytecode no Python here reads", bytecode["place"]
    return None


def cuda_source(path: str) -> str | None:
    """Where a CUDA library comes from; None for any other file."""
    return next((source for source, pattern in CUDA.items() if re.match(pattern, path)), None)


def owners() -> dict[str, tuple[str, str]]:
    """The Python package, by name and version, that installed each file."""
    found = {}
    for distribution in distributions():
        package = (distribution.metadata["Name"], distribution.version)
        home = str(distribution.locate_file(""))
        for path, _hash, _size in csv.reader((distribution.read_text("RECORD") or "").splitlines()):
            found[os.path.normpath(os.path.join(home, path))] = package
    return found


def owner_of(path: str, owned: Mapping[str, tuple[str, str]]) -> tuple[str, str] | None:
    """The package a file belongs to: bytecode belongs where its source does."""
    bytecode = BYTECODE.match(path)
    if path in owned or not bytecode:
        return owned.get(path)
    return owned.get(os.path.join(bytecode["place"], os.path.basename(path).split(".")[0] + ".py"))


def system_packages(status: str = "/var/lib/dpkg/status") -> Iterator[tuple[str, str, str, int]]:
    """What dpkg has installed, by its own count."""
    if not os.path.exists(status):
        return
    with open(status, encoding="utf-8") as file:
        for paragraph in file.read().split("\n\n"):
            fields = dict(line.split(": ", 1) for line in paragraph.splitlines() if ": " in line and line[0] != " ")
            if "Installed-Size" in fields:
                yield "dpkg", fields["Package"], fields["Version"], 1024 * int(fields["Installed-Size"])


def heaviest(held: Mapping[str, int]) -> list[dict[str, object]]:
    """The places with most bytes."""
    return [{"name": path, "bytes": held[path]} for path in sorted(held, key=lambda path: -held[path])[:PLACES]]


if __name__ == "__main__":
    json.dump(survey(), sys.stdout)
