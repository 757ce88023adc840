"""Official YOLOX checkpoints, read without running anything in them."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from network import SIZES, Yolox
from picsellia_processing.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

STEM = "backbone.backbone.stem.conv.conv.weight"
CLASSES = "head.cls_preds.0.weight"
SCALARS: list[Any] = [
    (np.float64(0).__reduce__()[0], "numpy.core.multiarray.scalar"),  # as numpy 1 called it
    (np.float64(0).__reduce__()[0], "numpy._core.multiarray.scalar"),  # as numpy 2 calls it
    np.dtype,
    type(np.dtype("f8")),
]
"""What the official trainer writes besides tensors: its best average precision, a scalar of numpy."""
EXPECTED = (
    "expected an official YOLOX checkpoint, such as best_ckpt.pth of a training: {'model': state_dict}; attach that "
    "file to the ModelVersion, or name another one with the parameter input_model_file_name"
)


class Checkpoint(NamedTuple):
    """What a checkpoint holds: the size ("nano" ... "x"), the number of classes, and the network, ready to predict."""

    size: str
    classes: int
    network: Yolox


def load_checkpoint(path: Path) -> Checkpoint:
    """The network of an official checkpoint, in 32-bit floats on the CPU.

    Size and number of classes are told from the shapes of the weights.

    Raises:
        UsageError: `path` is no checkpoint, refers to something else than tensors, or holds another architecture.
    """
    state = _state_of(path)
    stem, predictor = _tensor(path, state, STEM), _tensor(path, state, CLASSES)
    sizes = {size.channels(64): name for name, size in SIZES.items()}
    if stem.shape[0] not in sizes:
        raise _refusal(path, f"a first convolution of {stem.shape[0]} channels, which none of {', '.join(SIZES)} has")
    name = sizes[stem.shape[0]]
    network = Yolox(SIZES[name], predictor.shape[0])
    if mistakes := _differences(network.state_dict(), state):
        more = f", and {len(mistakes) - 3} more differences" if len(mistakes) > 3 else ""  # noqa: PLR2004 - enough to see it
        raise _refusal(path, f"weights that do not fit YOLOX-{name}: {'; '.join(mistakes[:3])}{more}")
    if broken := [key for key, value in state.items() if not value.isfinite().all()]:
        raise _refusal(path, f"weights that are not finite numbers, in {broken[0]}")
    network.load_state_dict(state)
    return Checkpoint(name, predictor.shape[0], network.eval())


def _state_of(path: Path) -> Mapping[str, Any]:
    try:
        with torch.serialization.safe_globals(SCALARS):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise _refusal(path, _what_it_holds(path, error)) from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, AttributeError, IndexError, TypeError) as error:
        raise _refusal(path, f"a file of {path.stat().st_size} bytes that is no PyTorch checkpoint") from error
    state = content.get("model", content) if isinstance(content, dict) else content
    if not isinstance(state, dict):
        raise _refusal(path, f"a {type(state).__name__} where the weights should be")
    return state


def _what_it_holds(path: Path, error: pickle.UnpicklingError) -> str:
    if "GLOBAL" not in str(error):
        return f"a file of {path.stat().st_size} bytes that is no PyTorch checkpoint"
    foreign = str(error).partition("GLOBAL ")[2].split()[0]
    return f"a reference to {foreign}, which is no tensor and might run any code"


def _tensor(path: Path, state: Mapping[str, Any], key: str) -> torch.Tensor:
    value = state.get(key)
    if not isinstance(value, torch.Tensor) or not value.ndim:
        names = ", ".join(map(str, list(state)[:3]))
        raise _refusal(path, f"another architecture: there is no {key}; its {len(state)} entries begin with {names}")
    return value


def _differences(expected: Mapping[str, torch.Tensor], found: Mapping[str, Any]) -> list[str]:
    mistakes = [f"{key} is missing" for key in expected if key not in found]
    mistakes += [f"{key} is unknown" for key in found if key not in expected]
    for key, tensor in expected.items():
        value = found.get(key, tensor)
        if not isinstance(value, torch.Tensor):
            mistakes.append(f"{key} is a {type(value).__name__}")
        elif value.shape != tensor.shape:
            mistakes.append(f"{key} is {tuple(value.shape)} instead of {tuple(tensor.shape)}")
    return mistakes


def _refusal(path: Path, found: str) -> UsageError:
    return UsageError(f"the checkpoint {path.name!r} cannot be used: found {found}; {EXPECTED}")
