"""What runs while processes are killed: workflows of every shape, and two node kinds that leave a line for each execution."""

import asyncio
import os
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from engine import Actor, Engine, Role, Settings
from engine.clock import SystemClock
from engine.errors import ProviderUnavailable
from engine.llm.gateway import Gateway, GatewaySettings
from engine.nodes.contract import CallKind, Effect, NodeConfig, Outcome
from engine.nodes.registry import Registry
from engine.run.context import StepContext

ANN = Actor(kind="user", id="u1", name="Ann", email="a@b.c", roles=frozenset(Role), workspace_id="main", user_id="u1")
LEDGER = "effects"


class EffectConfig(NodeConfig):
    """How long the outside takes, and how many attempts it refuses."""

    pause_ms: float = 1.0
    refuses: int = 0


class Marked(CallKind[EffectConfig]):
    """Appends one line per execution to the ledger: an outside world that remembers everything."""

    kind = "marked"
    title = "Marked"
    effect = Effect.IDEMPOTENT
    Config = EffectConfig
    ledger: ClassVar[int] = -1
    chance: ClassVar[random.Random] = random.Random()

    async def execute(self, config: EffectConfig, given: Mapping[str, Any], ctx: Any) -> Outcome:
        assert isinstance(ctx, StepContext)
        # The process may die before, between and after: the effect is one append that the kernel keeps.
        await asyncio.sleep(self.chance.random() * config.pause_ms / 1000)
        line = f"{self.kind} {ctx.run_id} {ctx.prepared.path} {ctx.prepared.attempt} {ctx.idempotency_key}\n"
        os.write(Marked.ledger, line.encode())
        await asyncio.sleep(self.chance.random() * config.pause_ms / 1000)
        if ctx.prepared.attempt <= config.refuses:
            raise ProviderUnavailable("It refuses at first.")
        return Outcome({"line": ctx.prepared.attempt})


class Unsafe(Marked):
    """The same, and nobody may repeat it by itself."""

    kind = "unsafe"
    effect = Effect.UNSAFE


def registry() -> Registry:
    return Registry([*Registry.builtin().all(), Marked(), Unsafe()])


def _node(name: str, kind: str, config: dict[str, Any] | None = None, **settings: Any) -> dict[str, Any]:
    return {"id": name, "kind": kind, "config": config or {}, **settings}


def _set(name: str, value: str, **settings: Any) -> dict[str, Any]:
    return _node(name, "set", {"values": {"x": value}}, **settings)


def _box(name: str, items: str, collect: str, **more: Any) -> dict[str, Any]:
    config = {key: more.pop(key) for key in list(more) if key in ("concurrency", "on_item_error")}
    return _node(name, "map", {"items": items, "collect": collect, **config}, **more)


def _document(name: str, nodes: list[dict[str, Any]], edges: str, output: dict[str, str]) -> dict[str, Any]:
    """`edges` are `source target` or `source.port target`, or `source.port target max_visits` for a way back."""
    inputs = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}
    found = []
    for edge in edges.split(","):
        source, target, *visits = edge.split()
        source, _, port = source.partition(".")
        edge_of = {"source": source, "target": target, "port": port or "out"}
        found.append(edge_of | ({"max_visits": int(visits[0])} if visits else {}))
    return {
        "format": "signalbox/1",
        "name": name,
        # A model call that a crash interrupts stays charged: wide enough for any number of crashes.
        "limits": {"steps": 10_000, "tokens": 10_000_000, "llm_calls": 1000, "cost_usd": 10},
        "nodes": [_node("start", "start", {"inputs": inputs}), *nodes, _node("done", "end", {"output": output})],
        "edges": found,
    }


_ASK = {"title": "Send it?", "message": "{{ nodes.draft.text }}", "action": "tell"}
_TELL = {"subject": "{{ inputs.n }}", "message": "told"}

