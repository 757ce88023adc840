"""Processings that behave in every way the framework has to cope with."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import threading
import time
from uuid import uuid4

from picsellia import Client
from picsellia.sdk.dataset_version import DatasetVersion
from picsellia_processing import (
    AutoAnnotation,
    Classification,
    Image,
    JobContext,
    Labels,
    Line,
    Parameters,
    Polygon,
    Rectangle,
    Sample,
    SkipAsset,
    auto_annotation,
    pre_annotation,
)
from picsellia_processing.image import AssetReference
from picsellia_processing.stream import stream

WHOLE = [Rectangle("thing", 0, 0, 10, 10)]


@pre_annotation
def in_shares(image: Image) -> list[Rectangle]:
    return [Rectangle("thing", 0.2, 0.2, 0.5, 0.5)]


@pre_annotation(batch_size=8)
def stumbles(images: list[Image]) -> list[list[Rectangle]]:
    if any(image.filename == "13.jpg" for image in images):
        raise ValueError("thirteen")
    if any(image.filename == "17.jpg" for image in images):
        raise SkipAsset("seventeen is left out")
    return [WHOLE for _ in images]


@pre_annotation
def one_by_one(image: Image) -> list[Rectangle]:
    return WHOLE


@pre_annotation
def everything_fails(image: Image) -> list[Rectangle]:
    raise RuntimeError("nothing works")


@pre_annotation
def drives(context: JobContext) -> None:
    for batch in context.images(batch_size=4):
        for image in batch:
            if image.filename != "03.jpg":
                context.write(image, WHOLE)


@pre_annotation(existing="replace")
def sees_samples(samples: list[Sample]) -> list[list[Rectangle]]:
    return [[Rectangle(shape.label, 1, 2, 3, 4) for shape in sample.annotations] for sample in samples]


class Accepts(AutoAnnotation[Parameters]):
    batch_size = 5

    def setup(self, context: JobContext) -> None:
        self.seen = context.target_name

    def process(self, images: list[Image]) -> list[list[Rectangle]]:
        assert self.seen
        return [WHOLE for _ in images]

    def teardown(self) -> None:
        print("teardown was called")


@auto_annotation
def accepts(image: Image) -> list[Rectangle]:
    return WHOLE


@pre_annotation
def names(image: Image) -> list[Rectangle]:
    return [Rectangle(name, 0, 0, 10, 10, 0.9) for name in ("Thing", "thong", "zebra")]


@pre_annotation
def outlines(image: Image) -> list[Polygon]:
    return [Polygon("thing", [(0, 0), (10, 0), (10, 10)])]


@pre_annotation
def classifies(image: Image) -> list[Classification]:
    return [Classification("thing", 0.7)]


@pre_annotation
def unannounced(image: Image):
    return [Polygon("thing", [(0, 0), (10, 0), (10, 10)])]


@pre_annotation
def too_few(images: list[Image]) -> list[list[Rectangle]]:
    return [WHOLE for _ in images[1:]]


@pre_annotation
def server_object(image: Image, client: Client):
    from picsellia.sdk.rectangle import Rectangle as ServerRectangle

    some_id = uuid4()
    content = {"id": some_id, "x": 1, "y": 2, "w": 3, "h": 4, "label": {"id": some_id, "name": "thing"}}
    return [ServerRectangle(client.connection, some_id, some_id, content)]


@pre_annotation
def labels_only(image: Image, labels: Labels) -> list[Rectangle]:
    assert "THING" in labels
    assert "zebra" not in labels
    return WHOLE


@pre_annotation
def exits(image: Image) -> list[Rectangle]:
    raise SystemExit(0)


@pre_annotation
def exits_at_once(image: Image) -> list[Rectangle]:
    os._exit(0)


@pre_annotation
def slow(image: Image) -> list[Rectangle]:
    time.sleep(0.2)
    return WHOLE


@pre_annotation(batch_size=4)
def many_boxes(images: list[Image]) -> list[list[Rectangle]]:
    return [[Rectangle("thing", column, 1, 2, 3) for column in range(90)] for _ in images]


@pre_annotation
def lines(image: Image) -> list[Line]:
    return [Line("thing", [(0, 0), (10, 10)])]


@pre_annotation
def forks(context: JobContext) -> None:
    forking = multiprocessing.get_context("fork")
    ended, left_behind = (forking.Process(target=time.sleep, args=[3600], daemon=True) for _ in range(2))
    ended.start()
    left_behind.start()
    for batch in context.images():
        context.write(batch[0], WHOLE)
    ended.terminate()
    ended.join()


@pre_annotation
def lines_beside_a_person(image: Image, version: DatasetVersion) -> list[Line]:
    if image.filename == "07.jpg":
        annotation = version.find_asset(filename=image.filename).create_annotation()
        annotation.create_line([[1, 1], [50, 50]], version.get_label("thing"))
    return [Line("thing", [(0, 0), (10, 10)])]


@pre_annotation
def leaves_while_the_storage_hangs(context: JobContext) -> None:
    calls, hangs = itertools.count(), threading.Event()
    fetch = stream.fetch

    def hang(client: Client, reference: AssetReference) -> bytes:
        if next(calls):
            hangs.set()
            threading.Event().wait()
        return fetch(client, reference)

    stream.fetch = hang
    for [image] in context.images():
        context.write(image, WHOLE)
        hangs.wait()
        break


@pre_annotation
def remembers_everything(context: JobContext) -> None:
    for [image] in context.images():
        context.write(image, WHOLE)
        context.metadata[image.filename] = "x" * 200_000
