"""ML programs, the format of Core ML since iOS 15, read from an .mlpackage and run operation by operation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from picsellia_processing.errors import ProcessingError

from coreml import arithmetic, convolution, shaping
from coreml.features import read_input

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

OPERATORS = {**arithmetic.OPERATORS, **convolution.OPERATORS, **shaping.OPERATORS}
WEIGHTS = "Data/com.apple.CoreML/weights"


class MlProgram:
    """An .mlpackage that holds an ML program.

    Attributes:
        input: what it takes.
        outputs: the names of what it gives.
    """

    def __init__(self, path: Path) -> None:
        """Read the package.

        Raises:
            ProcessingError: it is not whole, holds something else than an ML program, or uses an operator that is not
                known here.
        """
        spec, program = _read(path)
        self.input = read_input(spec.description)
        self.outputs = tuple(output.name for output in spec.description.output)
        self._operations = [each for each in program.functions["main"].operations if each.op_type != "const"]
        unknown = {each.op_type for each in self._operations if not _is_constant(each)} - OPERATORS.keys()
        if unknown:
            raise ProcessingError(f"{path.name} uses operators that are not known here: {', '.join(sorted(unknown))}")
        self._constants = {
            each.outputs[0].name: _value(each.materialized_val_inference())
            for each in self._operations
            if _is_constant(each)
        }
        self._last_use = {
            variable.name: index
            for index, operation in enumerate(self._operations)
            for argument in operation.inputs.values()
            for variable in (argument if isinstance(argument, (list, tuple)) else [argument])
        }

    def run(self, values: torch.Tensor) -> dict[str, Any]:
        """What it gives for what `Input.of_picture` or `Input.of_array` made: tensors, or texts, by name."""
        known: dict[str, Any] = {**self._constants, self.input.name: values}
        with torch.inference_mode():
            for index, operation in enumerate(self._operations):
                if not _is_constant(operation):
                    known.update(_computed(operation, known))
                for name in [name for name in known if self._last_use.get(name) == index and name not in self.outputs]:
                    del known[name]
        return {name: known[name] for name in self.outputs}


def _read(path: Path) -> tuple[Any, Any]:
    """The specification in a package, and its program with the weights."""
    from coremltools import models  # noqa: PLC0415 - takes seconds
    from coremltools.converters.mil.frontend.milproto import load  # noqa: PLC0415 - likewise

    try:
        spec = models.utils.load_spec(str(path))
    except Exception as error:
        raise ProcessingError(f"{path.name} is no whole Core ML package: {error}") from error
    if spec.WhichOneof("Type") != "mlProgram":
        raise ProcessingError(f"{path.name} holds a model of the type {spec.WhichOneof('Type')}; expected an mlProgram")
    try:
        return spec, load.load_mil_proto(spec.mlProgram, spec.specificationVersion, str(path / WEIGHTS))
    except Exception as error:
        raise ProcessingError(f"the program in {path.name} cannot be read: {error}") from error


def _is_constant(operation: Any) -> bool:
    """Whether it only unpacks weights that are stored compressed."""
    return str(operation.op_type).startswith("constexpr_")


def _computed(operation: Any, known: Mapping[str, Any]) -> dict[str, Any]:
    operator = OPERATORS[operation.op_type]
    arguments = {name: _argument(variable, known) for name, variable in operation.inputs.items()}
    result = operator(**arguments)
    results = result if isinstance(result, tuple) else (result,)
    return {
        variable.name: _as_stored(value, variable) for variable, value in zip(operation.outputs, results, strict=True)
    }


def _argument(variable: Any, known: Mapping[str, Any]) -> Any:
    if isinstance(variable, (list, tuple)):
        return [_argument(each, known) for each in variable]
    return known[variable.name] if variable.name in known else _value(variable.val)


def _value(constant: Any) -> Any:
    """A constant as operators take it: a tensor of 32-bit floats, or a plain value, or a list of those."""
    if isinstance(constant, np.ndarray) and constant.ndim and np.issubdtype(constant.dtype, np.floating):
        return torch.from_numpy(constant.astype(np.float32))
    return constant.tolist() if isinstance(constant, (np.ndarray, np.generic)) else constant


def _as_stored(value: Any, variable: Any) -> Any:
    """A result as precise as the program keeps it; computed with are 32-bit floats all the same."""
    is_half = isinstance(value, torch.Tensor) and variable.is_tensor_or_scalar_of(dtype="fp16")
    return value.half().float() if is_half else value
