"""Returns, for picture number N, the N-th of the bad shapes."""

import sys
from pathlib import Path

from picsellia_processing import Image, Shape, pre_annotation

sys.path.insert(0, str(Path(__file__).parents[3]))

from tests.unit.bad_shapes import bad_shapes


@pre_annotation
def annotate(image: Image) -> list[Shape]:
    return [bad_shapes()[int(Path(image.filename).stem)].shape]
