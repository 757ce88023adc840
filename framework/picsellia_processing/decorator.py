"""What the decorators of the task types share: how a Processing is made of a function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from picsellia_processing.errors import DefinitionError
from picsellia_processing.processing import Processing, declare

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from picsellia_processing.task import Task

P = ParamSpec("P")
R = TypeVar("R")


class TaskDecorator:
    """Base of the decorators. A subclass says, in the overloads of its `__call__`, which keywords an author has."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self.__doc__ = type(self).__doc__

    def decorate(
        self, function: Callable[P, R] | None, name: str | None, defaults: Mapping[str, Any], **declared: Any
    ) -> Processing[P, R] | Callable[[Callable[P, R]], Processing[P, R]]:
        """The Processing of `function`; without one, a decorator that makes it.

        `defaults` are the author's for the options of the task, `declared` is what `declare` takes.
        """
        _refuse_options(self._task.name, function)

        def decorated(function: Callable[P, R]) -> Processing[P, R]:
            declaration = declare(function, **declared)
            return Processing(function, self._task, name=name, declaration=declaration, defaults=defaults)

        return decorated if function is None else decorated(function)


def _refuse_options(task: str, function: Any) -> None:
    """Refuse what stands in the place of the function: `@pre_annotation(["car"])`."""
    if function is not None and not callable(function):
        mistake = f"@{task} takes its options by name, as in @{task}(batch_size=16); found {function!r:.60}"
        raise DefinitionError(f"@{task}", [mistake])
