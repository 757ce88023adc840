"""The library itself, imported without asking PyPI whether there is a newer one."""

import os

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")

import albumentations as A  # type: ignore[import-untyped]  # noqa: N812 - the name its own documentation gives it

__all__ = ["A"]
