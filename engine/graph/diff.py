"""What differs between two documents of a workflow, in sentences that a person who never saw the JSON understands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeGuard, cast

from engine.graph.values_diff import ABSENT, Change, changes_of, quoted

Mark = Literal["added", "removed", "changed"]
_LIMITS = {
    "cost_usd": ("money", "${:,}"),
    "tokens": ("tokens", "{:,}"),
    "seconds": ("working time", "{:,} s"),
    "steps": ("steps", "{:,}"),
    "llm_calls": ("model calls", "{:,}"),
    "tool_calls": ("tool calls", "{:,}"),
}
_ON_LIMIT = {"stop": "the run stops", "ask": "a person is asked"}
_OF_NODE = ("title", "note", "kind", "parent", "disabled", "position", "config", "id")


@dataclass(frozen=True, slots=True)
class Section:
    """All changes of one step, or of one part of the workflow itself."""

    title: str
    mark: Mark
    changes: tuple[Change, ...] = ()
    node: str | None = None
    """The id of the step; None for a part of the workflow."""


@dataclass(frozen=True, slots=True)
class EdgeMark:
    """One way that is new or gone, or has other settings."""

    source: str
    port: str
    target: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class Difference:
    """What is different; both lists empty means that nothing is."""

    sections: tuple[Section, ...] = ()
    nodes: dict[str, Mark] = field(default_factory=dict[str, Mark])
    """Steps that a drawing marks."""
    edges: tuple[EdgeMark, ...] = ()
    moved: int = 0
    """Steps that only stand elsewhere on the canvas; the workflow runs as before."""


@dataclass(frozen=True, slots=True)
class _Words:
    """What steps and kinds are called."""

    steps: Mapping[str, str]
    kinds: Mapping[str, str]

    def step(self, id_: Any) -> str:
        return quoted(self.steps.get(id_, str(id_)))

    def kind(self, node: Mapping[str, Any]) -> str:
        kind = str(node.get("kind", ""))
        return quoted(self.kinds.get(kind, kind.replace("_", " ")))


def difference(before: Any, after: Any, *, kinds: Mapping[str, str] | None = None) -> Difference:
    """What changes when `after` takes the place of `before`; both may have any problem that a draft can have.

    `kinds` tells what kinds of steps are called.
    """
    old, new = _nodes(before), _nodes(after)
    words = _Words({**_names(old), **_names(new)}, kinds or {})
    marks: dict[str, Mark] = {id_: "added" for id_ in new if id_ not in old}
    marks.update((id_, "removed") for id_ in old if id_ not in new)
    ways = _edge_changes(before, after)
    by_node: dict[str, list[Change]] = {}
    moved = 0
    for id_, node in new.items():
        if id_ not in old:
            continue
        found = list(_node_changes(old[id_], node, words))
        moved += not found and old[id_].get("position") != node.get("position")
        if found:
            marks[id_] = "changed"
            by_node[id_] = found
    for mark, edge, was in ways:
        # A way belongs to the step it leaves; what leaves a step that is new or gone goes without saying.
        if edge["source"] in old and edge["source"] in new:
            by_node.setdefault(edge["source"], []).append(_way(mark, edge, was, words))
            marks.setdefault(edge["source"], "changed")
    sections = [*_whole(_mapping(before), _mapping(after))]
    sections += [_step_section(id_, new.get(id_) or old[id_], marks[id_], by_node.get(id_, []), words) for id_ in _order(old, new, marks)]
    told = tuple(EdgeMark(edge["source"], edge["port"], edge["target"], mark) for mark, edge, _ in ways)
    return Difference(tuple(sections), marks, told, moved)


def _order(old: Mapping[str, Any], new: Mapping[str, Any], marks: Mapping[str, Mark]) -> list[str]:
    return [id_ for id_ in [*new, *(gone for gone in old if gone not in new)] if id_ in marks]


def _step_section(id_: str, node: Mapping[str, Any], mark: Mark, changes: list[Change], words: _Words) -> Section:
    if mark == "added":
        changes = [Change(f"New step of the kind {words.kind(node)}.")]
    elif mark == "removed":
        changes = [Change(f"The step ({words.kind(node)}) is gone.")]
    return Section(words.steps[id_], mark, tuple(changes), id_)


def _node_changes(before: Mapping[str, Any], after: Mapping[str, Any], words: _Words) -> Iterator[Change]:
    if (was := _title(before)) != (now := _title(after)):
        yield Change("The title changed.", was, now)
    if before.get("kind") != after.get("kind"):
        yield Change(f"It is another kind of step now: {words.kind(after)} in place of {words.kind(before)}.")
    if bool(before.get("disabled")) != bool(after.get("disabled")):
        yield Change("The step is switched off." if after.get("disabled") else "The step is switched on again.")
    if before.get("parent") != after.get("parent"):
        inside = after.get("parent")
        yield Change(f"It stands in the box {words.step(inside)} now." if inside else "It stands in no box any more.")
    yield from changes_of(before.get("note") or ABSENT, after.get("note") or ABSENT, "note")
    yield from changes_of(before.get("config") or {}, after.get("config") or {}, "")
    for key in sorted({*before, *after} - {*_OF_NODE}):
        yield from changes_of(before.get(key, ABSENT), after.get(key, ABSENT), key)


def _way(mark: Mark, edge: Mapping[str, Any], was: Mapping[str, Any] | None, words: _Words) -> Change:
    target, port = words.step(edge["target"]), edge["port"]
    by = "" if port == "out" else f" by {quoted(port.replace('_', ' '))}"
    match mark:
        case "added":
            again = f", at most {edge['max_visits']} times" if edge.get("max_visits") else ""
            return Change(f"It leads to {target}{by} now{again}.")
        case "removed":
            return Change(f"It no longer leads to {target}{by}.")
        case _:
            return _other_way(edge, was or {}, f"{target}{by}")


def _other_way(edge: Mapping[str, Any], was: Mapping[str, Any], where: str) -> Change:
    most, was_most = edge.get("max_visits"), was.get("max_visits")
    if most != was_most:
        before = f" (before: {was_most})" if was_most else ""
        return Change(
            f"The way to {where} is taken at most {most} times{before}." if most else f"The way to {where} has no bound any more."
        )
    return Change(f"What happens when the way to {where} is used up changed.", _shown(was, "on_exhausted"), _shown(edge, "on_exhausted"))


def _shown(edge: Mapping[str, Any], key: str) -> str:
    return str(edge.get(key) or "the limit is met")


def _edge_changes(before: Any, after: Any) -> list[tuple[Mark, dict[str, Any], dict[str, Any] | None]]:
    old, new = _edges(before), _edges(after)
    found: list[tuple[Mark, dict[str, Any], dict[str, Any] | None]] = []
    for key, edge in new.items():
        if key not in old:
            found.append(("added", edge, None))
        elif old[key] != edge:
            found.append(("changed", edge, old[key]))
    return found + [("removed", edge, None) for key, edge in old.items() if key not in new]


def _whole(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Section]:
    """Sections of the workflow itself."""
    about = [*changes_of(before.get("name", ABSENT), after.get("name", ABSENT), "name")]
    about += changes_of(before.get("description") or ABSENT, after.get("description") or ABSENT, "description")
    about += changes_of(before.get("vars") or {}, after.get("vars") or {}, "", inside="The constant ")
    if (was := before.get("on_limit") or "stop") != (now := after.get("on_limit") or "stop"):
        about.append(Change(f"When a limit is met, {_ON_LIMIT.get(str(now), str(now))} (before: {_ON_LIMIT.get(str(was), str(was))})."))
    notes = sum(1 for key in ("notes", "groups") if before.get(key, []) != after.get(key, []))
    if notes:
        about.append(Change("Notes or groups on the canvas changed; the workflow runs as before."))
    if about:
        yield Section("The workflow", "changed", tuple(about))
    if limits := [*_limit_changes(_mapping(before.get("limits")), _mapping(after.get("limits")))]:
        yield Section("Limits", "changed", tuple(limits))
    if triggers := [*_trigger_changes(_list(before.get("triggers")), _list(after.get("triggers")))]:
        yield Section("What starts it", "changed", tuple(triggers))


def _limit_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for key, (word, form) in _LIMITS.items():
        was, now = before.get(key), after.get(key)
        if was == now:
            continue
        told_was, told_now = _amount(was, form), _amount(now, form)
        if _is_number(was) and _is_number(now):
            way = "rises" if now > was else "falls"
            yield Change(f"The limit on {word} {way} from {told_was} to {told_now}.")
        else:
            yield Change(f"The limit on {word} is {told_now} now (before: {told_was}).")
    for key in sorted({*before, *after} - {*_LIMITS}):
        yield from changes_of(before.get(key, ABSENT), after.get(key, ABSENT), key)


def _amount(value: Any, form: str) -> str:
    if not _is_number(value):
        return "the usual one" if value is None else quoted(value)
    # Below ten cents two digits would say nothing.
    digits = value if not form.startswith("$") else f"{value:,.2f}" if value >= 0.1 else f"{value:.4f}"
    return f"${digits}" if form.startswith("$") else form.format(digits)


def _is_number(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _trigger_changes(before: list[Any], after: list[Any]) -> Iterator[Change]:
    yield from (Change(f"New: {_trigger(trigger)}.") for trigger in after if trigger not in before)
    yield from (Change(f"Gone: {_trigger(trigger)}.") for trigger in before if trigger not in after)


def _trigger(trigger: Any) -> str:
    found = _mapping(trigger)
    match found.get("kind"):
        case "schedule":
            return f"it starts by the clock, {quoted(found.get('cron', ''))} in {found.get('timezone') or 'UTC'}"
        case "webhook":
            return f"it starts when another system calls /hooks/{found.get('path', '')}"
        case "manual":
            return "it is started by hand"
        case kind:
            return f"it starts by {kind}"


def _nodes(document: Any) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for node in _list(_mapping(document).get("nodes")):
        if isinstance(node, dict) and isinstance(id_ := cast("dict[str, Any]", node).get("id"), str):
            found.setdefault(id_, cast("dict[str, Any]", node))
    return found


def _edges(document: Any) -> dict[tuple[str, str, str], dict[str, Any]]:
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    for edge in _list(_mapping(document).get("edges")):
        given = _mapping(edge)
        ends = str(given.get("source", "")), str(given.get("port") or "out"), str(given.get("target", ""))
        found.setdefault(ends, {**given, "source": ends[0], "port": ends[1], "target": ends[2]})
    return found


def _names(nodes: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    return {id_: _title(node) or id_ for id_, node in nodes.items()}


def _title(node: Mapping[str, Any]) -> str:
    title = node.get("title")
    return title.strip() if isinstance(title, str) else ""


def _kind(node: Mapping[str, Any]) -> str:
    return quoted(str(node.get("kind", "")).replace("_", " "))


def _mapping(value: Any) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else []
