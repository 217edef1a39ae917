"""How a draft is changed by small operations, all of them or none."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, NoReturn

from engine.errors import Invalid
from engine.graph.suggest import shown

OPS = ("add", "remove", "move", "update")
ARRAYS = {"node": "nodes", "edge": "edges", "note": "notes", "group": "groups"}
TARGETS = (*ARRAYS, "document")
MOST_OPS = 5_000

Document = dict[str, Any]
Item = dict[str, Any]


def apply_ops(document: Document, ops: Any) -> Document:
    """The changed document; the given one stays as it is. Invalid names the first operation that cannot be done.

    An operation is `{op, target, id?, value?}`. Nodes, notes and groups are found by their `id`. An edge is found by its
    place in the array, by `source.port -> target`, or by an object with `source`, `target` and perhaps `port`.
    `update` replaces the keys that `value` has; null removes a key. Removing a node removes its edges; giving it another
    `id` leads its edges there.
    """
    if not isinstance(ops, list) or len(ops) > MOST_OPS:
        message = f"`ops` must be an array of at most {MOST_OPS:,} operations."
        raise Invalid(message, details={"field": "ops", "problems": [{"field": "ops", "message": message}]})
    changed = deepcopy(document)
    for index, op in enumerate(ops):
        _apply(changed, op, f"ops[{index}]")
    return changed


def renamed_by(ops: list[dict[str, Any]]) -> dict[str, str | None]:
    """Node before operations that could be done -> its id behind them, for nodes that got another; None: it was removed."""
    renamed: dict[str, str | None] = {}
    first: dict[str, str] = {}
    """Id now -> id at first, of nodes that have another by now."""
    for op in ops:
        old = str(op.get("id"))
        new: str | None = None if op["op"] == "remove" else (op.get("value") or {}).get("id", old)
        if op["target"] != "node" or op["op"] not in ("remove", "update") or new == old:
            continue
        at_first = first.pop(old, None)
        if at_first is None:
            if old in renamed:
                # This node came later, under a name that was free again.
                continue
            at_first = old
        renamed[at_first] = new
        if new is not None:
            first[new] = at_first
    return renamed


def _apply(document: Document, op: Any, place: str) -> None:
    if not isinstance(op, dict):
        _refuse(place, "An operation must be an object.")
    name, target = op.get("op"), op.get("target")
    if name not in OPS or target not in TARGETS:
        _refuse(place, f"There is no such operation. `op` is one of {', '.join(OPS)}; `target` one of {', '.join(TARGETS)}.")
    if unknown := sorted(set(op) - {"op", "target", "id", "value"}):
        _refuse(place, f"`{shown(unknown[0])}` is not a key of an operation.")
    value: Any = {} if name == "remove" else op.get("value")
    if not isinstance(value, dict):
        _refuse(place, "`value` must be an object.")
    if target == "document":
        _update_document(document, name, value, place)
        return
    items = document.setdefault(ARRAYS[target], [])
    if not isinstance(items, list):
        _refuse(place, f"`{ARRAYS[target]}` of the document is not an array.")
    if name == "add":
        _add(items, target, op, place)
        return
    found = _find(items, target, op.get("id"), place)
    match name:
        case "remove":
            _remove(document, items, target, found)
        case "move":
            _move(items[found], target, value, place)
        case _:
            _update(document, items[found], target, value, place)


def _refuse(place: str, message: str) -> NoReturn:
    raise Invalid(
        f"{place}: {message}",
        hint="Nothing was changed. Mend this operation and send all of them again.",
        details={"field": place, "problems": [{"field": place, "message": message}]},
    )


def _update_document(document: Document, name: str, value: Item, place: str) -> None:
    if name != "update":
        _refuse(place, "A document can only be updated.")
    if named := [key for key in value if key in ("nodes", "edges")]:
        _refuse(place, f"`{named[0]}` are changed one by one.")
    _merge(document, value)


def _add(items: list[Any], target: str, op: dict[str, Any], place: str) -> None:
    value = deepcopy(op["value"])
    if target != "edge":
        id_ = op.get("id", value.get("id"))
        if not isinstance(id_, str) or not id_:
            _refuse(place, f"The {target} needs an `id`.")
        if any(isinstance(item, dict) and item.get("id") == id_ for item in items):
            _refuse(place, f"There is a {target} `{shown(id_)}` already.")
        value["id"] = id_
    items.append(value)


def _find(items: list[Any], target: str, id_: Any, place: str) -> int:
    if target == "edge":
        found = _find_edge(items, id_)
    else:
        found = next((i for i, item in enumerate(items) if isinstance(item, dict) and item.get("id") == id_ and id_ is not None), None)
    if found is None:
        _refuse(place, f"There is no {target} {shown(str(id_))}.")
    return found


def _find_edge(items: list[Any], id_: Any) -> int | None:
    match id_:
        case bool():
            return None
        case int():
            return id_ if 0 <= id_ < len(items) else None
        case str() if id_.isdecimal() and len(id_) < 10:
            return int(id_) if int(id_) < len(items) else None
        case str() if "->" in id_:
            start, _, target = id_.partition("->")
            source, _, port = start.strip().partition(".")
            wanted = (source, port or "out", target.strip())
        case dict():
            wanted = _ends(id_)
        case _:
            return None
    return next((i for i, item in enumerate(items) if isinstance(item, dict) and _ends(item) == wanted), None)


def _ends(edge: Item) -> tuple[Any, Any, Any]:
    return (edge.get("source"), edge.get("port", "out"), edge.get("target"))


def _remove(document: Document, items: list[Any], target: str, found: int) -> None:
    removed = items.pop(found)
    if target != "node":
        return
    id_ = removed.get("id")
    edges = document.get("edges")
    if isinstance(edges, list):
        edges[:] = [e for e in edges if not (isinstance(e, dict) and id_ in (e.get("source"), e.get("target")))]
    for node in items:
        # What stood in a box that is gone stands beside it now.
        if isinstance(node, dict) and node.get("parent") == id_:
            del node["parent"]


def _move(item: Any, target: str, value: Item, place: str) -> None:
    if target == "edge":
        _refuse(place, "An edge has no position.")
    # A position may come as such or as the node has it.
    value = value["position"] if isinstance(value.get("position"), dict) and len(value) == 1 else value
    item["position"] = {**(item["position"] if isinstance(item.get("position"), dict) else {}), **value}


def _update(document: Document, item: Any, target: str, value: Item, place: str) -> None:
    if not isinstance(item, dict):
        _refuse(place, f"This {target} is not an object; remove it.")
    old, new = item.get("id"), value.get("id")
    if target != "edge" and "id" in value and new != old:
        if not isinstance(new, str) or not new:
            _refuse(place, f"The {target} needs an `id`.")
        if any(isinstance(other, dict) and other.get("id") == new for other in document[ARRAYS[target]]):
            _refuse(place, f"There is a {target} `{shown(new)}` already.")
        if target == "node":
            _rename(document, old, new)
    _merge(item, value)


def _rename(document: Document, old: Any, new: str) -> None:
    for edge in document.get("edges") or []:
        for end in ("source", "target"):
            if isinstance(edge, dict) and edge.get(end) == old:
                edge[end] = new
    for node in document["nodes"]:
        if isinstance(node, dict) and node.get("parent") == old:
            node["parent"] = new


def _merge(item: Item, value: Item) -> None:
    for key, new in deepcopy(value).items():
        if new is None:
            item.pop(key, None)
        else:
            item[key] = new
