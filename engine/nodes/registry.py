"""Which node kinds there are."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Iterable
from importlib import import_module
from importlib.metadata import entry_points
from types import ModuleType
from typing import Any

from engine.errors import Bug
from engine.nodes import kinds
from engine.nodes.contract import NodeKind

PLUGIN_GROUP = "signalbox.nodes"

AnyKind = NodeKind[Any]


class Registry:
    """The known node kinds by name; implements `engine.graph.fields.KindCatalog`."""

    def __init__(self, known: Iterable[AnyKind]) -> None:
        self._kinds: dict[str, AnyKind] = {}
        for kind in known:
            self._add(kind)

    @classmethod
    def builtin(cls, *, allow_plugins: bool = False) -> Registry:
        """One kind per module of `engine.nodes.kinds`; installed plugins only when the operator allows them."""
        registry = cls(_kind_in(import_module(f"{kinds.__name__}.{found.name}")) for found in pkgutil.iter_modules(kinds.__path__))
        if allow_plugins:
            for entry in entry_points(group=PLUGIN_GROUP):
                loaded = entry.load()
                registry._add(_kind_in(loaded) if isinstance(loaded, ModuleType) else loaded())
        return registry

    def get(self, kind: str) -> AnyKind | None:
        """The kind of that name, or None."""
        return self._kinds.get(kind)

    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted(self._kinds)

    def all(self) -> list[AnyKind]:
        """All kinds, sorted by name."""
        return [self._kinds[name] for name in self.names()]

    def _add(self, kind: AnyKind) -> None:
        if not isinstance(kind, NodeKind):
            raise Bug(f"{kind!r} is not a node kind.")
        if kind.kind in self._kinds:
            raise Bug(f"There are two node kinds called {kind.kind}.")
        self._kinds[kind.kind] = kind


def _kind_in(module: ModuleType) -> AnyKind:
    found = [
        value
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, NodeKind) and value.__module__ == module.__name__ and not inspect.isabstract(value)
    ]
    if len(found) != 1:
        raise Bug(f"{module.__name__} must hold exactly one node kind; it holds {len(found)}.")
    return found[0]()
