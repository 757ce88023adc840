from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from picsellia_processing.errors import FixtureError
from picsellia_processing.platform import dataset_yaml
from picsellia_processing.platform.dataset_coco_shapes import counts_of
from picsellia_processing.platform.dataset_yolo import YoloObject, yolo_shape
from picsellia_processing.platform.fixture import Fixture, FixtureDatasetVersion, load_fixture
from picsellia_processing.platform.rle import runs_of
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

untimed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine fails no test


def draw(path: Path, size: tuple[int, int] = (100, 50)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size).save(path)
    return path


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def load(
    images: Path, directory: Path | None = None, *, annotated: bool = True
) -> tuple[Fixture, FixtureDatasetVersion]:
    fixture = load_fixture(directory, images=images, annotated=annotated)
    assert fixture.dataset_version is not None
    return fixture, fixture.dataset_version


def drawn(version: FixtureDatasetVersion) -> dict[str, list[tuple[str, str, dict[str, Any]]] | None]:
    return {
        image.filename: image.annotation
        and [(shape.kind, shape.label, shape.data) for shape in image.annotation.shapes]
        for image in version.images
    }


def mistakes(images: Path) -> tuple[str, ...]:
    with pytest.raises(FixtureError) as raised:
        load_fixture(None, images=images)
    return raised.value.mistakes


def mistake(images: Path) -> str:
    (text,) = mistakes(images)
    return text


class TestImages:
    @pytest.mark.parametrize(
        ("ending", "content_type"),
        [
            ("jpg", "image/jpeg"),
            ("JPEG", "image/jpeg"),
            ("png", "image/png"),
            ("bmp", "image/bmp"),
            ("gif", "image/gif"),
            ("tif", "image/tiff"),
            ("TIFF", "image/tiff"),
            ("webp", "image/webp"),
        ],
    )
    def test_every_known_ending(self, tmp_path, ending, content_type):
        draw(tmp_path / f"a.b.{ending}", (31, 17))
        write(tmp_path / "a.heic", "")
        (image,) = load(tmp_path)[1].images
        assert (image.filename, image.width, image.height, image.content_type) == (
            f"a.b.{ending}",
            31,
            17,
            content_type,
        )

    def test_the_content_decides_how_a_header_is_read(self, tmp_path):
        draw(tmp_path / "a.png", (31, 17)).rename(tmp_path / "a.jpg")
        assert load(tmp_path)[1].images[0].width == 31

    def test_the_size_is_that_of_the_file_as_stored(self, tmp_path):
        exif = Image.Exif()
        exif[0x0112] = 6
        Image.new("RGB", (40, 20)).save(tmp_path / "turned.jpg", exif=exif)
        (image,) = load(tmp_path)[1].images
        assert (image.width, image.height) == (40, 20)

    def test_a_large_image_is_not_refused(self, tmp_path):
        path = draw(tmp_path / "large.bmp")
        header = bytearray(path.read_bytes())
        header[18:26] = struct.pack("<ii", 20_000, 30_000)  # more pixels than Pillow opens by itself
        path.write_bytes(header)
        (image,) = load(tmp_path)[1].images
        assert (image.width, image.height) == (20_000, 30_000)

    def test_names_are_paths_only_where_they_must_be(self, tmp_path):
        for name in ("a.png", "x/a.png", "x/y/a.png", "x/b.png"):
            draw(tmp_path / name)
        images = load(tmp_path)[1].images
        assert [image.filename for image in images] == ["a.png", "x__a.png", "b.png", "x__y__a.png"]
        assert images[1].path == tmp_path / "x/a.png"

    def test_names_that_cannot_be_told_apart_are_told(self, tmp_path):
        for name in ("x__a.png", "x/a.png", "a.png"):
            draw(tmp_path / name)
        assert "2 that would both be named 'x__a.png': x/a.png, x__a.png; rename one of them" in mistake(tmp_path)

    def test_no_images_are_told(self, tmp_path):
        write(tmp_path / "notes.txt", "")
        assert f"{tmp_path}: expected images (jpg, jpeg, png, bmp, gif, tif, tiff, webp), found none" in mistake(
            tmp_path
        )

    def test_a_link_to_nowhere_is_told(self, tmp_path):
        (tmp_path / "a.png").symlink_to(tmp_path / "gone.png")
        assert "a.png: expected an image file, found a link to nowhere" in mistake(tmp_path)

    def test_linked_folders_are_followed_once(self, tmp_path):
        draw(tmp_path / "elsewhere/a.png")
        (tmp_path / "mine/round").mkdir(parents=True)
        (tmp_path / "mine/round/again").symlink_to(tmp_path / "mine")
        (tmp_path / "mine/linked").symlink_to(tmp_path / "elsewhere")
        assert [image.filename for image in load(tmp_path / "mine")[1].images] == ["a.png"]

    def test_one_image(self, tmp_path):
        fixture, version = load(draw(tmp_path / "a.png"))
        assert (fixture.source, len(version.images)) == ("one image", 1)

    def test_a_file_that_is_nothing_known_is_told(self, tmp_path):
        assert "expected a folder, an image (" in mistake(write(tmp_path / "a.csv", ""))

    def test_a_name_that_is_not_utf8_is_told(self, tmp_path):
        try:
            draw(tmp_path / "caf\udce9.png")
        except OSError:
            pytest.skip("this file system takes only UTF-8")
        assert r"expected file names in UTF-8, found 'caf\udce9.png'; rename it" in mistake(tmp_path)


