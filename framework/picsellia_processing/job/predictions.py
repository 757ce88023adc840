"""`predictions.jsonl`: one line for each asset whose result the platform has confirmed, scores included."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Self

import orjson

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from picsellia_processing.task import Record, WrittenShape

FILE_NAME = "predictions.jsonl"


class Predictions:
    """Makes the file anew in the folder `out`; does nothing where there is no folder. Use as a context manager."""

    def __init__(self, out: Path | None) -> None:
        self._out = out
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        if self._out is not None:
            self._out.mkdir(parents=True, exist_ok=True)
            self._file = (self._out / FILE_NAME).open("wb")
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, records: Sequence[Record]) -> None:
        """Write the lines of some records, whole."""
        if self._file is None:
            return
        try:
            self._file.write(b"".join(_line(record) for record in records))
            self._file.flush()
        except OSError as error:  # the annotations are on the platform: a full disk here must not end the Job
            print(f"{FILE_NAME} ends here: {error.strerror}", flush=True)
            self._file = None


def _line(record: Record) -> bytes:
    content = {
        "asset_id": record.reference.id,
        "filename": record.reference.filename.encode("utf-8", "backslashreplace").decode(),
        "annotations": [_annotation(shape) for shape in record.shapes],
        **record.details,
    }
    return orjson.dumps(content, option=orjson.OPT_APPEND_NEWLINE)


def _annotation(shape: WrittenShape) -> dict[str, object]:
    return {"type": shape.type, "label": shape.label, "confidence": shape.confidence, **shape.fields}
