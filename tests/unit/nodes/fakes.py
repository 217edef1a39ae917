"""A world in which single steps run: only what a kind declares is there, and every model call is counted."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.clock import SystemClock
from engine.errors import SignalboxError
from engine.expressions import ROOT_NAMES, compile_expression, compile_template
from engine.graph.fields import FieldRole
from engine.graph.fieldtree import marked_fields, resolver
from engine.graph.validate import check
from engine.llm.messages import Bound, ModelAnswer, ModelInfo, ModelRequest
from engine.llm.practice import PracticeModel
from engine.llm.prices import full_price, upper_bound
from engine.nodes.child import ChildKind
from engine.nodes.contract import AskKind, BoxKind, CallKind, Capability, InlineKind, Outcome, WaitKind, WebAnswer, WebRequest
from engine.nodes.registry import AnyKind, Registry
from engine.sandbox.monty import Sandbox
from engine.sandbox.program import read
from engine.tools.messages import Tool

REGISTRY = Registry.builtin()
MODEL = ModelInfo("practice", "practice", "Practice", True, 3.0, 15.0, None, True, "")


class Prices:
    """What the practice model would cost at the price of a dear one."""

    def bound(self, request: ModelRequest, fallbacks: Sequence[str] = ()) -> Bound:
        return upper_bound(request, MODEL)

    def chain(self, model: str, fallbacks: Sequence[str] = ()) -> list[str]:
        return [model, *fallbacks]


class NotDeclared(Exception):
    """A kind used what it does not declare."""


@dataclass
class World:
    """Implements NodeContext; grants the capabilities that it is given."""

    grants: frozenset[Capability]
    answers: list[str] = field(default_factory=list)
    """What the model says, in turn; empty: the practice model answers."""
    requests: list[ModelRequest] = field(default_factory=list)
    called: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    notices: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    web: list[WebRequest] = field(default_factory=list)
    """What was called."""
    refused: list[tuple[str, list[str]]] = field(default_factory=list)
    cost_micro: int = 0
    tokens: int = 0
    idempotency_key: str = "key"

    def _needs(self, capability: Capability) -> None:
        if capability not in self.grants:
            raise NotDeclared(capability)

    async def model(self, request: ModelRequest, fallbacks: Sequence[str] = (), *, cache_s: int = 0) -> ModelAnswer:
        self._needs(Capability.MODEL)
        self.requests.append(request)
        practice = PracticeModel(clock=SystemClock(), ms_per_token=0)
        answer = await practice.answer(request, variant="practice", price=full_price(MODEL), on_token=None)
        self.cost_micro += answer.usage.cost_micro
        self.tokens += answer.usage.tokens_in + answer.usage.tokens_out
        if self.answers:
            return ModelAnswer(self.answers.pop(0), "other", answer.usage, "stop", False)
        return answer

    def refuse(self, answer: str, problems: Sequence[str]) -> None:
        self.refused.append((answer, list(problems)))

    async def meaning(self, texts: Sequence[str]) -> list[list[float]]:
        self._needs(Capability.MEANING)
        return [_vector(text) for text in texts]

    async def tools(self, names: Sequence[str]) -> list[Tool]:
        self._needs(Capability.TOOL)
        return [Tool(name, "") for name in names]

    async def call_tool(self, name: str, arguments: Mapping[str, Any], *, digest: str = "") -> Any:
        self._needs(Capability.TOOL)
        self.called.append((name, dict(arguments)))
        return {"found": True}

    async def notify(self, channel: str, subject: str, message: str) -> bool:
        self._needs(Capability.NOTIFY)
        self.notices.setdefault(self.idempotency_key, (channel, subject, message))
        return True

    async def http(self, request: WebRequest) -> WebAnswer:
        self._needs(Capability.EGRESS)
        self.web.append(request)
        return WebAnswer(200, {"content-type": "application/json"}, {"id": "A-17", "state": "open"})

    async def code(self, code: str, inputs: Mapping[str, Any]) -> Any:
        self._needs(Capability.CODE)
        program, _ = read(code)
        assert program is not None
        return (await SANDBOX.run(program, inputs)).value


SANDBOX = Sandbox()


def _vector(text: str) -> list[float]:
    """Texts that share words are alike."""
    vector = [0.0] * 256
    for word in text.lower().split():
        vector[hashlib.sha256(word.encode()).digest()[0]] += 1.0
    length = sum(x * x for x in vector) ** 0.5
    return [x / length for x in vector] if length else [1.0, *vector[1:]]


def given_for(kind: AnyKind, config: dict[str, Any], scope: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The typed config and what its expressions come to."""
    typed, fields = _fields(kind, config)
    return typed, kind.resolve(typed, fields, {"inputs": {}, "nodes": {}, "vars": {}, **scope})


def _fields(kind: AnyKind, config: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    names = ROOT_NAMES.union(*kind.more_names.values())

    def compile_(source, role, path):
        return (compile_expression if role is FieldRole.EXPRESSION else compile_template)(source, names=names).evaluate

    typed = kind.Config.model_validate(config)
    return typed, {name: resolver(getattr(typed, name), tree, name, compile_) for name, tree in marked_fields(kind.Config).items()}


async def outcome_of(
    kind: AnyKind, config: dict[str, Any], scope: dict[str, Any], *, world: World | None = None, answer: Any = None
) -> Outcome:
    """Runs one step."""
    typed, given = given_for(kind, config, scope)
    match kind:
        case InlineKind():
            return kind.work(typed, given)
        case CallKind():
            return await kind.execute(typed, given, world or World(kind.uses))
        case AskKind():
            kind.ask(typed, given)
            return kind.answered(typed, given, answer)
        case ChildKind():
            kind.child(typed, given)
            # The other workflow answers with what the example says.
            example = next(e for e in kind.examples if e.config == config)
            return kind.returned(typed, example.outputs or {})
        case WaitKind():
            kind.pause(typed, given, SystemClock().now_us())
            return kind.woken(typed, None, is_expired=answer is not None and answer.decision == "expired")
        case BoxKind():
            return _worked_through(kind, config, given, scope)
        case _:
            raise AssertionError(kind)


def _worked_through(kind: Any, config: dict[str, Any], given: dict[str, Any], scope: dict[str, Any]) -> Outcome:
    """A box without steps, named `each`."""
    typed, fields = _fields(kind, config)
    results: list[Any] = []
    errors: dict[int, Any] = {}
    for index, item in enumerate(kind.items(typed, given)):
        try:
            results.append(kind.collected(typed, fields, {"inputs": {}, "nodes": {}, "vars": {}, **scope, "item": item, "index": index}))
        except SignalboxError as error:
            results.append(None)
            errors[index] = {**error.as_json(), "path": f"each[{index}]"}
    return kind.closed(typed, results, errors)


def problems_in_a_workflow(kind: AnyKind, config: dict[str, Any]) -> list[str]:
    """Errors of a document that uses the kind with this config."""
    nodes = [{"id": "start", "kind": "start"}, {"id": "x", "kind": kind.kind, "config": config}]
    if kind.kind == "start":
        nodes, edges = [{"id": "start", "kind": "start", "config": config}], []
    else:
        edges = [{"source": "start", "target": "x"}]
    result = check({"format": "signalbox/1", "name": "T", "nodes": nodes, "edges": edges}, REGISTRY)
    return [p.code for p in result.problems if p.severity == "error" and p.code != "unknown_node"]