CATEGORIES = [{"id": 1, "name": "circle"}, {"id": 3, "name": "square"}]


def coco(folder: Path, *annotations: Any, name: str = "instances.json", **document: Any) -> Path:
    """A COCO data set of a.png and sub/b.png, 100 x 50, with these annotations of image 7, which is a.png."""
    draw(folder / "a.png")
    draw(folder / "sub/b.png")
    draw(folder / "not-listed.png")
    images = [{"id": 7, "file_name": "a.png"}, {"id": "b", "file_name": "sub/b.png"}]
    content = {
        "images": images,
        "categories": CATEGORIES,
        "annotations": [
            {"id": position, "image_id": 7, "category_id": 3, **annotation}
            if isinstance(annotation, dict)
            else annotation
            for position, annotation in enumerate(annotations)
        ],
    }
    return write(folder / name, json.dumps(content | document))


BOX = {"bbox": [1, 2, 10, 20], "segmentation": []}
RING = {"bbox": [1, 2, 10, 20], "segmentation": [[1, 2, 11, 2, 11.4, 22.6], [0, 0, 4, 0, 4, 4, 0, 4]]}
RUNS = [100, 40, 4860]
MASK = {"bbox": [2, 0, 1, 40], "segmentation": {"size": [50, 100], "counts": RUNS}}
POSE = {"bbox": [1, 2, 10, 20], "keypoints": [1, 2, 2, 5.5, 6.4, 1, 0, 0, 0]}
POINT = {"keypoints": [9, 8, 2]}


