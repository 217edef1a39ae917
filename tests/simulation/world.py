"""What stands around the simulated processes: a clock that jumps, providers that fail, effects that are written down, documents."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

from engine.errors import Permanent, ProviderRateLimited, ProviderRejected, ProviderUnavailable, StepTimedOut, Transient
from engine.graph.plan import Plan
from engine.graph.validate import check
from engine.llm.messages import Bound, ModelAnswer, ModelRequest, Usage
from engine.nodes.contract import Outcome
from engine.nodes.registry import Registry
from engine.run.context import StepContext
from engine.run.events import Spent
from engine.run.happenings import Finished
from tests.unit.run.driving import Call, CallConfig, Fallible, UnsafeCall
from tests.unit.run.random_runs import random_document

if TYPE_CHECKING:
    from tests.simulation.process import Process

START_US = 1_750_000_000_000_000
MAX_TOKENS = 20
HERE: ContextVar[Process] = ContextVar("HERE")
"""The process that runs the code of the moment."""


class MachineClock:
    """The machine's clock, as `SystemClock` tells it to one process: set back, it stands still until it has caught up."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._last = 0

    def now_us(self) -> int:
        self._last = max(self._last, self._world.now_us())
        return self._last

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))


@dataclass
class World:
    """Everything that outlives a process, but for the disk."""

    random: Random
    time: Callable[[], float]
    clock_off_us: int = 0
    """How far somebody has set the machine's clock."""
    is_calm: bool = False
    """Nothing goes wrong any more."""
    effects: list[tuple[str, str, str, int, str]] = field(default_factory=list)
    """(kind, run, path, attempt, idempotency key) of everything that was done outside."""
    plans: dict[str, Plan] = field(default_factory=dict)
    troubles: dict[str, int] = field(default_factory=dict)

    def now_us(self) -> int:
        return START_US + int(self.time() * 1e6) + self.clock_off_us

    def happens(self, chance: float) -> bool:
        """Whether something goes wrong now."""
        return not self.is_calm and self.random.random() < chance

    def trouble(self, name: str) -> None:
        self.troubles[name] = self.troubles.get(name, 0) + 1

    async def takes_a_while(self) -> None:
        await asyncio.sleep(self.random.choice((0.0, 0.001, 0.01, 0.2)) if self.random.random() < 0.97 else self.random.random() * 30)


async def work(world: World, kind: str, config: CallConfig, ctx: Any) -> Outcome:
    """What the calls of random documents do: they take their time, leave a mark outside, and fail now and then."""
    assert isinstance(ctx, StepContext)
    process, prepared = HERE.get(), ctx.prepared
    await world.takes_a_while()
    process.check_alive()
    if kind == "unsafe" and world.happens(0.1):
        # It says no before anything has happened, or it would have nothing to say.
        world.trouble("failed calls")
        raise world.random.choice((Permanent("It cannot be."), Transient("Not now.")))
    world.effects.append((kind, ctx.run_id, prepared.path, prepared.attempt, ctx.idempotency_key))
    ctx.spent = Spent(tokens=world.random.randint(0, prepared.reserved.tokens))
    await world.takes_a_while()
    process.check_alive()
    if kind != "unsafe" and world.happens(0.12):
        world.trouble("failed calls")
        raise world.random.choice((Permanent("It cannot be."), Transient("Not now."), ZeroDivisionError("a kind's own defect")))
    outcome = Outcome({"came_from": prepared.path}, world.random.choice(config.ways))
    if world.happens(0.05):
        world.trouble("answers delivered twice")
        process.later(lambda: process.executor.tell(ctx.run_id, Finished(prepared.path, prepared.attempt, prepared.given, outcome)))
    return outcome


def registry(world: World) -> Registry:
    """The built-in kinds, and those of random documents."""

    class SimulatedCall(Call):
        """Ends by itself."""

        async def execute(self, config: CallConfig, given: Mapping[str, Any], ctx: Any) -> Outcome:
            return await work(world, "marked", config, ctx)

    class SimulatedUnsafeCall(UnsafeCall):
        """The same, with an effect that must not happen twice."""

        async def execute(self, config: CallConfig, given: Mapping[str, Any], ctx: Any) -> Outcome:
            return await work(world, "unsafe", config, ctx)

    return Registry([*Registry.builtin().all(), SimulatedCall(), SimulatedUnsafeCall(), Fallible()])


