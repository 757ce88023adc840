"""An ONNX file, ready to run on the device that is asked for; a GPU is never left aside without a word."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from picsellia_processing.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
_ERRORS_ONLY = 3


def open_session(file: Path, device: str, expected: str) -> Any:
    """The `onnxruntime.InferenceSession` of a file; the Job's log says where it computes.

    On the CPU it computes on `OMP_NUM_THREADS` cores, where that is set in the environment.

    Args:
        file: An ONNX file.
        device: "auto" (a GPU if there is one), "cpu", "cuda" or "cuda:N".
        expected: What the file should hold, for messages: "expected ...".

    Raises:
        UsageError: The file cannot be loaded, or the GPU that is asked for is not there.
    """
    import onnxruntime  # noqa: PLC0415 - whoever only reads the definition need not wait for it

    options = onnxruntime.SessionOptions()
    options.log_severity_level = _ERRORS_ONLY  # what it warns of is nothing that could be done
    if (threads := os.environ.get("OMP_NUM_THREADS", "")).isdecimal():
        options.intra_op_num_threads = int(threads)
    providers = _providers(device)
    try:
        session = onnxruntime.InferenceSession(str(file), options, providers=providers)
    except Exception as error:
        reason = str(error).strip().splitlines()[0]
        raise UsageError(
            f"the model file {file.name!r} cannot be used: found a file of {file.stat().st_size} bytes that onnxruntime"
            f" {onnxruntime.__version__} does not load ({reason}); {expected}"
        ) from error
    if CUDA not in session.get_providers() and providers != [CPU]:  # onnxruntime goes on without a word
        missing = "its CUDA libraries cannot be loaded"
        if device != "auto":
            raise _no_gpu(device, missing)
        print(f"onnxruntime is built for CUDA, but {missing}")  # noqa: T201 - into the Job's log
    print(f"onnxruntime {onnxruntime.__version__} computes on {session.get_providers()[0]}")  # noqa: T201 - likewise
    return session


def _providers(device: str) -> list[Any]:
    """The execution providers to try in turn."""
    import onnxruntime  # noqa: PLC0415 - likewise

    there = CUDA in onnxruntime.get_available_providers()
    if device == "cpu" or (device == "auto" and not there):
        return [CPU]
    if not there:
        raise _no_gpu(device, "it is built without CUDA")
    number = int(device.partition(":")[2] or 0)
    # the first algorithm that fits, for another one, found by trying, may round differently
    return [(CUDA, {"device_id": number, "cudnn_conv_algo_search": "HEURISTIC"}), CPU]


def _no_gpu(device: str, reason: str) -> UsageError:
    import onnxruntime  # noqa: PLC0415 - likewise

    return UsageError(
        f"device={device} cannot be used: onnxruntime {onnxruntime.__version__} offers"
        f" {', '.join(onnxruntime.get_available_providers())}, and {reason}; install onnxruntime-gpu and give the"
        " container its GPU (docker run --gpus all), or ask for device=auto or cpu"
    )
