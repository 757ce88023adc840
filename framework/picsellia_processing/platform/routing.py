"""Which handler answers a path: a tree of segments, so that a look-up costs the same however many routes there are."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .wire import Handler

_ID = re.compile(r"[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}")


@dataclass(frozen=True, slots=True)
class Route:
    """`method` on a path like `template`, where `{}` stands for one segment, is answered by `handler`."""

    method: str
    template: str
    handler: Handler


@dataclass(slots=True)
class _Node:
    literals: dict[str, _Node] = field(default_factory=dict)
    placeholder: _Node | None = None
    routes: dict[str, Route] = field(default_factory=dict)


class Router:
    """Finds the route of a request. A literal segment is preferred over a placeholder; there is no backtracking."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        for route in routes:
            self._add(route)

    def find(self, method: str, raw_path: str) -> tuple[Route | None, tuple[str, ...]]:
        """The route of `raw_path` (still percent-encoded) and the decoded values of its placeholders."""
        node = self._root
        values = []
        for segment in raw_path.split("/")[1:]:
            if (child := node.literals.get(segment)) is not None:
                node = child
            elif node.placeholder is not None and segment:
                values.append(unquote(segment) if "%" in segment else segment)
                node = node.placeholder
            else:
                return None, ()
        return node.routes.get(method), tuple(values)

    def _add(self, route: Route) -> None:
        node = self._root
        for segment in route.template.split("/")[1:]:
            if segment == "{}":
                node.placeholder = node.placeholder or _Node()
                node = node.placeholder
            else:
                node = node.literals.setdefault(segment, _Node())
        if route.method in node.routes:
            raise ValueError(f"two routes for {route.method} {route.template}")
        node.routes[route.method] = route


def template_of(raw_path: str) -> str:
    """`raw_path` with ids replaced by `{}`: what the ledger calls a path that has no route."""
    return _ID.sub("{}", raw_path)
