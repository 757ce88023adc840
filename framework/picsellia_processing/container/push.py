"""Pushing the image that was built last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from picsellia_processing.container import docker
from picsellia_processing.container.context_folder import gather
from picsellia_processing.container.records import BuiltImage, PushedImage
from picsellia_processing.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


def last_build(folder: Path) -> BuiltImage:
    """The image that was built last from a processing folder, if that is what the folder still holds.

    Raises:
        UsageError: nothing was built, the folder has changed since, or Docker no longer has the image.
    """
    built = BuiltImage.read(folder)
    again = f"run `pxp build {folder}`"
    if built is None:
        raise UsageError(f"nothing was built from {folder}: {again}")
    if gather(folder, built.include).digest() != built.context:
        raise UsageError(f"{folder} has changed since {built.reference} was built from it: {again}")
    if docker.image_id(built.reference) != built.id:
        raise UsageError(f"Docker has no {built.reference} as it was built from {folder}: {again}")
    return built


def push_image(folder: Path, built: BuiltImage, registry: str, *, overwrite: bool = False) -> PushedImage:
    """Push a built image to `registry/name:version`, and record it in the folder.

    A version the registry has already, with the same content, is not pushed again.

    Raises:
        UsageError: the registry has the version already, with other content, and `overwrite` is not set.
        ImageError: no login, no registry, no right.
    """
    image = f"{registry}/{built.name}"
    name = f"{image}:{built.version}"
    there = docker.find_remote(name)
    if there and built.id in {there.digest, there.configuration}:
        digest = there.digest
    elif there and not overwrite:
        raise UsageError(
            f"{name} is in the registry already, with other content ({there.digest}): Jobs may be running it. "
            "Raise the version in pyproject.toml and build again, or replace it with --overwrite"
        )
    else:
        docker.tag(built.reference, name)
        digest = docker.push(name)
    pushed = PushedImage(image=image, tag=built.version, digest=digest, context=built.context, include=built.include)
    pushed.write(folder)
    return pushed
