from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from types import ModuleType

FOLDER = Path(__file__).parents[1]

sides = st.integers(1, 8)
corners = st.tuples(st.integers(0, 10), st.integers(0, 10), sides, sides)


@settings(deadline=None)
@given(
    found=st.lists(st.tuples(corners, st.integers(0, 5)), max_size=12), threshold=st.sampled_from([0.0, 0.25, 0.5, 1.0])
)
def test_it_keeps_what_no_better_kept_box_overlaps(
    torchvision_ops: ModuleType, found: list[tuple[tuple[int, int, int, int], int]], threshold: float
) -> None:
    boxes = [(x, y, x + width, y + height) for (x, y, width, height), _ in found]
    scores = [score for _, score in found]
    expected: list[int] = []
    for index in sorted(range(len(boxes)), key=lambda index: -scores[index]):
        if all(iou(boxes[index], boxes[other]) <= threshold for other in expected):
            expected.append(index)

    kept = torchvision_ops.nms(
        torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4), torch.tensor(scores, dtype=torch.float32), threshold
    )

    assert kept.tolist() == expected
    assert kept.dtype == torch.int64


def iou(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> float:
    cells = [{(x, y) for x in range(b[0], b[2]) for y in range(b[1], b[3])} for b in (one, other)]
    return len(cells[0] & cells[1]) / len(cells[0] | cells[1])


def test_torchvision_works_for_whoever_asks_afterwards() -> None:
    code = """
import torch, torchvision_ops
native = torchvision_ops.ensure_torchvision()
assert torchvision_ops.ensure_torchvision() is native
import torchvision.transforms
boxes = torch.tensor([[0., 0., 10., 10.], [1., 0., 10., 10.], [20., 20., 30., 30.], [0., 0., 10., 10.]])
scores, classes = torch.tensor([.5, .9, .7, .8]), torch.tensor([0, 0, 0, 1])
assert torchvision.ops.nms(boxes, scores, .5).tolist() == [1, 2]
assert torchvision.ops.batched_nms(boxes, scores, classes, .5).tolist() == [1, 3, 2]
"""
    subprocess.run([sys.executable, "-c", code], cwd=FOLDER, check=True)


def test_another_reason_passes_through(torchvision_ops: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str) -> None:
        raise RuntimeError(f"{name} is out of memory")

    monkeypatch.setattr(torchvision_ops.importlib, "import_module", fail)

    with pytest.raises(RuntimeError, match="out of memory"):
        torchvision_ops.ensure_torchvision.__wrapped__()
