"""A YOLOv8n with random weights that finds boxes on about half of the pictures: `python -m tests.benchmarks.detector`.

Random weights alone find nothing, or the same everywhere, and so would leave out a part of the work. The statistics of
the normalisation layers are taken from some pictures first, then the class biases are moved until the wanted share of
the candidate boxes passes the default threshold.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.benchmarks.sides import YOLO

SIDE = 640
BOXES = 20
"""Candidates, of the 8,400 of each picture, that pass; fewer are left when overlapping ones are dropped."""
CONFIDENCE = 0.25
_PICTURES = 8


def make_weights(path: Path, pictures: Path) -> None:
    """Write the checkpoint to `path`, unless it is there, adjusted on the first pictures of a folder."""
    if path.exists():
        return
    sys.path.insert(0, str(YOLO))
    from weights import import_ultralytics

    ultralytics = import_ultralytics()
    import cv2
    import torch

    torch.manual_seed(0)
    model = ultralytics.YOLO("yolov8n.yaml")
    network = model.model
    files = sorted(pictures.glob("*.jpg"))[:_PICTURES]
    batch = [cv2.cvtColor(cv2.resize(cv2.imread(str(file)), (SIDE, SIDE)), cv2.COLOR_BGR2RGB) for file in files]
    tensor = torch.stack([torch.from_numpy(each) for each in batch]).permute(0, 3, 1, 2).float() / 255
    norms = [layer for layer in network.modules() if isinstance(layer, torch.nn.BatchNorm2d)]
    with torch.no_grad():
        for norm in norms:
            norm.momentum = None
        network.train()(tensor)
        for norm in norms:
            norm.momentum = 0.03
        scores = network.eval()(tensor)[0][:, 4:].amax(1)
        least = torch.quantile(scores, 1 - BOXES / scores.shape[1])
        shift = torch.logit(torch.tensor(CONFIDENCE)) - torch.logit(least)
        for branch in network.model[-1].cv3:
            branch[-1].bias += shift
    part = path.with_suffix(".part.pt")
    model.save(str(part))
    part.replace(path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("pictures", type=Path)
    make_weights(**vars(parser.parse_args()))
