"""A processing that logs."""

from __future__ import annotations

import logging

from picsellia_processing import Image, auto_tagging

logger = logging.getLogger(__name__)


@auto_tagging
def tag(image: Image) -> list[str]:
    logger.debug("looking at %s", image.filename)
    logger.info("seen %s", image.filename)
    return []
