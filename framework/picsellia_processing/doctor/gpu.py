"""Whether torch can use the GPU of this machine: its CUDA, the driver, and a trial."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from picsellia_processing.doctor.check import Check, failed, fine, warning
from picsellia_processing.doctor.packages import installed_version

LEAST_DRIVER = {11: 450, 12: 525, 13: 580}
"""The least driver for each CUDA (https://docs.nvidia.com/deploy/cuda-compatibility/minor-version-compatibility.html)."""

QUERY = ("--query-gpu=name,driver_version", "--format=csv,noheader")
TRIAL = "import torch; print(float((torch.ones(8, device='cuda') * 2).sum()))"
TRIAL_PRINTS = "16.0"
TRIAL_SECONDS = 120
TORCH_FOR_CUDA = "install a torch for CUDA: https://pytorch.org/get-started/locally/"


@dataclass(frozen=True, slots=True)
class Gpu:
    """The first GPU of the machine, and the version of its driver."""

    name: str
    driver: str

    @property
    def driver_major(self) -> int:
        """580 of 580.95.05."""
        return int(self.driver.partition(".")[0])


def gpu_checks() -> list[Check]:
    """What there is to say about GPU, driver, torch and ONNX Runtime."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return [fine("gpu", "no NVIDIA GPU here: models run on the CPU")]
    code, printed = _run(program, *QUERY)
    first = printed.strip().partition("\n")[0]
    name, _, driver = first.rpartition(", ")
    if code or not driver[:1].isdigit():
        return [failed("gpu", f"nvidia-smi fails: {first}", "install the NVIDIA driver, or restart after an update")]
    gpu = Gpu(name, driver)
    return [fine("gpu", f"{gpu.name}, driver {gpu.driver}"), *_torch(gpu), *_onnxruntime(gpu)]


def torch_cuda() -> str | None:
    """The CUDA that the installed torch was built for, as `12.8`; None for a torch without. Torch is not imported."""
    spec = find_spec("torch")
    if spec is None or spec.origin is None:
        return None
    source = Path(spec.origin).with_name("version.py").read_text(encoding="utf-8")
    for statement in ast.parse(source).body:
        match statement:
            case (
                ast.AnnAssign(target=ast.Name(id="cuda"), value=ast.Constant(value=str(cuda)))
                | ast.Assign(targets=[ast.Name(id="cuda")], value=ast.Constant(value=str(cuda)))
            ):
                return cuda
    return None


def driver_check(gpu: Gpu, cuda: str) -> Check:
    """Whether the driver is new enough for this CUDA."""
    least = LEAST_DRIVER.get(int(cuda.partition(".")[0]))
    if least is None or gpu.driver_major >= least:
        return fine("driver", f"{gpu.driver} is new enough for CUDA {cuda}")
    fitting = [major for major, driver in LEAST_DRIVER.items() if driver <= gpu.driver_major]
    other = f", or a torch for CUDA {max(fitting)}" if fitting else ""
    return failed(
        "driver",
        f"{gpu.driver} is too old for CUDA {cuda} of torch: it takes {least} or newer",
        f"install an NVIDIA driver of version {least} or newer{other}",
    )


def _torch(gpu: Gpu) -> list[Check]:
    version = installed_version("torch")
    if version is None:
        return []
    cuda = torch_cuda()
    if cuda is None:
        return [warning("torch", f"torch {version} has no CUDA: it leaves the GPU idle", TORCH_FOR_CUDA)]
    driver = driver_check(gpu, cuda)
    return [driver] if driver.cure else [driver, _trial(version, cuda)]


def _trial(version: str, cuda: str) -> Check:
    """Calculate something on the GPU: only that shows that this torch has code for this GPU."""
    code, printed = _run(sys.executable, "-c", TRIAL)
    last = (printed.strip().splitlines() or ["it printed nothing"])[-1]
    if code == 0 and last == TRIAL_PRINTS:
        return fine("torch", f"torch {version} for CUDA {cuda} calculates on the GPU")
    return failed("torch", f"torch {version} for CUDA {cuda} does not calculate on the GPU: {last}", TORCH_FOR_CUDA)


def _onnxruntime(gpu: Gpu) -> list[Check]:
    version = installed_version("onnxruntime")
    if version is None or installed_version("onnxruntime-gpu"):
        return []
    cure = "python -m pip uninstall --yes onnxruntime, then python -m pip install 'onnxruntime-gpu[cuda,cudnn]'"
    return [warning("onnxruntime", f"onnxruntime {version} has no CUDA: it leaves the {gpu.name} idle", cure)]


def _run(*words: str) -> tuple[int, str]:
    """The exit code of a program, and what it printed."""
    try:
        finished = subprocess.run(  # noqa: S603 - words, and no shell
            words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=TRIAL_SECONDS
        )
    except subprocess.TimeoutExpired:
        return 1, f"no answer in {TRIAL_SECONDS} s"
    return finished.returncode, finished.stdout
