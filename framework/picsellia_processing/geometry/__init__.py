"""Shapes made fit for storage: clamped to the picture, moved between its frames, run-length coded.

Every function is pure. Pixel coordinates are those of `annotation`: the origin is the upper-left corner of the
upper-left pixel, so a picture spans 0..width and 0..height, both ends included.
"""

from picsellia_processing.geometry.coordinates import DegenerateShape, UnreadableShape
from picsellia_processing.geometry.doubts import Doubt, doubts
from picsellia_processing.geometry.fitting import fit
from picsellia_processing.geometry.orientation import orient, to_oriented, to_stored
from picsellia_processing.geometry.rle import decode_rle, encode_rle

__all__ = [
    "DegenerateShape",
    "Doubt",
    "UnreadableShape",
    "decode_rle",
    "doubts",
    "encode_rle",
    "fit",
    "orient",
    "to_oriented",
    "to_stored",
]
