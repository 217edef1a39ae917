"""The world as one step sees it: models, meaning and notifications, each counted and each declared."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from engine.errors import Bug, ProviderRejected, ProviderUnavailable, SignalboxError, StepTimedOut
from engine.jsonvalue import JsonValue
from engine.llm.faults import owes_nothing
from engine.llm.messages import Bound, ModelAnswer, ModelRequest
from engine.nodes.contract import Capability, NodeKind
from engine.run.events import Spent
from engine.run.prepare import Prepared
from engine.run.programs import Programs, Told
from engine.security.webcalls import WebAnswer, WebRequest
from engine.tools.messages import Tool

MODEL_TIMEOUT_S = 120.0
WEB_TIMEOUT_S = 60.0
A_LITTLE_LESS = 0.98
"""Of the step's time: a call that ends by itself can still say whether anything was sent."""


class Models(Protocol):
    """The model gateway, as steps use it."""

    def bound(self, request: ModelRequest, fallbacks: Sequence[str] = ()) -> Bound:
        """The most that a call can use."""
        ...

    async def complete(self, request: ModelRequest, *, on_token: Callable[[str], None] | None = None) -> ModelAnswer:
        """One call."""
        ...


class Notifier(Protocol):
    """Delivers messages to people."""

    async def deliver(self, key: str, *, run_id: str, path: str, channel: str, subject: str, message: str) -> bool:
        """Delivers once per key."""
        ...


class Web(Protocol):
    """The egress door."""

    async def send(self, request: WebRequest) -> WebAnswer:
        """One call."""
        ...


class Tools(Protocol):
    """The catalog of tools, as steps use it."""

    async def described(self, workspace_id: str, names: Sequence[str]) -> list[Tool]:
        """The tools of these names, in this order. ToolUnusable."""
        ...

    async def call(self, workspace_id: str, name: str, arguments: Mapping[str, Any], *, digest: str, key: str) -> JsonValue:
        """The result of one call, under its idempotency key. ToolUnusable, and whatever the call raises."""
        ...


@dataclass(slots=True)
class Services:
    """What steps may reach, each behind its own door."""

    models: Models
    embed: Callable[[Sequence[str]], Awaitable[Any]]
    notifier: Notifier
    web: Web
    tools: Tools
    programs: Programs


