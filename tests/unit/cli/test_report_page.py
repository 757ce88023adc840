from __future__ import annotations

from html.parser import HTMLParser

import pytest
from picsellia_processing.cli.drawing import MOST_CHIPS, PALETTE, draw
from picsellia_processing.cli.end_state import StoredShape
from picsellia_processing.cli.pictures import load_pictures
from picsellia_processing.cli.report_page import PICTURE_BYTES, PICTURES, SHAPES_PER_PICTURE, Page, render
from picsellia_processing.job.report import Report

from tests.unit.cli.states import SHAPES, asset, file

COLOURS = {"cat": 0, "dog": 1}


def pictures(*assets, content=None):
    fetched = content or file()
    return load_pictures(assets, lambda _: fetched, max_bytes=PICTURE_BYTES, max_shapes=SHAPES_PER_PICTURE)


class Elements(HTMLParser):
    """The tags of a page that may not be left open, checked, and its text."""

    VOID = frozenset({"meta", "link", "img"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_every_kind_of_shape_is_drawn():
    (picture,) = pictures(asset("a.jpg", *SHAPES))
    drawing = draw(picture, COLOURS)
    assert [tag for mark in drawing.marks for tag, _ in mark.elements] == [
        "rect", "polygon", "image", "polyline", "circle", "circle", "circle",
    ]  # fmt: skip
    assert drawing.classes == [("cat 0.25", 0)]
    assert [mark.title for mark in drawing.marks] == ["cat 0.75", "dog", "cat 0.50", "dog", "dog", "cat"]
    assert drawing.summary == "4 cat, 3 dog"
    html = render(Page(Report(status="succeeded"), "t", ("cat", "dog"), [picture], 1))
    tags = Elements(html).tags
    box = {"x": "1", "y": "2", "width": "10", "height": "5"}
    assert ("rect", box) in tags
    assert ("polygon", {"points": "0,0 10,0 10,10 0,10"}) in tags


def test_name_tags_stay_in_the_picture_and_leave_where_it_is_crowded():
    wide = [StoredShape("rectangle", "dog", {"x": x, "y": y, "w": 2, "h": 2}, 0.5) for x in (0, 38) for y in (0, 28)]
    (picture,) = pictures(asset("a.jpg", *wide), content=file(size=(400, 300)))
    for mark in draw(picture, COLOURS).marks:
        assert mark.chip.x >= 0
        assert mark.chip.y >= 0
        assert mark.chip.x + mark.chip.width <= 400
    (crowded,) = pictures(asset("a.jpg", *wide * MOST_CHIPS))
    assert not any(mark.chip for mark in draw(crowded, COLOURS).marks)


def test_more_labels_than_colours():
    labels = tuple(f"label {number}" for number in range(len(PALETTE) + 1))
    shape = StoredShape("classification", labels[-1], {})
    html = render(Page(Report(status="succeeded"), "t", labels, pictures(asset("a", shape)), 1))
    assert f'<i class="swatch c0"></i>{labels[-1]}' in html


@pytest.mark.parametrize("colour", PALETTE)
def test_every_colour_carries_the_text_of_a_name_tag(colour):
    assert (luminance(colour) + 0.05) / (luminance("#14161a") + 0.05) >= 4.5


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2."""
    channels = [value / 255 for value in bytes.fromhex(colour[1:])]
    linear = [value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_a_report_that_says_nothing_makes_a_page():
    page = Elements(render(Page(Report(status="terminated"), "hello")))
    assert "terminated" in page.text
    assert "peak memory" not in page.text
    assert "Pictures" not in page.text
    assert "Where the time went" not in page.text


def test_a_job_on_a_model_has_no_speed():
    report = {"status": "succeeded", "produced": {"files": 2}, "images_per_second": None, "seconds": 9.7}
    without = Elements(render(Page(Report.model_validate(report), "export"))).text
    assert [figure in without for figure in ("files", "9.7 s", "processed", "images/s")] == [True, True, False, False]
    stages = {"fetch": {"seconds": 1, "items": 7}}
    looked_at = {**report, "assets": {"selected": 7, "processed": 7}, "stages": stages}
    page = Elements(render(Page(Report.model_validate(looked_at), "export"))).text
    assert [figure in page for figure in ("Looking at the images", "of 7 assets", "images/s")] == [True, True, False]
    assert "sets the speed" not in page


def test_what_is_too_much_for_tiles_is_a_table():
    produced = {"tags": 5000, **{f"tag 'class {number}'": 5 for number in range(1000)}}
    page = Elements(render(Page(Report.model_validate({"status": "succeeded", "produced": produced}), "tag")))
    assert len([tag for tag, attributes in page.tags if attributes.get("class") == "tile"]) < 15
    assert "Produced" in page.text
    assert "and 801 more in report.json" in page.text
    assert "10,000" not in page.text, "what it all adds up to means nothing"


def test_tiles_hold_the_most_of_what_is_too_much_for_them():
    produced = {"tags": 30, **{f"tag {count}": count for count in range(1, 9)}}
    page = render(Page(Report.model_validate({"status": "succeeded", "produced": produced}), "tag"))
    tiles = page[page.index('class="tiles"') : page.index("</section>")]
    assert [what for what in produced if f"<span>{what}</span>" in tiles] == ["tags", "tag 6", "tag 7", "tag 8"]


def test_a_remark_stands_on_the_page():
    report = Report.model_validate({"status": "succeeded", "remarks": ["1 of 1 shapes look odd"]})
    assert "Look at this 1 of 1 shapes look odd" in " ".join(Elements(render(Page(report, "find"))).text.split())


@pytest.mark.parametrize(
    ("size", "tag"), [(2_928_955, '<b class="long">'), (535_944, '<b class="long">'), (9_999, "<b>")]
)
def test_a_large_figure_is_set_smaller(size, tag):
    html = render(Page(Report.model_validate({"status": "succeeded", "produced": {"bytes": size}}), "export"))
    assert f"{tag}{size:,}</b>" in html


def test_the_output_is_named():
    report = {"status": "succeeded"} | {
        name: {"type": "DATASET_VERSION", "id": name, "name": f"discs/{name}"} for name in ("target", "output")
    }
    assert "output discs/output" in Elements(render(Page(Report.model_validate(report), "tile"))).text


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", '" onmouseover="alert(1)', "{{ 7*7 }}{% raw %}", "</style>"]
)
def test_names_are_escaped_wherever_they_stand(name):
    report = Report.model_validate(
        {
            "status": "failed", "reason": name, "name": name, "task": name, "job_id": name,
            "target": {"type": name, "id": name, "name": name},
            "dropped_shapes": {name: 1}, "remarks": [name], "skipped": {name: 1},
            "failures": [{"asset": name, "asset_id": name, "stage": name, "reason": name}],
            "stages": {name: {"seconds": 1, "items": 1}}, "limiting_stage": name,
            "requests": {"total": 1, "by_endpoint": {name: 1}, "retries": 0},
            "parameters": {name: name, "list": [name]},
            "model_version": {"id": name, "name": name, "version": name, "type": name, "framework": name},
            "labels": [{"model_class": name, "label": name}, {"model_class": name, "closest": name}],
            "versions": {name: name},
        }
    )  # fmt: skip
    shapes = [StoredShape("rectangle", name, SHAPES[0].data, 0.5), StoredShape("classification", name, {}, 0.5)]
    html = render(Page(report, name, (name,), pictures(asset(name, *shapes)), 1))
    tags = Elements(html).tags
    assert not [tag for tag, _ in tags if tag == "script"]
    assert not [attribute for _, attributes in tags for attribute in attributes if attribute.startswith("on")]
    assert len([tag for tag, _ in tags if tag == "style"]) == 1


def test_the_page_asks_for_nothing():
    html = render(Page(Report(status="succeeded"), "t", ("cat", "dog"), pictures(asset("a.jpg", *SHAPES)), 1))
    for _, attributes in Elements(html).tags:
        for name in ("src", "href", "action", "data", "srcset"):
            value = attributes.get(name)
            assert value is None or value.startswith(("data:", "#")), value
    assert "default-src 'none'" in html
    assert "@import" not in html
    assert "url(" not in html


def test_the_size_is_bounded():
    noise = StoredShape("polygon", "dog", {"polygon": [[x % 40, x % 30] for x in range(400)]})
    states = [asset(f"{number}.jpg", *[noise] * 500) for number in range(PICTURES)]
    failure = {"asset": "a" * 5000, "asset_id": "1", "stage": "fetch", "reason": "r" * 50_000}
    report = Report.model_validate(
        {
            "status": "failed",
            "reason": "r" * 10**6,
            "failures": [failure] * 10_000,
            "labels": [{"model_class": f"{number}" * 20} for number in range(5000)],
            "skipped": {f"{number}": 1 for number in range(5000)},
            "parameters": {"text": "t" * 10**6},
        }
    )
    html = render(Page(report, "t", ("dog",), pictures(*states), 10**6))
    assert len(html) < 6_000_000
    assert "and 9,800 more in report.json" in html
    assert "not drawn" in html
