"""The rate of the model alone, on pictures already decoded: `python -m tests.benchmarks.ceiling`.

The model, its settings, the batches and the threads are those of the YOLO processing. Prints images per second.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from tests.benchmarks.sides import YOLO


def main(weights: Path, pictures: Path, count: int, batch_size: int) -> None:
    """Predict `count` pictures of a folder and print the rate."""
    sys.path.insert(0, str(YOLO))
    from picsellia_processing.stream.decode import decode
    from predictor import Predictor
    from weights import load_weights

    decoded = [decode(file.read_bytes()).pixels for file in sorted(pictures.glob("*.jpg"))[:count]]
    predictor = Predictor(load_weights(weights), "cpu", batch_size, conf=0.25, iou=0.7, max_det=300)
    predictor.predict(decoded[:batch_size])
    started = time.perf_counter()
    for start in range(0, len(decoded), batch_size):
        predictor.predict(decoded[start : start + batch_size])
    print(len(decoded) / (time.perf_counter() - started))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", type=Path)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("count", type=int)
    parser.add_argument("batch_size", type=int)
    main(**vars(parser.parse_args()))
