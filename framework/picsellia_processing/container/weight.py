"""The weight bill of an image: what it weighs by layer and by package, and what of it no run needs."""

from __future__ import annotations

import re
from collections import defaultdict
from importlib import resources
from typing import TYPE_CHECKING

from pydantic import BaseModel

from picsellia_processing.container import docker
from picsellia_processing.container.sizes import size
from picsellia_processing.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

SMALL = 1_000_000
"""Bytes below which nothing is worth a line."""
NAMED = 12
NAMED_PLACES = 2
"""How many packages, and how many folders of a kind, are named to people."""


class Weight(BaseModel):
    """Something and its bytes: a layer by the step that made it, a package by name and version, a folder by path."""

    name: str
    bytes: int


class Needless(BaseModel):
    """What no run needs, of one kind, with the folders that hold most of it."""

    kind: str
    bytes: int
    places: list[Weight]


class WeightBill(BaseModel):
    """What an image weighs, unpacked, in bytes. `packages` and `needless` are sorted, the heaviest first.

    `layers` are in the order of the Dockerfile; `twice` says in words what is in the image two times.
    """

    bytes: int
    layers: list[Weight]
    packages: list[Weight]
    needless: list[Needless]
    twice: list[str]

    def check(self, budget: int | None) -> None:
        """Raise `ImageError` with what is heaviest when the image weighs more than `budget` bytes; None is no bound."""
        if budget is None or self.bytes <= budget:
            return
        heaviest = [*_heaviest(self.layers, 3), *_heaviest(self.packages, 5)]
        spared = [Weight(name=f"{each.kind}, which no run needs", bytes=each.bytes) for each in self.needless]
        listed = "".join(f"\n  - {line}" for line in (*_lines(heaviest + spared), *self.twice))
        raise ImageError(f"the image weighs {size(self.bytes)}, above its budget of {size(budget)}:{listed}")

    def lines(self) -> list[str]:
        """The bill for people."""
        rest = self.packages[NAMED:]
        packages = [*self.packages[:NAMED], Weight(name=f"{len(rest)} more", bytes=sum(each.bytes for each in rest))]
        return [
            f"{size(self.bytes)} unpacked, in {len(self.layers)} layers",
            *_section("by layer", [layer for layer in self.layers if layer.bytes >= SMALL]),
            *_section("by package", packages),
            *_section("no run needs", [_named_with_place(each) for each in self.needless]),
            *(f"  twice: {text}" for text in self.twice),
        ]


def weigh(image: str) -> WeightBill:
    """Weigh a local image; a container of it, without a network, counts its files.

    Raises:
        ImageError: the image has no `python3`, or it fails.
    """
    script = resources.files("picsellia_processing.container").joinpath("survey.py").read_text(encoding="utf-8")
    survey = Survey.model_validate_json(docker.run_in(image, "python3", "-", user="0", stdin=script))
    layers = [Weight(name=_step(layer.made_by), bytes=layer.bytes) for layer in docker.layers(image) if layer.bytes]
    needless = [each for each in survey.needless if each.bytes >= SMALL]
    return WeightBill(
        bytes=sum(layer.bytes for layer in layers),
        layers=layers,
        packages=_sorted(Weight(name=f"{each.name} {each.version}", bytes=each.bytes) for each in survey.packages),
        needless=sorted(needless, key=lambda each: -each.bytes),
        twice=twice(survey.packages, survey.cuda),
    )


def twice(packages: Iterable[Package], cuda: Mapping[str, int]) -> list[str]:
    """In words, what is in an image two times: CUDA from two sources, or an NVIDIA library for two versions of CUDA."""
    return [*_twice_cuda(cuda), *_twice_wheels(packages)]


class Package(BaseModel):
    """Something installed; `installer` is pip or dpkg."""

    installer: str
    name: str
    version: str
    bytes: int


class Survey(BaseModel):
    """What `survey.py` prints."""

    packages: list[Package]
    needless: list[Needless]
    cuda: dict[str, int]


def _step(made_by: str) -> str:
    """The step of the Dockerfile in a line, without the builder's own words."""
    plain = re.sub(r"^RUN (\|\d+ .*?)?/bin/sh -c |# buildkit$|^/bin/sh -c #\(nop\)", "", made_by)
    return " ".join(plain.split())[:100] or "the base image"


def _twice_cuda(cuda: Mapping[str, int]) -> list[str]:
    sources = {source: count for source, count in cuda.items() if count >= 50 * SMALL}
    if len(sources) < 2:  # noqa: PLR2004 - twice
        return []
    listed = " and ".join(f"{size(count)} from {source}" for source, count in sources.items())
    return [f"CUDA: {listed}; torch's wheels bring their own, so take a base image without CUDA"]


def _twice_wheels(packages: Iterable[Package]) -> list[str]:
    """The same NVIDIA library for two versions of CUDA (`nvidia-cublas-cu12`, `nvidia-cublas`)."""
    found = defaultdict(list)
    for package in packages:
        if package.installer == "pip" and package.name.startswith("nvidia-"):
            found[re.sub(r"-cu\d+$", "", package.name)].append(package)
    doubled = [wheels for wheels in found.values() if len(wheels) > 1]
    return [" and ".join(f"{each.name} {each.version} ({size(each.bytes)})" for each in wheels) for wheels in doubled]


def _sorted(weights: Iterable[Weight]) -> list[Weight]:
    return sorted(weights, key=lambda weight: (-weight.bytes, weight.name))


def _heaviest(weights: Iterable[Weight], count: int) -> list[Weight]:
    return _sorted(weights)[:count]


def _named_with_place(needless: Needless) -> Weight:
    places = ", ".join(place.name for place in needless.places[:NAMED_PLACES])
    more = ", ..." if len(needless.places) > NAMED_PLACES else ""
    return Weight(name=f"{needless.kind} ({places}{more})", bytes=needless.bytes)


def _section(title: str, weights: Sequence[Weight]) -> list[str]:
    return [f"  {title}", *(f"  {line}" for line in _lines(weights))] if weights else []


def _lines(weights: Iterable[Weight]) -> list[str]:
    return [f"{size(weight.bytes):>8}  {weight.name}" for weight in weights]