DOCUMENTS: dict[str, dict[str, Any]] = {
    document["name"]: document
    for document in (
        _document(
            "chain",
            [_set(f"s{i}", f"nodes.s{i - 1}.x + 1" if i else "inputs.n") for i in range(8)] + [_node("mark", "marked")],
            "start s0," + ",".join(f"s{i} s{i + 1}" for i in range(7)) + ",s7 mark,mark done",
            {"x": "nodes.s7.x"},
        ),
        _document(
            "parallel",
            [
                _set("a", "inputs.n * 2"),
                _node("left", "marked"),
                _node("draft", "llm", {"model": "practice", "prompt": "Say {{ inputs.n }}"}),
                _set("b", "inputs.n + 1"),
                _node("tell", "notify", _TELL),
                _set("both", "nodes.a.x + nodes.b.x"),
                _node("last", "notify", _TELL),
            ],
            "start a,start draft,start b,a left,left both,draft both,b tell,tell both,both last,last done",
            {"x": "nodes.both.x"},
        ),
        _document(
            "loop",
            [
                _node("again", "marked", {"pause_ms": 0.3}),
                _set("count", "visit"),
                _node("enough", "branch", {"cases": [{"port": "more", "when": "visit < 4"}]}),
            ],
            "start again,again count,count enough,enough.more again 6,enough.else done",
            {"x": "nodes.count.x"},
        ),
        _document(
            "asked",
            [
                _node("draft", "llm", {"model": "practice", "prompt": "Say {{ inputs.n }}"}),
                _node("ok", "approval", _ASK),
                _node("tell", "notify", _TELL),
                _set("no", "inputs.n"),
            ],
            "start draft,draft ok,ok.approved tell,tell done,ok.rejected no,no done",
            {"x": "inputs.n"},
        ),
        _document(
            "silent",
            [_node("ok", "approval", {"title": "Anybody?", "expires_after_s": 0.03}), _node("mark", "marked")],
            "start ok,ok.expired mark,ok.approved mark,mark done",
            {"x": "inputs.n"},
        ),
        _document(
            "retried",
            [_node("mark", "marked", {"refuses": 2}, retry={"attempts": 9, "backoff_s": 0.01, "factor": 1.0}), _set("a", "inputs.n")],
            "start mark,mark a,a done",
            {"x": "nodes.a.x"},
        ),
        _document(
            "first",
            [_node("slow", "marked", {"pause_ms": 6.0}), _node("quick", "marked"), _set("a", "inputs.n", join="any")],
            "start slow,start quick,slow a,quick a,a done",
            {"x": "nodes.a.x"},
        ),
        _document(
            "boxed",
            [
                _box("each", "[inputs.n, 1, 2, 3, 4]", "nodes.x.x", concurrency=2),
                _node("mark", "marked", parent="each"),
                _set("x", "item + index", parent="each"),
            ],
            "start each,each.item mark,mark x,each done",
            {"x": "sum(nodes.each.results)"},
        ),
        _document(
            "nested",
            [
                _box("outer", "[0, 1, 2]", "sum(nodes.inner.results)", concurrency=3),
                _node("ok", "approval", {"title": "Item {{ item }}?"}, parent="outer"),
                _box("inner", "[item, item + inputs.n]", "item * visit", concurrency=2, parent="outer", join="any"),
                _node("again", "marked", {"pause_ms": 0.3}, parent="inner"),
                _node("enough", "branch", {"cases": [{"port": "more", "when": "visit < 2"}]}, parent="inner"),
            ],
            "start outer,outer.item ok,ok.approved inner,ok.rejected inner,inner.item again,again enough,enough.more again 3,outer done",
            {"x": "sum(nodes.outer.results)"},
        ),
        _document(
            "risky",
            [
                _box("each", "[1, 2, 3]", "item", concurrency=3, on_item_error="collect"),
                _node("pay", "unsafe", {"pause_ms": 3.0}, parent="each"),
                _node("mark", "marked", parent="each"),
            ],
            "start each,each.item pay,pay mark,each done",
            {"x": "inputs.n + len(nodes.each.results)"},
        ),
        _document(
            "unsafe",
            [_set("a", "inputs.n"), _node("pay", "unsafe", {"pause_ms": 3.0}), _set("b", "nodes.a.x + 1")],
            "start a,a pay,pay b,b done",
            {"x": "nodes.b.x"},
        ),
        _document(
            "called",
            [_node("call", "subflow", {"workflow": "chain", "inputs": {"n": "inputs.n"}}), _node("mark", "marked", {"pause_ms": 0.3})],
            "start call,call mark,mark done",
            {"x": "nodes.call.x"},
        ),
        _document(
            "doubted",
            [_node("pay", "unsafe", {"pause_ms": 3.0}, on_error="port"), _node("mark", "marked"), _set("odd", "inputs.n")],
            "start pay,pay mark,pay.error odd,mark done,odd done",
            {"x": "inputs.n"},
        ),
    )
}

SERVED = {
    "asked": DOCUMENTS["asked"],
    "talked": _document(
        "talked",
        [
            _node("draft", "llm", {"model": "practice", "prompt": "Say {{ inputs.n }}"}),
            _set("count", "visit"),
            _node("enough", "branch", {"cases": [{"port": "more", "when": "visit < 3"}]}),
            _node("tell", "notify", _TELL),
            _set("a", "inputs.n + 1"),
            _set("both", "nodes.a.x + nodes.count.x"),
        ],
        "start draft,draft count,count enough,enough.more draft 5,enough.else tell,start a,a both,tell both,both done",
        {"x": "nodes.both.x"},
    ),
}
"""For a server of its own, which knows only the kinds that everybody has."""


def expected(workflow: str, n: int) -> dict[str, Any]:
    """The output of a run that ended well, however often its process died."""
    match workflow:
        case "chain" | "called":
            return {"x": n + 7}
        case "parallel":
            return {"x": n * 2 + n + 1}
        case "loop":
            return {"x": 4}
        case "boxed":
            return {"x": n + 10 + 10}
        case "nested":
            return {"x": 3 * n + 6}
        case "risky":
            return {"x": n + 3}
        case "unsafe":
            return {"x": n + 1}
        case "talked":
            return {"x": n + 1 + 3}
        case _:
            return {"x": n}


def settings_of(home: Path) -> Settings:
    return Settings.load({"SIGNALBOX_HOME": str(home)})


async def opened(home: Path, kinds: Registry) -> Engine:
    """The engine of a home, with a practice model that does not pause."""
    clock = SystemClock()
    gateway = Gateway(GatewaySettings(default_model="practice", practice_ms_per_token=0, find_ollama=lambda: None), clock=clock)
    return await Engine.open(settings_of(home), clock=clock, gateway=gateway, registry=kinds)


async def publish_all(engine: Engine) -> None:
    for document in DOCUMENTS.values():
        saved = await engine.workflows.create(ANN, document)
        assert not [p for p in saved.problems if p["severity"] == "error"], saved.problems
        await engine.workflows.publish(ANN, saved.id)
