"""Fixtures of the tests that need a Docker Engine: they say so loudly where there is none."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from tests.images.shipping.author import Author, Registry, build_base, docker, has, names, python_image

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A base image with python3 and pxp."""
    if not (has("version") and has("buildx", "version")):
        pytest.skip("NOT TESTED: there is no Docker Engine with buildx here, so nothing is built or pushed")
    python = python_image()
    if python is None:
        pytest.skip("NOT TESTED: Docker has no Python image of this version, and none is downloaded for a test")
    name = f"pxp-test-base:{uuid4().hex[:8]}"
    build_base(python, tmp_path_factory.mktemp("base"), name)
    yield name
    docker("image", "rm", "--force", name)


@pytest.fixture
def author(base: str, tmp_path: Path) -> Iterator[Author]:
    """An author with a processing that finds what is bright, version 1.0.0."""
    name = f"bright-{uuid4().hex[:8]}"  # images of tests that run at the same time are in one engine
    author = Author(tmp_path / "bright", base, name)
    author.begin()
    yield author
    left = [image for image in names() if name in image]
    if left:
        docker("image", "rm", "--force", *left)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    if shutil.which("docker-registry") is None:
        pytest.skip("NOT TESTED: docker-registry is not installed, so nothing is pushed")
    with Registry(tmp_path) as running:
        yield running
