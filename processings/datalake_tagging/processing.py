"""Give the data of a Datalake tags and metadata: what a classifier sees on them, and how good the pictures are."""

from typing import Annotated

from classifier import Classifier
from picsellia_processing import DataTags, Depends, Image, data_auto_tagging
from tagging import TagParameters, classifier, describe


@data_auto_tagging(name="datalake-tagging")
def tag(
    images: list[Image],
    model: Annotated[Classifier | None, Depends(classifier)],
    parameters: TagParameters,
) -> list[DataTags]:
    """The tags and the metadata of each image."""
    return describe(images, model, parameters)
