"""The tables that images are made from agree with each other, and with what is written about them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from picsellia_processing.container.context_folder import SECRETS

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "images"
PROCESSINGS = sorted(path.parent for path in ROOT.glob("processings/*/Dockerfile"))
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;]+)", re.MULTILINE)


def variable(file: str, name: str):
    return json.loads((IMAGES / file).read_text())["variable"][name]["default"]


def pins(path: Path) -> dict[str, str]:
    return {canonicalize_name(name): version for name, version in PINNED.findall(path.read_text())}


CUDA, TORCH = variable("compatibility.json", "CUDA"), variable("compatibility.json", "TORCH")
PYTHONS = variable("bases.lock.json", "PYTHON_IMAGES")
LOCKS = [
    path
    for path in sorted(IMAGES.glob("*/requirements*/*.txt")) + sorted(IMAGES.glob("*/requirements.txt"))
    if path.name != "none.txt"
]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: str(path.relative_to(IMAGES)))
def test_every_locked_package_has_a_hash(lock):
    requirements = re.sub(r"\\\n\s*", " ", lock.read_text()).strip().splitlines()

    assert requirements
    assert [line for line in requirements if not re.match(r"[a-z0-9-]+==\S+.* --hash=sha256:[0-9a-f]{64}", line)] == []


def test_the_lock_of_the_framework_is_what_it_depends_on_and_is_tested_with():
    locked, tested = pins(IMAGES / "cpu" / "requirements.txt"), pins(ROOT / "constraints.txt")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    for requirement in map(Requirement, project["dependencies"]):
        assert locked[canonicalize_name(requirement.name)] in requirement.specifier
    assert {name: version for name, version in locked.items() if name in tested} == {
        name: tested[name] for name in locked if name in tested
    }


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: str(path.relative_to(IMAGES)))
def test_no_image_replaces_what_its_parent_has(lock):
    parent = pins(IMAGES / "cpu" / "requirements.txt")

    assert {name: version for name, version in pins(lock).items() if name in parent and parent[name] != version} == {}


@pytest.mark.parametrize("row", CUDA, ids=lambda row: row["name"])
def test_the_image_with_a_compiler_adds_nothing_that_a_row_has_in_another_version(row):
    added = pins(IMAGES / "cuda-devel" / "requirements.txt")
    there = pins(IMAGES / "cuda" / "requirements" / f"{row['name']}.txt")

    assert {name: version for name, version in there.items() if name in added}.items() <= added.items()


@pytest.mark.parametrize("row", [*CUDA, *TORCH], ids=lambda row: row["name"])
def test_a_row_names_the_torch_and_the_cuda_that_are_locked(row):
    folder = "cuda" if row in CUDA else "torch"
    locked = pins(IMAGES / folder / "requirements" / f"{row['name']}.txt")
    short = f"torch{'.'.join(row['torch'].split('.')[:2])}"

    assert locked["torch"] == row["torch"]
    assert locked.get("torchvision") == row.get("torchvision")
    assert set(row["pythons"]) <= set(PYTHONS)
    if folder == "cuda":
        (runtime,) = (version for name, version in locked.items() if name.startswith("nvidia-cuda-runtime"))
        assert runtime.startswith(f"{row['cuda']}.")
        assert row["name"] == f"cu{row['cuda'].replace('.', '')}-{short}"
    else:
        assert row["name"] == short
        assert not [name for name in locked if name.startswith("nvidia")]


def test_the_readme_lists_every_row_with_its_driver():
    text = (IMAGES / "README.md").read_text()

    for row in CUDA:
        assert re.search(
            rf"\| `{re.escape(row['name'])}` \| {row['torch']} \| {row['cuda']} \| {row['driver']} ", text
        ), row
    for python in PYTHONS:
        assert python in text


@pytest.mark.parametrize("folder", PROCESSINGS, ids=lambda path: path.name)
def test_a_processing_stands_on_an_image_that_there_is_and_keeps_what_is_private(folder):
    (image, tag) = re.search(
        r"^ARG BASE=processing-([a-z-]+):(\S+)$", (folder / "Dockerfile").read_text(), re.MULTILINE
    ).groups()
    rows = {"torch": TORCH, "cuda": CUDA}.get(image, [{"name": "", "pythons": PYTHONS}])
    tags = {f"{row['name']}-python{python}".removeprefix("-") for row in rows for python in row["pythons"]}

    assert (IMAGES / image / "Dockerfile").is_file()
    assert tag in tags
    assert {"**/.git", *SECRETS} <= set((folder / ".dockerignore").read_text().splitlines())


def test_dockerfiles_of_processings_differ_in_their_base_alone():
    def body(path: Path) -> str:
        return re.sub(r"^ARG BASE=.*$", "", path.read_text(), flags=re.MULTILINE)

    with_requirements = [folder / "Dockerfile" for folder in PROCESSINGS if (folder / "requirements.txt").exists()]

    assert len({body(path) for path in with_requirements}) == 1


def test_contexts_have_files_where_the_checkout_has_links(tmp_path):
    subprocess.run([sys.executable, IMAGES / "ci" / "processings.py", tmp_path, *PROCESSINGS], check=True)

    targets = json.loads((tmp_path / "processings.json").read_text())["target"]
    assert set(targets) == {folder.name for folder in PROCESSINGS}
    assert [path for path in tmp_path.rglob("*") if path.is_symlink()] == []
    for folder in PROCESSINGS:
        assert (tmp_path / folder.name / "processing.py").read_bytes() == (folder / "processing.py").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "environment", "says"),
    [
        (["push"], {}, "expected REGISTRY"),
        (["push"], {"REGISTRY": "registry.example.com"}, "without a digest"),
        (["sideways"], {}, "expected push, load or print, found 'sideways'"),
    ],
)
def test_bake_refuses_before_it_builds(arguments, environment, says, tmp_path):
    done = bake(arguments, environment, tmp_path, docker="exit 0")

    assert done.returncode == 2
    assert says in done.stderr


@pytest.mark.parametrize(
    ("docker", "says"),
    [
        ("exit 1", "docker buildx is missing"),
        ('[ "$1" = buildx ]', "no Docker Engine answers"),
        ('[ "$2" != bake ]', "the build or the push failed"),
    ],
)
def test_bake_says_what_is_missing(docker, says, tmp_path):
    done = bake(["push"], {"REGISTRY": "registry.example.com", "UNPINNED": "yes"}, tmp_path, docker=docker)

    assert done.returncode == 2
    assert says in done.stderr


def bake(arguments, environment, folder, *, docker):
    """Run bake.sh with a `docker` that does nothing but succeed or fail."""
    (folder / "docker").write_text(f"#!/bin/sh\n{docker}\n")
    (folder / "docker").chmod(0o755)
    variables = {"PATH": f"{folder}:{os.environ['PATH']}", "HOME": os.environ.get("HOME", "/"), **environment}
    return subprocess.run([IMAGES / "bake.sh", *arguments], env=variables, capture_output=True, text=True, check=False)


def test_pinning_writes_every_digest_or_nothing(tmp_path):
    shutil.copytree(IMAGES / "ci", tmp_path / "images" / "ci")
    lock = tmp_path / "images" / "bases.lock.json"
    shutil.copy(IMAGES / "bases.lock.json", lock)
    before = lock.read_text()
    (tmp_path / "docker").write_text(
        '#!/bin/sh\ncase "$*" in *3.13*) exit $FAIL;; esac; echo sha256:$(printf %064d 7)\n'
    )
    (tmp_path / "docker").chmod(0o755)

    def pin(fail: int) -> int:
        variables = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "FAIL": str(fail)}
        return subprocess.run(
            [sys.executable, tmp_path / "images" / "ci" / "pin.py"], env=variables, check=False, capture_output=True
        ).returncode

    assert pin(1) == 1
    assert lock.read_text() == before
    (tmp_path / "docker").write_text("#!/bin/sh\necho sha256:$(printf %064d 7)\n")
    assert pin(0) == 0
    assert lock.read_text() == before.replace('"digest": ""', f'"digest": "sha256:{7:064d}"')