@dataclass(slots=True)
class StepContext:
    """Implements `engine.nodes.contract.NodeContext` for one attempt at one step."""

    run_id: str
    workspace_id: str
    prepared: Prepared
    services: Services
    on_token: Callable[[str], None] | None
    spent: Spent = field(default_factory=Spent)
    calls: list[dict[str, Any]] = field(default_factory=list)
    told: Told = field(default_factory=Told)
    """What the step's program said beside its result."""
    asked: str = ""
    """What the other system said when it was asked whether the call had been made before; empty where it was not asked."""

    @property
    def idempotency_key(self) -> str:
        """SHA-256 of run and path: the same over attempts and restarts, another in every fork."""
        return hashlib.sha256(f"{self.run_id}:{self.prepared.path}".encode()).hexdigest()

    async def model(self, request: ModelRequest, fallbacks: Sequence[str] = ()) -> ModelAnswer:
        """Calls the model, then its fallbacks in order when a provider lets us down."""
        self._needs(Capability.MODEL)
        timeout_s = self.prepared.node.timeout_s or MODEL_TIMEOUT_S
        last: SignalboxError = ProviderUnavailable()
        for name in (request.model, *fallbacks):
            try:
                return await self._call(replace(request, model=name, timeout_s=timeout_s))
            except (ProviderUnavailable, ProviderRejected, StepTimedOut) as error:
                last = error
        raise last

    async def _call(self, request: ModelRequest) -> ModelAnswer:
        bound = self.services.models.bound(request)
        if self.spent.llm_calls >= self.prepared.reserved.llm_calls:
            raise Bug(f"{self.prepared.node.kind.kind} calls a model more often than it has reserved for.")
        # Charged in full until the answer tells what it really was: a call that is cut off may have cost that much.
        before = self.spent
        self.spent = Spent(before.cost_micro + bound.cost_micro, before.tokens + bound.tokens, before.llm_calls + 1, before.tool_calls)
        call: dict[str, Any] = {"model": request.model, "max_tokens": request.max_tokens}
        self.calls.append(call)
        try:
            answer = await self.services.models.complete(request, on_token=self.on_token)
        except SignalboxError as error:
            call["error"] = error.code
            if owes_nothing(error):
                self.spent = replace_calls(before)
            raise
        usage = answer.usage
        tokens = usage.tokens_in + usage.tokens_out
        self.spent = Spent(before.cost_micro + usage.cost_micro, before.tokens + tokens, before.llm_calls + 1, before.tool_calls)
        call |= {
            "model": answer.model,
            "practice": answer.is_practice,
            "tokens_in": usage.tokens_in,
            "tokens_out": usage.tokens_out,
            "cost_usd": usage.cost_micro / 1e6,
            "finish": answer.finish_reason,
        }
        return answer

    async def meaning(self, texts: Sequence[str]) -> list[list[float]]:
        """Unit vectors of the texts."""
        self._needs(Capability.MEANING)
        return (await self.services.embed(texts)).tolist()

    async def notify(self, channel: str, subject: str, message: str) -> bool:
        """Delivers a message once, however often the step is tried."""
        self._needs(Capability.NOTIFY)
        return await self.services.notifier.deliver(
            self.idempotency_key, run_id=self.run_id, path=self.prepared.path, channel=channel, subject=subject, message=message
        )

    async def http(self, request: WebRequest) -> WebAnswer:
        """Calls a web address, within the step's time and as often as was set aside for."""
        self._needs(Capability.EGRESS)
        spent = self.spent
        if spent.tool_calls >= self.prepared.reserved.tool_calls:
            raise Bug(f"{self.prepared.node.kind.kind} makes more calls than it has reserved for.")
        self.spent = Spent(spent.cost_micro, spent.tokens, spent.llm_calls, spent.tool_calls + 1)
        timeout_s = (self.prepared.node.timeout_s or WEB_TIMEOUT_S) * A_LITTLE_LESS
        return await self.services.web.send(replace(request, timeout_s=timeout_s))

    async def tools(self, names: Sequence[str]) -> list[Tool]:
        """The tools of these names."""
        self._needs(Capability.TOOL)
        return await self.services.tools.described(self.workspace_id, names)

    async def call_tool(self, name: str, arguments: Mapping[str, Any], *, digest: str = "") -> JsonValue:
        """Calls a tool once, counted before it is sent."""
        self._needs(Capability.TOOL)
        if self.spent.tool_calls >= self.prepared.reserved.tool_calls:
            raise Bug(f"{self.prepared.node.kind.kind} calls a tool more often than it has reserved for.")
        before = self.spent
        cost = before.cost_micro + self.prepared.reserved.cost_micro
        self.spent = Spent(cost, before.tokens, before.llm_calls, before.tool_calls + 1)
        return await self.services.tools.call(self.workspace_id, name, arguments, digest=digest, key=self.idempotency_key)

    async def code(self, code: str, inputs: Mapping[str, JsonValue]) -> JsonValue:
        """Runs a program in the sandbox, from where a crash has cut it off if that was kept."""
        self._needs(Capability.CODE)
        path, attempt = self.prepared.path, self.prepared.attempt
        return await self.services.programs.run(code, inputs, run_id=self.run_id, path=path, attempt=attempt, told=self.told)

    def note(self) -> dict[str, Any]:
        """What the timeline shows beside the outputs."""
        told = {"calls": self.calls, "asked": self.asked, "code": self.told.as_json()}
        return {name: value for name, value in told.items() if value}

    def _needs(self, capability: Capability) -> None:
        kind: NodeKind[Any] = self.prepared.node.kind  # pyright: ignore[reportAssignmentType]
        if capability not in kind.uses:
            raise Bug(f"The kind {kind.kind} uses {capability} without declaring it.")


def replace_calls(spent: Spent) -> Spent:
    """One more call that cost nothing."""
    return Spent(spent.cost_micro, spent.tokens, spent.llm_calls + 1, spent.tool_calls)
