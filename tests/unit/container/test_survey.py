"""The survey, run as in an image: by a Python of its own, over a tree of files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from picsellia_processing.container import survey

SCRIPT = Path(survey.__file__)


def surveyed(tree: Path, site: Path) -> dict:
    """What the survey prints for `tree`, whose Python packages are in `site`; -I -S keeps those of this machine out."""
    code = (
        f"import json, sys; sys.path[:0] = [{str(SCRIPT.parent)!r}, {str(site)!r}]; import survey; "
        f"print(json.dumps(survey.survey({str(tree)!r})))"
    )
    printed = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    return json.loads(printed.stdout)


def put(tree: Path, **sizes: int) -> None:
    for name, count in sizes.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"-" * count)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return tmp_path / "image" / "opt" / "lib" / "python3.11" / "site-packages"


def test_files_are_counted_for_the_package_that_installed_them_with_their_bytecode(tmp_path, site):
    put(
        site, **{"wheel/__init__.py": 10, "wheel/__pycache__/__init__.cpython-311.pyc": 7, "other.py": 5, "loose.py": 3}
    )
    for name, files in {"wheel": ["wheel/__init__.py"], "other": ["other.py"]}.items():
        info = site / f"{name}-1.0.dist-info"
        put(info, METADATA=0)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "RECORD").write_text("".join(f"{file},,\n" for file in files))
    found = {
        each["name"]: each for each in surveyed(tmp_path / "image", site)["packages"] if each["installer"] == "pip"
    }
    assert (found["wheel"]["version"], found["wheel"]["bytes"], found["other"]["bytes"]) == ("1.0", 17, 5)
    assert set(found) == {"wheel", "other"}


def test_what_no_run_needs_is_found_by_kind(tmp_path, site):
    put(
        site,
        **{
            "a/tests/data.bin": 100, "a/sub/test/t.py": 10, "a/testing/needed.py": 999, "latest/needed.py": 999,
            "b/include/b.h": 20, "b/lib/libb.a": 30, "b/b.py": 999,
            "b/__pycache__/b.cpython-39.pyc": 4, "b/__pycache__/b.cpython-311.opt-1.pyc": 3,
            f"b/__pycache__/b.{sys.implementation.cache_tag}.pyc": 999,
        },
    )  # fmt: skip
    put(
        tmp_path / "image",
        **{"root/.cache/pip/x": 50, "home/ann/.cache/uv/y": 5, "home/.git/objects/z": 6, "opt/bin/gcc-12": 7},
    )
    (site / "b" / "again.h").hardlink_to(site / "b" / "include" / "b.h")
    found = {each["kind"]: each for each in surveyed(tmp_path / "image", site)["needless"]}
    assert {kind: each["bytes"] for kind, each in found.items()} == {
        "tests": 110, "headers": 20, "static libraries": 30, "bytecode no Python here reads": 7,
        "package caches": 55, "version control": 6, "compilers": 7,
    }  # fmt: skip
    assert found["tests"]["places"][0] == {"name": str(site / "a/tests"), "bytes": 100}


def test_cuda_is_counted_by_where_it_comes_from(tmp_path, site):
    put(site, **{"nvidia/cublas/lib/libcublas.so.12": 40, "torch/lib/libcudnn.so.9": 2, "torch/lib/libtorch.so": 999})
    assert surveyed(tmp_path / "image", site)["cuda"] == {"wheels": 40, "torch": 2}
    assert survey.cuda_source("/usr/local/cuda-12.6/lib64/libcublas.so") == "system"
    assert survey.cuda_source("/usr/lib/x86_64-linux-gnu/libcudnn.so.9") == "system"
    assert survey.cuda_source("/usr/lib/x86_64-linux-gnu/libc.so.6") is None


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/usr/bin/x86_64-linux-gnu-gcc-12", "compilers"),
        ("/usr/bin/g++", "compilers"),
        ("/usr/local/cuda/bin/nvcc", "compilers"),
        ("/usr/lib/gcc/x86_64-linux-gnu/12/cc1plus", "compilers"),
        ("/usr/bin/base64", None),
        ("/usr/bin/gold", None),
        ("/usr/include/stdio.h", "headers"),
        ("/usr/local/cuda-12.6/targets/x86_64-linux/include/cuda.h", "headers"),
        ("/var/lib/apt/lists/x", "package caches"),
        ("/processing/tests.py", None),
        ("/processing/tests/a.py", None),
        ("/usr/lib/python3/dist-packages/numpy/core/tests/a.py", "tests"),
    ],
)
def test_kinds_by_path(path, kind):
    found = survey.needless(path)
    assert (found[0] if found else None) == kind


def test_what_dpkg_has_installed_is_read_from_its_own_list(tmp_path):
    status = tmp_path / "status"
    status.write_text(
        "Package: bash\nInstalled-Size: 7\nVersion: 5.2-1\nDescription: a shell\n Installed-Size: 9\n\n"
        "Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n\n"
    )
    assert list(survey.system_packages(str(status))) == [("dpkg", "bash", "5.2-1", 7 * 1024)]
    assert list(survey.system_packages(str(tmp_path / "none"))) == []
