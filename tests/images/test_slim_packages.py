"""What `slim-packages` takes out of the packages of an image, and what it leaves."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[2] / "images" / "cpu" / "rootfs" / "usr" / "local" / "bin" / "slim-packages"
SITE = "lib/python3.11/site-packages"
KEPT = (
    "tests/__init__.py", "jinja2/tests.py", "torch/testing/__init__.py", "torch/bin/torch_shm_manager",
    "torch/lib/libtorch.so", "torch/__init__.py",
)  # fmt: skip
HEADERS = (
    "torch/include/c10/util/x.h", "torch/include/c10/no_extension", "nvidia/cublas/include/__init__.py",
    "torch/lib/libshm/err.h",
)  # fmt: skip
OTHERS = (
    "numpy/tests/test_it.py", "torch/test/deep/tests/x.bin", "torch/fx/passes/tests/test_it.py", "numpy/lib/libnpy.a",
    "torch/bin/test_api", "torch/bin/protoc",
)  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    """A folder of packages, and beside them what is none."""
    for name in (*(f"{SITE}/{each}" for each in (*KEPT, *HEADERS, *OTHERS)), "include/x.h", "tests/x.py", "bin/pip"):
        (tmp_path / "packages" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "packages" / name).write_text(name)
    return tmp_path / "packages"


def files(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}


def left(folder):
    return {name.removeprefix(f"{SITE}/") for name in files(folder) if name.startswith(SITE)}


def test_tests_headers_and_static_libraries_go_and_nothing_else(folder):
    subprocess.run([PROGRAM, folder], check=True)

    assert left(folder) == set(KEPT)
    assert {"include/x.h", "tests/x.py", "bin/pip"} < files(folder)
    assert not (folder / SITE / "numpy").exists()  # nor folders in which nothing is left


def test_headers_are_moved_where_a_compiler_is_to_find_them(folder, tmp_path):
    subprocess.run([PROGRAM, folder, tmp_path / "headers"], check=True)

    assert left(folder) == set(KEPT)
    assert files(tmp_path / "headers") == {f"{SITE}/{name}" for name in HEADERS}


def test_where_there_are_no_packages_nothing_is_done(tmp_path):
    (tmp_path / "packages").mkdir()

    subprocess.run([PROGRAM, tmp_path / "packages", tmp_path / "headers"], check=True)

    assert files(tmp_path) == set()
    assert (tmp_path / "headers").is_dir()