class TestCoco:
    @pytest.mark.parametrize(
        ("annotations", "dataset_type", "shapes"),
        [
            ([BOX], "OBJECT_DETECTION", [("rectangle", {"x": 1, "y": 2, "w": 10, "h": 20})]),
            (
                [RING],
                "SEGMENTATION",
                [
                    ("polygon", {"polygon": [[1, 2], [11, 2], [11, 23]]}),
                    ("polygon", {"polygon": [[0, 0], [4, 0], [4, 4], [0, 4]]}),
                ],
            ),
            (
                [RING, BOX],
                "OBJECT_DETECTION",
                [("rectangle", {"x": 1, "y": 2, "w": 10, "h": 20}), ("rectangle", {"x": 1, "y": 2, "w": 10, "h": 20})],
            ),
            ([MASK], "MASK", [("mask", {"mask": counts_of(RUNS)})]),
            ([POSE], "KEYPOINT", [("keypoints", {"keypoints": [[1, 2, 2], [6, 6, 1], [0, 0, 0]]})]),
            ([{"bbox": []}, {}], "CLASSIFICATION", [("classification", {}), ("classification", {})]),
            (
                [{"bbox": []}, BOX],
                "MULTI",
                [("classification", {}), ("rectangle", {"x": 1, "y": 2, "w": 10, "h": 20})],
            ),
            (
                [RING | {"segmentation": RING["segmentation"][1:]}, MASK | {"iscrowd": 1}],
                "SEGMENTATION",
                [("polygon", {"polygon": [[0, 0], [4, 0], [4, 4], [0, 4]]})],
            ),
            ([], "NOT_CONFIGURED", None),
        ],
    )
    def test_the_annotations_tell_the_type(self, tmp_path, annotations, dataset_type, shapes):
        coco(tmp_path, *annotations)
        fixture, version = load(tmp_path)
        assert fixture.source == "COCO data set (instances.json)"
        assert (version.type, version.labels) == (dataset_type, ("circle", "square"))
        assert drawn(version) == {
            "a.png": shapes and [(kind, "square", data) for kind, data in shapes],
            "b.png": None,
        }

    def test_a_mask_of_an_image_that_cannot_be_read_is_left_out(self, tmp_path):
        coco(tmp_path, MASK)
        (tmp_path / "a.png").write_bytes(b"damaged")
        version = load(tmp_path)[1]
        assert (version.type, drawn(version)["a.png"]) == ("MASK", None)

    def test_its_annotations_are_taken_only_when_asked_for(self, tmp_path):
        coco(tmp_path, BOX)
        _, version = load(tmp_path, annotated=False)
        assert drawn(version) == {"a.png": None, "b.png": None}
        assert (version.type, version.labels) == ("OBJECT_DETECTION", ("circle", "square"))

    @pytest.mark.parametrize(
        ("declared", "annotation", "kind"),
        [
            ("OBJECT_DETECTION", RING, "rectangle"),
            ("SEGMENTATION", RING, "polygon"),
            ("MULTI", RING, "polygon"),
            ("KEYPOINT", RING, "polygon"),
            ("POINT", POINT, "point"),
            ("LINE", POSE, "line"),
        ],
    )
    def test_the_fixtures_type_wins_where_the_annotations_can_be_read_so(self, tmp_path, declared, annotation, kind):
        coco(tmp_path / "set", annotation)
        write(tmp_path / "fixture.toml", f'[dataset_version]\ntype = "{declared}"\nlabels = ["other"]\n')
        _, version = load(tmp_path / "set", tmp_path)
        shapes = drawn(version)["a.png"]
        assert shapes is not None
        assert {shape[0] for shape in shapes} == {kind}
        assert version.type == (declared if kind != "polygon" or declared == "MULTI" else "SEGMENTATION")
        assert version.labels == ("circle", "square")

    @pytest.mark.parametrize(
        ("file", "image"),
        [
            ("set/a.json", "set/x.png"),
            ("set/a.json", "set/images/x.png"),
            ("set/annotations/a.json", "set/x.png"),
            ("set/annotations/a.json", "set/images/x.png"),
            ("set/annotations/instances_val2017.json", "set/val2017/x.png"),
        ],
    )
    @pytest.mark.parametrize("given", ["file", "folder"])
    def test_where_the_images_lie(self, tmp_path, file, image, given):
        draw(tmp_path / image)
        content = {"images": [{"id": 1, "file_name": "x.png"}], "categories": CATEGORIES, "annotations": []}
        path = write(tmp_path / file, json.dumps(content))
        _, version = load(path if given == "file" else tmp_path / "set")
        assert [found.path for found in version.images] == [tmp_path / image]

    @pytest.mark.parametrize(
        ("wrong", "told"),
        [
            ({"bbox": [1, 2, 3]}, "expected bbox of [x, y, width, height], width and height 0 or more for a rectangle"),
            ({"bbox": [1, 2, 3, -4]}, "found list [1, 2, 3, -4]; correct or remove the annotation"),
            ({"bbox": [1, 2, 3, "4"]}, "found str '4' in it"),
            ({"bbox": [1, 2, 3, True]}, "found bool True in it"),
            ({"bbox": [1, 2, 3, float("nan")]}, "found float nan in it"),
            ({"bbox": 3}, "found int 3"),
            ({"segmentation": [[1, 2, 3, 4]]}, "with 3 points or more for a polygon, found 4 numbers"),
            ({"segmentation": [[1, 2, 3, 4, 5, 6, 7]]}, "found 7 numbers"),
            (
                {"segmentation": [7]},
                "expected segmentation of [[x, y, x, y, x, y, ...], ...] for a polygon, found int 7",
            ),
            ({"segmentation": {"size": [50, 100]}}, "for a mask, found NoneType None"),
            ({"segmentation": {"size": [9, 9], "counts": [81]}}, "expected size [50, 100], as of the image file"),
            ({"segmentation": {"size": [50, 100], "counts": [81]}}, "that cover the 5000 pixels of size [50, 100]"),
            ({"segmentation": {"size": [50, 100], "counts": "~"}}, "expected counts of run lengths"),
            ({"segmentation": {"size": [50, 100], "counts": [-1, 5001]}}, "that cover the 5000 pixels"),
            ({"keypoints": [1, 2]}, "expected keypoints of [x, y, visibility, ...], visibility 0, 1 or 2"),
            ({"keypoints": [1, 2, 3]}, "expected keypoints of [x, y, visibility, ...], visibility 0, 1 or 2"),
        ],
    )
    def test_a_wrong_geometry_is_told(self, tmp_path, wrong, told):
        path = coco(tmp_path, wrong)
        text = mistake(tmp_path)
        assert text.startswith(f"{path}: annotation 0 of 'a.png': expected ")
        assert told in text

    @pytest.mark.parametrize(
        ("change", "told"),
        [
            ({"annotations": [{"image_id": 8, "category_id": 1}]}, "annotations[0]: expected image_id of one of the 2"),
            ({"annotations": [{"image_id": [], "category_id": 1}]}, "found list []; correct the id"),
            (
                {"annotations": [{"image_id": 7, "category_id": 2}]},
                "category_id of one of the 2 categories, found int 2",
            ),
            ({"annotations": [{"image_id": 7}]}, "category_id of one of the 2 categories, found NoneType None"),
            ({"annotations": [3]}, "annotations[0]: expected a table, found int 3"),
            ({"categories": [{"id": 1, "name": ""}]}, 'categories[0]: expected {"id": ..., "name": text}, found dict'),
            ({"categories": [{"id": 1, "name": "a"}, {"id": 1, "name": "b"}]}, "categories[1]: expected each id once"),
            (
                {"categories": [{"id": 1, "name": "a"}, {"id": 2, "name": "a"}]},
                "expected each name once, found 'a' twice",
            ),
            ({"images": [{"file_name": "a.png"}]}, 'images[0]: expected {"id": ..., "file_name": text}'),
            ({"images": []}, "images: expected at least one image, found none"),
            ({"images": [{"id": 1, "file_name": "a.pgn"}]}, "expected images (jpg, jpeg,"),
            ({"images": [{"id": 1, "file_name": "sub/bb.png"}]}, "found 'sub/bb.png'; did you mean 'sub/b.png'?"),
            (
                {"images": [{"id": 1, "file_name": "../a.png"}]},
                "expected file names inside the data set, found '../a.png'",
            ),
            ({"images": [{"id": 1, "file_name": "/a.png"}]}, "expected file names inside the data set, found '/a.png'"),
        ],
    )
    def test_a_wrong_structure_is_told(self, tmp_path, change, told):
        path = coco(tmp_path, **change)
        assert told in mistake(path)

    def test_the_same_image_twice_is_told(self, tmp_path):
        path = coco(tmp_path, images=[{"id": 1, "file_name": "a.png"}, {"id": 2, "file_name": "a.png"}])
        assert "images: expected each file_name once, found 'a.png' twice" in mistake(path)

    @pytest.mark.parametrize(
        ("content", "told"),
        [
            ('{"images": [],\n "a" 1}', ":2:6: expected JSON, found expecting ':' delimiter; write the file again"),
            ("[1]", "expected COCO, with the lists images, categories and annotations, found list [1]"),
            ('{"images": []}', "found keys 'images'; export the annotations as COCO"),
            ("[" * 100_000, "expected JSON"),
        ],
    )
    def test_a_file_that_is_not_coco_is_told(self, tmp_path, content, told):
        assert told in mistake(write(tmp_path / "a.json", content))

    def test_other_json_in_a_folder_is_no_data_set(self, tmp_path):
        draw(tmp_path / "a.png")
        write(tmp_path / "results.json", '{"images": 3}')
        assert load(tmp_path)[0].source == "folder of images"

    def test_a_broken_file_in_a_folder_is_told(self, tmp_path):
        path = coco(tmp_path, BOX)
        path.write_bytes(path.read_bytes()[:-5])
        assert "instances.json:1:" in mistake(tmp_path)

    def test_thousands_of_missing_images_are_told_on_one_screen(self, tmp_path):
        images = [{"id": number, "file_name": f"{number}.png"} for number in range(3000)]
        found = mistakes(coco(tmp_path, images=images))
        assert len(found) == 21
        assert found[-1].endswith("2980 more like the 20 above")

    @untimed
    @given(st.lists(st.integers(0, 100_000), max_size=30))
    def test_run_lengths_survive_packing(self, runs):
        assert runs_of(counts_of(runs)) == runs


