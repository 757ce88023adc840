"""Building the image of a processing folder."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from picsellia_processing.container import docker
from picsellia_processing.container.records import BuiltImage
from picsellia_processing.container.weight import weigh
from picsellia_processing.errors import ImageError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from picsellia_processing.container.context_folder import Context
    from picsellia_processing.container.version import Version
    from picsellia_processing.container.weight import WeightBill

EPOCH = 315_532_800
"""Seconds of 1980-01-01, the first day a zip file (so a wheel) can name: the time of everything that is built."""

BASE = "BASE"
DESCRIPTION_LABEL = "picsellia.processing.description"


@dataclass(frozen=True, slots=True)
class BuildPlan:
    """What is to be built: all of it has been read, and there is nothing wrong with it as far as is known.

    `folder` is the processing's; `include` are the patterns its `context` was gathered with; `tags` are further names
    for the image; `budget` is in bytes, unpacked, and None is no bound.
    """

    folder: Path
    version: Version
    context: Context
    include: Sequence[str]
    options: docker.BuildOptions
    tags: Sequence[str] = ()
    budget: int | None = None


def with_base(options: docker.BuildOptions, dockerfile: Path, base: str | None) -> docker.BuildOptions:
    """The options with another base image; None leaves the Dockerfile's own.

    Raises:
        UsageError: the Dockerfile does not let its base be chosen.
    """
    if base is None:
        return options
    if not re.search(rf"^\s*ARG\s+{BASE}\b", dockerfile.read_text(encoding="utf-8"), re.MULTILINE | re.IGNORECASE):
        raise UsageError(
            f"--base: {dockerfile} does not ask for it; begin it with\n  ARG {BASE}=...\n  FROM ${{{BASE}}}"
        )
    return replace(options, build_arg={**options.build_arg, BASE: base})


def source_date_epoch(variables: Mapping[str, str]) -> int:
    """The time of everything in the image, in seconds: the variable SOURCE_DATE_EPOCH, else always the same.

    Raises:
        UsageError: it is no number.
    """
    text = variables.get("SOURCE_DATE_EPOCH", str(EPOCH))
    if not text.isdecimal():
        raise UsageError(f"SOURCE_DATE_EPOCH is {text!r}: expected a number of seconds since 1970")
    return int(text)


def build_image(plan: BuildPlan, *, epoch: int = EPOCH) -> BuiltImage:
    """Build, look into what was built, and name it `name:version`, with its description as a label.

    Only an image that can load its processing, and keeps its budget, gets the name.

    Raises:
        ImageError: Docker cannot, the image cannot load its processing, or it is too heavy.
    """
    known, digest = BuiltImage.read(plan.folder), plan.context.digest()
    options = replace(plan.options, build_arg={**plan.options.build_arg, "SOURCE_DATE_EPOCH": str(epoch)})
    with TemporaryDirectory(prefix="pxp-build-") as name:
        plan.context.copy_to(Path(name), epoch=epoch)
        candidate = _Candidate(plan.version, plan.context.dockerfile, Path(name), options)
        try:
            built = _built(plan, digest, candidate, known)
            built.bill.check(plan.budget)
            docker.tag(candidate.name, built.reference)
        finally:
            candidate.forget()
    for tag in plan.tags:
        docker.tag(built.reference, tag)
    built.write(plan.folder)
    return built


class _Candidate:
    """An image under a name of its own, until it is known to be good."""

    def __init__(self, version: Version, dockerfile: Path, context: Path, options: docker.BuildOptions) -> None:
        self.name = f"{version}-candidate"
        self.version = version
        self._dockerfile = dockerfile
        self._context = context
        self._options = options

    def build(self, description: Mapping[str, Any] | None) -> str:
        """Build it with this description in its labels, and return its id. Built again, it keeps its layers."""
        labels = _labels(self.version, description) if description is not None else {}
        built_id = docker.build(self._dockerfile, self._context, self.name, self._options, labels)
        self._options = replace(self._options, no_cache=False)
        return built_id

    def forget(self) -> None:
        """Take its name from it, if it got that far."""
        with suppress(ImageError):  # what went wrong before matters more
            docker.untag(self.name)


def _built(plan: BuildPlan, digest: str, candidate: _Candidate, known: BuiltImage | None) -> BuiltImage:
    """Build the candidate, and find out about it what the last build did not know already."""
    assumed = known.description if known else None
    built_id = candidate.build(assumed)
    if known and (known.id, known.reference) == (built_id, str(plan.version)):
        description, bill = known.description, known.bill
    else:
        description, bill = _look_into(candidate.name)
        if description != assumed:
            built_id = candidate.build(description)
    return BuiltImage(
        name=plan.version.name,
        version=plan.version.version,
        id=built_id,
        context=digest,
        include=list(plan.include),
        description=description,
        bill=bill,
    )


def _look_into(image: str) -> tuple[dict[str, Any], WeightBill]:
    """What an image says of itself, and what it weighs: in two containers at the same time, as each takes a second."""
    with ThreadPoolExecutor(2) as pool:
        description, bill = pool.submit(_describe, image), pool.submit(weigh, image)
        return description.result(), bill.result()


def _describe(image: str) -> dict[str, Any]:
    """What `pxp describe` says in the image itself, so that what is known is of the code and packages that will run."""
    try:
        description: dict[str, Any] = json.loads(docker.run_in(image, "pxp", "describe", "."))
    except (ImageError, ValueError) as error:
        raise ImageError(
            f"the image cannot load its processing: {error}",
            "it needs pxp on its PATH, the code in its working directory, and all that the code imports: look into "
            "requirements.txt, and into what .dockerignore leaves out",
        ) from None
    return description


def _labels(version: Version, description: Mapping[str, Any]) -> dict[str, str]:
    return {
        "org.opencontainers.image.title": version.name,
        "org.opencontainers.image.version": version.version,
        "org.opencontainers.image.description": str(description["description"]),
        DESCRIPTION_LABEL: json.dumps(description, ensure_ascii=False, separators=(",", ":")),
    }
