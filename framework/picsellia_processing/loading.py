"""Loading a processing by name: from a folder, or from a module."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING, Any

from picsellia_processing.errors import DefinitionError, UsageError
from picsellia_processing.parameters import suggestion
from picsellia_processing.place import ENTRY_MODULE, is_folder
from picsellia_processing.processing import Processing, ProcessingClass

if TYPE_CHECKING:
    from types import ModuleType

UNDECORATED = "decorate a function with @pre_annotation (or another task type)"


def load(target: str) -> Processing[..., Any]:
    """The processing that TARGET names: a folder with a `processing.py`, or `module:attribute`, or `folder:attribute`.

    A folder, or else the current one, is put in front of `sys.path`, so that its modules import each other by name.
    Whatever importing the author's module raises passes through.

    Raises:
        UsageError: TARGET names nothing.
        DefinitionError: it names something that is not a processing, or one with mistakes.
    """
    place, _, attribute = target.partition(":")
    module = _load_folder(Path(place)) if is_folder(place) else _load_module(place, target)
    found = _named(module, attribute) if attribute else _only(module, place)
    found.check()
    return found


def _load_folder(folder: Path) -> ModuleType:
    path = folder.resolve() / f"{ENTRY_MODULE}.py"
    if not path.is_file():
        raise UsageError(f"{folder} is not a processing folder: expected {ENTRY_MODULE}.py in it; found none")
    _forget_other_folders(path.parent)
    _import_from(path.parent)
    spec = importlib.util.spec_from_file_location(ENTRY_MODULE, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[ENTRY_MODULE] = module
    spec.loader.exec_module(module)
    return module


def _forget_other_folders(folder: Path) -> None:
    """Drop modules and packages of another processing folder that this one has too, so that it gets its own."""
    names = {path.stem for path in folder.glob("*.py")} | {path.parent.name for path in folder.glob("*/__init__.py")}
    others = {name for name in names if _is_from_another(name, folder)}
    for name in [*sys.modules]:
        if name.partition(".")[0] in others:
            del sys.modules[name]


def _is_from_another(name: str, folder: Path) -> bool:
    file = getattr(sys.modules.get(name), "__file__", None)
    if file is None:
        return False
    path = Path(file)
    home = path.parent.parent if path.name == "__init__.py" else path.parent
    return home != folder and (home / f"{ENTRY_MODULE}.py").is_file()


def _load_module(name: str, target: str) -> ModuleType:
    _import_from(Path.cwd())
    try:
        found = importlib.util.find_spec(name) if all(part.isidentifier() for part in name.split(".")) else None
    except ModuleNotFoundError as error:
        if not f"{name}.".startswith(f"{error.name}."):  # a module of the author's that imports a missing one
            raise
        found = None
    if found is None:
        raise UsageError(
            f"{target} names no processing: there is no folder {name!r} here and no module of that name; "
            "expected a processing folder or module:attribute"
        )
    return importlib.import_module(name)


def _import_from(folder: Path) -> None:
    if sys.path[:1] != [str(folder)]:
        sys.path.insert(0, str(folder))


def _named(module: ModuleType, attribute: str) -> Processing[..., Any]:
    value = getattr(module, attribute, None)
    if value is None:
        held = [name for name, each in vars(module).items() if _defined_in(module, each) and _is_processing(each)]
        holds = suggestion(attribute, held) or f"; it holds {', '.join(held) or 'no processing'}"
        raise UsageError(f"{module.__name__} has no {attribute!r}{holds}")
    processing = _as_processing(value)
    if processing is None:
        found = f"{type(value).__name__}: {UNDECORATED}" if isinstance(value, FunctionType) else type(value).__name__
        raise DefinitionError(
            f"{module.__name__}:{attribute}",
            [f"expected a decorated function or a subclass of a task's base class, found {found}"],
        )
    return processing


def _only(module: ModuleType, place: str) -> Processing[..., Any]:
    own = {name: value for name, value in vars(module).items() if _defined_in(module, value)}
    bases = {base for value in own.values() if isinstance(value, type) for base in value.__mro__[1:]}
    leaves = {name: value for name, value in own.items() if not (isinstance(value, type) and value in bases)}
    found = {name: processing for name, value in leaves.items() if (processing := _as_processing(value))}
    if len(found) == 1:
        return next(iter(found.values()))
    if found:
        names = ", ".join(f"{place}:{name}" for name in found)
        raise DefinitionError(str(module.__file__), [f"it holds {len(found)} processings; name one of {names}"])
    raise DefinitionError(
        str(module.__file__),
        [f"it holds no processing; {UNDECORATED}, or subclass one"],
    )


def _defined_in(module: ModuleType, value: Any) -> bool:
    definition = value.function if isinstance(value, Processing) else value
    return getattr(definition, "__module__", None) == module.__name__


def _as_processing(value: Any) -> Processing[..., Any] | None:
    if not _is_processing(value):
        return None
    return value if isinstance(value, Processing) else Processing.of_class(value)


def _is_processing(value: Any) -> bool:
    if isinstance(value, type):
        return issubclass(value, ProcessingClass) and hasattr(value, "task")
    return isinstance(value, Processing)