def yolo(folder: Path, **labels: str) -> Path:
    """A YOLO data set of a.png and b.png, 100 x 50, with the text files `labels`, by name."""
    for name in ("a", "b"):
        draw(folder / f"images/{name}.png")
    for name, lines in labels.items():
        write(folder / f"labels/{name}.txt", lines)
    write(folder / "data.yaml", "train: images\nnc: 2\nnames: [circle, square]\n")
    return folder


class TestYolo:
    def test_boxes(self, tmp_path):
        yolo(tmp_path, a="1 0.5 0.5 0.2 0.4\n\n0 0.05 0.1 0.3 0.4\r\n", b="")
        fixture, version = load(tmp_path)
        assert fixture.source == "YOLO data set (data.yaml)"
        assert (version.type, version.labels) == ("OBJECT_DETECTION", ("circle", "square"))
        assert drawn(version) == {
            "a.png": [
                ("rectangle", "square", {"x": 40, "y": 15, "w": 20, "h": 20}),
                ("rectangle", "circle", {"x": 0, "y": 0, "w": 20, "h": 15}),
            ],
            "b.png": [],
        }

    def test_an_image_without_a_text_file_has_not_been_annotated(self, tmp_path):
        assert drawn(load(yolo(tmp_path, a="0 .5 .5 .1 .1"))[1])["b.png"] is None

    def test_an_image_without_a_size_has_no_place_for_shapes(self, tmp_path):
        yolo(tmp_path, a="0 .5 .5 .1 .1", b="0 .5 .5 .1 .1")
        (tmp_path / "images/a.png").write_bytes(b"damaged")
        version = load(tmp_path)[1]
        assert drawn(version)["a.png"] is None
        assert len(drawn(version)["b.png"] or ()) == 1

    def test_polygons(self, tmp_path):
        yolo(tmp_path, a="1 0 0 0.5 0 0.5 1.0", b="0 0.1 0.2 0.3 0.2 0.3 0.4 0.1 0.4")
        version = load(tmp_path)[1]
        assert version.type == "SEGMENTATION"
        assert drawn(version) == {
            "a.png": [("polygon", "square", {"polygon": [[0, 0], [50, 0], [50, 50]]})],
            "b.png": [("polygon", "circle", {"polygon": [[10, 10], [30, 10], [30, 20], [10, 20]]})],
        }

    def test_polygons_among_boxes_count_as_the_rectangles_around_them(self, tmp_path):
        yolo(tmp_path, a="1 0 0 0.5 0 0.5 1.0\n1 0.5 0.5 0.2 0.4")
        version = load(tmp_path)[1]
        assert version.type == "OBJECT_DETECTION"
        assert [shape[2] for shape in drawn(version)["a.png"] or ()] == [
            {"x": 0, "y": 0, "w": 50, "h": 50},
            {"x": 40, "y": 15, "w": 20, "h": 20},
        ]

    def test_polygons_are_rectangles_for_a_fixture_of_detection(self, tmp_path):
        yolo(tmp_path / "set", a="1 0 0 0.5 0 0.5 1.0")
        write(tmp_path / "fixture.toml", '[dataset_version]\ntype = "OBJECT_DETECTION"\n')
        version = load(tmp_path / "set", tmp_path)[1]
        assert drawn(version)["a.png"] == [("rectangle", "square", {"x": 0, "y": 0, "w": 50, "h": 50})]

    @pytest.mark.parametrize(
        ("image", "text"),
        [
            ("images/train/a.png", "labels/train/a.txt"),
            ("train/images/a.png", "train/labels/a.txt"),
            ("images/images/a.png", "images/labels/a.txt"),
        ],
    )
    def test_where_the_text_files_lie(self, tmp_path, image, text):
        draw(tmp_path / image)
        draw(tmp_path / "runs/plot.png")
        write(tmp_path / text, "0 .5 .5 .1 .1")
        write(tmp_path / "data.yaml", "names: [a]")
        assert list(drawn(load(tmp_path)[1])) == ["a.png"]
        assert drawn(load(tmp_path)[1])["a.png"]

    @pytest.mark.parametrize("place", ["classes.txt", "labels/classes.txt"])
    @pytest.mark.parametrize("given", ["folder", "file"])
    def test_a_classes_file(self, tmp_path, place, given):
        draw(tmp_path / "images/a.png")
        write(tmp_path / "labels/a.txt", "1 .5 .5 .1 .1")
        path = write(tmp_path / place, "circle\ntraffic light\n\n")
        fixture, version = load(path if given == "file" else tmp_path)
        assert (fixture.source, version.labels) == ("YOLO data set (classes.txt)", ("circle", "traffic light"))
        assert drawn(version)["a.png"] == [("rectangle", "traffic light", {"x": 45, "y": 22, "w": 10, "h": 6})]

    def test_text_files_beside_the_images(self, tmp_path):
        draw(tmp_path / "a.png")
        write(tmp_path / "a.txt", "0 .5 .5 .1 .2")
        write(tmp_path / "README.txt", "not of an image")
        write(tmp_path / "classes.txt", "circle")
        assert len(drawn(load(tmp_path)[1])["a.png"] or ()) == 1

    def test_the_path_in_a_description(self, tmp_path):
        yolo(tmp_path / "data/set", a="0 .5 .5 .1 .2")
        path = write(tmp_path / "set.yaml", "path: data/set # here\nnames:\n  0: circle\n")
        version = load(path)[1]
        assert (version.labels, list(drawn(version))) == (("circle",), ["a.png", "b.png"])

    @pytest.mark.parametrize(
        ("line", "told"),
        [
            ("2 .5 .5 .1 .1", "expected a class index from 0 to 1, found 2"),
            ("-1 .5 .5 .1 .1", "expected a class index from 0 to 1, found -1"),
            ("0.5 .5 .5 .1 .1", "expected a class index from 0 to 1, found 0.5"),
            ("nan .5 .5 .1 .1", "expected a class index from 0 to 1, found nan"),
            ("0 1.2 .5 .1 .1", "expected coordinates from 0 to 1, as shares of the image's size, found 1.2"),
            ("0 .5 -.5 .1 .1", "found -0.5; correct or remove the line"),
            ("0 .5 nan .1 .1", "found nan"),
            ("0 320 240 10 20", "found 320"),
            ("0 .5 .5 .1", "or class and 3 or more points of a polygon, found 4 columns"),
            ("0 .5 .5 .1 .1 .9", "found 6 columns"),
            ("0 .1 .1 .2 .2 .3 .3 .4", "found 8 columns"),
            ("0 .5 .5 .1 x", "expected numbers alone, found '0 .5 .5 .1 x'"),
            ("circle .5 .5 .1 .1", "expected numbers alone"),
        ],
    )
    def test_a_wrong_line_is_told_with_its_number(self, tmp_path, line, told):
        yolo(tmp_path, a=f"0 .5 .5 .1 .1\n\n{line}\n")
        text = mistake(tmp_path)
        assert text.startswith(f"{tmp_path / 'labels/a.txt'}:3: expected ")
        assert told in text

    @pytest.mark.parametrize(
        ("description", "told"),
        [
            ("names: [a, b]\nnc: 3 # three", "nc: expected 2, as many as names, found 3"),
            ("names: [a, a]", "names: expected each class once, found 'a' twice"),
            ("names: []", "names: expected at least one class, found none"),
            ("names:", "names: expected at least one class, found none"),
            ("names: |\n  a", "names: expected names, as a list or as a table from 0 up"),
            ("names:\n  0: a\n  2: b", "found classes [0, 2] instead of 0 to 1"),
            ("names: [a, b]\nkpt_shape: [17, 3]", "kpt_shape: expected boxes or polygons, found key points"),
        ],
    )
    def test_a_wrong_description_is_told(self, tmp_path, description, told):
        write(yolo(tmp_path) / "data.yaml", description)
        assert told in mistake(tmp_path)

    def test_a_wrong_classes_file_is_told(self, tmp_path):
        path = write(tmp_path / "classes.txt", "a\n\na\n")
        draw(tmp_path / "a.png")
        empty, twice = mistakes(path)
        assert f"{path}:2: expected one class name per line, each once, found an empty line" in empty
        assert f"{path}:3: expected one class name per line, each once, found 'a'" in twice

    def test_missing_class_names_missing_images_and_no_utf8_are_told(self, tmp_path):
        yolo(tmp_path, a="0 .5 .5 .1 .1", gone="")
        (tmp_path / "data.yaml").unlink()
        (tmp_path / "labels/b.txt").write_bytes(b"0 .5 .5 .1 .1\n\xff")
        names, text, image = mistakes(tmp_path)
        assert "expected the class names of a YOLO data set, found no data.yaml, no classes.txt" in names
        assert "labels/b.txt:2: expected UTF-8, found 255" in text
        assert "labels/gone.txt: expected an image of the same name in images/, found none" in image

    def test_masks_in_labels_are_no_yolo(self, tmp_path):
        draw(tmp_path / "images/a.png")
        draw(tmp_path / "labels/a.png")
        assert load(tmp_path)[0].source.startswith("folder of images")


