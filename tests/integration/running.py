"""An engine on a home of its own, with kinds of nodes whose ends the test decides."""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import Field

from engine import Actor, Engine, Role, RunView, Settings, StepView
from engine.clock import Clock, SystemClock
from engine.errors import Permanent, ProviderRateLimited, Transient
from engine.facade.views import ApprovalView, EventView
from engine.llm.gateway import Gateway, GatewaySettings
from engine.nodes.contract import CallKind, Capability, Effect, Estimate, NodeConfig, Outcome, Template
from engine.nodes.registry import Registry
from engine.run.codec import from_row
from engine.run.state import RunState, fold, new_state
from tests.unit.graph.workflows import document, edge, node

PATIENCE_S = 20.0
"""Far beyond what anything here takes; no test says anything about time."""


def actor(name: str, *roles: Role) -> Actor:
    """A person; one with all roles unless told."""
    return Actor("user", name, name.title(), f"{name}@example.com", frozenset(roles or Role), "main", name)


ANN, BEA, CY = actor("ann"), actor("bea"), actor("cy")


class WorkConfig(NodeConfig):
    """What one step of the kinds below does."""

    say: Template = ""
    ways: list[str] = Field(default_factory=lambda: ["out"])
    tokens: int = 0


@dataclass
class Works:
    """What the kinds of one test do, and what they have done."""

    calls: Counter[str] = field(default_factory=Counter)
    """What was said -> how often a step was executed."""
    gates: dict[str, asyncio.Event] = field(default_factory=dict)
    failures: dict[str, list[Exception]] = field(default_factory=dict)
    answers: dict[str, Outcome] = field(default_factory=dict)
    cancelled: Counter[str] = field(default_factory=Counter)

    def gate(self, said: str) -> asyncio.Event:
        """Opened by the test."""
        return self.gates.setdefault(said, asyncio.Event())

    def registry(self) -> Registry:
        """The built-in kinds and these."""
        kinds = [_kind(self, "work"), _kind(self, "gated", is_gated=True), _kind(self, "unsafe", is_gated=True, effect=Effect.UNSAFE)]
        return Registry([*Registry.builtin().all(), *kinds])


def _kind(works: Works, name: str, *, is_gated: bool = False, effect: Effect = Effect.IDEMPOTENT) -> CallKind[WorkConfig]:
    class Work(CallKind[WorkConfig]):
        """Does what the test says."""

        kind = name
        title = name.title()
        Config = WorkConfig
        fixed_ports = ()
        uses = frozenset({Capability.MODEL})

        def ports(self, config: WorkConfig) -> tuple[str, ...]:
            return tuple(config.ways)

        def estimate(self, config, given, pricing) -> Estimate:
            return Estimate(tokens=config.tokens)

        async def execute(self, config, given, ctx) -> Outcome:
            said = str(given["say"])
            works.calls[said] += 1
            try:
                if is_gated:
                    await works.gate(said).wait()
            except asyncio.CancelledError:
                works.cancelled[said] += 1
                raise
            if works.failures.get(said):
                raise works.failures[said].pop(0)
            return works.answers.get(said, Outcome({"said": said, "key": ctx.idempotency_key}, config.ways[0]))

    Work.effect = effect
    return Work()


def work(id_: str, *, kind: str = "work", say: str | None = None, ways: list[str] | None = None, tokens: int = 0, **more: Any):
    """A node of one of these kinds; says its id unless told."""
    config = {"say": id_ if say is None else say, "tokens": tokens} | ({"ways": ways} if ways else {})
    return {"id": id_, "kind": kind, "config": config, **more}


def gated(id_: str, **more: Any):
    """A step that runs until the test opens its gate."""
    return work(id_, kind="gated", **more)


