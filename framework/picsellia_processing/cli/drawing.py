"""Shapes as SVG: what the report page lays over a picture."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PIL import Image as PillowImage

from picsellia_processing.annotation import Classification, Keypoints, Line, Mask, Point, Polygon, Rectangle

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from picsellia_processing.annotation import Shape
    from picsellia_processing.cli.pictures import Picture

PALETTE = (
    "#ff5a5c", "#3ba0ff", "#37d67a", "#ffb020", "#b97bff", "#19d3e0",
    "#ff6fb5", "#b7e020", "#ff8a3d", "#8f9bff", "#2cc5a8", "#ecd94f",
)  # fmt: skip
"""Colours of labels, in turn: all bright enough to be seen on photographs and to carry dark text."""

FRAME = (4, 3)
TEXT_ROOM = 320
MOST_CHIPS = 25
MOST_POINTS = 300
MOST_CHARACTERS = 40_000
LABELS_SUMMED = 12
LONGEST_LABEL = 28
MASK_SIDE = 240
FONT, CHIP_HEIGHT, CHIP_PADDING = 11.0, 16.0, 4.0
CHARACTER = 0.6 * FONT

Element = tuple[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Chip:
    """The name tag of a shape: a small box with a text that is fitted into it; `inside` the shape or on top of it."""

    x: float
    y: float
    width: float
    height: float
    font: float
    padding: float
    text: str
    inside: bool


@dataclass(frozen=True, slots=True)
class Mark:
    """One shape: SVG elements in pixels of the picture, a colour of the palette, a title, and maybe a name tag."""

    colour: int
    title: str
    elements: Sequence[Element]
    chip: Chip | None


@dataclass(frozen=True, slots=True)
class Drawing:
    """A picture and what is drawn on it; `classes` are those of the whole picture: title and colour."""

    picture: Picture
    marks: Sequence[Mark]
    classes: Sequence[tuple[str, int]]

    @property
    def summary(self) -> str:
        """The shapes in words: `2 circle, 1 square`."""
        counts: dict[str, int] = {}
        for shape in self.picture.asset.shapes:
            counts[shape.label] = counts.get(shape.label, 0) + 1
        named = [f"{count} {_short(label)}" for label, count in counts.items()]
        more = [f"{len(named) - LABELS_SUMMED} more labels"] if len(named) > LABELS_SUMMED else []
        return ", ".join(named[:LABELS_SUMMED] + more) or "no shapes"

    @property
    def not_drawn(self) -> int:
        """How many shapes are left out."""
        return len(self.picture.asset.shapes) - len(self.marks) - len(self.classes)


def draw(picture: Picture, colours: Mapping[str, int]) -> Drawing:
    """The SVG of a picture's shapes, as many as fit into `MOST_CHARACTERS`.

    `colours` gives each label its place in the palette.
    """
    unit = max(picture.width / FRAME[0], picture.height / FRAME[1]) * FRAME[0] / TEXT_ROOM
    with_chips = len(picture.shapes) <= MOST_CHIPS
    marks: list[Mark] = []
    classes: list[tuple[str, int]] = []
    room = MOST_CHARACTERS
    for shape in picture.shapes:
        colour, title = colours[shape.label], _title(shape)
        if isinstance(shape, Classification):
            classes.append((title, colour))
            continue
        elements, corner = _elements(shape, unit, PALETTE[colour])
        room -= len(str(elements))
        if room < 0:
            break
        chip = _chip(title, corner, picture.width, unit) if with_chips and corner else None
        marks.append(Mark(colour, title, elements, chip))
    return Drawing(picture, marks, classes)


def _title(shape: Shape) -> str:
    label = _short(shape.label)
    return label if shape.confidence is None else f"{label} {shape.confidence:.2f}"


def _short(label: str) -> str:
    return label if len(label) <= LONGEST_LABEL else label[: LONGEST_LABEL - 1] + "…"


def _elements(shape: Shape, unit: float, colour: str) -> tuple[list[Element], tuple[float, float] | None]:
    """The SVG elements of a shape, and the upper-left corner of what they cover."""
    match shape:
        case Rectangle():
            box = {"x": shape.x, "y": shape.y, "width": shape.width, "height": shape.height}
            return [("rect", box)], (shape.x, shape.y)
        case Polygon():
            return [("polygon", {"points": _points(shape.points)})], _corner(shape.points)
        case Line():
            return [("polyline", {"points": _points(shape.points), "fill": "none"})], _corner(shape.points)
        case Point():
            return [_dot(shape.x, shape.y, unit)], (shape.x, shape.y)
        case Keypoints():
            seen = [(x, y) for x, y, visibility in shape.points if visibility]
            return [_dot(x, y, unit) for x, y in seen], _corner(seen)
        case Mask():
            return _mask(shape, colour)
    return [], None


def _dot(x: float, y: float, unit: float) -> Element:
    return "circle", {"cx": x, "cy": y, "r": round(4 * unit, 2)}


def _points(points: Sequence[tuple[float, float]]) -> str:
    step = -(-len(points) // MOST_POINTS)
    return " ".join(f"{x:g},{y:g}" for x, y in points[::step])


def _corner(points: Sequence[tuple[float, float]]) -> tuple[float, float] | None:
    return (min(x for x, _ in points), min(y for _, y in points)) if points else None


def _mask(mask: Mask, colour: str) -> tuple[list[Element], tuple[float, float] | None]:
    rows, columns = mask.pixels.nonzero()
    if not rows.size:
        return [], None
    height, width = mask.pixels.shape
    step = -(-max(height, width) // MASK_SIDE)
    small = PillowImage.fromarray(mask.pixels[::step, ::step].astype("uint8"), mode="P")
    small.putpalette([0, 0, 0, *bytes.fromhex(colour[1:])])
    file = io.BytesIO()
    small.save(file, "PNG", transparency=0)
    url = "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")
    element = {"href": url, "width": width, "height": height, "preserveAspectRatio": "none", "opacity": 0.5}
    return [("image", element)], (float(columns.min()), float(rows.min()))


def _chip(text: str, corner: tuple[float, float], picture_width: int, unit: float) -> Chip:
    """A name tag on top of the corner, or inside it where the picture ends."""
    columns = sum(2 if character > "\u2e80" else 1 for character in text)
    width, height = (columns * CHARACTER + 2 * CHIP_PADDING) * unit, CHIP_HEIGHT * unit
    x = max(0.0, min(corner[0], picture_width - width))
    inside = corner[1] < height
    y = corner[1] if inside else corner[1] - height
    return Chip(x, y, width, height, FONT * unit, CHIP_PADDING * unit, text, inside)