@st.composite
def rectangles(draw_: st.DrawFn) -> tuple[tuple[int, int], dict[str, int]]:
    width, height = draw_(st.integers(1, 20_000)), draw_(st.integers(1, 20_000))
    x, y = draw_(st.integers(0, width - 1)), draw_(st.integers(0, height - 1))
    return (width, height), {
        "x": x,
        "y": y,
        "w": draw_(st.integers(1, width - x)),
        "h": draw_(st.integers(1, height - y)),
    }


shares = st.floats(0, 1)


class TestYoloGeometry:
    @untimed
    @given(rectangles())
    def test_a_rectangle_written_as_yolo_is_read_as_it_was(self, case):
        (width, height), data = case
        x, y, w, h = data["x"], data["y"], data["w"], data["h"]
        line = YoloObject("a", ((x + w / 2) / width, (y + h / 2) / height, w / width, h / height))
        assert yolo_shape(line, "OBJECT_DETECTION", (width, height)).data == data

    @untimed
    @given(st.integers(1, 5000), st.integers(1, 5000), shares, shares, shares, shares)
    def test_every_rectangle_lies_in_its_image_and_has_an_extent(self, width, height, x, y, w, h):
        data = yolo_shape(YoloObject("a", (x, y, w, h)), "OBJECT_DETECTION", (width, height)).data
        assert 0 <= data["x"] < data["x"] + data["w"] <= width
        assert 0 <= data["y"] < data["y"] + data["h"] <= height

    @untimed
    @given(st.data(), st.integers(1, 20_000), st.integers(1, 20_000))
    def test_a_polygon_written_as_yolo_is_read_as_it_was(self, data, width, height):
        vertex = st.tuples(st.integers(0, width), st.integers(0, height)).map(list)
        polygon = data.draw(st.lists(vertex, min_size=3, max_size=12))
        line = YoloObject("a", tuple(share for x, y in polygon for share in (x / width, y / height)))
        assert yolo_shape(line, "SEGMENTATION", (width, height)).data == {"polygon": polygon}

    @untimed
    @given(st.lists(st.tuples(shares, shares), min_size=3, max_size=12))
    def test_the_rectangle_around_a_polygon_holds_all_of_it(self, points):
        line = YoloObject("a", tuple(share for point in points for share in point))
        polygon = yolo_shape(line, "SEGMENTATION", (640, 480)).data["polygon"]
        around = yolo_shape(line, "OBJECT_DETECTION", (640, 480)).data
        assert all(
            around["x"] <= x <= around["x"] + around["w"] and around["y"] <= y <= around["y"] + around["h"]
            for x, y in polygon
        )


