from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any

import pytest
from picsellia.sdk.dataset_version import DatasetVersion
from picsellia.sdk.model_version import ModelVersion
from picsellia_processing import (
    Depends,
    Image,
    Input,
    JobContext,
    Labels,
    ModelFile,
    Parameters,
    PreAnnotation,
    Processing,
    Rectangle,
    pre_annotation,
)
from picsellia_processing.errors import JobError
from picsellia_processing.injection import Injector, bound
from picsellia_processing.parameters import resolve

VERSION = SimpleNamespace(name="birds", version="v1")


class Settings(Parameters):
    confidence: float = 0.5


class Other(Parameters):
    size: int = 1


def context(**more: Any) -> JobContext:
    given = {
        "target_type": "DATASET_VERSION",
        "folder": Path("nowhere"),
        "dataset_version": VERSION,
        "labels": Labels(("car",)),
    }
    return JobContext(client="client", job="job", type=None, **{**given, **more})


def run(
    processing: Processing[..., Any],
    job: JobContext | None = None,
    *items: Any,
    files: Sequence[ModelFile] | None = None,
    **given: Any,
) -> Any:
    """Bind and call once, as a worker does; without `files`, with those that are required."""
    processing.check()
    resources = ExitStack()
    parameters = resolve(processing.parameter_models, given, processing.defaults)
    if files is None:
        files = [file for file in processing.model_files if file.required]
    downloaded = {file: Path("/models") / file.name for file in files}
    injector = Injector(job or context(), parameters, downloaded, resources)
    with bound(processing, injector, resources) as call:
        return call(*(items or ([],)))


def test_everything_that_can_be_asked_for() -> None:
    @pre_annotation
    def annotate(
        images: list[Image],
        settings: Settings,
        weights: Annotated[Path, ModelFile("weights")],
        where: Annotated[int, Input("where")],
        job: JobContext,
        labels: Labels,
        version: DatasetVersion,
        size: int = 7,
        *,
        other: Other = Other(size=9),  # noqa: B008
    ) -> Any:
        return images, settings, weights, where, job, labels, version, size, other

    job = context(inputs={"where": "3"})
    images, settings, weights, where, given, labels, version, size, other = run(annotate, job, ["i"], confidence=1)
    assert (images, settings, weights, where) == (["i"], Settings(confidence=1), Path("/models/weights"), 3)
    assert given is job
    assert labels is job.labels
    assert version is VERSION
    assert (size, other) == (7, Other(size=1))


def test_who_drives_is_called_with_nothing() -> None:
    @pre_annotation
    def annotate(job: JobContext) -> Any:
        return job

    annotate.check()
    resources, job = ExitStack(), context()
    with bound(annotate, Injector(job, [], {}, resources), resources) as call:
        assert call() is job


def provider(name: str, said: list[str], *needs: Callable[..., Any]) -> Callable[..., Iterator[str]]:
    def made(**others: str) -> Iterator[str]:
        said.append(f"+{name}")
        yield name
        said.append(f"-{name}")

    def plain(a=None, b=None) -> Iterator[str]:
        yield from made(a=a, b=b)

    plain.__annotations__ = {key: Annotated[str, Depends(each)] for key, each in zip("ab", needs, strict=False)}
    return plain


def test_providers_are_made_once_and_torn_down_in_reverse() -> None:
    said: list[str] = []
    first = provider("first", said)
    second = provider("second", said, first)
    third = provider("third", said, first, second)

    @pre_annotation
    def annotate(
        images: list[Image], three: Annotated[str, Depends(third)], one: Annotated[str, Depends(first)]
    ) -> list[list[Rectangle]]:
        said.append(f"{three} {one}")
        return []

    run(annotate)
    assert said == ["+first", "+second", "+third", "third first", "-third", "-second", "-first"]


def test_teardown_runs_after_a_failure_too_without_try() -> None:
    said: list[str] = []
    made = provider("model", said)

    @pre_annotation
    def annotate(image: Image, model: Annotated[str, Depends(made)]) -> list[Rectangle]:
        raise ValueError("the author's")

    with pytest.raises(ValueError, match="the author's"):
        run(annotate)
    assert said == ["+model", "-model"]


def test_a_provider_cannot_hide_a_failure() -> None:
    def model() -> Iterator[int]:
        with suppress(BaseException):
            yield 1

    @pre_annotation
    def annotate(image: Image, model: Annotated[int, Depends(model)]) -> list[Rectangle]:
        raise ValueError("the author's")

    with pytest.raises(ValueError, match="the author's"):
        run(annotate)


