"""Try-outs: which earlier results one step, or the workflow from a step on, goes on with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from engine.errors import Invalid, NotFound, StepMissing
from engine.expressions import Reference
from engine.facade.core import Core
from engine.facade.earlier import EarlierRuns, kept_by_path, kept_of
from engine.graph.plan import ROOT, Plan, PlannedNode
from engine.graph.suggest import did_you_mean, shown
from engine.people.permissions import Actor
from engine.run.beginning import MOST_TAKEN_OVER, TryOut
from engine.run.events import StepDone, Trial
from engine.run.paths import in_order, node_of, slot_of, visits_of
from engine.run.trial import Kept, Reuse, after, before, inside_boxes, named, no_result
from engine.storage.journal_reader import Beginning, Mark, StoredRun

Way = Literal["only", "until", "from"]
WAYS: tuple[Way, ...] = ("only", "until", "from")


@dataclass(frozen=True, slots=True)
class AskedTrial:
    """What shall be tried: a node that the plan has, and perhaps the run to go on with."""

    what: Way
    node: str
    base: str | None


@dataclass(frozen=True, slots=True)
class PreparedTrial:
    """A try-out with the values that it goes on with."""

    tried: TryOut
    inputs: dict[str, Any] | None
    """Of the run it goes on with; None where there is none."""
    reads_inputs: bool
    """Whether it needs inputs at all."""


def asked_of(given: dict[str, Any], plan: Plan) -> AskedTrial:
    """`{only | until | from: node, base?: run}` for a step that can be tried. Invalid otherwise."""
    named_ways: list[Way] = [way for way in WAYS if given.get(way) is not None]
    if unknown := sorted(set(given) - {*WAYS, "base"}):
        raise _problem(f"try.{shown(unknown[0])}", "This is not known here.")
    if len(named_ways) != 1:
        raise _problem("try", "Name one step: as `only`, `until` or `from`.")
    what = named_ways[0]
    node, base = given[what], given.get("base")
    if not isinstance(node, str) or node not in plan.nodes:
        hint = did_you_mean(str(node), plan.nodes, otherwise="Use the id of one of its steps.")
        raise _problem(f"try.{what}", f"There is no step `{shown(str(node))}`.", hint=hint)
    if base is not None and not isinstance(base, str):
        raise _problem("try.base", "The base is the id of a run.")
    _check_place(plan, plan.nodes[node], what)
    return AskedTrial(what, node, base)


def _check_place(plan: Plan, node: PlannedNode, what: str) -> None:
    if node.is_disabled:
        raise _problem(f"try.{what}", f"{named(node)} is switched off.", hint="Switch it on to try it.")
    if _boxes(plan, node):
        box = plan.nodes[_boxes(plan, node)[-1]]
        hint = f"Try {named(box)}: it runs its steps for every item."
        raise _problem(
            f"try.{what}", f"{named(node)} stands in {named(box)} and runs once per item, so it cannot be tried alone.", hint=hint
        )


def _problem(field: str, message: str, *, hint: str = "") -> Invalid:
    return Invalid(f"{field}: {message}", hint=hint, details={"problems": [{"field": field, "message": message}]})


class TryOuts:
    """Blocks: called in a thread."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._earlier = EarlierRuns(core.reader)

    def prepare(self, actor: Actor, found: Beginning, plan: Plan, asked: AskedTrial, *, pins: Mapping[str, Any]) -> PreparedTrial:
        """Finds the values. NotFound or Invalid for a base that is none, StepMissing where the one step lacks a value."""
        runs = self._runs(actor, found, asked.base)
        match asked.what:
            case "until":
                base = runs[0].run_id if runs else ""
                return self._prepared(TryOut(Trial("until", asked.node, base=base)), needs_inputs=True)
            case "only":
                return self._only(plan, asked, runs, pins)
            case "from":
                return self._from(plan, asked, runs)

    def _runs(self, actor: Actor, found: Beginning, base: str | None) -> list[StoredRun]:
        if base is None:
            return self._earlier.latest(found.workflow_id)
        stored = self._core.reader.run(base)
        if stored is None or stored.workspace_id != actor.workspace_id:
            raise NotFound(f"There is no run {base[:80]} to go on with.")
        if stored.workflow_id != found.workflow_id:
            raise _problem("try.base", "This run is one of another workflow.", hint="Choose a run of this workflow.")
        return [stored]

    def _prepared(self, tried: TryOut, *, needs_inputs: bool) -> PreparedTrial:
        base = tried.trial.base
        return PreparedTrial(tried, self._earlier.inputs(base) if base else None, needs_inputs)

    # One step alone

    def _only(self, plan: Plan, asked: AskedTrial, runs: list[StoredRun], pins: Mapping[str, Any]) -> PreparedTrial:
        node, reads = plan.nodes[asked.node], _reads(plan, asked.node)
        wanted = _nodes_read(plan, reads)
        values = {name: (name, _pinned(pins[name])) for name in wanted & pins.keys()}
        found, place, used = self._latest_values(plan, asked.node, runs, wanted - values.keys())
        values |= {name: (path, _taken(kept)) for name, (path, kept) in found.items()}
        trial = Trial("only", asked.node, path=_place(plan, node, place), base=used or (runs[0].run_id if runs else ""))
        _check_values(plan, trial, reads, values.keys())
        needs_inputs = any(ref.root == "inputs" or ref.path[:1] == (plan.start,) for ref in reads) or asked.node == plan.start
        return self._prepared(TryOut(trial, tuple(values.values())), needs_inputs=needs_inputs)

    def _latest_values(
        self, plan: Plan, node: str, runs: list[StoredRun], wanted: frozenset[str]
    ) -> tuple[dict[str, tuple[str, Kept]], str | None, str]:
        """Node -> path and result of its latest end; the latest path of the step itself; the newest run that was used."""
        marks = sorted(self._earlier.ended_steps(runs), key=lambda mark: (mark.at, mark.seq), reverse=True)
        place = next((mark.path for mark in marks if node_of(mark.path) == node), None)
        behind = after(plan, node) | {node}
        found: dict[str, tuple[str, Kept]] = {}
        used: set[str] = set()
        for mark in marks:
            name = node_of(mark.path)
            # In a loop it reads what the visit before has left of the steps that come after it.
            comes_later = place is not None and name in behind and in_order(mark.path, place) >= 0
            if name not in wanted or name in found or name not in plan.nodes or comes_later:
                continue
            kept = kept_of(self._earlier.read(mark.run_id, [mark])[mark.seq], mark.run_id, plan.nodes[name])
            if kept is not None:
                found[name] = (mark.path, kept)
                used.add(mark.run_id)
        newest = next((run.run_id for run in runs if run.run_id in used), "")
        return found, place, newest

    # From a step on

    def _from(self, plan: Plan, asked: AskedTrial, runs: list[StoredRun]) -> PreparedTrial:
        taken = _Taken(plan, asked.node, is_told=asked.base is not None)
        for run in runs:
            marks = self._earlier.last_by_path(run.run_id, lambda path: taken.wants(path))
            place, chosen = _before_place(plan, asked.node, marks)
            read = self._earlier.read(run.run_id, chosen.values())
            taken.add(run.run_id, place, kept_by_path({path: read[mark.seq] for path, mark in chosen.items()}, run.run_id, plan.nodes))
            if taken.is_complete:
                break
        if len(taken.steps) > MOST_TAKEN_OVER:
            message = f"More than {MOST_TAKEN_OVER:,} steps lie before {named(plan.nodes[asked.node])}."
            raise _problem("try.from", message, hint="Run the workflow as a whole.")
        trial = Trial("from", asked.node, base=taken.base or (runs[0].run_id if runs else ""))
        return self._prepared(TryOut(trial, reuse=Reuse(plan, trial, taken.steps, taken.place)), needs_inputs=True)