printable = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"], include_characters=" "), min_size=1)
labels_ = st.lists(printable.map(str.strip).filter(bool), min_size=1, max_size=8)


class TestYamlNames:
    @untimed
    @given(labels_, st.booleans(), st.booleans(), st.booleans())
    def test_names_are_read_as_any_yaml_writer_writes_them(self, labels, flow, as_table, allow_unicode):
        document = {
            "train": "images",
            "names": dict(enumerate(labels)) if as_table else labels,
            "roboflow": {"names": ["other"], "url": "https://example.org"},
        }
        text = yaml.safe_dump(document, default_flow_style=False, allow_unicode=allow_unicode, width=10**9)
        if flow:
            names = yaml.safe_dump(document["names"], default_flow_style=True, allow_unicode=allow_unicode, width=10**9)
            text = f"names: {names}train: images\n"
        assert dataset_yaml.names(dataset_yaml.top_level(text)["names"]) == dict(enumerate(labels))

    @pytest.mark.parametrize(
        "text",
        [
            "names: ['a',\n  \"b\",\n  no ]\nnc: 3",
            "names: [ # the classes\n a, # first\n b, no,]",
            "names: # the classes\n- a\n# between\n-   b # second\n- 'no'\n",
            "---\n'names':\n    0: a\n    1 : b\n    2: no\ndownload: |\n  names: [x]\n",
            "names: {0: a, 1: 'b', 2: no}",
        ],
    )
    def test_names_as_people_write_them(self, text):
        assert dataset_yaml.names(dataset_yaml.top_level(text)["names"]) == {0: "a", 1: "b", 2: "no"}

    @pytest.mark.parametrize(
        "text",
        [
            "[[a]]",
            "&x [a]",
            "*x",
            "|\n  a",
            ">\n a",
            "a",
            "{a: b}",
            "- a: b",
            "[a",
            "['a]",
            "{0: a, 0: b}",
            '["\\q"]',
            "!!set {a}",
        ],
    )
    def test_what_is_not_understood_is_refused(self, text):
        with pytest.raises(dataset_yaml.NotUnderstoodError):
            dataset_yaml.names(text)

    @untimed
    @given(st.text())
    def test_any_text_is_read_or_refused(self, text):
        for value in dataset_yaml.top_level(text).values():
            try:
                dataset_yaml.names(value)
            except dataset_yaml.NotUnderstoodError:
                continue


