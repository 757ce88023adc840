"""The work of one Job: load the processing, resolve the Job, settle what can be known, then stream."""

from __future__ import annotations

import json
import os
import threading
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from picsellia_processing.injection import Injector, bound
from picsellia_processing.job.channel import Chapter, Failure, Snapshot
from picsellia_processing.job.measure import peak_rss
from picsellia_processing.job.particulars import (
    described,
    described_labels,
    described_output,
    progress,
    table,
    versions,
)
from picsellia_processing.job.predictions import Predictions
from picsellia_processing.job.report import plain
from picsellia_processing.loading import load
from picsellia_processing.parameters import Parameters, StreamParameters, resolve
from picsellia_processing.sdk.client import connect
from picsellia_processing.sdk.environment import Environment, read_environment
from picsellia_processing.sdk.job import resolve_job
from picsellia_processing.sdk.models import choose_files, download
from picsellia_processing.sdk.session import RequestLog
from picsellia_processing.stream.stream import Stream, StreamOptions
from picsellia_processing.stream.tally import Tally

if TYPE_CHECKING:
    from pathlib import Path

    from picsellia_processing.context import JobContext
    from picsellia_processing.image import AssetReference
    from picsellia_processing.inputs import ModelFile
    from picsellia_processing.job.channel import Sender
    from picsellia_processing.processing import Processing

INTERVAL = 1.0
"""Seconds between two looks at the counts."""
LARGEST_METADATA = 1 << 20
TOO_LARGE = "left out, being too large for a report"
"""What stands in the place of metadata that would keep the counts from being reported."""


class Work:
    """One Job's work in this process. `run` does it; `stop`, from another thread, ends it soon."""

    def __init__(self, target: str, out: Path | None, folder: Path, events: Sender) -> None:
        self._target = target
        self._out = out
        self._folder = folder
        self._events = events
        self._stopping = threading.Event()
        self._requests = RequestLog()
        self._known: dict[str, Any] = {"versions": versions()}
        self._context: JobContext | None = None
        self._stream: Stream | None = None
        self._tally = Tally(0.0, self._failed)

    @property
    def stopped(self) -> bool:
        """Whether the work was asked to end before it was done."""
        return self._stopping.is_set()

    @property
    def is_loading(self) -> bool:
        """Whether an image that nobody waits for is still being loaded."""
        return self._stream is not None and self._stream.is_loading

    def stop(self) -> None:
        """Stop soon: nothing further is begun, what is done is written. Call again to write what came since."""
        self._stopping.set()
        if self._stream is not None:
            self._stream.stop()

    def run(self) -> None:
        """Do the work, from loading the author's code to the last acknowledged write.

        Raises:
            ProcessingError: something the author, or who launched the Job, must know. Nothing was begun if it is a
                UsageError.
            Exception: whatever the author's code raises when it is imported, set up or torn down.
        """
        self._events.send(Chapter("Setup"))
        processing = load(self._target)
        self._known |= {"name": processing.name, "task": processing.task.name}
        context, parameters = self._resolve(processing, read_environment(os.environ))
        context, output = processing.task.prepare(
            context, _options(processing, parameters), processing.signature, processing.declaration
        )
        self._context = context
        if context.output_dataset_version is not None:
            self._known["output"] = described_output(context.output_dataset_version)
            print(f"output: {self._known['output']['name']}", flush=True)
        stored = choose_files(context.model_version, processing.model_files, context.parameters)
        if stored:
            self._events.send(Chapter("Model"))
        files: dict[ModelFile, Path] = {}
        for wanted, file in stored.items():
            files[wanted] = download(context.client, file, self._folder / "model-files")
            print(f"model file {file.name!r}: {file.filename}, {files[wanted].stat().st_size:,} bytes", flush=True)
        options = _options(processing, parameters)
        streamed = options if isinstance(options, StreamParameters) else StreamParameters.model_validate({})
        paced = context.target_type != "MODEL_VERSION"
        self._tally = Tally(streamed.max_failure_rate, self._failed, paced=paced)
        with Predictions(self._out) as predictions:
            self._stream = Stream(
                context,
                output,
                self._tally,
                StreamOptions(batch_size=streamed.batch_size),
                stopping=self._stopping,
                acknowledged=predictions.add,
            )
            self._do(processing, replace(context, driver=self._stream), parameters, files)

    def _resolve(
        self, processing: Processing[..., Any], environment: Environment
    ) -> tuple[JobContext, list[Parameters]]:
        client = connect(environment, log=self._requests)
        scratch = self._folder / "scratch"
        scratch.mkdir()
        context = resolve_job(client, environment.job_id, processing.task, folder=scratch)
        self._known |= described(context, environment.job_id)
        parameters = resolve(processing.parameter_models, context.parameters, processing.defaults)
        self._known["parameters"] = _values(parameters)
        for line in table(processing, context, self._known["parameters"]):
            print(line, flush=True)
        return context, parameters

    def _do(
        self,
        processing: Processing[..., Any],
        context: JobContext,
        parameters: list[Parameters],
        files: dict[ModelFile, Path],
    ) -> None:
        assert self._stream is not None
        resources = ExitStack()
        injector = Injector(context, parameters, files, resources)
        ended = threading.Event()
        with bound(processing, injector, resources) as call:
            self._events.send(Chapter(processing.task.name.replace("_", " ").capitalize()))
            self._tally.restart()
            watcher = threading.Thread(target=self._watch, args=(ended,), name="watch", daemon=True)
            watcher.start()
            try:
                if processing.signature.items is None:
                    self._stream.drive(call)
                else:
                    self._stream.run(call, processing.signature.items)
            finally:
                ended.set()
                watcher.join()
                self.report()
                for remark in self._tally.remarks:
                    print(f"look at this: {remark}", flush=True)

    def _watch(self, ended: threading.Event) -> None:
        while not ended.wait(INTERVAL):
            self.report()

    def report(self) -> None:
        """Tell the supervisor how far the work is."""
        counts = self._tally.snapshot()
        if counts["assets"]["selected"]:
            self._events.send(progress(self._tally.done, counts))
        self._events.send(Snapshot({**self._known, **counts, **self._measured()}))

    def _measured(self) -> dict[str, Any]:
        labels = self._context.labels if self._context is not None else None
        return {
            "requests": {
                "total": self._requests.total,
                "by_endpoint": dict(self._requests.by_endpoint),
                "retries": self._requests.retries,
            },
            "peak_rss_bytes": peak_rss(),
            "labels": described_labels(labels, self._tally) if labels is not None else [],
            "metadata": self._metadata(),
        }

    def _metadata(self) -> dict[str, Any]:
        if self._context is None:
            return {}
        try:
            metadata: dict[str, Any] = plain(dict(self._context.metadata))
        except RuntimeError:  # the author is adding to it right now
            return {}
        size = len(json.dumps(metadata))
        return metadata if size <= LARGEST_METADATA else {TOO_LARGE: f"{size:,} characters"}

    def _failed(self, reference: AssetReference, stage: str, reason: str) -> None:
        self._events.send(Failure(reference.filename, reference.id, stage, reason))  # type: ignore[arg-type]


def _options(processing: Processing[..., Any], parameters: list[Parameters]) -> Any:
    return next(each for each in parameters if isinstance(each, processing.task.options))


def _values(parameters: list[Parameters]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for each in parameters:
        values = {**each.model_dump(mode="json"), **values}
    return values
