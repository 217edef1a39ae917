"""Documents of the contract on a bench whose steps and commits a test holds up and lets go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from engine import Engine, RunView, Settings
from engine.clock import SystemClock
from engine.llm.gateway import Gateway, GatewaySettings
from engine.nodes.registry import Registry
from engine.storage.journal import Commit
from tests.acceptance.by_contract import node
from tests.integration.running import ANN, Bench


async def begin(bench: Bench, document: dict[str, Any], **inputs: Any) -> str:
    """The id of a run of that document."""
    saved = await bench.engine.workflows.create(ANN, document)
    await bench.engine.workflows.publish(ANN, saved.id)
    return (await bench.engine.runs.start(ANN, saved.id, inputs=inputs)).run_id


async def ended(bench: Bench, document: dict[str, Any], **inputs: Any) -> RunView:
    """The run when it is over."""
    return await bench.until(await begin(bench, document, **inputs))


async def settled(bench: Bench, run: str, is_so: Callable[[dict[str, str]], bool]) -> dict[str, str]:
    """Path -> status, once it is so."""

    async def look() -> dict[str, str]:
        return {path: step.status for path, step in (await bench.steps(run)).items()}

    return await bench.see(look, is_so)


async def let_it_run() -> None:
    """Whatever may happen by itself has happened: enough turns of the loop for several commits."""
    for _ in range(50):
        await asyncio.sleep(0.002)


def branch(id_: str, **cases: str) -> dict[str, Any]:
    """A branch of port = condition."""
    return node(id_, "branch", {"cases": [{"port": p, "when": w} for p, w in cases.items()]})


def ask(id_: str, **config: Any) -> dict[str, Any]:
    """An approval."""
    return node(id_, "approval", {"title": id_, **config})


class Held:
    """Commits that hold a text wait until they are let go."""

    def __init__(self, bench: Bench, monkeypatch: pytest.MonkeyPatch, text: bytes) -> None:
        self.reached, self.let_go = asyncio.Event(), asyncio.Event()
        journal = bench.engine._core.journal
        commit = journal.commit

        async def slow(what: Commit) -> None:
            if any(text in row.payload for row in what.rows):
                self.reached.set()
                await self.let_go.wait()
            await commit(what)

        monkeypatch.setattr(journal, "commit", slow)


def llm(id_: str = "l", **more: Any) -> dict[str, Any]:
    """A model call; settings of the node."""
    return node(id_, "llm", {"prompt": "Say something.", "max_tokens": 64}, **more)


@asynccontextmanager
async def modelled(home: Path, *, registry: Registry | None = None, **gateway: Any) -> AsyncIterator[Engine]:
    """An engine with these settings of the gateway; the practice model without any."""
    clock = SystemClock()
    full = {"practice_ms_per_token": 0, "find_ollama": lambda: None, "key_for": lambda name: "sk-canary-4711"} | gateway
    settings = Settings.load({"SIGNALBOX_HOME": str(home)})
    engine = await Engine.open(settings, clock=clock, gateway=Gateway(GatewaySettings(**full), clock=clock), registry=registry)
    try:
        yield engine
    finally:
        await engine.close()
