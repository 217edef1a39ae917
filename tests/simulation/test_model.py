"""Whatever is done to a run, in any order: the engine and a small model of what workflow.md says agree after every act."""

from __future__ import annotations

from collections import Counter
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from engine.errors import Permanent, Transient
from engine.run import events
from engine.run.events import Spent
from engine.run.happenings import Pause
from tests.figures import figures
from tests.simulation.model import OVER, Edge, Model, Node
from tests.unit.run.driving import Trial, call

KINDS = ("call", "call", "unsafe_call", "approval", "wait", "set", "end")
MORE = {"steps": 6, "tokens": 60}


@st.composite
def nodes(draw: st.DrawFn, id_: str) -> tuple[dict[str, Any], Node]:
    """A node as the document writes it, and as the model sees it."""
    kind = draw(st.sampled_from(KINDS))
    ways = draw(st.sampled_from((("out",), ("a", "b"))))
    tokens = draw(st.sampled_from((0, 30, 60)))
    attempts, on_error = draw(st.integers(1, 2)), draw(st.sampled_from(("stop", "stop", "port", "default")))
    settings_of = {"on_error": on_error, "retry": {"attempts": attempts, "backoff_s": 1, "factor": 1}}
    settings_of |= {"default_output": {"x": 0}} if on_error == "default" else {}
    seen = Node(id_, kind, attempts=attempts, on_error=on_error)
    match kind:
        case "call" | "unsafe_call":
            seen.ports, seen.tokens, seen.is_unsafe = ways, tokens, kind == "unsafe_call"
            return call(id_, *ways, kind=kind, tokens=tokens, **settings_of), seen
        case "approval":
            seen.ports = ("approved", "rejected", "expired")
            return {"id": id_, "kind": kind, "config": {"title": "?"}, **settings_of}, seen
        case "wait":
            seen.seconds = 2
            return {"id": id_, "kind": kind, "config": {"seconds": 2}, **settings_of}, seen
        case "end":
            seen.ports = ()
            return {"id": id_, "kind": kind, "config": {"output": {id_: "1"}}}, seen
        case _:
            return {"id": id_, "kind": kind, "config": {"values": {"x": "1"}}, **settings_of}, seen


