"""Write a Picsellia Processing as one function; run it offline, in a container, or a million times over."""

from picsellia_processing.annotation import Classification, Keypoints, Line, Mask, Point, Polygon, Rectangle, Shape
from picsellia_processing.context import JobContext
from picsellia_processing.errors import ProcessingError, SkipAsset
from picsellia_processing.image import Image, Sample
from picsellia_processing.inputs import Depends, Input, ModelFile
from picsellia_processing.labels import Labels
from picsellia_processing.parameters import Field, Parameters
from picsellia_processing.processing import Processing
from picsellia_processing.tasks.annotating import AnnotationParameters
from picsellia_processing.tasks.auto_annotation import AutoAnnotation, auto_annotation
from picsellia_processing.tasks.auto_tagging import AutoTagging, auto_tagging
from picsellia_processing.tasks.data_augmentation import AugmentationParameters, DataAugmentation, data_augmentation
from picsellia_processing.tasks.data_auto_tagging import DataAutoTagging, data_auto_tagging
from picsellia_processing.tasks.dataset_version_creation import DatasetVersionCreation, dataset_version_creation
from picsellia_processing.tasks.general import processing
from picsellia_processing.tasks.model_compression import ModelCompression, model_compression
from picsellia_processing.tasks.model_conversion import ModelConversion, model_conversion
from picsellia_processing.tasks.new_version import NewVersionParameters
from picsellia_processing.tasks.pre_annotation import PreAnnotation, pre_annotation
from picsellia_processing.tasks.producing import ModelParameters, ProducedModel
from picsellia_processing.tasks.tagging import DataTags, TaggingParameters

__all__ = [
    "AnnotationParameters",
    "AugmentationParameters",
    "AutoAnnotation",
    "AutoTagging",
    "Classification",
    "DataAugmentation",
    "DataAutoTagging",
    "DataTags",
    "DatasetVersionCreation",
    "Depends",
    "Field",
    "Image",
    "Input",
    "JobContext",
    "Keypoints",
    "Labels",
    "Line",
    "Mask",
    "ModelCompression",
    "ModelConversion",
    "ModelFile",
    "ModelParameters",
    "NewVersionParameters",
    "Parameters",
    "Point",
    "Polygon",
    "PreAnnotation",
    "Processing",
    "ProcessingError",
    "ProducedModel",
    "Rectangle",
    "Sample",
    "Shape",
    "SkipAsset",
    "TaggingParameters",
    "auto_annotation",
    "auto_tagging",
    "data_augmentation",
    "data_auto_tagging",
    "dataset_version_creation",
    "model_compression",
    "model_conversion",
    "pre_annotation",
    "processing",
]