def voc(*objects: str, filename: str = "a.png") -> str:
    return f"<annotation><filename>{filename}</filename>{''.join(objects)}</annotation>"


def box(label: str = "circle", **changed: Any) -> str:
    sides = {"xmin": 1, "ymin": 2, "xmax": 11, "ymax": 22} | changed
    inner = "".join(f"<{side}>{value}</{side}>" for side, value in sides.items() if value is not None)
    return f"<object><name>{label}</name><bndbox>{inner}</bndbox></object>"


def polygon(count: int = 3) -> str:
    inner = "".join(
        f"<x{point}>{point * 10}</x{point}><y{point}>{point * point}</y{point}>" for point in range(1, count + 1)
    )
    return f"<object><name>square</name><polygon>{inner}</polygon></object>"


class TestPascalVoc:
    @pytest.mark.parametrize("given", [".", "Annotations"])
    def test_the_two_folders(self, tmp_path, given):
        draw(tmp_path / "JPEGImages/a.png")
        draw(tmp_path / "JPEGImages/b.png")
        draw(tmp_path / "JPEGImages/c.png")
        draw(tmp_path / "SegmentationClass/a.png")
        write(tmp_path / "Annotations/a.xml", voc(box("square"), box(xmin=3.5), filename="stale name.jpg"))
        write(tmp_path / "Annotations/b.xml", voc(filename="b.png"))
        fixture, version = load(tmp_path / given)
        assert (fixture.source, version.type) == ("Pascal VOC data set", "OBJECT_DETECTION")
        assert version.labels == ("circle", "square")
        assert drawn(version) == {
            "a.png": [
                ("rectangle", "square", {"x": 1, "y": 2, "w": 10, "h": 20}),
                ("rectangle", "circle", {"x": 4, "y": 2, "w": 7, "h": 20}),
            ],
            "b.png": [],
            "c.png": None,
        }

    def test_files_beside_the_images(self, tmp_path):
        for split, label in (("train", "circle"), ("val", "square")):
            draw(tmp_path / split / "a.png")
            write(tmp_path / split / "a.xml", voc(box(label)))
        assert {name: (shapes or [()])[0][1] for name, shapes in drawn(load(tmp_path)[1]).items()} == {
            "train__a.png": "circle",
            "val__a.png": "square",
        }

    def test_the_file_name_in_the_file_counts_where_its_own_tells_nothing(self, tmp_path):
        draw(tmp_path / "a.png")
        write(tmp_path / "0001.xml", voc(box()))
        assert drawn(load(tmp_path)[1])["a.png"]

    def test_polygons(self, tmp_path):
        draw(tmp_path / "a.png")
        write(tmp_path / "a.xml", voc(polygon()))
        version = load(tmp_path)[1]
        assert version.type == "SEGMENTATION"
        assert drawn(version)["a.png"] == [("polygon", "square", {"polygon": [[10, 1], [20, 4], [30, 9]]})]

    def test_polygons_among_boxes_count_as_the_rectangles_around_them(self, tmp_path):
        draw(tmp_path / "a.png")
        write(tmp_path / "a.xml", voc(polygon(), box()))
        version = load(tmp_path)[1]
        assert version.type == "OBJECT_DETECTION"
        assert (drawn(version)["a.png"] or [])[0] == ("rectangle", "square", {"x": 10, "y": 1, "w": 20, "h": 8})

    @pytest.mark.parametrize(
        ("content", "told"),
        [
            (voc(box(xmin=12)), "object 1: expected xmax and ymax no less than xmin and ymin, found 12, 2 to 11, 22"),
            (voc(box(), box(ymax=None)), "object 2: expected <ymax> with a number in <bndbox>, found none"),
            (voc(box(ymax="x")), "expected <ymax> with a number in <bndbox>, found 'x'"),
            (voc(box(ymax="inf")), "found 'inf'"),
            (voc(box("")), "expected <name>, the label, found none"),
            (voc("<object><name>a</name></object>"), "expected <bndbox> or <polygon>, found neither"),
            (voc(polygon(2)), "expected <polygon> of x1, y1, x2, y2, x3, y3 and so on, found 4 coordinates"),
            ("<annotation>\n <a></b></annotation>", "a.xml:2:7: expected XML, found mismatched tag"),
            ("<annotations/>", "a.xml: expected <annotation>, found <annotations>"),
            ('<?xml version="1.0" encoding="martian"?><annotation/>', "a.xml: expected XML, found unknown encoding"),
        ],
    )
    def test_a_wrong_file_is_told(self, tmp_path, content, told):
        draw(tmp_path / "a.png")
        write(tmp_path / "a.xml", content)
        assert told in mistake(tmp_path)

    def test_entities_do_not_expand(self, tmp_path):
        draw(tmp_path / "a.png")
        laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 20))
        write(tmp_path / "a.xml", f'<!DOCTYPE annotation [<!ENTITY l0 "ha">{laughs}]>{voc(box("&l19;"))}')
        assert (
            "a.xml: expected XML without a document type, found <!DOCTYPE annotation>; remove the document type"
            in mistake(tmp_path)
        )

    def test_a_missing_image_and_two_files_of_one_image_are_told(self, tmp_path):
        draw(tmp_path / "JPEGImages/a.png")
        write(tmp_path / "Annotations/a.xml", voc(box()))
        write(tmp_path / "Annotations/c.xml", voc(box(), filename="a.png"))
        write(tmp_path / "Annotations/d.xml", voc(box(), filename="d.png"))
        twice, missing = mistakes(tmp_path)
        assert "c.xml: expected one XML file per image, found another one of 'a.png'" in twice
        assert "d.xml: expected a known image in" in missing
        assert "found 'd.png'; did you mean 'a.png'?" in missing


