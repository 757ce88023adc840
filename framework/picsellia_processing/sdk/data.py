"""The data of a Datalake: a selection listed in pages, what is known of each, and many updated in one request."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

import orjson
import picsellia.exceptions
from picsellia.compatibility import add_data_mandatory_query_parameters

from picsellia_processing.errors import JobError
from picsellia_processing.sdk.annotations import REJECTIONS
from picsellia_processing.sdk.assets import PAGE, to_reference
from picsellia_processing.sdk.client import describe, encoded, translated
from picsellia_processing.task import Page, RejectedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from picsellia.sdk.datalake import Datalake

UPDATES = 100
"""Most data that one update may name; the SDK's own limit."""


def data_pages(lake: Datalake, selection: Sequence[str]) -> Iterator[Page]:
    """The selected data, a page at a time; ids that the Datalake does not have are in `Page.missing`.

    Raises:
        JobError: nothing of a selection of one page is there.
        PlatformError: the platform cannot be reached.
    """
    found = _pages(lake, selection)
    first = next(found)
    if not first.references and first.total <= PAGE:
        raise JobError(f"the Datalake {lake.name} has none of the {first.total} selected data: there is nothing to do")
    return chain([first], found)


def _pages(lake: Datalake, selection: Sequence[str]) -> Iterator[Page]:
    for start in range(0, len(selection), PAGE):
        ids = selection[start : start + PAGE]
        references = [to_reference(item, item) for item in _list(lake, ids)]
        there = {reference.id for reference in references}
        yield Page(references, len(selection), tuple(each for each in ids if each not in there))


def read_data_ids(lake: Datalake) -> list[str]:
    """The ids of everything in a Datalake. Meant for small ones: they are listed in one go."""
    with translated(f"listing the data of the Datalake {lake.name}"):
        try:
            return [str(each) for each in lake.list_data().ids]
        except picsellia.exceptions.NoDataError:
            return []


def read_data(lake: Datalake, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """What the platform knows of some data, as it sends it, by id; at most `PAGE` ids."""
    return {str(item["id"]): item for item in _list(lake, ids)}


def _list(lake: Datalake, ids: Sequence[str]) -> list[dict[str, Any]]:
    question = add_data_mandatory_query_parameters({"ids": list(ids)})
    with translated(f"listing the selected data of the Datalake {lake.name}"):
        content = lake.connection.xget(f"/api/datalake/{lake.id}/datas", data=orjson.dumps(question)).json()
        return list(content["items"])


def read_data_tags(lake: Datalake) -> frozenset[str]:
    """The names of the tags that data of a Datalake may have."""
    with translated(f"reading the tags of the Datalake {lake.name}"):
        return frozenset(str(tag.name) for tag in lake.list_data_tags())


def update_data(lake: Datalake, objects: Mapping[str, Mapping[str, Any]]) -> None:
    """Set tags and metadata of at most `UPDATES` data in one request; tags that are missing are made.

    `objects` has, by id, what a data is to have: `tags` (names), `custom_metadata`, `metadata`, `data_source`.

    Raises:
        RejectedError: the platform refuses what is in it, or one of the data is there no more; nothing was set.
        PlatformError: the platform cannot be reached.
    """
    content = encoded({"datalake_id": str(lake.id), "objects": objects})
    with translated(f"updating {len(objects)} data of the Datalake {lake.name}"):
        try:
            lake.connection.patch(f"/api/datalake/{lake.id}/data/bulk", data=content)
        except (*REJECTIONS, picsellia.exceptions.ResourceNotFoundError) as error:
            raise RejectedError(f"the platform refused tags or metadata: {describe(error)}") from error
