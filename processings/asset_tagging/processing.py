"""Tag the assets of a DatasetVersion: what a classifier sees on them, and what is wrong with the pictures."""

from typing import Annotated

from classifier import Classifier
from picsellia_processing import Depends, Image, auto_tagging
from tagging import TagParameters, classifier, describe


@auto_tagging(name="asset-tagging")
def tag(
    images: list[Image],
    model: Annotated[Classifier | None, Depends(classifier)],
    parameters: TagParameters,
) -> list[list[str]]:
    """The tags of each image, its classes first."""
    return [list(each.tags) for each in describe(images, model, parameters)]
