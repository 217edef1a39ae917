"""Random workflows, and random ways in which the world can treat their runs."""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import strategies as st

from engine.errors import Permanent, SignalboxError, Transient
from engine.graph.validate import check
from engine.nodes.contract import Outcome
from engine.run.events import Spent
from engine.run.happenings import Finished
from engine.run.state import ENDED
from tests.unit.run.driving import REGISTRY, Trial, call, document, node, plan_of

MOST_RESUMES = 4


def documents(**wanted: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Documents that can run; see `random_document`."""
    return st.integers(0, 2**32 - 1).map(lambda seed: random_document(Random(seed), **wanted))


def random_document(
    random: Random, *, most: int = 9, loops: bool = True, any_joins: bool = True, errors: bool = True, boxes: bool = True
) -> dict[str, Any]:
    """Forward edges at random, boxes with bodies made the same way, then whatever back edges the check lets pass."""
    ids = [f"n{i}" for i in range(random.randint(1, most))]
    nodes: list[Any] = ["start", *(_node(random, id_, any_joins=any_joins, errors=errors) for id_ in ids)]
    nodes += [{"id": f"end{i}", "kind": "end", "config": {"output": {f"e{i}": str(i)}}} for i in range(random.randint(0, 2))]
    edges = _forward(random, nodes)
    for id_ in ids if boxes else ():
        if random.random() < 0.2:
            _make_box(random, id_, nodes, edges, any_joins=any_joins, errors=errors)
    by_id = {n if isinstance(n, str) else n["id"]: n for n in nodes}
    order = list(by_id)
    limits = {"steps": random.choice((5, 12, 60)), "tokens": random.choice((0, 50, 100, 100_000))}
    value = document(nodes, edges, limits=limits if errors else {"steps": 200})
    for _ in range(random.randint(1, 5) if loops else 0):
        value = _with_back_edge(random, value, order, by_id)
    return value


def _forward(random: Random, nodes: list[Any]) -> list[dict[str, Any]]:
    """An edge or some to every node but the first, from those before it."""
    edges: list[dict[str, Any]] = []
    for place, target in enumerate(nodes[1:], 1):
        sources = [s for s in nodes[:place] if isinstance(s, str) or s["kind"] != "end"]
        for source in random.sample(sources, min(len(sources), random.choice((1, 1, 2, 3)))):
            port = random.choice(_ports(source))
            edges.append({"source": source if isinstance(source, str) else source["id"], "port": port, "target": target["id"]})
    return edges


def _make_box(
    random: Random, id_: str, nodes: list[Any], edges: list[dict[str, Any]], *, any_joins: bool, errors: bool, level: int = 1
) -> None:
    """The node becomes a box with a body of its own; a box in it is possible."""
    place = next(i for i, n in enumerate(nodes) if not isinstance(n, str) and n["id"] == id_)
    old = nodes[place]
    body = [_node(random, f"{id_}_{i}", any_joins=any_joins, errors=errors) | {"parent": id_} for i in range(random.randint(0, 3))]
    first = body[0]["id"] if body else ""
    collects = ["item", f"default(nodes.{first}.came_from, index)" if first else "index"]
    config = {
        "items": random.choice(("[]", "[5]", "[5, 6]", "[5, 6, 7, 8]")),
        "concurrency": random.randint(1, 3),
        "collect": random.choice([*collects, "10 / (item - 6)"] if errors else collects),
        "on_item_error": random.choice(("stop", "skip", "collect")),
    }
    kept = {name: old[name] for name in ("join", "disabled", "on_error", "default_output", "parent") if name in old}
    nodes[place] = {"id": id_, "kind": "map", "config": config} | kept
    for edge in edges:
        if edge["source"] == id_ and edge["port"] not in _ports(nodes[place]):
            edge["port"] = "out"
    edges += [edge | ({"port": "item"} if edge["source"] == id_ else {}) for edge in _forward(random, [nodes[place], *body])]
    nodes += body
    for inner in body:
        if level < 2 and random.random() < 0.3:
            _make_box(random, inner["id"], nodes, edges, any_joins=any_joins, errors=errors, level=level + 1)


def _node(random: Random, id_: str, *, any_joins: bool, errors: bool) -> dict[str, Any]:
    more: dict[str, Any] = {}
    if any_joins and random.random() < 0.3:
        more["join"] = "any"
    if random.random() < 0.08:
        more["disabled"] = True
    if errors:
        more["on_error"] = random.choice(("stop", "stop", "port", "default"))
        more |= {"default_output": {"x": 0}} if more["on_error"] == "default" else {}
        more["retry"] = {"attempts": random.choice((1, 1, 2)), "backoff_s": 1}
    match random.randint(0, 6):
        case 0:
            return node(id_, **more)
        case 1 if errors and random.random() < 0.3:
            return node(id_, "wait", config=random.choice(({"seconds": 2}, {"event": "x", "expires_after_s": 2})), **more)
        case 1:
            return node(id_, "approval", **more)
        case 2:
            return call(id_, kind="unsafe_call", **more)
        case 3 if errors:
            return call(id_, kind="fallible", say=random.choice(("", "", "permanent", "transient")), **more)
        case _:
            ways = random.choice((["out"], ["a", "b"], ["a", "b", "c"]))
            tokens = {"tokens": random.choice((0, 30, 60)), "per_token": 1, "max_tokens": random.choice((None, 80))} if errors else {}
            return call(id_, *ways, **tokens, **more)


def _ports(value: Any) -> list[str]:
    if value == "start":
        return ["out"]
    fixed = {"approval": ["approved", "rejected", "expired"], "set": ["out"], "map": ["out"], "wait": ["out", "expired"]}
    ports = fixed.get(value["kind"]) or value["config"].get("ways", ["out"])
    return [*ports, "error"] if value.get("on_error") == "port" else ports


def _with_back_edge(random: Random, value: dict[str, Any], order: list[str], by_id: dict[str, Any]) -> dict[str, Any]:
    inner = [i for i in order if not i.startswith(("end", "start"))]
    source = random.choice(inner)
    target = random.choice(inner[: inner.index(source) + 1])
    ports = _ports(by_id[source])
    edge = {"source": source, "port": random.choice(ports), "target": target, "max_visits": random.randint(1, 3)}
    others = [p for p in ports if p != edge["port"]]
    if others and random.random() < 0.6:
        edge["on_exhausted"] = random.choice(others)
    more = {**value, "edges": [*value["edges"], edge]}
    return more if check(more, REGISTRY).plan is not None else value


class Fate:
    """What happens to a run, drawn from one seed."""

    def __init__(self, run: Trial, random: Random, *, troubles: bool) -> None:
        self.run, self.random, self.troubles = run, random, troubles
        self.resumes = 0

    def go_on(self, most: int = 150) -> Trial:
        """Until the run has ended, or stands still and is not resumed any more."""
        for _ in range(most):
            if self.run.status in ENDED or self.run.status == "stopped":
                if self.run.status not in ("stopped", "failed") or self.resumes >= MOST_RESUMES or not self._resume():
                    break
                continue
            self._one()
        return self.run

    def _resume(self) -> bool:
        self.resumes += 1
        limits = self.run.state.ledger.limits
        state = self.run.state
        if not state.steps and not state.used_up and not any(f.back for f in state.frames.values()):
            return False
        if self.random.random() < 0.4:
            self.run.reload()
        self.run.resume(steps=limits.steps + 10, tokens=limits.tokens + 200, busy_us=limits.busy_us + 10**9)
        return True

    def _one(self) -> None:
        run, random = self.run, self.random
        if self.troubles and (chance := random.random()) < 0.12:
            if chance < 0.04:
                run.crash()
            elif chance < 0.05:
                run.cancel()
            elif chance < 0.08:
                run.clock.advance(random.choice((0.1, 2, 4000)))
                run.seconds_up()
            else:
                run.reload() if not run.calls else run.wait(0.5)
            return
        choices = [*run.calls, *run.waiting]
        if not choices:
            run.wait(1)
            return
        path = random.choice(choices)
        if len(run.calls) > 1 and random.random() < 0.2:
            run.tell(*(self._end_of(both) for both in random.sample(list(run.calls), 2)))
        elif path in run.calls:
            run.tell(self._end_of(path))
        else:
            is_doubtful = run.state.steps[path].status == "in_doubt"
            run.answer(path, random.choice(("done", "retry", "fail") if is_doubtful else ("approved", "approved", "rejected")))

    def _end_of(self, path: str) -> Finished:
        prepared = self.run.calls.pop(path)
        reserved, given = prepared.reserved, prepared.given
        spent = Spent(tokens=self.random.randint(0, reserved.tokens), llm_calls=reserved.llm_calls)
        if self.troubles and self.random.random() < 0.2:
            error: SignalboxError = self.random.choice((Permanent("no"), Transient("busy")))
            return Finished(path, prepared.attempt, given, error=error, spent=spent)
        port = self.random.choice(prepared.node.config.ways)
        return Finished(path, prepared.attempt, given, Outcome({"came_from": path}, port), spent=spent)


def run_of(value: dict[str, Any]) -> Trial:
    """A run of the document that has just started."""
    return Trial(plan_of(value["nodes"], value["edges"], limits=value["limits"])).start()
