"""Opening a stored Core ML model, whichever of the two formats it has."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Protocol

from coreml.neural_network import NeuralNetwork
from coreml.program import MlProgram

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import torch

    from coreml.features import Input

PACKAGE = ".mlpackage"


class CoreMlModel(Protocol):
    """A stored model that can be run here."""

    input: Input
    outputs: tuple[str, ...]

    def run(self, values: torch.Tensor) -> Mapping[str, Any]:
        """Its outputs by name, for what `input` made of a picture or of an array."""
        ...


def read_model(path: Path) -> CoreMlModel:
    """The model in an .mlpackage or .mlmodel.

    Raises:
        ProcessingError: it is not whole, or holds what is not known here.
    """
    logging.getLogger("coremltools").setLevel(logging.ERROR)  # it misses Apple's runtime, loudly
    return MlProgram(path) if path.suffix == PACKAGE else NeuralNetwork(path)
