"""Which steps a try-out executes, and which it takes over from an earlier run. Pure.

`until` opens only what leads to its step. `from` walks the draft from its start as any run does, but ends what stands
before its step at once with the outputs and the port of the earlier run: joins, dead ways and loops come out right.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.errors import StepMissing
from engine.graph.plan import Plan, PlannedNode
from engine.run.events import Trial
from engine.run.frontier import Step
from engine.run.paths import in_order


@dataclass(frozen=True, slots=True)
class Kept:
    """A step that an earlier run has finished."""

    run_id: str
    port: str | None
    outputs: dict[str, Any]
    inputs: dict[str, Any] | None = None
    labels: tuple[str, ...] = ()


def named(node: PlannedNode) -> str:
    """How messages call a step."""
    return f"“{node.title.strip() or node.id}”"


def after(plan: Plan, node: str) -> frozenset[str]:
    """What can follow the node within one visit of the loops around it; not the node itself."""
    found: set[str] = set()
    queue = [node]
    while queue:
        for edge in plan.nodes[queue.pop()].all_edges:
            if not edge.is_back and edge.target not in found:
                found.add(edge.target)
                queue.append(edge.target)
    return frozenset(found - {node})


def before(plan: Plan, node: str) -> frozenset[str]:
    """What must have run, or turned its loop, before the node can start."""
    entering: dict[str, list[str]] = {}
    for edge in plan.edges:
        entering.setdefault(edge.target, []).append(edge.source)
    found: set[str] = set()
    queue = [node]
    while queue:
        for source in entering.get(queue.pop(), ()):
            if source not in found:
                found.add(source)
                queue.append(source)
    return frozenset(found - after(plan, node) - {node})


def may_open(plan: Plan, trial: Trial | None) -> frozenset[str] | None:
    """The nodes that a try-out `until` a step may start; None where all may."""
    if trial is None or trial.what != "until":
        return None
    found = before(plan, trial.node) | {trial.node}
    return found | inside_boxes(plan, found)


def inside_boxes(plan: Plan, boxes: frozenset[str]) -> frozenset[str]:
    """The nodes of the boxes' bodies: no edge leads from them to what follows their box."""
    inside: set[int] = set()
    found: set[str] = set()
    for region in plan.regions:
        if region.parent in inside or (region.kind == "box" and region.owner in boxes):
            inside.add(region.index)
            found.update(region.nodes)
    return frozenset(found)


@dataclass(slots=True)
class Reuse:
    """The steps that a try-out `from` a step takes over; used while its first turn lasts."""

    plan: Plan
    trial: Trial
    steps: Mapping[str, Kept]
    """Path -> what the earlier run has made of it."""
    place: str | None
    """The last path of the step itself in the earlier run; None when it has not run there."""
    is_reached: bool = False
    _before: frozenset[str] = field(init=False)
    _after: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self._before, self._after = before(self.plan, self.trial.node), after(self.plan, self.trial.node)

    def is_earlier(self, node: PlannedNode) -> bool:
        """Whether the node must have run before the step that the try-out begins with."""
        return node.id in self._before

    def kept(self, step: Step) -> Kept | None:
        """What stands in for a step that is ready; None: execute it. StepMissing where it must not be executed."""
        node = step.node
        order = in_order(step.path, self.place) if self.place is not None else 0
        if node.id == self.trial.node and order >= 0:
            self.is_reached = True
            return None
        if node.id == self.plan.start or order > 0 or (order == 0 and node.id in self._after):
            return None
        found = self.steps.get(step.path)
        if found is not None and (found.port in node.ports or not node.ports):
            return found
        if node.kind.is_inline or (order == 0 and node.id not in self._before):
            # What only computes costs nothing, and what stands beside runs as if the run went on.
            return None
        raise self._missing(node, found)

    def _missing(self, node: PlannedNode, found: Kept | None) -> StepMissing:
        if found is not None:
            message = f"{named(node)} was left by “{found.port}” in that run, and has no such way any more."
            return step_missing(node, self.trial, message)
        return no_result(node, self.trial)

    def check_reached(self) -> None:
        """Returns when the step was reached. StepMissing otherwise."""
        if self.is_reached:
            return
        node = self.plan.nodes[self.trial.node]
        message = f"The earlier run went another way: it does not lead to {named(node)}."
        hint = "Run the workflow with inputs that lead there, choose such a run, or pin the step that decides."
        raise StepMissing(message, hint=hint, details=_details(node, self.trial, message))


def no_result(node: PlannedNode, trial: Trial) -> StepMissing:
    """The error for a step that has not run yet where a try-out needs its result."""
    return step_missing(node, trial, f"{named(node)} has no result yet that this could go on with.")


def step_missing(node: PlannedNode, trial: Trial, message: str) -> StepMissing:
    """The error for a value that a try-out needs and does not have; names the step."""
    return StepMissing(
        f"{message} Run {named(node)} first, or pin its output.",
        hint=f"Run {named(node)} first, or pin its output.",
        details=_details(node, trial, message),
    )


def _details(node: PlannedNode, trial: Trial, message: str) -> dict[str, Any]:
    return {"node": node.id, "problems": [{"field": f"try.{trial.what}", "node": node.id, "message": message}]}
