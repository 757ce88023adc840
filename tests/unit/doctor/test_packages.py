"""What is asked for against what is installed, with packages that a test installs in a folder of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from picsellia_processing.doctor import packages
from picsellia_processing.doctor.check import Status
from picsellia_processing.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Installs a package: `install("torch", "2.13.0+cpu", "numpy>=1")`, with what it requires."""
    site = tmp_path / "site"
    monkeypatch.syspath_prepend(site)

    def install(name: str, version: str, *requires: str) -> None:
        info = site / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir(parents=True)
        fields = "".join(f"Requires-Dist: {each}\n" for each in requires)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{fields}")

    return install


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "processing"
    folder.mkdir()
    return folder


def required(folder: Path, text: str):
    (folder / "requirements.txt").write_text(text)
    return packages.required_packages(folder)


def test_what_fits_passes_also_local_versions_and_release_candidates(install, folder):
    install("first-t", "2.13.0+cpu")
    install("second-t", "1.0rc1")
    check = required(folder, "first-t>=2.6,<2.14  # a comment\nsecond_T>=0.9\n")
    assert (check.status, check.found) == (Status.OK, "2 packages are as they are asked for")


def test_what_is_missing_or_out_of_range_is_named_with_its_cure(install, folder):
    install("first-t", "2.15.0")
    check = required(folder, "first-t>=2.6,<2.14\nmissing-t>=1\n")
    assert check.status == Status.FAILED
    assert "first-t is 2.15.0, and requirements.txt asks for <2.14,>=2.6" in check.found
    assert "missing-t is missing (requirements.txt asks for it)" in check.found
    assert check.cure == f"python -m pip install --requirement {folder / 'requirements.txt'}"


def test_what_packages_require_is_looked_at_too_with_extras_and_markers(install, folder):
    install("first-t", "1.0", "second-t>=2", 'third-t; extra == "more"', 'fourth-t; python_version < "3"')
    install("second-t", "1.5", "first-t")
    without = required(folder, "first-t\n")
    assert without.found == "second-t is 1.5, and first-t asks for >=2"
    with_extra = required(folder, "first-t[more]\n")
    assert with_extra.found == "second-t is 1.5, and first-t asks for >=2; third-t is missing (first-t asks for it)"


def test_files_that_include_files_and_lines_that_are_options(folder, tmp_path):
    (tmp_path / "base.txt").write_text("a>=1\n")
    (folder / "requirements.txt").write_text(
        "\ufeff--index-url https://example.org/simple\n-r ../base.txt\n# a comment\n\n"
        "b[c]==1; python_version>'3' # why\nd==1 \\\n  --hash=sha256:00\n"
        "./wheels/e.whl\nhttps://example.org/f.whl\ngit+https://example.org/g\n-e .\n"
    )
    assert list(packages.read_requirements(folder / "requirements.txt")) == [
        "a>=1",
        "b[c]==1; python_version>'3'",
        "d==1",
    ]


def test_a_file_that_is_not_there_and_a_line_that_is_none(folder):
    with pytest.raises(UsageError, match="there is no file"):
        list(packages.read_requirements(folder / "requirements.txt"))
    assert "there is no file" in required(folder, "-r nowhere.txt\n").found
    check = required(folder, "torch=>2\n")
    assert (check.status, check.found) == (Status.FAILED, "'torch=>2' is no requirement (requirements.txt)")
    (folder / "requirements.txt").unlink()
    assert packages.required_packages(folder).status == Status.WARNING


def test_files_in_the_encodings_that_pip_reads(folder):
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        (folder / "requirements.txt").write_text("a>=1  # für später\n", encoding=encoding)
        assert list(packages.read_requirements(folder / "requirements.txt")) == ["a>=1"]
    (folder / "requirements.txt").write_bytes(b"a>=1 # f\xfcr\n")
    check = packages.required_packages(folder)
    assert check.status == Status.FAILED
    assert "is no text in UTF-8" in check.found


def test_a_file_that_includes_itself(folder):
    (folder / "more.txt").write_text("-r requirements.txt\n")
    check = required(folder, "-r more.txt\n")
    assert check.status == Status.FAILED
    assert "includes itself" in check.found


def test_packages_that_overwrite_each_other_are_named(install):
    assert "opencv-python" not in {check.name for check in packages.packages_of_the_same_files()}
    install("opencv-python", "4.10")
    install("opencv-python-headless", "4.10")
    (check,) = (check for check in packages.packages_of_the_same_files() if check.name == "opencv-python")
    assert check.status == Status.WARNING
    assert "opencv-python and opencv-python-headless are both installed" in check.found


def test_this_very_environment_has_what_the_framework_needs():
    check = packages.framework_packages()
    assert check.status == Status.OK, check.found
