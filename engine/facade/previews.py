"""What a setting of a draft would be worth: worked out by the engine's own evaluator over the values of a run, or over examples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from engine.clock import iso
from engine.errors import Invalid, NotFound
from engine.expressions import Expression, ExpressionError, Reference, Template, compile_expression, compile_template
from engine.facade.core import Core
from engine.facade.finding import find
from engine.facade.views import Previewed
from engine.insight.timeline import node_of
from engine.jsonvalue import JsonValue, dumps, loads
from engine.people.permissions import Actor, Permission, require
from engine.run import codec, events
from engine.storage.journal_reader import Mark

MOST_ROWS = 20_000
"""Ends of steps, the latest first: of a longer run a preview has no values from before that."""
MOST_SHOWN = 4_000
MOST_BOXES = 20
NO_RUN = "preview"


class Previews:
    """Every call takes the actor first and checks its permission."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def preview(
        self,
        actor: Actor,
        workflow: str,
        *,
        node: str,
        template: str | None = None,
        expression: str | None = None,
        run_id: str | None = None,
        pins: Mapping[str, Any] | None = None,
    ) -> Previewed:
        """The value of one template or expression at a step of the draft; `pins` are outputs that count before the run's.

        Without a run the inputs are the defaults and examples of their schema. Invalid unless exactly one of both is given; NotFound.
        """
        require(actor, Permission.WORKFLOW_READ)
        if run_id is not None:
            require(actor, Permission.RUN_READ)
        if (template is None) == (expression is None):
            raise Invalid("Give a template or an expression, one of both.")
        return await self._core.in_thread(lambda: self._preview(actor, workflow, node, template, expression, run_id, pins or {}))

    def _preview(
        self,
        actor: Actor,
        workflow: str,
        node: str,
        template: str | None,
        expression: str | None,
        run_id: str | None,
        pins: Mapping[str, Any],
    ) -> Previewed:
        with self._core.records.reading() as session:
            document = loads(find(session, actor, workflow).document)
        try:
            compiled = compile_template(template) if template is not None else compile_expression(expression or "")
            scope = self._scope(actor, document, node, compiled, run_id, pins)
            return _shown(compiled.evaluate(scope))
        except ExpressionError as error:
            return Previewed(error=error.as_json())

    def _scope(
        self, actor: Actor, document: Any, node: str, compiled: Template | Expression, run_id: str | None, pins: Mapping[str, Any]
    ) -> dict[str, Any]:
        # What a box keeps of each item is worked out inside it, although it is a setting of the box.
        is_inside = any(reference.root in ("item", "index") for reference in compiled.references)
        boxes = _boxes_around(document, node, is_inside=is_inside)
        wanted = {str(r.path[0]) for r in _references([compiled, *boxes]) if r.root == "nodes" and r.path}
        now = iso(self._core.clock.now_us())
        scope: dict[str, Any] = {"vars": document.get("vars") or {}, "visit": 1, "now": now, "nodes": {}}
        if run_id is None:
            scope |= {"inputs": _example_inputs(document), "run": {"id": NO_RUN, "started_at": now}}
        else:
            self._add_run(scope, actor, run_id, wanted)
        scope["nodes"] |= {id_: pins[id_] for id_ in wanted if id_ in pins}
        for items in boxes:
            # Inside a box the first item stands for all of them.
            found = items.evaluate(scope)
            if isinstance(found, list) and found:
                scope |= {"item": found[0], "index": 0}
        return scope

    def _add_run(self, scope: dict[str, Any], actor: Actor, run_id: str, wanted: set[str]) -> None:
        reader = self._core.reader
        stored = reader.run(run_id)
        if stored is None or stored.workspace_id != actor.workspace_id:
            raise NotFound(f"There is no run {run_id[:80]}.")
        scope["run"] = {"id": run_id, "started_at": iso(stored.started_at)}
        scope["inputs"] = {}
        for row in reader.run_bounds(run_id):
            if isinstance(event := codec.from_row(row, reader.blob), events.RunStarted):
                scope["inputs"] = event.inputs
        # Of a loop the latest visit counts, as it does for a step that reads it.
        latest: dict[str, Mark] = {}
        for part in reversed(reader.lineage(run_id)) if wanted else ():
            for mark in reader.marks(part.run_id, most=MOST_ROWS):
                if mark.kind == "step_done" and part.before < mark.seq <= part.last:
                    latest.setdefault(node_of(mark.path), mark)
        ends = {latest[id_].seq: id_ for id_ in wanted & latest.keys()}
        for row in reader.rows_at(run_id, sorted(ends)):
            if isinstance(event := codec.from_row(row, reader.blob), events.StepDone):
                scope["nodes"][ends[row.seq]] = event.outputs


def _references(compiled: Iterable[Template | Expression]) -> Iterable[Reference]:
    return (reference for one in compiled for reference in one.references)


def _boxes_around(document: Any, node: str, *, is_inside: bool) -> list[Expression]:
    """What lists the boxes around a node run over, the outermost first; `is_inside` counts the node itself. ExpressionError."""
    nodes = {n["id"]: n for n in document["nodes"] if isinstance(n, dict) and isinstance(n.get("id"), str)}
    found: list[Expression] = []
    box = nodes.get(node) if is_inside else _parent_of(nodes, node)
    while box is not None and len(found) < MOST_BOXES:
        config = box.get("config")
        items = config.get("items") if isinstance(config, dict) else None
        if isinstance(items, str):
            found.insert(0, compile_expression(items))
        box = _parent_of(nodes, box["id"])
    return found


def _parent_of(nodes: dict[str, Any], node: str) -> dict[str, Any] | None:
    return nodes.get(_text(nodes.get(node, {}).get("parent")))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _example_inputs(document: Any) -> dict[str, JsonValue]:
    """Of every input its first example, else its default; others are left out."""
    start = next((n for n in document["nodes"] if isinstance(n, dict) and n.get("kind") == "start"), {})
    properties: Any = start
    for key in ("config", "inputs", "properties"):
        properties = properties.get(key) if isinstance(properties, dict) else None
    found: dict[str, JsonValue] = {}
    for name, field in properties.items() if isinstance(properties, dict) else ():
        if isinstance(field, dict) and isinstance(field.get("examples"), list) and field["examples"]:
            found[name] = field["examples"][0]
        elif isinstance(field, dict) and "default" in field:
            found[name] = field["default"]
    return found


def _shown(value: JsonValue) -> Previewed:
    """Long values are told by their beginning: a preview is one line below a field."""
    if isinstance(value, str):
        return Previewed(value=value[:MOST_SHOWN], is_cut=len(value) > MOST_SHOWN)
    told = dumps(value).decode()
    return Previewed(value=value) if len(told) <= MOST_SHOWN else Previewed(value=told[:MOST_SHOWN], is_cut=True)
