"""The tags of a DatasetVersion's assets: read once, made where missing, attached to many assets in one request."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
import picsellia.exceptions

from picsellia_processing.sdk.annotations import REJECTIONS
from picsellia_processing.sdk.client import describe, encoded, translated
from picsellia_processing.task import RejectedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from picsellia.sdk.dataset_version import DatasetVersion


def read_asset_tags(version: DatasetVersion) -> dict[str, str]:
    """The tags that assets of a DatasetVersion may have: id by name."""
    with translated(f"reading the asset tags of {version.name}/{version.version}"):
        return {str(tag.name): str(tag.id) for tag in version.list_asset_tags()}


def make_asset_tag(version: DatasetVersion, name: str) -> str:
    """The id of the tag of this name, made if it is not there.

    Raises:
        RejectedError: the platform takes no such name.
        PlatformError: the platform cannot be reached.
    """
    with translated(f"making the asset tag {name!r}"):
        try:
            encoded(name)
            return str(version.create_asset_tag(name).id)
        except picsellia.exceptions.ResourceConflictError:  # another Job made it, or the answer was lost on its way
            return str(version.get_asset_tag(name).id)
        except REJECTIONS as error:
            raise RejectedError(f"the platform refused the tag {name!r}: {describe(error)}") from error


def attach_asset_tag(version: DatasetVersion, tag_id: str, asset_ids: Sequence[str]) -> None:
    """Attach a tag to assets, in one request. Attaching it twice is attaching it once.

    Raises:
        RejectedError: one of the assets is there no more, or the request is too large; nothing was attached.
        PlatformError: the platform cannot be reached.
    """
    with translated(f"attaching a tag to {len(asset_ids)} assets"):
        try:
            version.connection.post(f"/api/tag/{tag_id}/attach", data=orjson.dumps(list(asset_ids)))
        except (*REJECTIONS, picsellia.exceptions.ResourceNotFoundError) as error:
            raise RejectedError(f"the platform refused the tag: {describe(error)}") from error
