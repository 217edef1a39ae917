"""Can a document run: every problem it has, and the plan when none of them is an error."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from engine.expressions import ROOT_NAMES, Expression, ExpressionError, Reference, compile_expression, compile_template
from engine.graph.certain import Certain, certain_facts
from engine.graph.configs import KnownNode, know
from engine.graph.document import Draft, parse
from engine.graph.fields import FieldRole, KindCatalog
from engine.graph.fieldtree import Fixed, marked_fields, resolver
from engine.graph.flow import Flow, flow_of
from engine.graph.loops import Loops, find_loops, loop_problems
from engine.graph.parts import with_parts
from engine.graph.plan import Plan, Resolver
from engine.graph.planning import plan_of, sketch_of
from engine.graph.problems import Problem, has_errors
from engine.graph.reading import ProblemList
from engine.graph.references import Known, Mention, judge, known_inputs
from engine.graph.regions import Regions, both_ways, lay_out
from engine.graph.structure import START, Structure, check_boxes, check_reach, structure_of
from engine.graph.suggest import did_you_mean, shown
from engine.graph.worst_case import above_limits, bounds_of
from engine.jsonvalue import JsonValue, digest

MOST_EXPRESSIONS = 20_000
"""Compiling one takes about 0.1 ms; a check must not take minutes."""


@dataclass(frozen=True, slots=True)
class Checked:
    """The problems of a document; the plan is there exactly when none is an error."""

    problems: list[Problem]
    plan: Plan | None
    reads: Mapping[str, tuple[Reference, ...]]
    """Node -> what its settings refer to, as far as they could be read."""


@dataclass(slots=True)
class _Check:
    """What one check has found out so far."""

    draft: Draft
    nodes: dict[str, KnownNode]
    structure: Structure
    flow: Flow
    loops: Loops
    problems: ProblemList
    fields: dict[str, dict[str, Resolver]]
    mentions: list[Mention]
    expressions: int = 0

    def named(self, node: str) -> str:
        return self.nodes[node].name


def check(value: JsonValue, catalog: KindCatalog) -> Checked:
    """Checks a document against the contract (workflow.md). Raises NotADocument; runs nothing."""
    draft = parse(value)
    problems = draft.problems
    nodes = {n.id: know(n, catalog, problems) for n in draft.nodes}
    structure = structure_of(nodes, draft.edges, problems)
    flow = flow_of(list(nodes), structure.edges, structure.starts)
    found = _Check(draft, nodes, structure, flow, find_loops(flow), problems, {}, [])
    for node in nodes.values():
        found.fields[node.id] = _compile_fields(node, found)
    if found.expressions > MOST_EXPRESSIONS:
        message = f"The workflow has {found.expressions:,} expressions; at most {MOST_EXPRESSIONS:,} are possible."
        problems.add(Problem("too_many_expressions", message, "Move parts of it into sub-workflows."))
    check_reach(nodes, flow, structure, problems)
    check_boxes(nodes, flow, problems)
    for problem in loop_problems(flow, found.loops, {n.id: n.ports for n in nodes.values()}, found.named):
        problems.add(problem)
    regions, certain = _regions_and_facts(found)
    _judge_references(found, certain)
    _check_aside(found, catalog)
    consents = _consents(found, certain)
    _judge_cards(found, certain, consents)
    told, reads = problems.closed(), _reads(found.mentions)
    if has_errors(told) or regions is None:
        above = [] if regions is None else above_limits(bounds_of(sketch_of(draft, nodes, flow, regions)), draft.limits)
        return Checked(_sorted([*told, *above], nodes), None, reads)
    hash_ = digest(value)
    plan = with_parts(draft, nodes, structure, fields=found.fields, consents=consents, reads=reads, hash_=hash_) or plan_of(
        draft, nodes, flow, regions, fields=found.fields, consents=consents, parents=structure.parents, reads=reads, hash_=hash_
    )
    return Checked(_sorted([*told, *above_limits(bounds_of(plan), plan.limits)], nodes), plan, reads)


def _reads(mentions: Iterable[Mention]) -> dict[str, tuple[Reference, ...]]:
    found: dict[str, list[Reference]] = {}
    for mention in mentions:
        found.setdefault(mention.node, []).append(mention.reference)
    return {node: tuple(references) for node, references in found.items()}


def _sorted(problems: list[Problem], nodes: Mapping[str, KnownNode]) -> list[Problem]:
    """Errors first, then by place in the document."""
    order = {id_: i for i, id_ in enumerate(nodes)}
    return sorted(problems, key=lambda p: (p.severity != "error", order.get(p.node or "", -1), -1 if p.edge is None else p.edge))


def _compile_fields(node: KnownNode, found: _Check) -> dict[str, Resolver]:
    """Resolvers of the node's settings; its references are noted on the way. Settings that do not fit are still read."""
    if node.kind is None:
        return {}
    source: Any = node.config if node.config is not None else node.draft.config
    per_item, wide = node.kind.per_item_fields, node.kind.wide_fields
    fields: dict[str, Resolver] = {}
    for name, tree in marked_fields(node.kind.config_model).items():
        value = source.get(name) if isinstance(source, dict) else getattr(source, name)
        if value is not None:
            names = ROOT_NAMES | node.kind.more_names.get(name, frozenset())
            compile_ = _compiler(node.id, found, names=names, is_per_item=name in per_item, is_wide=name in wide)
            fields[name] = resolver(value, tree, f"config.{name}", compile_)
        elif not isinstance(source, dict):
            fields[name] = Fixed(None)
    return fields


