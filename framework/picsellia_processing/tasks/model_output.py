"""Where produced files go: names settled before any work, files stored only once all of them are there and whole.

A second run recognises what an earlier one has stored by the file name on the ModelVersion, which carries a digest of
where the file comes from: the function, the Job's parameters and inputs, and the files it was made of.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from picsellia_processing.errors import JobError, ResultError
from picsellia_processing.inputs import ModelFile
from picsellia_processing.sdk.models import choose_files
from picsellia_processing.sdk.produced_files import (
    attach,
    create_sibling,
    files_of,
    find_sibling,
    holds,
    set_metadata,
    upload,
)
from picsellia_processing.tasks.packing import packed
from picsellia_processing.tasks.producing import ProducedModel
from picsellia_processing.tasks.reading_output import ReadingOutput, with_dataset_versions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from picsellia.sdk.dataset_version import DatasetVersion
    from picsellia.sdk.model_file import ModelFile as StoredFile

    from picsellia_processing.context import JobContext
    from picsellia_processing.signature import Signature
    from picsellia_processing.task import Output

TARGET_VERSION_NAME = "target_version_name"
"""The input that names the ModelVersion the files go to; without it, it is the one the Job runs on."""


class ModelOutput(ReadingOutput):
    """Stores the files of one model. `names` are the declared ones; `origin` is the digest of where they come from."""

    def __init__(
        self,
        context: JobContext,
        calibration: DatasetVersion | None,
        names: Sequence[str],
        *,
        subject: str,
        origin: str,
        replaces: bool,
    ) -> None:
        super().__init__(calibration, None)
        self._context = context
        self._names = tuple(names)
        self._subject = subject
        self._origin = origin
        self._replaces = replaces
        self._new_name = context.inputs.get(TARGET_VERSION_NAME)
        assert context.model_version is not None
        self._source = context.model_version
        self._version = (
            find_sibling(context.client, self._source, str(self._new_name)) if self._new_name else self._source
        )

    def check_names(self) -> None:
        """See that no declared name is taken by somebody else's file.

        Raises:
            JobError: one is.
        """
        stored = files_of(self._version) if self._version is not None else {}
        self._refuse_foreign({name: stored[name] for name in self._names if name in stored})

    def finish(self, result: Any) -> Mapping[str, int]:
        """Store the files the author returned, and what is to be known of them.

        Nothing is stored unless all of them are there; a file that is stored already is not sent again.

        Raises:
            ResultError: the result is not files, or they are not those that were declared.
            JobError: the ModelVersion has other files of these names, and they are not to be replaced.
        """
        model = self._checked(result)
        staging = Path(tempfile.mkdtemp(prefix="produced-", dir=self._context.folder))
        paths = {
            name: packed(path, staging / str(number), self._origin)
            for number, (name, path) in enumerate(model.files.items())
        }
        version = self._version
        stored = files_of(version) if version is not None else {}
        old = {name: stored[name] for name in paths if name in stored}
        same = {name for name, file in old.items() if holds(self._context.client, file, paths[name], staging)}
        self._refuse_foreign({name: file for name, file in old.items() if name not in same})
        if version is None:
            version = create_sibling(self._context.client, self._source, str(self._new_name), model.framework)
        uploaded = {name: upload(version, path) for name, path in paths.items() if name not in same}
        if model.metadata:  # before the files: where all of them are there, it is theirs
            set_metadata(version, self._subject, model.metadata, keep=not uploaded)
        for name, content in uploaded.items():
            attach(version, name, content, old.get(name))
        self._context.metadata.update(model.metadata)
        return {
            "files": len(paths),
            "files stored": len(uploaded),
            "bytes": sum(p.stat().st_size for p in paths.values()),
        }

    def _refuse_foreign(self, files: Mapping[str, StoredFile]) -> None:
        foreign = [file for file in files.values() if self._origin not in str(file.filename)]
        if foreign and not self._replaces:
            assert self._version is not None
            names = ", ".join(f"{file.name!r} ({file.filename})" for file in foreign)
            raise JobError(
                f"the ModelVersion {self._version.origin_name}/{self._version.name} has {names} already, made from "
                "something else; launch the Job with the parameter replace = true to have it replaced, or with the "
                f"input {TARGET_VERSION_NAME} to have a ModelVersion of its own"
            )

    def _checked(self, result: Any) -> ProducedModel:
        model = self._as_model(result)
        mistakes = [mistake for name, path in model.files.items() if (mistake := _mistake(name, path))]
        missing = [name for name in self._names if name not in model.files]
        extra = [name for name in model.files if self._names and name not in self._names]
        if missing:
            mistakes.append(f"{', '.join(map(repr, missing))} declared with produces, but not returned")
        if extra:
            mistakes.append(f"{', '.join(map(repr, extra))} returned, but not declared with produces")
        if not model.files:
            mistakes.append("no file at all")
        try:
            json.dumps(dict(model.metadata), allow_nan=False)
        except (TypeError, ValueError) as error:
            mistakes.append(f"metadata that is not JSON: {error}")
        if mistakes:
            raise ResultError(f"the files cannot be stored, and none was: {'; '.join(mistakes)}")
        return model

    def _as_model(self, result: Any) -> ProducedModel:
        if isinstance(result, ProducedModel):
            return result
        if isinstance(result, Mapping):
            return ProducedModel(result)
        if isinstance(result, Path) and len(self._names) == 1:
            return ProducedModel({self._names[0]: result})
        raise ResultError(
            "expected the files that were made: a mapping of names to Paths, a ProducedModel, or a single Path where "
            f'one name is declared (produces=["model-onnx"]); found {type(result).__name__}'
        )


def prepare_output(
    context: JobContext, signature: Signature, names: Sequence[str], *, replaces: bool
) -> tuple[JobContext, Output]:
    """Settle where the files go and what their names are, before any download, and make the Output.

    Raises:
        JobError: a name is taken, a model file is missing, or an input is not there.
        PlatformError: the platform cannot be reached.
    """
    subject = signature.place.rpartition(" ")[2].rpartition(".")[2]
    origin = _origin(context, signature, subject)
    context, given = with_dataset_versions(context, signature)
    output = ModelOutput(context, given[0] if given else None, names, subject=subject, origin=origin, replaces=replaces)
    output.check_names()
    return context, output


def _origin(context: JobContext, signature: Signature, subject: str) -> str:
    """A digest of all that decides what the function makes."""
    assert context.model_version is not None
    sources = choose_files(context.model_version, signature.all_of(ModelFile), context.parameters)
    decides = {
        "function": subject,
        "model_version": str(context.model_version.id),
        "files": sorted([wanted.name, file.object_name] for wanted, file in sources.items()),
        "parameters": {name: value for name, value in context.parameters.items() if name != "replace"},
        "inputs": {name: value for name, value in context.inputs.items() if name != TARGET_VERSION_NAME},
    }
    return hashlib.sha256(json.dumps(decides, sort_keys=True, default=str).encode()).hexdigest()[:10]


def _mistake(name: Any, path: Any) -> str | None:
    if not isinstance(name, str) or not name.strip():
        return f"a file called {name!r}; expected a name, such as 'model-onnx'"
    if not isinstance(path, Path):
        return f"{name!r} is a {type(path).__name__}; expected a pathlib.Path"
    if path.is_dir():
        return None if any(each.is_file() for each in path.rglob("*")) else f"{name!r} is the empty folder {path}"
    if not path.is_file():
        return f"{name!r} is {path}, where there is no file"
    return None if path.stat().st_size else f"{name!r} is the empty file {path}"
