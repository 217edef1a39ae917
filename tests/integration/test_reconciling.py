"""A call of which the other system can tell whether it happened is asked about there, and a person only where that fails."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from engine import Engine, Settings
from engine.clock import SystemClock
from engine.errors import ProviderUnavailable
from engine.llm.gateway import Gateway, GatewaySettings
from engine.nodes.contract import CallKind, Effect, Estimate, NodeConfig, Outcome
from engine.nodes.registry import Registry
from tests.integration.modelled import ANN, events_of, published, rested, steps_of, until


class BankConfig(NodeConfig):
    """Nothing to set."""


@dataclass
class Bank:
    """The other system."""

    moved: dict[str, int] = field(default_factory=dict)
    """Idempotency key -> how often money was moved."""
    is_lost: str = ""
    """`before` or `after` moving the money, nobody hears of the call any more."""
    is_down: int = 0
    """So many questions get no answer."""
    questions: int = 0
    is_silent: bool = False
    """Questions are never answered."""
    called: asyncio.Event = field(default_factory=asyncio.Event)

    def registry(self) -> Registry:
        return Registry([*Registry.builtin().all(), transfer(self)])


def transfer(bank: Bank) -> CallKind[BankConfig]:
    class Transfer(CallKind[BankConfig]):
        """Moves money."""

        kind = "transfer"
        title = "Transfer"
        effect = Effect.RECONCILABLE
        Config = BankConfig

        def estimate(self, config, given, pricing) -> Estimate:
            return Estimate(tool_calls=1)

        async def execute(self, config, given, ctx) -> Outcome:
            if bank.is_lost == "before":
                await self._lost()
            bank.moved[ctx.idempotency_key] = bank.moved.get(ctx.idempotency_key, 0) + 1
            if bank.is_lost == "after":
                await self._lost()
            return Outcome({"moved": "now"})

        async def _lost(self) -> None:
            bank.called.set()
            await asyncio.Event().wait()

        async def reconcile(self, config, given, ctx) -> Outcome | None:
            bank.questions += 1
            if bank.is_silent:
                await asyncio.Event().wait()
            if bank.is_down:
                bank.is_down -= 1
                raise ProviderUnavailable("The bank is closed.")
            return Outcome({"moved": "before"}) if ctx.idempotency_key in bank.moved else None

    return Transfer()


@asynccontextmanager
async def opened(home: Path, bank: Bank) -> AsyncIterator[Engine]:
    clock = SystemClock()
    gateway = Gateway(GatewaySettings(default_model="practice", practice_ms_per_token=0, find_ollama=lambda: None), clock=clock)
    settings = Settings.load({"SIGNALBOX_HOME": str(home)})
    engine = await Engine.open(settings, clock=clock, gateway=gateway, registry=bank.registry())
    try:
        yield engine
    finally:
        await engine.close()


def document(**node: Any) -> dict[str, Any]:
    return {
        "format": "signalbox/1",
        "name": "Pays",
        "nodes": [
            {"id": "start", "kind": "start"},
            {"id": "pay", "kind": "transfer", **node},
            {"id": "done", "kind": "end", "config": {"output": {"moved": "nodes.pay.moved"}}},
        ],
        "edges": [{"source": "start", "target": "pay"}, {"source": "pay", "target": "done"}],
    }


async def died_in_the_call(home: Path, bank: Bank, **node: Any) -> str:
    """The run whose process ended in the middle of the call."""
    async with opened(home, bank) as engine:
        run = (await engine.runs.start(ANN, await published(engine, document(**node)))).run_id
        async with asyncio.timeout(20):
            await bank.called.wait()
    bank.is_lost = ""
    return run


@pytest.mark.parametrize(("lost", "told", "moved"), [("after", "it had happened", "before"), ("before", "it had not happened", "now")])
async def test_after_a_crash_the_other_system_is_asked_and_the_effect_happens_once(
    tmp_path: Path, lost: str, told: str, moved: str
) -> None:
    bank = Bank(is_lost=lost)
    run = await died_in_the_call(tmp_path / "home", bank)
    async with opened(tmp_path / "home", bank) as engine:
        view = await rested(engine, run)
        assert (view.status, view.output) == ("succeeded", {"moved": moved})
        assert (list(bank.moved.values()), bank.questions) == ([1], 1)
        (done,) = [event for event in await events_of(engine, run, "step_done") if event.path == "pay"]
        assert (done.attempt, done.data["note"]["asked"]) == (1, told)
        # What it had cost before the crash nobody knows: it is charged as it was set aside.
        assert view.spent["tool_calls"] == 1
        assert (await engine.approvals.list(ANN)).items == []


async def test_a_system_that_is_down_is_asked_again_as_the_step_says(tmp_path: Path) -> None:
    bank = Bank(is_lost="after", is_down=2)
    run = await died_in_the_call(tmp_path / "home", bank, retry={"attempts": 3, "backoff_s": 0.01})
    async with opened(tmp_path / "home", bank) as engine:
        assert (await rested(engine, run)).output == {"moved": "before"}
        assert (list(bank.moved.values()), bank.questions) == ([1], 3)


async def test_where_nobody_there_can_tell_a_person_is_asked(tmp_path: Path) -> None:
    bank = Bank(is_lost="after", is_down=2)
    run = await died_in_the_call(tmp_path / "home", bank, retry={"attempts": 2, "backoff_s": 0.01})
    async with opened(tmp_path / "home", bank) as engine:
        await until(engine, run, lambda view: view.status == "waiting")
        (item,) = (await engine.approvals.list(ANN, status="pending")).items
        assert item.type == "in_doubt" and "The bank is closed." in item.message
        assert (await steps_of(engine, run))["pay"].status == "in_doubt"
        await engine.approvals.decide(ANN, item.id, decision="done", digest=item.digest, values={"moved": "says Ann"})
        assert (await rested(engine, run)).output == {"moved": "says Ann"}
        assert list(bank.moved.values()) == [1]


@pytest.mark.parametrize(("lost", "moved"), [("after", "before"), ("before", "now")])
async def test_no_answer_in_time_is_asked_about_too(tmp_path: Path, lost: str, moved: str) -> None:
    bank = Bank(is_lost=lost)
    async with opened(tmp_path / "home", bank) as engine:
        run = (await engine.runs.start(ANN, await published(engine, document(timeout_s=0.3)))).run_id
        await bank.called.wait()
        bank.is_lost = ""
        assert (await rested(engine, run)).output == {"moved": moved}
        assert (list(bank.moved.values()), bank.questions) == ([1], 1)


async def test_a_crash_while_it_is_asked_asks_again(tmp_path: Path) -> None:
    bank = Bank(is_lost="after")
    run = await died_in_the_call(tmp_path / "home", bank)
    bank.is_silent = True
    async with opened(tmp_path / "home", bank) as engine:
        async with asyncio.timeout(20):
            while not bank.questions:
                await asyncio.sleep(0.01)
        assert (await engine.runs.get(ANN, run)).status == "running"
    bank.is_silent = False
    async with opened(tmp_path / "home", bank) as engine:
        assert (await rested(engine, run)).output == {"moved": "before"}
        assert (list(bank.moved.values()), bank.questions) == ([1], 2)


async def test_a_run_that_is_cancelled_meanwhile_says_that_nobody_knows(tmp_path: Path) -> None:
    bank = Bank(is_lost="after")
    async with opened(tmp_path / "home", bank) as engine:
        run = (await engine.runs.start(ANN, await published(engine, document()))).run_id
        await bank.called.wait()
        await engine.runs.cancel(ANN, run)
        (event,) = await events_of(engine, run, "run_cancelled")
        assert list(event.data["doubtful"]) == ["pay"]
        assert bank.questions == 0
