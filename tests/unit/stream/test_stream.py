from __future__ import annotations

import io
import itertools
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from picsellia.sdk.dataset_version import DatasetVersion
from picsellia_processing.context import JobContext
from picsellia_processing.errors import ResultError, SkipAsset
from picsellia_processing.geometry import encode_rle
from picsellia_processing.image import AssetReference, Image, Sample
from picsellia_processing.sdk.annotations import StoredAnnotation, load_shapes
from picsellia_processing.sdk.assets import pages
from picsellia_processing.signature import Items
from picsellia_processing.stream.stream import Stream, StreamOptions
from picsellia_processing.stream.tally import Tally
from picsellia_processing.task import Page, Record, RejectedError
from PIL import Image as Pillow

from ..sdk.platform_script import VERSION, asset, version
from ..sdk.scripted_server import Script, reply
from .watchdog import within_patience

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from picsellia import Client
    from picsellia_processing.task import Drawn

COUNT = 10
MANY = Items(Image, batched=True)
ONE = Items(Image, batched=False)


class Written:
    """An Output that keeps what it is given."""

    chunk = 100
    done = "already there"

    def __init__(self, version: DatasetVersion) -> None:
        self.version = version
        self.results: dict[str, Any] = {}

    def pages(self) -> Iterator[Page]:
        return pages(self.version, None)

    def load_shapes(self, references: Sequence[AssetReference]) -> dict[str, Drawn]:
        return load_shapes(self.version, {each.id: (each.width, each.height) for each in references})

    def finish(self, result: Any) -> dict[str, int]:
        return {}

    def pending(self, references: Sequence[AssetReference]) -> list[AssetReference]:
        return list(references)

    def record(self, image: Image, result: Any) -> Record:
        return Record(image.asset, {"result": result})

    def write(self, records: Sequence[Record]) -> None:
        self.results |= {record.reference.filename: record.payload["result"] for record in records}


class Rig:
    """A stream over ten assets, three of them named in the tests."""

    def __init__(self, script: Script, client: Client) -> None:
        jpeg = io.BytesIO()
        Pillow.new("RGB", (64, 48)).save(jpeg, "JPEG")
        items = [asset(number, presigned_url=f"{script.url}/blob/{number}.jpg") for number in range(COUNT)]
        script.routes[f"/api/dataset/version/{VERSION}/assets"] = {"items": items, "count": COUNT}
        script.routes |= {f"/blob/{number}.jpg": reply(200, jpeg.getvalue()) for number in range(COUNT)}
        dataset = DatasetVersion(client.connection, version())
        context = JobContext(
            client=client,
            job=None,
            type=None,
            target_type="DATASET_VERSION",
            folder=Path("nowhere"),
            dataset_version=dataset,
        )
        self.failures: dict[str, tuple[str, str]] = {}
        self.tally = Tally(1, lambda asset, *failure: self.failures.update({asset.filename: failure}))
        self.output = Written(dataset)
        options = StreamOptions(batch_size=4, fetch_threads=2)
        self.stream = Stream(context, self.output, self.tally, options, stopping=threading.Event())

    def run(self, call: Callable[[Any], Any], items: Items = MANY) -> dict[str, Any]:
        within_patience(lambda: self.stream.run(call, items))
        assert self.tally.done == COUNT
        return self.output.results


@pytest.fixture
def rig(script: Script, client: Client) -> Rig:
    return Rig(script, client)


def names(*, without: int = -1) -> set[str]:
    return {f"{number}.jpg" for number in range(COUNT) if number != without}


def fails_on_three(image: Image) -> str:
    if image.filename == "3.jpg":
        raise ValueError("three")
    return image.filename


def test_results_go_to_their_images(rig: Rig) -> None:
    assert rig.run(lambda images: [image.filename for image in images]) == {name: name for name in names()}


@pytest.mark.parametrize(
    ("call", "items"),
    [
        (lambda images: [fails_on_three(image) for image in images], MANY),
        (lambda images: [(fails_on_three(each) for each in [image]) for image in images], MANY),
        (lambda images: (fails_on_three(image) for image in images), MANY),
        (lambda images: map(fails_on_three, images), MANY),
        (lambda image: [fails_on_three(image)], ONE),
        (lambda image: (fails_on_three(each) for each in [image]), ONE),
    ],
    ids=["list", "list-of-generators", "generator", "map", "one", "one-generator"],
)
def test_an_error_costs_its_image_alone_even_a_late_one(rig: Rig, call: Callable[[Any], Any], items: Items) -> None:
    assert set(rig.run(call, items)) == names(without=3)
    assert list(rig.failures) == ["3.jpg"]
    stage, reason = rig.failures["3.jpg"]
    assert stage == "process"
    assert reason.startswith("ValueError: three (test_stream.py:")