class Runs(RuleBasedStateMachine):
    """One run and its model."""

    counted: ClassVar[Counter[str]] = Counter()

    @initialize(data=st.data(), size=st.integers(1, 7), steps=st.integers(2, 12), tokens=st.integers(0, 150))
    def start(self, data: st.DataObject, size: int, steps: int, tokens: int) -> None:
        drawn = [data.draw(nodes(f"n{i}")) for i in range(size)]
        seen = [Node("start", "start"), *(node for _, node in drawn)]
        edges: list[Edge] = []
        for place, target in enumerate(seen[1:], 1):
            sources = [node for node in seen[:place] if node.kind != "end"]
            for source in data.draw(st.lists(st.sampled_from(sources), min_size=1, max_size=2, unique_by=lambda node: node.id)):
                ports = [*source.ports, *(["error"] if source.on_error == "port" and source.kind not in ("start", "end") else [])]
                edges.append(Edge(source.id, data.draw(st.sampled_from(ports)), target.id))
        written = [{"source": edge.source, "port": edge.port, "target": edge.target} for edge in edges]
        self.model = Model({node.id: node for node in seen}, edges, steps, tokens)
        self.counted["runs"] += 1
        self.model.begin()
        self.seen = 0
        self.run = Trial.of(["start", *(node for node, _ in drawn)], written, limits={"steps": steps, "tokens": tokens})
        self.follow()

    def follow(self) -> None:
        """Tells the model what the engine has started since."""
        self.counted["acts"] += 1
        for line in self.run.log[self.seen :]:
            if line.startswith("+"):
                self.model.began(line[1:])
            elif line.startswith("limit "):
                self.model.met_a_limit()
        self.seen = len(self.run.log)
        self.model.settle()

    # What can happen

    @precondition(lambda self: self.run.live)
    @rule(data=st.data())
    def a_call_ends(self, data: st.DataObject) -> None:
        node, spent = self._call(data)
        port = data.draw(st.sampled_from(node.ports))
        self.model.ended(node.id, port, spent)
        self.run.done(node.id, port, spent=Spent(tokens=spent))
        self.follow()

    @precondition(lambda self: self.run.live)
    @rule(data=st.data(), is_transient=st.booleans())
    def a_call_fails(self, data: st.DataObject, is_transient: bool) -> None:
        node, spent = self._call(data)
        self.model.failed(node.id, spent, is_transient=is_transient)
        self.run.fails(node.id, Transient("busy") if is_transient else Permanent("no"), spent=Spent(tokens=spent))
        self.follow()

    def _call(self, data: st.DataObject) -> tuple[Node, int]:
        node = self.model.nodes[data.draw(st.sampled_from(self.run.live))]
        return node, data.draw(st.integers(0, node.tokens))

    @precondition(lambda self: self.model.status not in OVER and self.model.of("waiting", "in_doubt"))
    @rule(data=st.data())
    def somebody_answers(self, data: st.DataObject) -> None:
        node = data.draw(st.sampled_from(self.model.of("waiting", "in_doubt")))
        decision = data.draw(st.sampled_from(("approved", "rejected") if node.status == "waiting" else ("done", "retry", "fail")))
        self.model.answered(node.id, decision)
        self.run.answer(node.id, decision)
        self.follow()

    @rule(seconds=st.sampled_from((0.5, 1, 3)))
    def time_passes(self, seconds: float) -> None:
        assume(self.model.status not in OVER)
        self.model.passed(seconds)
        self.run.wait(seconds)
        self.follow()

    @rule()
    def the_process_dies(self) -> None:
        assume(self.model.status not in OVER)
        self.model.crashed()
        self.run.crash()
        self.follow()

    @precondition(lambda self: self.model.status == "running" and not self.model.is_halted and not self.model.has_failed)
    @rule()
    def somebody_pauses(self) -> None:
        assume(not self.model.is_paused)
        self.model.is_paused = True
        self.run.tell(Pause("bob"))
        self.follow()

    @precondition(lambda self: self.model.status in ("stopped", "paused", "failed"))
    @rule()
    def somebody_resumes(self) -> None:
        limits = {"steps": self.model.steps_allowed + MORE["steps"], "tokens": self.model.tokens_allowed + MORE["tokens"]}
        self.model.resumed(**limits)
        self.run.resume(**limits)
        self.follow()

    @precondition(lambda self: self.model.status not in OVER)
    @rule(really=st.integers(0, 5))
    def somebody_cancels(self, really: int) -> None:
        assume(really == 0)
        self.model.cancelled()
        self.run.cancel()
        self.follow()

    # What must be so after each

    @invariant()
    def they_agree(self) -> None:
        if not hasattr(self, "run"):
            return
        model, run = self.model, self.run
        moving = "running" if model.of("running", "ready") else "waiting"
        assert run.status == (moving if model.status == "running" else model.status), (run.status, run.reason)
        assert run.live == sorted(node.id for node in model.of("running") if model.status not in OVER)
        assert (run.state.ledger.steps, run.state.ledger.tokens) == (model.steps, model.tokens)
        done = {row.path: e.port for row, e in zip(run.rows, run.events, strict=True) if isinstance(e, events.StepDone)}
        by_person = {node.id: node.port for node in model.of("done") if node.id in done}
        assert by_person == done
        if model.status == "succeeded":
            assert run.output == ({id_: 1 for id_ in model.reached} or None)


def test_the_engine_does_what_the_rules_say_in_whatever_order_things_happen() -> None:
    agree(_SETTINGS)


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_the_same_for_very_many_runs() -> None:
    agree(settings(_SETTINGS, max_examples=5_000, derandomize=False))


def agree(how: settings) -> None:
    Runs.counted.clear()
    failures = 1
    try:
        run_state_machine_as_test(Runs, settings=how)
        failures = 0
    finally:
        figures("model", failures=failures, **Runs.counted)


_SETTINGS = settings(max_examples=120, stateful_step_count=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
