"""Documents written from workflow.md alone, and an engine that runs them: nothing here knows how the engine works."""

from __future__ import annotations

import hashlib
import itertools
import json
from typing import Any

from engine import Engine, RunView, StepView
from tests.integration.modelled import ANN, published, rested, steps_of, until


def doc(nodes: list[dict[str, Any]], edges: list[str | dict[str, Any]], **more: Any) -> dict[str, Any]:
    """A document; an edge is `a -> b`, `a.port -> b` or an object."""
    return {"format": "signalbox/1", "name": "By contract", "nodes": nodes, "edges": [link(e) for e in edges], **more}


def link(edge: str | dict[str, Any], **more: Any) -> dict[str, Any]:
    """One edge."""
    if isinstance(edge, dict):
        return edge
    source, target = edge.split(" -> ")
    source, _, port = source.partition(".")
    return {"source": source, "target": target, **({"port": port} if port else {}), **more}


def node(id_: str, kind: str, config: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """One node."""
    return {"id": id_, "kind": kind, **({} if config is None else {"config": config}), **more}


def sets(id_: str, **values: Any) -> dict[str, Any]:
    """A `set` node; common settings go into the result."""
    return node(id_, "set", {"values": values})


def ends(id_: str = "done", **output: Any) -> dict[str, Any]:
    """An `end` node."""
    return node(id_, "end", {"output": output})


START = {"id": "start", "kind": "start"}


def straight(*nodes: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A chain of nodes after a start."""
    chain = [START, *nodes]
    pairs = itertools.pairwise(chain)
    return doc(chain, [{"source": a["id"], "target": b["id"]} for a, b in pairs], **more)


async def problems(engine: Engine, document: Any) -> list[dict[str, Any]]:
    """What validating says."""
    return (await engine.workflows.validate(ANN, document)).problems


def errors(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that block publishing."""
    return [p for p in told if p["severity"] == "error"]


async def run(engine: Engine, document: dict[str, Any], *, limits: dict[str, Any] | None = None, **inputs: Any) -> RunView:
    """Publishes, starts and waits until nothing moves the run by itself."""
    started = await engine.runs.start(ANN, await published(engine, document), inputs=inputs, limits=limits)
    return await rested(engine, started.run_id)


async def waits(engine: Engine, document: dict[str, Any], **inputs: Any) -> RunView:
    """The same, until the run waits for a person."""
    started = await engine.runs.start(ANN, await published(engine, document), inputs=inputs)
    return await until(engine, started.run_id, lambda r: r.status == "waiting")


async def steps(engine: Engine, view: RunView) -> dict[str, StepView]:
    """Path -> step."""
    return await steps_of(engine, view.id)


async def item(engine: Engine, view: RunView) -> Any:
    """The one pending inbox item of the run."""
    (found,) = [i for i in (await engine.approvals.list(ANN, status="pending")).items if i.run_id == view.id]
    return found


async def decide(engine: Engine, view: RunView, decision: str = "approve", *, actor: Any = ANN, **more: Any) -> RunView:
    """Decides the pending item and waits until the run rests or waits again."""
    card = await item(engine, view)
    await engine.approvals.decide(actor, card.id, decision=decision, digest=card.digest, **more)
    return await until(engine, view.id, lambda r: r.status not in ("queued", "running"))


def canonical_digest(value: Any) -> str:
    """SHA-256 of canonical JSON, as a stranger writes it."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


EXAMPLE: dict[str, Any] = {
    "format": "signalbox/1",
    "name": "Card request triage",
    "description": "…",
    "limits": {"cost_usd": 0.50, "tokens": 20000, "seconds": 600, "steps": 100, "llm_calls": 20, "tool_calls": 20},
    "on_limit": "stop",
    "triggers": [
        {"kind": "schedule", "cron": "0 9 * * 1", "timezone": "Europe/Berlin", "inputs": {}},
        {"kind": "webhook", "path": "cards"},
    ],
    "nodes": [
        {
            "id": "start",
            "kind": "start",
            "title": "New message",
            "config": {"inputs": {"type": "object", "required": ["message"], "properties": {"message": {"type": "string"}}}},
            "position": {"x": 0, "y": 0},
        },
        {
            "id": "topic",
            "kind": "classify",
            "title": "What is it about?",
            "config": {
                "text": "{{ inputs.message }}",
                "labels": [
                    {"port": "lost", "description": "card lost or stolen", "examples": ["I lost my card"]},
                    {"port": "other", "description": "anything else", "examples": []},
                ],
                "min_confidence": 0.3,
            },
        },
        {"id": "draft", "kind": "llm", "config": {"model": "default", "system": "…", "prompt": "Answer: {{ inputs.message }}"}},
        {
            "id": "ok",
            "kind": "approval",
            "config": {
                "title": "Block this card?",
                "message": "{{ nodes.draft.text }}",
                "editable": {"reply": "nodes.draft.text"},
                "approvers": {"roles": ["approver"]},
                "expires_after_s": 86400,
            },
        },
        {"id": "done", "kind": "end", "config": {"output": {"reply": "nodes.ok.values.reply", "topic": "nodes.topic.label"}}},
    ],
    "edges": [
        {"source": "start", "target": "topic"},
        {"source": "topic", "port": "lost", "target": "draft"},
        {"source": "draft", "target": "ok"},
        {"source": "ok", "port": "approved", "target": "done"},
        {"source": "ok", "port": "rejected", "target": "draft", "max_visits": 3, "on_exhausted": "expired"},
    ],
}
"""The document of workflow.md, letter by letter."""