def test_an_error_in_a_result_that_is_made_as_it_is_read_costs_its_image_alone(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Lazy:
        def __init__(self, image: Image) -> None:
            self.image = image

        def __iter__(self) -> Iterator[str]:
            return iter([fails_on_three(self.image)])

    monkeypatch.setattr(rig.output, "record", lambda image, result: Record(image.asset, {"result": list(result)}))
    assert rig.run(Lazy, ONE) == {name: [name] for name in names(without=3)}
    stage, reason = rig.failures["3.jpg"]
    assert stage == "process"
    assert reason.startswith("ValueError: three (test_stream.py:")


@pytest.mark.parametrize("closed", [True, False])
def test_an_error_costs_its_image_alone_where_nothing_can_be_printed(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, closed: bool
) -> None:
    stream = io.StringIO()
    stream.close()
    monkeypatch.setattr(sys, "stderr", stream if closed else None)
    assert set(rig.run(fails_on_three, ONE)) == names(without=3)
    assert list(rig.failures) == ["3.jpg"]


def test_an_error_that_cannot_be_shown_costs_its_image_alone(rig: Rig) -> None:
    class UnspeakableError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    def annotate(image: Image) -> str:
        if image.filename == "3.jpg":
            raise UnspeakableError
        return image.filename

    assert set(rig.run(annotate, ONE)) == names(without=3)
    assert rig.failures["3.jpg"][1].startswith("UnspeakableError: its message cannot be shown (test_stream.py:")


def test_a_generator_function(rig: Rig) -> None:
    def annotate(image: Image) -> Iterator[str]:
        yield "a"
        yield fails_on_three(image)

    assert rig.run(annotate, ONE) == {name: ["a", name] for name in names(without=3)}


def test_leaving_one_out_on_purpose(rig: Rig) -> None:
    def annotate(images: list[Image]) -> list[str]:
        if any(image.filename == "3.jpg" for image in images):
            raise SkipAsset("too dark")
        return ["x"] * len(images)

    assert set(rig.run(annotate)) == names(without=3)
    assert rig.tally.skipped == {"too dark": 1}


def test_what_the_author_does_to_the_list_is_his_own_business(rig: Rig) -> None:
    def annotate(samples: list[Any]) -> list[str]:
        found = ["x" for _ in samples]
        samples.clear()
        return found

    assert set(rig.run(annotate)) == names()


def test_what_the_author_does_to_a_list_of_samples(rig: Rig, script: Script) -> None:
    script.routes[f"/api/dataset/version/{VERSION}/annotations/ids"] = []

    def annotate(samples: list[Sample]) -> list[str]:
        found = [sample.image.filename for sample in samples]
        samples.clear()
        return found

    assert rig.run(annotate, Items(Sample, batched=True)) == {name: name for name in names()}


@pytest.mark.parametrize("driven", [False, True])
def test_a_result_that_the_platform_refuses_costs_its_image_alone(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, driven: bool
) -> None:
    def record(image: Image, result: Any) -> Record:
        if image.filename == "3.jpg":
            raise RejectedError("no such label")
        return Record(image.asset, {"result": result})

    def drive() -> None:
        for [image] in rig.stream.images(1):
            rig.stream.write(image, image.filename)

    monkeypatch.setattr(rig.output, "record", record)
    if driven:
        within_patience(lambda: rig.stream.drive(drive))
    else:
        rig.run(lambda image: image.filename, ONE)
    assert rig.output.results == {name: name for name in names(without=3)}
    assert rig.failures == {"3.jpg": ("write", "no such label")}


def test_an_annotation_that_cannot_be_read_costs_its_image_alone(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = StoredAnnotation("PENDING", (), (("car", "0"),), (64, 48))
    whole = StoredAnnotation("PENDING", (), (("car", encode_rle(np.ones((48, 64), bool))),), (64, 48))
    monkeypatch.setattr(
        rig.output,
        "load_shapes",
        lambda references: {each.id: (broken if each.filename == "3.jpg" else whole).shapes for each in references},
    )
    found = rig.run(lambda sample: sample.annotations[0].pixels.all(), Items(Sample, batched=False))
    assert found == dict.fromkeys(names(without=3), True)
    assert rig.failures == {"3.jpg": ("decode", "the mask's runs cover 0 pixels, not the 3072 of 64 x 48")}


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        (None, "found NoneType for 4 images"),
        ("abcd", "found str for 4 images"),
        ({}, "found dict"),
        ([], "found 0 for 4 images"),
        (range(5), "found range"),
        (iter(range(5)), "found 5 for 4 images"),
    ],
    ids=range(6),
)
def test_a_wrong_number_of_results_is_a_mistake_of_the_code(rig: Rig, returned: Any, said: str) -> None:
    with pytest.raises(ResultError, match=said):
        rig.run(lambda _: returned)


@pytest.mark.parametrize("size", [0, -1])
def test_a_driver_cannot_ask_for_batches_of_none(rig: Rig, size: int) -> None:
    with pytest.raises(ValueError, match=f"a batch of {size} is none"):
        within_patience(lambda: rig.stream.drive(lambda: list(rig.stream.images(size))))


def test_a_driver_reads_and_writes(rig: Rig) -> None:
    def annotate() -> None:
        for images in rig.stream.images(4):
            for image in images:
                if image.filename != "3.jpg":
                    rig.stream.write(image, image.filename)

    within_patience(lambda: rig.stream.drive(annotate))
    assert rig.output.results == {name: name for name in names(without=3)}
    assert rig.tally.done == COUNT
    assert rig.tally.skipped == {"the processing wrote nothing for it": 1}


