"""How good annotations are: mAP50 of one COCO file against another.

    python metrics.py GROUND_TRUTH PREDICTED

Average precision as COCO defines it: at an IoU of 0.5, interpolated at 101 recalls, at most 100 objects an image and
class, averaged over the classes of the ground truth. Annotations without a `score` count as equally sure, so that their
order in the file does not matter: precision is taken where all of one score are in. Images are matched by file name and
classes by name.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Objects = dict[tuple[str, str], list[dict[str, Any]]]  # by class name and file name

IOU_THRESHOLD = 0.5
RECALLS = np.linspace(0, 1, 101)
MAX_OBJECTS = 100


def map50(ground_truth_coco: dict[str, Any], predicted_coco: dict[str, Any]) -> float:
    """The mean average precision, from 0 to 1, of the boxes of `predicted_coco` at an IoU of 0.5.

    An image which `predicted_coco` leaves out has no prediction there; one that it adds may not have any.

    Raises:
        ValueError: A prediction lies on an image the ground truth does not know, a reference leads nowhere, or the
            ground truth has no object.
    """
    truth, predicted = _objects(ground_truth_coco), _objects(predicted_coco)
    known = {image["file_name"] for image in ground_truth_coco["images"]}
    if stray := sorted({name for _, name in predicted} - known):
        raise ValueError(f"predictions on images that are not in the ground truth: {', '.join(stray)}")
    classes = sorted({label for label, _ in truth})
    if not classes:
        raise ValueError("the ground truth has no object, so there is nothing to measure against")
    return float(np.mean([_average_precision(label, truth, predicted) for label in classes]))


def _objects(coco: dict[str, Any]) -> Objects:
    names = {category["id"]: category["name"] for category in coco["categories"]}
    files = {image["id"]: image["file_name"] for image in coco["images"]}
    if len(set(files.values())) != len(coco["images"]):
        raise ValueError("two images have the same id or file name")
    found: Objects = defaultdict(list)
    for annotation in coco["annotations"]:
        if annotation["category_id"] not in names or annotation["image_id"] not in files:
            raise ValueError(f"annotation {annotation.get('id')} refers to an unknown image or category")
        found[names[annotation["category_id"]], files[annotation["image_id"]]].append(annotation)
    return found


def _average_precision(label: str, truth: Objects, predicted: Objects) -> float:
    total = sum(len(objects) for (name, _), objects in truth.items() if name == label)
    verdicts: list[tuple[float, bool]] = []
    for (name, file), objects in predicted.items():
        if name == label:
            verdicts += _verdicts(truth.get((name, file), []), objects)
    if not verdicts:
        return 0.0
    scores = np.array([score for score, _ in verdicts])
    hits = np.array([hit for _, hit in verdicts], np.float64)
    order = np.argsort(-scores, kind="stable")
    last_of_score = np.append(np.diff(scores[order]) != 0, True)
    found = np.cumsum(hits[order])[last_of_score]
    precision = found / (np.flatnonzero(last_of_score) + 1)
    best_from_here = np.maximum.accumulate(precision[::-1])[::-1]
    at = np.searchsorted(found / total, RECALLS, side="left")
    return float(np.append(best_from_here, 0.0)[at].mean())


def _verdicts(truth: list[dict[str, Any]], predicted: list[dict[str, Any]]) -> list[tuple[float, bool]]:
    """Score of each prediction on one image, and whether it hits an object that no better one has taken."""
    best = sorted(predicted, key=lambda annotation: -_score(annotation))[:MAX_OBJECTS]
    overlaps = _ious(_corners(best), _corners(truth))
    verdicts = []
    for annotation, overlap in zip(best, overlaps, strict=True):
        target = int(overlap.argmax()) if overlap.size else -1
        hit = target >= 0 and bool(overlap[target] >= IOU_THRESHOLD)
        if hit:
            overlaps[:, target] = 0  # taken
        verdicts.append((_score(annotation), hit))
    return verdicts


def _score(annotation: dict[str, Any]) -> float:
    return float(annotation.get("score", 1.0))


def _corners(annotations: list[dict[str, Any]]) -> Array:
    boxes: Array = np.array([annotation["bbox"] for annotation in annotations], np.float64).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    return boxes


def _ious(boxes: Array, others: Array) -> Array:
    """(N, M) overlaps of (N, 4) and (M, 4) corners."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    shared = (high - low).clip(min=0).prod(axis=2)
    areas, other_areas = (np.prod(sides[:, 2:] - sides[:, :2], axis=1) for sides in (boxes, others))
    union = areas[:, None] + other_areas[None] - shared
    overlaps: Array = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return overlaps


def main(arguments: list[str]) -> int:
    """Print the mAP50 of two COCO files."""
    match arguments:
        case [truth, predicted]:
            documents = (json.loads(Path(path).read_text()) for path in (truth, predicted))
            print(f"{map50(*documents):.4f}")  # noqa: T201 - a command prints
            return 0
        case _:
            print("usage: python metrics.py GROUND_TRUTH PREDICTED", file=sys.stderr)  # noqa: T201 - a command prints
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