def test_what_was_made_is_torn_down_when_the_next_provider_fails() -> None:
    said: list[str] = []
    first = provider("first", said)

    def second(one: Annotated[str, Depends(first)]) -> int:
        raise ValueError("no GPU")

    @pre_annotation
    def annotate(image: Image, two: Annotated[int, Depends(second)]) -> list[Rectangle]: ...

    with pytest.raises(ValueError, match="no GPU"):
        run(annotate)
    assert said == ["+first", "-first"]


def test_one_teardown_that_fails_does_not_keep_the_others_from_running() -> None:
    said: list[str] = []
    first = provider("first", said)

    def second(one: Annotated[str, Depends(first)]) -> Iterator[int]:
        yield 1
        raise ValueError("cannot close")

    @pre_annotation
    def annotate(image: Image, two: Annotated[int, Depends(second)]) -> list[Rectangle]: ...

    with pytest.raises(ValueError, match="cannot close"):
        run(annotate)
    assert said == ["+first", "-first"]


def test_a_provider_yields_once() -> None:
    def twice() -> Iterator[int]:
        yield 1
        yield 2

    def never() -> Iterator[int]:
        yield from ()

    for made, said in ((twice, "yields more than once"), (never, "yields nothing")):

        @pre_annotation
        def annotate(image: Image, number: Annotated[int, Depends(made)]) -> list[Rectangle]: ...

        with pytest.raises(RuntimeError, match=said):
            run(annotate)


class Find(PreAnnotation[Settings]):
    said: list[str] = []  # noqa: RUF012

    def setup(self, where: Annotated[int, Input("where")], area: Other) -> None:
        self.said.append(f"setup {self.parameters.confidence} {where} {area.size}")

    def process(self, images: list[Image], labels: Labels) -> Any:
        self.said.append(f"process {labels.names}")
        return images

    def teardown(self) -> None:
        self.said.append("teardown")


def test_a_class_is_set_up_called_and_torn_down() -> None:
    Find.said.clear()
    run(Processing.of_class(Find), context(inputs={"where": 3}), ["i"], confidence=0.25, size=2)
    assert Find.said == ["setup 0.25 3 2", "process ('car',)", "teardown"]


def test_an_instance_works_without_a_job() -> None:
    Find.said.clear()
    assert Find().process(["i"], Labels(())) == ["i"]


def test_a_class_is_torn_down_before_what_it_depends_on() -> None:
    said: list[str] = []
    made = provider("model", said)

    class Holder(PreAnnotation):
        def setup(self, model: Annotated[str, Depends(made)]) -> None:
            self.model = model

        def process(self, image: Image) -> list[Rectangle]:
            raise ValueError("the author's")

        def teardown(self) -> None:
            said.append(f"teardown with {self.model}")

    with pytest.raises(ValueError, match="the author's"):
        run(Processing.of_class(Holder))
    assert said == ["+model", "teardown with model", "-model"]


def test_a_setup_that_fails_is_what_is_reported() -> None:
    class Holder(PreAnnotation):
        def setup(self) -> None:
            raise ValueError("no GPU")

        def process(self, image: Image) -> list[Rectangle]: ...

        def teardown(self) -> None:
            self.model.close()

    with pytest.raises(ValueError, match="no GPU"):
        run(Processing.of_class(Holder))


@pre_annotation
def asks(image: Image, count: Annotated[int, Input("count")]) -> Any:
    return count


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, r"the Job has no input 'count', which the processing asks for; it has: none"),
        ({"b": 1, "a": 2}, r"has no input 'count'.*it has: a, b"),
        ({"count": "many"}, r"the Job's input 'count' does not fit: .*integer.*; found 'many'"),
    ],
)
def test_an_input_that_is_missing_or_wrong(inputs: dict[str, Any], message: str) -> None:
    with pytest.raises(JobError, match=message):
        run(asks, context(inputs=inputs))


def test_a_server_object_the_job_does_not_have() -> None:
    @pre_annotation
    def annotate(image: Image, model: ModelVersion) -> list[Rectangle]: ...

    with pytest.raises(JobError, match="asks for the Job's ModelVersion, but the Job on birds/v1 has none"):
        run(annotate)


def test_defaults_stand_in_for_what_the_job_does_not_have() -> None:
    @pre_annotation
    def annotate(
        image: Image,
        model: ModelVersion | None = None,
        version: DatasetVersion | None = None,
        name: Annotated[str, Input("name")] = "mine",
        count: Annotated[int, Input("count")] = 0,
        weights: Annotated[Path, ModelFile("weights")] | None = None,
    ) -> Any:
        return model, version, name, count, weights

    job = context(inputs={"count": "3"})
    assert run(annotate, job) == (None, VERSION, "mine", 3, None)
    assert run(annotate, job, files=annotate.model_files)[-1] == Path("/models/weights")