def test_a_driver_may_go_through_the_images_again(rig: Rig, script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    def seen(images: Iterable[list[Image]]) -> set[str]:
        return {image.filename for batch in images for image in batch}

    def annotate() -> None:
        assert (
            seen(itertools.islice(rig.stream.images(1), 2)) < seen(rig.stream.images(4)) == names() - {"1.jpg", "3.jpg"}
        )
        for [image] in rig.stream.images(1):
            rig.stream.write(image, image.filename)

    script.routes["/blob/3.jpg"] = reply(200, b"no image")
    monkeypatch.setattr(
        rig.output, "pending", lambda references: [each for each in references if each.filename != "1.jpg"]
    )
    within_patience(lambda: rig.stream.drive(annotate))
    assert (rig.tally.processed, rig.tally.failed, rig.tally.skipped) == (COUNT - 2, 1, {"already there": 1})


@pytest.mark.parametrize("count", [1, 3, COUNT + 1])
def test_a_driver_may_look_at_the_first_images_alone(rig: Rig, script: Script, count: int) -> None:
    """Those listed first, however late they come."""
    at_once = script.routes["/blob/0.jpg"]
    script.routes["/blob/0.jpg"] = lambda handler: (time.sleep(0.3), at_once(handler))
    seen: list[str] = []
    within_patience(lambda: rig.stream.drive(lambda: seen.extend(i.filename for [i] in rig.stream.images(1, count))))
    assert sorted(seen) == sorted(names())[:count]
    assert rig.tally.stages["fetch"].items == min(count, COUNT), "no other image is fetched"


def test_a_driver_decides_once_it_has_seen_every_image(rig: Rig) -> None:
    def curate() -> None:
        seen = [image.asset for images in rig.stream.images(4) for image in images]
        for kept in seen[::2]:
            rig.stream.keep(kept)
        rig.stream.skip("every other one", len(seen[1::2]))

    within_patience(lambda: rig.stream.drive(curate))
    assert len(rig.output.results) == COUNT // 2
    assert all(kept.filename == name and not kept.pixels.size for name, kept in rig.output.results.items())
    assert rig.tally.done == COUNT
    assert rig.tally.skipped == {"every other one": COUNT // 2}


def test_a_driver_decides_nothing_when_stopped_before_the_last_image(rig: Rig) -> None:
    def curate() -> None:
        seen = []
        for images in rig.stream.images(4):
            seen += images
            rig.stream.write(images[0], "seen")
            rig.stream.stop()
        rig.output.results["decided"] = len(seen)

    within_patience(lambda: rig.stream.drive(curate))
    assert list(rig.output.results.values()) == ["seen"], "what was handed over is written, and nothing is decided"


def test_a_driver_writes_one_result_for_an_image_and_is_told_of_a_second(rig: Rig) -> None:
    def annotate() -> None:
        for images in rig.stream.images(4):
            for image in images:
                rig.stream.write(image, image.filename)
            rig.stream.write(images[0], "more")

    with pytest.raises(ResultError, match=r"a second result for \d.jpg, which would be lost"):
        within_patience(lambda: rig.stream.drive(annotate))
    assert "more" not in rig.output.results.values()


def test_a_driver_may_write_again_on_going_through_the_images_again(rig: Rig) -> None:
    def annotate() -> None:
        for text in ("first", "second"):
            for [image] in rig.stream.images(1):
                rig.stream.write(image, text)

    within_patience(lambda: rig.stream.drive(annotate))
    assert rig.output.results == dict.fromkeys(names(), "second")


@pytest.mark.parametrize(
    ("chosen", "found"),
    [(lambda sample: sample, "Sample"), (lambda sample: Image(sample.image.pixels), "one made by the processing")],
)
def test_a_driver_writes_for_what_was_handed_out(rig: Rig, chosen: Callable[[Sample], Any], found: str) -> None:
    def annotate() -> None:
        for [image] in rig.stream.images(1):
            rig.stream.write(chosen(Sample(image)), "x")

    with pytest.raises(ResultError, match=f"for an image that was handed out.* found {found}"):
        within_patience(lambda: rig.stream.drive(annotate))


def test_nobody_drives_while_images_are_streamed_or_before(rig: Rig) -> None:
    image = Image(np.zeros((1, 1, 3), np.uint8))
    for attempt in (
        lambda: list(rig.stream.images(1)),
        lambda: rig.stream.write(image, []),
        lambda: rig.stream.keep(AssetReference("1", "1.jpg")),
        lambda: rig.stream.skip("no reason", 1),
    ):
        with pytest.raises(RuntimeError, match="only while the processing's own function runs"):
            attempt()

    def annotate(images: list[Image]) -> list[str]:
        for batch in rig.stream.images(1):
            raise AssertionError(batch)
        return ["x" for _ in images]

    assert rig.run(annotate) == {}
    assert all("only while the processing's own function runs" in reason for _, reason in rig.failures.values())
