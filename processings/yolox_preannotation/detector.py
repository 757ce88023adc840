"""Objects on pictures: letterbox, network and non-maximum suppression in a row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from boxes import Boxes, decode, select
from letterbox import letterbox

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from network import Network
    from numpy.typing import NDArray


class Detector:
    """A network and the names of its classes."""

    def __init__(self, network: Network, names: tuple[str, ...]) -> None:
        self.names = names
        self._network = network

    def detect(self, pictures: Sequence[NDArray[np.uint8]], confidence: float, iou: float, most: int) -> list[Boxes]:
        """The objects on each picture (height x width x 3, uint8, RGB), in its pixels; at most `most`, best first."""
        network = self._network
        batch, scales = letterbox(pictures, network.size, blue_first=network.blue_first)
        output = network.run(batch)
        rows = output if network.decoded else decode(output, network.size)
        return [
            _enlarged(select(each, confidence, iou), 1 / scale, most)
            for each, scale in zip(rows, scales.tolist(), strict=True)
        ]


def _enlarged(boxes: Boxes, factor: float, most: int) -> Boxes:
    return Boxes(boxes.corners[:most] * factor, boxes.scores[:most], boxes.classes[:most])
