"""However a document is mangled, only problems come out, and a plan exactly when none is an error."""

import copy
import json
import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import NotADocument
from engine.graph.problems import has_errors
from engine.graph.validate import check
from engine.graph.worst_case import worst_case
from tests.unit.graph.workflows import CATALOG, checked, document, edge, node

RICH = document(
    [
        node("start", "start", config={"inputs": {"type": "object", "properties": {"message": {"type": "string"}}}}),
        node("topic", "classify", config={"text": "{{ inputs.message }}", "labels": [{"port": "lost"}, {"port": "other"}]}),
        node("draft", "llm", config={"prompt": "Answer {{ inputs.message }}", "output": {"type": "object"}}, retry={"attempts": 2}),
        node("ok", "approval", config={"title": "?", "editable": {"r": "nodes.draft.text"}, "action": "tell", "expires_after_s": 5}),
        node("tell", "notify", on_error="port"),
        node("each", "map", config={"items": "[1]", "collect": "nodes.one.x"}),
        node("one", parent="each", config={"values": {"x": "item"}}),
        node("way", "branch", config={"cases": [{"port": "a", "when": "nodes.each.results == []"}]}, join="any"),
        node("end", "end", config={"output": {"x": "nodes.topic.label"}}),
        node("stop", "fail", config={"message": "no"}),
    ],
    [
        "start -> topic", "topic.lost -> draft", "topic.other -> each", "topic.unsure -> stop", "draft -> ok", "ok.approved -> tell",
        edge("ok.rejected -> draft", max_visits=3, on_exhausted="expired"), "ok.expired -> stop", "tell -> way", "tell.error -> stop",
        "each.item -> one", "each -> way", "way.a -> end", "way.else -> end",
    ],
    limits={"cost_usd": 0.5, "steps": 100}, on_limit="ask", vars={"k": 1},
    triggers=[{"kind": "schedule", "cron": "0 9 * * 1"}, {"kind": "webhook", "path": "p"}],
)  # fmt: skip

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=8)
    | st.sampled_from(["start", "draft", "each", "out", "item", "error", "{{ nodes.draft.text }}", "{{", "nodes.a.b", "map", "end"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


def places(value, path=()):
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


PLACES = [path for path in places(RICH) if path]


def mangled(changes) -> dict:
    value = copy.deepcopy(RICH)
    for path, change, new in changes:
        try:
            holder = value
            for key in path[:-1]:
                holder = holder[key]
            match change:
                case "replace":
                    holder[path[-1]] = new
                case "remove":
                    del holder[path[-1]]
                case "twice":
                    holder.append(copy.deepcopy(holder[path[-1]]))
                case "add":
                    holder[path[-1]]["extra"] = new
        except (KeyError, IndexError, TypeError, AttributeError):
            continue
    return value


CHANGES = st.lists(st.tuples(st.sampled_from(PLACES), st.sampled_from(["replace", "remove", "twice", "add"]), JSON), min_size=1, max_size=6)


def only_problems(value) -> None:
    try:
        result = check(value, CATALOG)
    except NotADocument:
        return
    assert (result.plan is not None) == (not has_errors(result.problems))
    for problem in result.problems:
        assert problem.code and problem.message
        json.dumps(problem.as_json())
    if result.plan is not None:
        worst_case(result.plan)


def test_the_document_that_is_mangled_is_right() -> None:
    assert [p for p in check(RICH, CATALOG).problems if p.severity == "error"] == []


@settings(max_examples=300)
@given(CHANGES)
def test_a_mangled_document_gives_problems_only(changes) -> None:
    only_problems(mangled(changes))


@settings(max_examples=100)
@given(JSON)
def test_any_value_at_all_gives_problems_only(value) -> None:
    only_problems(value)
    only_problems({"nodes": [value], "edges": [value], "vars": value})


@settings(max_examples=200)
@given(st.integers(0, 2**32), st.integers(2, 14), st.integers(1, 40))
def test_any_wiring_gives_problems_only(seed, count, edges) -> None:
    chance = random.Random(seed)
    kinds = ["set", "branch", "approval", "llm", "map", "end", "fail", "notify"]
    ids = [f"n{i}" for i in range(count)]
    nodes = [node("start", "start")]
    for id_ in ids:
        kind = chance.choice(kinds)
        more = {"join": chance.choice(["all", "any"])}
        if chance.random() < 0.3:
            more["parent"] = chance.choice(ids)
        nodes.append(node(id_, kind, **more))
    ports = ["out", "out", "yes", "else", "approved", "rejected", "item"]
    wires = []
    for _ in range(edges):
        wire = edge(f"{chance.choice(['start', *ids])}.{chance.choice(ports)} -> {chance.choice(ids)}")
        wires.append(wire | ({"max_visits": chance.randint(1, 5)} if chance.random() < 0.7 else {}))
    only_problems(document(nodes, wires))


def _sound(chance: random.Random, count: int) -> dict:
    """A workflow that is right by construction: a line of parts, each a step, a fan-out, a branch or a loop."""
    nodes, edges, last = [node("start", "start")], [], ["start"]
    for i in range(count):
        a, b, c = f"a{i}", f"b{i}", f"c{i}"
        into = [edge(f"{n} -> {a}") for n in last]
        match chance.randint(0, 3):
            case 0:
                nodes, edges, last = [*nodes, node(a)], [*edges, *into], [a]
            case 1:
                nodes += [node(a), node(b), node(c)]
                edges, last = [*edges, *into, edge(f"{a} -> {b}"), edge(f"{a} -> {c}")], [b, c]
            case 2:
                nodes += [node(a, "branch"), node(b), node(c)]
                edges, last = [*edges, *into, edge(f"{a}.yes -> {b}"), edge(f"{a}.else -> {c}")], [b, c]
            case _:
                nodes += [node(a), node(b, "branch"), node(c)]
                edges = [*edges, *into, edge(f"{a} -> {b}"), edge(f"{b}.yes -> {a}", max_visits=2), edge(f"{b}.else -> {c}")]
                last = [c]
    return document([*nodes, node("end", "end")], [*edges, *(edge(f"{n} -> end") for n in last)], limits={"steps": 100_000})


@settings(max_examples=100)
@given(st.integers(0, 2**32), st.integers(1, 12))
def test_regions_joins_and_exits_add_up(seed, count) -> None:
    result = check(_sound(random.Random(seed), count), CATALOG)
    assert result.problems == [] and result.plan is not None
    plan = result.plan
    backs = sum(e.is_back for e in plan.edges)
    assert sum(sum(r.joins.values()) for r in plan.regions) + backs == len(plan.edges)
    assert sorted(n for r in plan.regions for n in r.nodes) == sorted(plan.nodes)
    for planned in plan.nodes.values():
        for e in planned.all_edges:
            region = planned.region
            while region != e.settles_in:
                assert e in plan.regions[region].exits
                region = plan.regions[region].parent


@pytest.mark.parametrize("shape", ["chain", "fan", "ladder", "loops", "nested", "any"])
def test_a_large_workflow_of_any_shape_is_checked(shape) -> None:
    count = 600
    ids = [f"n{i}" for i in range(count)]
    line = [edge(f"{a} -> {b}") for a, b in pairwise(ids)]
    nodes = [node(i, join="any" if shape == "any" else "all") for i in ids]
    match shape:
        case "fan":
            line = [edge(f"n0 -> {i}") for i in ids[1:-1]] + [edge(f"{i} -> {ids[-1]}") for i in ids[1:-1]]
        case "ladder" | "any":
            line += [edge(f"{a} -> {b}") for a, b in zip(ids, ids[2:], strict=False)]
        case "loops":
            nodes = [node(i, "branch") for i in ids]
            line = [{**e, "port": "else"} for e in line] + [edge(f"{i}.yes -> {i}", max_visits=2) for i in ids]
        case "nested":
            nodes = [node(i, "branch") for i in ids]
            line = [{**e, "port": "else"} for e in line]
            half = count // 2
            line += [edge(f"{ids[half + i]}.yes -> {ids[half - i - 1]}", max_visits=1) for i in range(half)]
        case _:
            pass
    last = f"{ids[-1]}.else" if shape in ("loops", "nested") else ids[-1]
    result = checked(["start", *nodes, "end"], ["start -> n0", *line, f"{last} -> end"])
    assert [p for p in result.problems if p.severity == "error"] == []
