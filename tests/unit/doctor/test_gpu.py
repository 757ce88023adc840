from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from picsellia_processing.doctor import gpu
from picsellia_processing.doctor.check import Status

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def nvidia_smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, int], None]:
    """Puts a program in the place of nvidia-smi that prints and ends as it is told."""

    def put(printed: str, code: int = 0) -> None:
        program = tmp_path / "nvidia-smi"
        program.write_text(f"#!/bin/sh\necho '{printed}'\nexit {code}\n")
        program.chmod(0o755)

    monkeypatch.setenv("PATH", str(tmp_path))
    return put


@pytest.fixture
def torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Installs a torch of a version, for a CUDA, that cannot be imported."""
    site = tmp_path / "site"

    def install(version: str, cuda: str) -> None:
        (site / "torch").mkdir(parents=True)
        (site / "torch" / "__init__.py").write_text("raise RuntimeError('no kernel image is available')\n")
        (site / "torch" / "version.py").write_text(
            f"__version__ = '{version}'\ncuda: Optional[str] = {cuda}\nhip = None\n"
        )
        info = site / f"torch-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: torch\nVersion: {version}\n")
        monkeypatch.syspath_prepend(site)
        monkeypatch.delitem(sys.modules, "torch", raising=False)
        monkeypatch.setenv("PYTHONPATH", str(site))

    return install


def statuses() -> dict[str, Status]:
    return {check.name: check.status for check in gpu.gpu_checks()}


def test_without_a_gpu_nothing_is_wrong(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert statuses() == {"gpu": Status.OK}


def test_a_driver_that_does_not_work_is_told(nvidia_smi):
    nvidia_smi("Failed to initialize NVML: Driver/library version mismatch", 18)
    (check,) = gpu.gpu_checks()
    assert check.status == Status.FAILED
    assert "Driver/library version mismatch" in check.found


def test_a_torch_without_cuda_beside_a_gpu_is_told(nvidia_smi, torch):
    nvidia_smi("NVIDIA H200, 570.10")
    torch("2.13.0+cpu", "None")
    checks = {check.name: check for check in gpu.gpu_checks()}
    assert checks["gpu"].found == "NVIDIA H200, driver 570.10"
    assert checks["torch"].status == Status.WARNING
    assert "leaves the GPU idle" in checks["torch"].found


def test_a_driver_too_old_for_torch_is_told_and_nothing_is_tried(nvidia_smi, torch):
    nvidia_smi("Tesla T4, 535.183.01")
    torch("2.15.0", "'13.0'")
    checks = {check.name: check for check in gpu.gpu_checks()}
    assert "torch" not in checks
    assert checks["driver"].status == Status.FAILED
    assert "580 or newer" in checks["driver"].found
    assert "a torch for CUDA 12" in checks["driver"].cure


def test_a_torch_that_has_no_code_for_the_gpu_is_told(nvidia_smi, torch):
    nvidia_smi("Tesla K80, 535.183.01")
    torch("2.10.0", "'12.8'")
    checks = {check.name: check for check in gpu.gpu_checks()}
    assert checks["driver"].status == Status.OK
    assert checks["torch"].status == Status.FAILED
    assert "no kernel image is available" in checks["torch"].found


@pytest.mark.parametrize(
    ("driver", "cuda", "fits"),
    [
        ("450.80.02", "11.8", True), ("449.9", "11.8", False), ("525.60", "12.8", True), ("524.1", "12.0", False),
        ("580.65.06", "13.2", True), ("579.99", "13.0", False), ("470.1", "99.0", True),
    ],
)  # fmt: skip
def test_the_least_driver_of_each_cuda(driver, cuda, fits):
    assert (gpu.driver_check(gpu.Gpu("any", driver), cuda).status == Status.OK) is fits


def test_the_cuda_of_the_installed_torch_is_that_which_torch_itself_names():
    torch = pytest.importorskip("torch")
    assert gpu.torch_cuda() == torch.version.cuda