@dataclass
class Bench:
    """One open engine."""

    engine: Engine
    home: Path
    works: Works
    clock: Clock

    async def publish(self, nodes: list[Any], edges: list[Any], *, by: Actor = ANN, **more: Any) -> str:
        """The slug of a new workflow that is live."""
        saved = await self.engine.workflows.create(by, document(nodes, edges, **more))
        await self.engine.workflows.publish(by, saved.id)
        return saved.slug

    async def start(self, nodes: list[Any], edges: list[Any], *, inputs: Any = None, by: Actor = ANN, **more: Any) -> str:
        """The id of a run of a new workflow."""
        slug = await self.publish(nodes, edges, **more)
        return (await self.engine.runs.start(by, slug, inputs=inputs)).run_id

    async def until(self, run_id: str, *statuses: str) -> RunView:
        """The run once it has one of these statuses; ended unless told."""
        wanted = statuses or ("succeeded", "failed", "cancelled")
        return await self.see(lambda: self.engine.runs.get(ANN, run_id), lambda view: view.status in wanted)

    async def see(self, look: Callable[[], Any], is_so: Callable[[Any], bool]) -> Any:
        """Looks until it is so."""
        async with asyncio.timeout(PATIENCE_S):
            while not is_so(seen := await look()):
                await asyncio.sleep(0.002)
        return seen

    async def called(self, said: str, times: int = 1) -> None:
        """Returns when a step has been executed that often."""
        async with asyncio.timeout(PATIENCE_S):
            while self.works.calls[said] < times:
                await asyncio.sleep(0.002)

    async def steps(self, run_id: str) -> dict[str, StepView]:
        return {step.path: step for step in (await self.engine.runs.steps(ANN, run_id, limit=1000)).items}

    async def events(self, run_id: str) -> list[EventView]:
        return (await self.engine.runs.events(ANN, run_id, limit=1000)).items

    async def pending(self) -> list[ApprovalView]:
        return (await self.engine.approvals.list(ANN, status="pending")).items

    async def item(self, *, status: str | None = "pending") -> ApprovalView:
        """The one item of that status, once it is there."""
        page = await self.see(lambda: self.engine.approvals.list(ANN, status=status), lambda page: page.items)
        assert len(page.items) == 1, page.items
        return page.items[0]

    async def decide(self, item: ApprovalView, decision: str = "approve", *, by: Actor = BEA, **more: Any) -> Any:
        return await self.engine.approvals.decide(by, item.id, decision=decision, digest=item.digest, **more)

    def copy(self) -> Path:
        """What a new process finds if this one dies now."""
        path = self.home.with_name(f"{self.home.name}-after")
        shutil.copytree(self.home, path, ignore=shutil.ignore_patterns("engine.lock"))
        return path

    def replayed(self, run_id: str) -> RunState:
        """The state that the journal tells."""
        core = self.engine._core
        stored = core.reader.run(run_id)
        assert stored is not None
        state = new_state(core.plans.of(stored.doc_hash), run_id)
        for row in core.reader.rows(run_id):
            fold(state, from_row(row, core.reader.blob), at=row.at, path=row.path, attempt=row.attempt)
        assert state.seq == stored.head_seq
        ledger, amounts = state.ledger, ("cost_micro", "tokens", "steps", "llm_calls", "tool_calls")
        assert [getattr(ledger, name) for name in amounts] == [getattr(stored, name) for name in amounts]
        return state


@asynccontextmanager
async def opened(home: Path, works: Works | None = None, *, clock: Clock | None = None) -> AsyncIterator[Bench]:
    """An engine whose models are the practice model."""
    works, clock = works or Works(), clock or SystemClock()
    settings = GatewaySettings(practice_ms_per_token=0, find_ollama=lambda: None)
    engine = await Engine.open(
        Settings.load({"SIGNALBOX_HOME": str(home)}),
        clock=clock,
        gateway=Gateway(settings, clock=clock),
        registry=works.registry(),
    )
    try:
        yield Bench(engine, home, works, clock)
    finally:
        await engine.close()


__all__ = [
    "ANN", "BEA", "CY", "Bench", "Permanent", "ProviderRateLimited", "Transient", "Works", "actor", "edge", "gated", "node", "opened",
    "replace", "work",
]  # fmt: skip
