"""Workflows whose journals together hold every kind of event that built-in steps can write, each with what people do to its run."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from engine import Engine
from tests.integration.modelled import ANN, until

GoOn = Callable[[Engine, str], Awaitable[str]]
N = {"type": "object", "properties": {"n": {"type": "integer"}}}


def _document(nodes: list[dict[str, Any]], edges: str, **more: Any) -> dict[str, Any]:
    found = []
    for edge in edges.split(","):
        source, target, *visits = edge.split()
        source, _, port = source.partition(".")
        found.append({"source": source, "port": port or "out", "target": target} | ({"max_visits": int(visits[0])} if visits else {}))
    full = [{"id": "start", "kind": "start", "config": {"inputs": N}}, *nodes]
    return {"format": "signalbox/1", "nodes": full, "edges": found, **more}


def _node(name: str, kind: str, config: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"id": name, "kind": kind, "config": config or {}, **more}


def _set(name: str, value: str, **more: Any) -> dict[str, Any]:
    return _node(name, "set", {"values": {"x": value}}, **more)


async def _item(engine: Engine, run: str) -> Any:
    while True:
        found = [item for item in (await engine.approvals.list(ANN, status="pending")).items if item.run_id == run]
        if found:
            return found[0]
        await asyncio.sleep(0.005)


async def _approve(engine: Engine, run: str) -> str:
    item = await _item(engine, run)
    await engine.approvals.decide(ANN, item.id, decision="approve", digest=item.digest, values={"x": 7}, reason="It is right.")
    await until(engine, run, lambda view: view.status == "succeeded")
    return run


async def _submit(engine: Engine, run: str) -> str:
    item = await _item(engine, run)
    await engine.approvals.decide(ANN, item.id, decision="submit", digest=item.digest, values={"amount": 12})
    await until(engine, run, lambda view: view.status == "succeeded")
    return run


async def _send(engine: Engine, run: str) -> str:
    await until(engine, run, lambda view: view.status == "waiting")
    await engine.events.send(ANN, "paid", key="R-17", payload={"amount": 12})
    await until(engine, run, lambda view: view.status == "succeeded")
    return run


async def _extend(engine: Engine, run: str) -> str:
    item = await _item(engine, run)
    await engine.approvals.decide(ANN, item.id, decision="extend", digest=item.digest, values={"steps": 50})
    await until(engine, run, lambda view: view.status == "succeeded")
    return run


async def _pause_and_cancel(engine: Engine, run: str) -> str:
    await _item(engine, run)
    await engine.runs.pause(ANN, run, reason="Lunch.")
    await engine.runs.resume(ANN, run)
    await engine.runs.cancel(ANN, run, reason="Nobody needs it.")
    return run


async def _hears_of_its_child(engine: Engine, run: str) -> str:
    # It waits for its child first, and would be taken for a run at rest.
    await until(engine, run, lambda view: view.status == "succeeded")
    return run


async def _fork(engine: Engine, run: str) -> str:
    await until(engine, run, lambda view: view.status == "succeeded")
    return (await engine.runs.fork(ANN, run, "b", changes={"nodes.a.x": 100})).run_id


async def _retry(engine: Engine, run: str) -> str:
    await until(engine, run, lambda view: view.status == "failed")
    await engine.runs.retry(ANN, run)
    await until(engine, run, lambda view: view.status == "failed")
    return run


async def _stopped(engine: Engine, run: str) -> str:
    await until(engine, run, lambda view: view.status == "stopped")
    return run


async def _waits(engine: Engine, run: str) -> str:
    await until(engine, run, lambda view: view.status == "waiting")
    return run


_ASK = {"title": "Go on?", "editable": {"x": "1"}, "action": "tell"}
_TELL = {"subject": "s", "message": "{{ nodes.ok.values.x }}"}
_FIELDS = {"type": "object", "properties": {"amount": {"type": "number"}}}
_SAY = {"model": "practice", "prompt": "Say {{ inputs.n }}"}
_AGAIN = {"attempts": 3, "backoff_s": 0}
_CALL = {"workflow": "loop", "inputs": {"n": "2"}}
_DONE = _node("done", "end", {"output": {"n": "inputs.n"}})

WORKFLOWS: dict[str, tuple[dict[str, Any], dict[str, Any], GoOn | None]] = {
    "loop": (
        _document(
            [_set("a", "visit"), _node("more", "branch", {"cases": [{"port": "again", "when": "visit < 3"}]}), _DONE],
            "start a,a more,more.again a 5,more.else done",
        ),
        {"n": 1},
        None,
    ),
    "box": (
        _document(
            [_node("each", "map", {"items": "[1, 2, 3]", "collect": "nodes.a.x"}), _set("a", "item * 2", parent="each"), _DONE],
            "start each,each.item a,each done",
        ),
        {"n": 1},
        None,
    ),
    "model": (_document([_node("ask", "llm", _SAY), _DONE], "start ask,ask done"), {"n": 1}, None),
    "tried again": (
        _document([_node("ask", "llm", _SAY | {"model": "practice/flaky"}, retry=_AGAIN), _DONE], "start ask,ask done"),
        {"n": 1},
        None,
    ),
    "approval": (
        _document([_node("ok", "approval", _ASK), _node("tell", "notify", _TELL), _DONE], "start ok,ok.approved tell,tell done"),
        {"n": 1},
        _approve,
    ),
    "form": (_document([_node("fill", "form", {"fields": _FIELDS}), _DONE], "start fill,fill.submitted done"), {"n": 1}, _submit),
    "event": (_document([_node("pause", "wait", {"event": "paid", "key": "'R-17'"}), _DONE], "start pause,pause done"), {"n": 1}, _send),
    "asked limit": (
        _document([_set("a", "1"), _set("b", "2"), _DONE], "start a,a b,b done", limits={"steps": 2}, on_limit="ask"),
        {"n": 1},
        _extend,
    ),
    "stopped": (_document([_set("a", "1"), _set("b", "2"), _DONE], "start a,a b,b done", limits={"steps": 2}), {"n": 1}, _stopped),
    "cancelled": (_document([_node("ok", "approval", {"title": "?"}), _DONE], "start ok,ok.approved done"), {"n": 1}, _pause_and_cancel),
    "fork": (_document([_set("a", "1"), _set("b", "nodes.a.x + 1"), _DONE], "start a,a b,b done"), {"n": 1}, _fork),
    "failed": (_document([_node("bad", "fail", {"message": "Not today."})], "start bad"), {"n": 1}, _retry),
    "child": (_document([_node("call", "subflow", _CALL), _DONE], "start call,call done"), {"n": 1}, _hears_of_its_child),
    "waits for a person": (_document([_node("ok", "approval", {"title": "?"}), _DONE], "start ok,ok.approved done"), {"n": 1}, _waits),
}