class Models:
    """Providers that answer, refuse, hang or talk nonsense."""

    def __init__(self, world: World) -> None:
        self._world = world

    def bound(self, request: ModelRequest, fallbacks: Sequence[str] = ()) -> Bound:
        return Bound(tokens=10 + request.max_tokens, cost_micro=100)

    def chain(self, model: str, fallbacks: Sequence[str] = ()) -> list[str]:
        return [model, *fallbacks]

    async def complete(self, request: ModelRequest, *, on_token: Callable[[str], None] | None = None, on_wait: Any = None) -> ModelAnswer:
        world = self._world
        await world.takes_a_while()
        if world.happens(0.3):
            world.trouble("provider faults")
            match world.random.randint(0, 4):
                case 0:
                    raise ProviderRateLimited("slow down", details={"retry_after_s": world.random.choice((0.5, 30)), "status": 429})
                case 1:
                    raise ProviderUnavailable("answered with an error (503)", details={"status": 503})
                case 2:
                    raise ProviderRejected("does not accept the key (401)", details={"status": 401})
                case 3:
                    raise StepTimedOut("It took longer than 120 s.")
                case _:
                    return self._answer("{nonsense")
        return self._answer('{"wish": "none"}')

    def _answer(self, text: str) -> ModelAnswer:
        usage = Usage(tokens_in=self._world.random.randint(1, 10), tokens_out=self._world.random.randint(1, MAX_TOKENS), cost_micro=60)
        return ModelAnswer(text, "simulated", usage, "stop", False)


class Nobody:
    """No document of these notifies anybody."""

    async def deliver(self, key: str, *, run_id: str, path: str, channel: str, subject: str, message: str) -> bool:
        raise AssertionError(key)


def no_programs() -> Any:
    """No document of these runs code."""
    return None


async def no_meaning(_texts: Sequence[str]) -> Any:
    """No document of these asks what a text means."""
    raise AssertionError


# Documents


def documents(random: Random, kinds: Registry) -> dict[str, dict[str, Any]]:
    """Slug -> document; each may run those that stand before it."""
    found: dict[str, dict[str, Any]] = {}
    for number in range(random.randint(2, 4)):
        slug = f"w{number}"
        plain = random_document(random, most=random.choice((3, 6, 9)), errors=random.random() < 0.7) | {"name": slug}
        if random.random() < 0.4:
            plain["on_limit"] = "ask"
        mixed = _mixed(random, plain, list(found))
        found[slug] = mixed if check(mixed, kinds).plan is not None else plain
        assert check(found[slug], kinds).plan is not None, check(found[slug], kinds).problems
    return found


def _mixed(random: Random, value: dict[str, Any], others: list[str]) -> dict[str, Any]:
    """Some calls become runs of other workflows, forms, waits and questions to a model."""
    nodes, edges = [], [dict(edge) for edge in value["edges"]]
    for node in value["nodes"]:
        is_plain = isinstance(node, dict) and node["kind"] in ("call", "set") and node["config"].get("ways", ["out"]) == ["out"]
        kind, config, port = _instead(random, others) if is_plain and random.random() < 0.7 else ("", {}, "")
        if not kind:
            nodes.append(node)
            continue
        nodes.append({**node, "kind": kind, "config": config})
        for edge in edges:
            if edge["source"] == node["id"] and edge.get("port", "out") == "out":
                edge["port"] = port
    limits = value["limits"] | {"seconds": random.choice((20, 3600)), "llm_calls": random.choice((1, 20))}
    return {**value, "nodes": nodes, "edges": edges, "limits": limits}


def _instead(random: Random, others: list[str]) -> tuple[str, dict[str, Any], str]:
    match random.randint(0, 4):
        case 0 if others:
            return "subflow", {"workflow": random.choice(others), "inputs": {}}, "out"
        case 1:
            return "form", {"title": "Who?", "expires_after_s": random.choice((None, 3.0))}, "submitted"
        case 2:
            seconds = random.choice(({"seconds": 2}, {"event": "x", "expires_after_s": 4}, {"event": "x", "key": "run.id"}))
            return "wait", seconds, "out"
        case _:
            schema = {"type": "object", "required": ["wish"]} if random.random() < 0.3 else None
            return "llm", {"prompt": "Say it.", "max_tokens": MAX_TOKENS, **({"output": schema} if schema else {})}, "out"