def _before_place(plan: Plan, node: str, marks: dict[str, Mark]) -> tuple[str | None, dict[str, Mark]]:
    """The last path of the step itself in a run, and what has ended there before it."""
    behind = after(plan, node) | {node}
    place = next((path for path in reversed(marks) if node_of(path) == node), None)
    chosen: dict[str, Mark] = {}
    for path, mark in marks.items():
        order = in_order(path, place) if place is not None else 0
        if order < 0 or (order == 0 and node_of(path) not in behind):
            chosen[path] = mark
    return place, chosen


class _Taken:
    """Gathers the steps to go on with, run by run from the newest on: single steps and loops as a whole, each from the newest that fits."""

    def __init__(self, plan: Plan, node: str, *, is_told: bool) -> None:
        self._plan, self._node = plan, node
        self._is_told = is_told
        """Whether somebody named the run: then all of it is taken as it is."""
        self._leading = before(plan, node) | {node}
        self._own = _slot(plan, node)
        self._is_looped = bool(_around(plan, plan.nodes[node]))
        self._needed = {_slot(plan, name) for name in self._leading} - {plan.start, "" if self._is_looped else node}
        self._slots: set[str] = set()
        self._newer: dict[str, Kept] = {}
        self.steps: dict[str, Kept] = {}
        self.place: str | None = None
        self.base = ""

    @property
    def is_complete(self) -> bool:
        """Whether nothing more is needed."""
        return self._needed <= self._slots

    def wants(self, path: str) -> bool:
        """Whether a step of an earlier run is of interest."""
        # A box is taken over whole: what ran inside it is in its results.
        node, is_inside = node_of(path), "[" in path
        return not is_inside and node in self._plan.nodes and node != self._plan.start and slot_of(path) not in self._slots

    def add(self, run_id: str, place: str | None, steps: Mapping[str, Kept]) -> None:
        """What one run has to offer."""
        if not self._is_looped and self.place is None:
            self.place = place
        units = _by_slot(steps)
        if self._is_looped and place is not None and self._own not in self._slots:
            # Its first visit may have begun with the step itself: then nothing of the loop lies before it.
            units.setdefault(self._own, {})
        for slot, unit in units.items():
            if not self._fits(slot, unit, place):
                self._newer |= {path: kept for path, kept in unit.items() if path not in self._newer}
                continue
            self._slots.add(slot)
            if slot in self._leading:
                self.base = self.base or run_id
            self.steps |= {path: self._newest(path, kept) for path, kept in unit.items()}
            if slot == self._own:
                self.place = place

    def _newest(self, path: str, kept: Kept) -> Kept:
        """The result of a try-out of this one step since then, where it went the same way."""
        newer = self._newer.get(path)
        return newer if newer is not None and newer.port == kept.port else kept

    def _fits(self, slot: str, unit: Mapping[str, Kept], place: str | None) -> bool:
        """Whether a loop is there from its first visit on, and whether it, or the step, went on towards the step that is tried."""
        plan = self._plan
        if self._is_told:
            return True
        first = f"{slot}#1"
        if plan.nodes[slot].heads is not None and first not in unit and not (slot == self._node and place == first):
            return False
        if slot == self._own or slot not in self._leading:
            return True
        for path, kept in unit.items():
            edges = plan.nodes[node_of(path)].edges.get(kept.port or "", ())
            if any(e.target in self._leading and not e.is_back and _slot(plan, e.target) != slot for e in edges):
                return True
        return False


