"""Where in a kind's config the expressions and templates stand, and how they are worked out against a scope."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel

from engine.graph.fields import Deep, FieldRole
from engine.graph.suggest import shown

Scope = Mapping[str, Any]
Compile = Callable[[str, FieldRole, str], Callable[[Scope], Any]]
"""(source, role, path of the field) -> what works it out."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """A value that does not depend on the run."""

    value: Any

    def __call__(self, scope: Scope) -> Any:
        """The value."""
        return self.value


@dataclass(frozen=True, slots=True)
class Each:
    """A list whose items are worked out one after the other; kinds that must not work all of them out use `items`."""

    items: tuple[Callable[[Scope], Any], ...]

    def __call__(self, scope: Scope) -> Any:
        """All items."""
        return [item(scope) for item in self.items]


@dataclass(frozen=True, slots=True)
class Keyed:
    """An object whose values are worked out."""

    entries: dict[str, Callable[[Scope], Any]]

    def __call__(self, scope: Scope) -> Any:
        """All entries."""
        return {key: entry(scope) for key, entry in self.entries.items()}


def is_fixed(resolver: Callable[[Scope], Any]) -> bool:
    """Whether it gives the same value in every run."""
    match resolver:
        case Fixed():
            return True
        case Each(items):
            return all(map(is_fixed, items))
        case Keyed(entries):
            return all(map(is_fixed, entries.values()))
        case _:
            return False


# The places of markers in an annotation: a role, a list of a tree, an object of a tree, a model's fields, or nothing.
@dataclass(frozen=True, slots=True)
class _Items:
    of: Tree


@dataclass(frozen=True, slots=True)
class _Values:
    of: Tree


@dataclass(frozen=True, slots=True)
class _Model:
    fields: dict[str, Tree]


@dataclass(frozen=True, slots=True)
class _Either:
    of: tuple[Tree, ...]


Tree = FieldRole | Deep | _Items | _Values | _Model | _Either | None


@lru_cache(maxsize=512)
def marked_fields(model: type[BaseModel]) -> dict[str, Any]:
    """Top-level field -> where its markers are; fields without any are left out."""
    trees = {name: _tree(info.annotation, tuple(info.metadata)) for name, info in model.model_fields.items()}
    return {name: tree for name, tree in trees.items() if tree is not None}


def roles_of(model: type[BaseModel]) -> dict[str, FieldRole]:
    """`{"values.*": expression, "cases[].when": expression}`: where each role stands."""
    found: dict[str, FieldRole] = {}
    for name, tree in marked_fields(model).items():
        _collect(tree, name, found)
    return found


def _collect(tree: Tree, path: str, found: dict[str, FieldRole]) -> None:
    match tree:
        case FieldRole():
            found[path] = tree
        case Deep(role):
            found[path] = role
        case _Items(of):
            _collect(of, f"{path}[]", found)
        case _Values(of):
            _collect(of, f"{path}.*", found)
        case _Model(fields):
            for name, inner in fields.items():
                _collect(inner, f"{path}.{name}", found)
        case _Either(trees):
            for inner in trees:
                _collect(inner, path, found)
        case None:
            return


def _tree(annotation: Any, metadata: tuple[Any, ...] = ()) -> Tree:
    for mark in metadata:
        if isinstance(mark, FieldRole | Deep):
            return mark
    if isinstance(annotation, type) and not get_origin(annotation) and issubclass(annotation, BaseModel):
        fields = marked_fields(annotation)
        return _Model(fields) if fields else None
    arguments = get_args(annotation)
    if hasattr(annotation, "__metadata__"):
        return _tree(arguments[0], annotation.__metadata__)
    origin = get_origin(annotation)
    if origin in (list, tuple):
        inner = _tree(arguments[0]) if arguments else None
        return _Items(inner) if inner is not None else None
    if origin is dict:
        inner = _tree(arguments[1]) if len(arguments) == 2 else None
        return _Values(inner) if inner is not None else None
    if origin in (Union, types.UnionType):
        found = tuple(tree for tree in map(_tree, arguments) if tree is not None)
        return _Either(found) if len(found) > 1 else (found[0] if found else None)
    return None


def resolver(value: Any, tree: Any, path: str, compile_: Compile) -> Callable[[Scope], Any]:
    """What works the value out; `value` is a checked config's field, or raw JSON where the config did not fit."""
    match tree:
        case FieldRole():
            return compile_(value, tree, path) if isinstance(value, str) else Fixed(value)
        case Deep(role):
            inner = tree if isinstance(value, dict | list) else role
            within = _Values(inner) if isinstance(value, dict) else _Items(inner) if isinstance(value, list) else role
            return resolver(value, within, path, compile_)
        case _Items(of) if isinstance(value, (list, tuple)):
            return Each(tuple(resolver(item, of, f"{path}[{i}]", compile_) for i, item in enumerate(value)))
        case _Values(of) if isinstance(value, dict):
            return Keyed({key: resolver(item, of, f"{path}.{shown(key)}", compile_) for key, item in value.items()})
        case _Model(fields) if isinstance(value, (BaseModel, dict)):
            return Keyed({name: resolver(item, fields.get(name), f"{path}.{name}", compile_) for name, item in _entries(value)})
        case _Either(trees):
            return resolver(value, _fitting(trees, value), path, compile_)
        case _:
            return Fixed(_plain(value))


def _plain(value: Any) -> Any:
    match value:
        case BaseModel():
            return value.model_dump()
        case list() | tuple():
            return [_plain(item) for item in value]
        case _:
            return value


def _entries(value: BaseModel | dict[str, Any]) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from value.items()
    else:
        for name in type(value).model_fields:
            yield name, getattr(value, name)


def _fitting(trees: tuple[Tree, ...], value: Any) -> Tree:
    for tree in trees:
        match tree, value:
            case (FieldRole(), str()) | (_Items(), list()) | (_Values(), dict()) | (_Model(), BaseModel()) | (_Model(), dict()):
                return tree
            case _:
                continue
    return None
