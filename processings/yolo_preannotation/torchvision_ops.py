"""Let torchvision import where its compiled operators do not load.

The wheels of torchvision on PyPI for Linux are linked against CUDA: beside a CPU-only torch `import torchvision` stops
with "operator torchvision::nms does not exist", although ultralytics needs no more of the compiled part than that one
operator. `ensure_torchvision` then registers it in Python. Where the native operators load, it changes nothing.
"""

from __future__ import annotations

import importlib
import sys
from functools import cache

import torch

_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"


@cache
def ensure_torchvision() -> bool:
    """Import torchvision, with a Python `nms` where its own cannot be loaded.

    Returns:
        Whether the native operators load.

    Raises:
        RuntimeError: torchvision cannot be imported for another reason than its missing operators.
    """
    try:
        importlib.import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
    else:
        return True
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]  # the failed import left some of its modules half made
    for operator in ("nms", "qnms"):
        torch.library.define(f"torchvision::{operator}", _SCHEMA)
    torch.library.impl("torchvision::nms", "CPU", nms)
    importlib.import_module("torchvision")
    # its own check asks for all the compiled operators, ours for none
    vars(importlib.import_module("torchvision.ops.boxes"))["_assert_has_ops"] = lambda: None
    return False


def nms(boxes: torch.Tensor, scores: torch.Tensor, iou_threshold: float) -> torch.Tensor:
    """Greedy non-maximum suppression, as torchvision defines it.

    Args:
        boxes: (N, 4) corners x1, y1, x2, y2.
        scores: (N,) one score a box.
        iou_threshold: A box that overlaps a better one by more than this is dropped.

    Returns:
        (K,) int64 indices of the boxes that stay, best score first.
    """
    x1, y1, x2, y2 = boxes.unbind(1)
    areas = (x2 - x1) * (y2 - y1)
    order = torch.argsort(scores, descending=True, stable=True)
    kept: list[torch.Tensor] = []
    while order.numel():
        best, others = order[0], order[1:]
        kept.append(best)
        width = (torch.minimum(x2[best], x2[others]) - torch.maximum(x1[best], x1[others])).clamp(min=0)
        height = (torch.minimum(y2[best], y2[others]) - torch.maximum(y1[best], y1[others])).clamp(min=0)
        intersection = width * height
        order = others[intersection / (areas[best] + areas[others] - intersection) <= iou_threshold]
    return torch.stack(kept) if kept else torch.empty(0, dtype=torch.int64, device=boxes.device)