def _pinned(pin: Mapping[str, Any]) -> StepDone:
    return StepDone(port=pin["port"], outputs=pin["outputs"], pinned=True)


def _taken(kept: Kept) -> StepDone:
    return StepDone(port=kept.port, outputs=kept.outputs, inputs=kept.inputs, reused=kept.run_id, labels=kept.labels)


def _by_slot(steps: Mapping[str, Kept]) -> dict[str, dict[str, Kept]]:
    units: dict[str, dict[str, Kept]] = {}
    for path, kept in steps.items():
        units.setdefault(slot_of(path), {})[path] = kept
    return units


def _around(plan: Plan, node: PlannedNode) -> list[tuple[str, str]]:
    """(kind, owner) of the loops and boxes around a node, the outermost first; a header stands in its own loop."""
    found: list[tuple[str, str]] = []
    index = node.region
    while index != ROOT:
        region = plan.regions[index]
        found.append((region.kind, region.owner))
        index = region.parent
    return found[::-1]


def _boxes(plan: Plan, node: PlannedNode) -> list[str]:
    return [owner for kind, owner in _around(plan, node) if kind == "box"]


def _slot(plan: Plan, node: str) -> str:
    around = _around(plan, plan.nodes[node])
    return around[0][1] if around else node


def _place(plan: Plan, node: PlannedNode, last: str | None) -> str:
    """Where the step stands: in the visits of its last path, as far as the loops are still the same, else in the first ones."""
    known = dict(visits_of(last)) if last is not None else {}
    headers = [owner for _, owner in _around(plan, node)]
    parts = [f"{header}#{known.get(header, 1)}" for header in headers]
    return "/".join(parts if headers and headers[-1] == node.id else [*parts, node.id])


def _reads(plan: Plan, node: str) -> tuple[Reference, ...]:
    """What a step reads: a box with what stands in it, an approval that shows an action with what the action reads."""
    action = getattr(plan.nodes[node].config, "action", None)
    inside = inside_boxes(plan, frozenset({node}))
    others = inside if action is None else inside | {action}
    own = [ref for ref in plan.reads.get(node, ()) if ref.path[:1] not in {(name,) for name in inside}]
    # What they read of the step itself, or of each other, is there when they run.
    there = {(name,) for name in (node, *inside)}
    return (*own, *(ref for name in others for ref in plan.reads.get(name, ()) if ref.path[:1] not in there))


def _nodes_read(plan: Plan, reads: tuple[Reference, ...]) -> frozenset[str]:
    of_nodes = [ref for ref in reads if ref.root == "nodes"]
    if any(not ref.path for ref in of_nodes):
        # Which of them is worked out only when it runs.
        return frozenset(plan.nodes) - {plan.start}
    return frozenset(str(ref.path[0]) for ref in of_nodes) - {plan.start}


def _check_values(plan: Plan, trial: Trial, reads: tuple[Reference, ...], known: Any) -> None:
    needed = [str(ref.path[0]) for ref in reads if ref.root == "nodes" and ref.path and not ref.guarded]
    missing = [name for name in dict.fromkeys(needed) if name not in (*known, plan.start, trial.node) and name in plan.nodes]
    if not missing:
        return
    errors = [no_result(plan.nodes[name], trial) for name in missing]
    first = errors[0]
    problems = [problem for error in errors for problem in cast("list[Any]", error.details["problems"])]
    raise StepMissing(first.message, hint=first.next_step, details={"node": missing[0], "problems": problems})
