"""An engine on a home of its own, whose models are a fake provider behind the real gateway."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from engine import Actor, Engine, Role, RunView, Settings, StepView
from engine.clock import SystemClock
from engine.llm.gateway import Gateway, GatewaySettings
from engine.llm.messages import ModelRequest
from engine.run.budget import RESERVED, Ledger
from engine.run.codec import from_row
from engine.run.state import fold, new_state
from tests.fakes.provider import FakeProvider

ANN = Actor(kind="user", id="u1", name="Ann", email="a@b.c", roles=frozenset(Role), workspace_id="main", user_id="u1")
PRICE_IN, PRICE_OUT = 1.0, 2.0
"""USD per million tokens, which is micro-USD per token."""
PATIENCE_S = 60.0
"""Far beyond what anything here takes; no test says anything about time."""


@asynccontextmanager
async def opened(home: Path, provider: FakeProvider | None) -> AsyncIterator[Engine]:
    """An engine whose default model is `fake-1` of the provider; the practice model without one."""
    settings = GatewaySettings(
        default_model="fake-1" if provider else None,
        base_url=provider.base_url if provider else None,
        price=(PRICE_IN, PRICE_OUT) if provider else None,
        key_for=lambda name: "sk-canary-4711",
        practice_ms_per_token=0,
        find_ollama=lambda: None,
    )
    clock = SystemClock()
    engine = await Engine.open(Settings.load({"SIGNALBOX_HOME": str(home)}), clock=clock, gateway=Gateway(settings, clock=clock))
    try:
        yield engine
    finally:
        await engine.close()


async def published(engine: Engine, document: dict[str, Any]) -> str:
    """The id of a workflow that can be started."""
    saved = await engine.workflows.create(ANN, document)
    assert [p for p in saved.problems if p["severity"] == "error"] == []
    await engine.workflows.publish(ANN, saved.id)
    return saved.id


async def until(engine: Engine, run_id: str, is_so: Callable[[RunView], bool]) -> RunView:
    """The run as soon as `is_so` of it."""
    async with asyncio.timeout(PATIENCE_S):
        while not is_so(view := await engine.runs.get(ANN, run_id)):
            await asyncio.sleep(0.02)
    return view


async def rested(engine: Engine, run_id: str) -> RunView:
    """The run when nothing moves it any more; one that only waits for its next attempt goes on by itself."""
    return await until(engine, run_id, lambda run: run.status not in ("queued", "running", "waiting"))


async def run_through(engine: Engine, document: dict[str, Any], **inputs: Any) -> RunView:
    """Publishes, starts and waits until it rests."""
    started = await engine.runs.start(ANN, await published(engine, document), inputs=inputs)
    return await rested(engine, started.run_id)


async def steps_of(engine: Engine, run_id: str) -> dict[str, StepView]:
    """Path -> step."""
    return {step.path: step for step in (await engine.runs.steps(ANN, run_id, limit=1000)).items}


async def events_of(engine: Engine, run_id: str, kind: str) -> list[Any]:
    """The journal's events of one kind."""
    return [event for event in (await engine.runs.events(ANN, run_id, limit=1000)).items if event.type == kind]


def ledger_of(engine: Engine, run_id: str) -> Ledger:
    """The run's ledger; on the way there, no row overspends, even if every open reservation is used up in full."""
    core = engine._core
    stored = core.reader.run(run_id)
    assert stored is not None
    state = new_state(core.plans.of(stored.doc_hash), run_id)
    for row in core.reader.rows(run_id):
        fold(state, from_row(row, core.reader.blob), at=row.at, path=row.path, attempt=row.attempt)
        assert all(state.ledger.left(name) >= 0 for name in RESERVED), (row, state.ledger)
    return state.ledger


def bound_of(prompt: str, *, max_tokens: int, schema: Any = None) -> tuple[int, int]:
    """(micro-USD, tokens) that one call may use at most."""
    settings = GatewaySettings(default_model="fake-1", base_url="http://127.0.0.1:1/v1", price=(PRICE_IN, PRICE_OUT))
    request = ModelRequest("default", "", prompt, schema, None, max_tokens, 1.0)
    bound = Gateway(settings, clock=SystemClock()).bound(request)
    return bound.cost_micro, bound.tokens


def llm(node: str, prompt: str = "Say something.", *, max_tokens: int = 100, **settings: Any) -> dict[str, Any]:
    """An `llm` node; config keys stand in `config`, everything else belongs to the node."""
    config = {"prompt": prompt, "max_tokens": max_tokens, **settings.pop("config", {})}
    return {"id": node, "kind": "llm", "config": config, **settings}


def document(*nodes: dict[str, Any], output: dict[str, str], edges: list[tuple[str, ...]], limits: dict[str, Any] | None = None) -> Any:
    """A document with start and end around `nodes`; an edge is (source, target) or (source, port, target)."""
    return {
        "format": "signalbox/1",
        "name": "Modelled",
        "limits": limits or {},
        "nodes": [{"id": "start", "kind": "start"}, *nodes, {"id": "done", "kind": "end", "config": {"output": output}}],
        "edges": [{"source": e[0], "target": e[-1], **({"port": e[1]} if len(e) == 3 else {})} for e in edges],
    }
