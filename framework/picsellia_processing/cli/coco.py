"""`annotations.json`: what the platform holds, as a COCO file (https://cocodataset.org/#format-data).

Beyond COCO: `score`, as in COCO's result format, where the confidence is known; `line` and `point`; and a whole
image's class as an annotation with an empty `bbox`, as Picsellia's own export writes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from picsellia_processing.cli.end_state import AssetState, EndState, StoredShape


def to_coco(state: EndState) -> dict[str, Any]:
    """The COCO file of `state`: ids from 1 in its order, coordinates as stored."""
    category_ids = {name: number for number, name in enumerate(state.labels, 1)}
    annotations: list[dict[str, Any]] = []
    for image_id, asset in enumerate(state.assets, 1):
        for shape in asset.shapes:
            entry: dict[str, Any] = {
                "id": len(annotations) + 1,
                "image_id": image_id,
                "category_id": category_ids[shape.label],
            }
            entry |= _geometry(shape, asset) | {"iscrowd": 0}
            if shape.confidence is not None:
                entry["score"] = shape.confidence
            annotations.append(entry)
    return {
        "images": [
            {
                "id": image_id,
                "file_name": asset.reference.filename,
                "width": asset.reference.width,
                "height": asset.reference.height,
            }
            for image_id, asset in enumerate(state.assets, 1)
        ],
        "categories": [{"id": number, "name": name} for name, number in category_ids.items()],
        "annotations": annotations,
    }


def _geometry(shape: StoredShape, asset: AssetState) -> dict[str, Any]:
    data = shape.data
    match shape.kind:
        case "rectangle":
            box = [data["x"], data["y"], data["w"], data["h"]]
            return {"bbox": box, "area": data["w"] * data["h"], "segmentation": []}
        case "polygon":
            points = data["polygon"]
            return {"bbox": _bounds(points), "area": _area(points), "segmentation": [_flat(points)]}
        case "mask":
            counts = {"size": [asset.reference.height, asset.reference.width], "counts": data["mask"]}
            return {"bbox": data["bbox"], "area": data["area"], "segmentation": counts}
        case "keypoints":
            seen = [point for point in data["keypoints"] if point[2] > 0]
            return {"bbox": _bounds(seen), "keypoints": _flat(data["keypoints"]), "num_keypoints": len(seen)}
        case "line":
            return {"bbox": _bounds(data["line"]), "line": data["line"]}
        case "point":
            return {"bbox": _bounds([data["point"]]), "point": data["point"]}
    return {"bbox": [], "segmentation": []}


def _flat(points: Sequence[Sequence[float]]) -> list[float]:
    return [number for point in points for number in point]


def _bounds(points: Sequence[Sequence[float]]) -> list[float]:
    if not points:
        return []
    xs, ys = [point[0] for point in points], [point[1] for point in points]
    return [min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)]


def _area(points: Sequence[Sequence[float]]) -> float:
    """The area inside a closed outline (shoelace formula)."""
    pairs = zip(points, [*points[1:], *points[:1]], strict=True)
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in pairs)) / 2