def _compiler(
    node: str, found: _Check, *, names: frozenset[str], is_per_item: bool, is_wide: bool
) -> Callable[[str, FieldRole, str], Resolver]:
    def compile_(source: str, role: FieldRole, path: str) -> Resolver:
        if role is FieldRole.TEMPLATE and "{{" not in source and len(source) < 100_000:
            return Fixed(source)
        found.expressions += 1
        if found.expressions > MOST_EXPRESSIONS:
            return Fixed(None)
        try:
            compiled = compile_template(source, names=names) if role is FieldRole.TEMPLATE else compile_expression(source, names=names)
        except ExpressionError as error:
            message = f"{error.message.rstrip('.')} (at character {error.position + 1})."
            found.problems.add(Problem("bad_expression", message, error.next_step, node=node, field=path))
            return Fixed(None)
        found.mentions.extend(Mention(node, path, reference, is_per_item) for reference in compiled.references)
        return compiled.evaluate_wide if is_wide and isinstance(compiled, Expression) else compiled.evaluate

    return compile_


def _regions_and_facts(found: _Check) -> tuple[Regions | None, Certain | None]:
    if not found.loops.order and found.flow.nodes:
        return None, None
    flow, parents, backs = found.flow, found.structure.parents, found.loops.back_edges
    boxes = frozenset(n.id for n in found.nodes.values() if n.kind is not None and n.kind.is_box) | frozenset(parents.values())
    regions = lay_out(flow, found.loops, ends=found.structure.ends, parents=parents, boxes=boxes)
    for back, edge in both_ways(regions, flow, backs):
        name = found.named(back.source)
        message = f"By the port `{back.port}`, {name} both repeats the loop and leaves it; a run fails there."
        hint = "Let one step decide between going back and going on."
        found.problems.add(Problem("loop_both_ways", message, hint, "warning", node=back.source, edge=edge.index))
    return regions, certain_facts(flow, found.loops.order, found.nodes, backs=backs, parents=parents)


def _known(found: _Check, certain: Certain | None) -> Known:
    starts = found.structure.starts
    start = found.nodes[starts[0]] if len(starts) == 1 else None
    return Known(found.nodes, found.structure.parents, found.flow.reached, frozenset(found.draft.vars), known_inputs(start), certain)


def _check_aside(found: _Check, catalog: KindCatalog) -> None:
    """The settings of nodes that have no id of their own; where in the graph they stand is not known."""
    for draft in found.draft.aside:
        told = ProblemList()
        node = know(draft, catalog, told)
        apart = replace(found, problems=told, mentions=[])
        _compile_fields(node, apart)
        found.expressions = apart.expressions
        judged = (judge(replace(mention, node=""), _known(found, None)) for mention in apart.mentions)
        for problem in (*told.found, *(p for p in judged if p is not None and p.code != "item_outside_box")):
            found.problems.add(replace(problem, node=draft.id or None, field=f"nodes[{draft.index}].{problem.field}"))


def _judge_references(found: _Check, certain: Certain | None) -> None:
    known = _known(found, certain)
    seen: set[tuple[Any, ...]] = set()
    for mention in found.mentions:
        key = (mention.node, mention.field, mention.reference.root, mention.reference.path, mention.reference.guarded)
        if key not in seen:
            seen.add(key)
            if (problem := judge(mention, known)) is not None:
                found.problems.add(problem)


def _consents(found: _Check, certain: Certain | None) -> dict[str, str]:
    """Action node -> the approval that consents to it."""
    consents: dict[str, str] = {}
    for node in found.nodes.values():
        port = node.kind.consent_port if node.kind else None
        action = node.draft.config.get("action") if port else None
        if not isinstance(action, str) or not action or port is None:
            continue
        told = _wrong_action(found, node, action, port, certain)
        if told is None and action in consents:
            told = Problem("action_taken", f"Two approvals name {found.named(action)} as their action.", "Ask for a quorum of two instead.")
        if told is not None:
            found.problems.add(Problem(told.code, told.message, told.hint, node=node.id, field="config.action"))
        else:
            consents[action] = node.id
    return consents


def _judge_cards(found: _Check, certain: Certain | None, consents: Mapping[str, str]) -> None:
    """A card shows its action's settings worked out: what they read must be there when the approval asks."""
    known = _known(found, certain)
    for mention in found.mentions:
        approval = consents.get(mention.node)
        if approval is None or mention.reference.path[:1] == (approval,):
            continue
        problem = judge(replace(mention, node=approval), known)
        if problem is not None and problem.code == "possibly_untaken":
            hint = f"{found.named(approval)} shows what this step would do: let it read only what has run before it is asked."
            found.problems.add(replace(problem, node=mention.node, hint=hint))


def _wrong_action(found: _Check, node: KnownNode, action: str, port: str, certain: Certain | None) -> Problem | None:
    if action not in found.nodes:
        hint = did_you_mean(action, found.nodes, otherwise="Choose a node that exists.")
        return Problem("unknown_node", f"There is no node `{shown(action)}` to approve.", hint)
    target = found.nodes[action]
    if target.draft.kind == START or found.structure.parents.get(action) != found.structure.parents.get(node.id):
        return Problem("bad_action", f"{target.name} does not stand beside {node.name}.", "Choose a node on the same level.")
    # A node that is not reached, or an order that makes no sense, is an error of its own.
    if certain is None or action not in found.flow.reached or certain.has_left(node.id, port, before=action):
        return None
    message = f"{target.name} can also run without {node.name} having left by `{port}`, so it cannot be its action."
    return Problem("action_not_guarded", message, f"Lead every way to {target.name} through the port `{port}` of {node.name}.")


__all__ = ["Checked", "check"]