class TestClassificationFolders:
    def test_splits_with_the_same_classes(self, tmp_path):
        for name in ("train/cat/1.png", "train/dog/2.png", "val/cat/3.png", "test/dog/2.png"):
            draw(tmp_path / name)
        fixture, version = load(tmp_path)
        assert (fixture.source, version.type) == ("classification folders (2 classes)", "CLASSIFICATION")
        assert version.labels == ("cat", "dog")
        assert drawn(version) == {
            "test__dog__2.png": [("classification", "dog", {})],
            "1.png": [("classification", "cat", {})],
            "train__dog__2.png": [("classification", "dog", {})],
            "3.png": [("classification", "cat", {})],
        }

    def test_folders_that_a_classes_file_names(self, tmp_path):
        draw(tmp_path / "cat/1.png")
        draw(tmp_path / "dog/2.png")
        write(tmp_path / "classes.txt", "dog\ncat\nbird\n")
        version = load(tmp_path)[1]
        assert (version.type, version.labels) == ("CLASSIFICATION", ("dog", "cat", "bird"))

    def test_a_folder_that_the_classes_file_does_not_name_is_told(self, tmp_path):
        draw(tmp_path / "cats/1.png")
        write(tmp_path / "classes.txt", "dog\ncat\n")
        assert "expected a known label, found 'cats'; did you mean 'cat'?" in mistake(tmp_path)

    def test_folders_for_a_fixture_of_classification(self, tmp_path):
        draw(tmp_path / "set/cat/1.png")
        write(tmp_path / "fixture.toml", '[dataset_version]\ntype = "CLASSIFICATION"\n')
        version = load(tmp_path / "set", tmp_path)[1]
        assert (version.labels, drawn(version)) == (("cat",), {"1.png": [("classification", "cat", {})]})

    @pytest.mark.parametrize(
        "names",
        [
            ("camera-1/1.png", "camera-2/2.png"),
            ("train/cat/1.png", "val/dog/2.png"),
            ("train/images/1.png", "train/masks/1.png", "val/images/2.png", "val/masks/2.png"),
            ("cat/1.png", "dog/2.png", "3.png"),
            ("train/images/1.png", "val/images/2.png"),
        ],
    )
    def test_folders_that_may_mean_anything_are_no_classes(self, tmp_path, names):
        for name in names:
            draw(tmp_path / name)
        fixture, version = load(tmp_path)
        assert fixture.source.startswith("folder of images")
        assert (version.type, version.labels, len(version.images)) == ("NOT_CONFIGURED", (), len(names))


class TestRecognition:
    def test_two_data_sets_in_a_folder_are_refused(self, tmp_path):
        coco(yolo(tmp_path), BOX)
        text = mistake(tmp_path)
        assert "expected one data set, found COCO (" in text
        assert f"and YOLO ({tmp_path / 'data.yaml'}); give the path of the one you mean" in text

    def test_the_file_of_one_chooses_it(self, tmp_path):
        coco(yolo(tmp_path), BOX)
        assert load(tmp_path / "data.yaml")[0].source == "YOLO data set (data.yaml)"
        assert load(tmp_path / "instances.json")[0].source == "COCO data set (instances.json)"

    def test_settings_in_yaml_and_xml_are_no_data_sets(self, tmp_path):
        draw(tmp_path / "a.png")
        write(tmp_path / "config.yaml", "train: 3")
        write(tmp_path / "page.xml", "<page/>")
        assert load(tmp_path)[0].source == "folder of images"
