"""What is called certain has really run, whatever a run does."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.graph.certain import Certain, certain_facts
from engine.graph.configs import know
from engine.graph.document import parse
from engine.graph.flow import Flow, flow_of
from engine.graph.loops import find_loops
from engine.graph.reading import ProblemList
from tests.unit.graph.workflows import CATALOG, document, edge, node


def facts_of(value: dict) -> tuple[Flow, Certain, dict]:
    draft = parse(value)
    nodes = {n.id: know(n, CATALOG, ProblemList()) for n in draft.nodes}
    flow = flow_of(list(nodes), draft.edges, ["start"])
    loops = find_loops(flow)
    assert loops.order
    return flow, certain_facts(flow, loops.order, nodes, backs=loops.back_edges, parents={}), nodes


def random_document(chance: random.Random, count: int) -> dict:
    ids = ["start", *(f"n{i}" for i in range(count))]
    nodes, edges = [node("start", "start")], []
    for i, id_ in enumerate(ids[1:], 1):
        nodes.append(node(id_, chance.choice(["set", "branch", "approval"]), join=chance.choice(["all", "all", "any"])))
        for source in chance.sample(ids[:i], min(i, chance.randint(1, 3))):
            kind = nodes[ids.index(source)]["kind"]
            for port in chance.sample(PORTS[kind], chance.randint(1, len(PORTS[kind]))):
                edges.append(edge(f"{source}.{port} -> {id_}"))
    return document(nodes, edges)


PORTS = {"start": ["out"], "set": ["out"], "branch": ["yes", "else"], "approval": ["approved", "rejected", "expired"]}


def run(chance: random.Random, flow: Flow, nodes: dict) -> list[tuple[str, set[str], set[tuple[str, str]]]]:
    """One execution in a random order: (node, what had ended when it became ready, ports that had been left by)."""
    settled: dict[str, list[bool]] = {n: [] for n in flow.nodes}
    ended: set[str] = set()
    left: set[tuple[str, str]] = set()
    log = [("start", set(ended), set(left))]
    ready, over = ["start"], {"start"}

    def settle(id_: str, port: str | None) -> None:
        for e in flow.leaving[id_]:
            settled[e.target].append(e.port == port)
            arrived, target = settled[e.target], e.target
            if target in over:
                continue
            is_open = any(arrived) and (nodes[target].draft.join == "any" or len(arrived) == len(flow.entering[target]))
            if is_open:
                over.add(target)
                log.append((target, set(ended), set(left)))
                ready.append(target)
            elif len(arrived) == len(flow.entering[target]):
                over.add(target)
                settle(target, None)

    while ready:
        id_ = ready.pop(chance.randrange(len(ready)))
        port = chance.choice(PORTS[nodes[id_].draft.kind])
        ended.add(id_)
        left.add((id_, port))
        settle(id_, port)
    return log


@settings(max_examples=300)
@given(st.integers(0, 2**32), st.integers(2, 10))
def test_no_run_contradicts_what_is_certain(seed, count) -> None:
    chance = random.Random(seed)
    flow, certain, nodes = facts_of(random_document(chance, count))
    for _ in range(10):
        for id_, ended, left in run(chance, flow, nodes):
            assert {n for n in flow.nodes if certain.has_run(n, before=id_)} <= ended
            for source in flow.nodes:
                for port in PORTS[nodes[source].draft.kind]:
                    assert not certain.has_left(source, port, before=id_) or (source, port) in left


def test_what_dominates_is_certain() -> None:
    _, certain, _ = facts_of(document(["start", "a", "b"], ["start -> a", "a -> b"]))
    assert certain.has_run("a", before="b") and certain.has_run("start", before="b")
    assert not certain.has_run("b", before="a") and not certain.has_run("a", before="a")
