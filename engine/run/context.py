"""The world as one step sees it: models, meaning and notifications, each counted and each declared."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from engine.errors import Bug, ProviderRejected, ProviderUnavailable, SignalboxError, StepTimedOut
from engine.llm.faults import owes_nothing
from engine.llm.messages import Bound, ModelAnswer, ModelRequest
from engine.nodes.contract import Capability, NodeKind
from engine.run.events import Spent
from engine.run.prepare import Prepared

MODEL_TIMEOUT_S = 120.0


class Models(Protocol):
    """The model gateway, as steps use it."""

    def bound(self, request: ModelRequest, fallbacks: Sequence[str] = ()) -> Bound:
        """The most that a call can use."""
        ...

    def chain(self, model: str, fallbacks: Sequence[str] = ()) -> list[str]:
        """Every name that may be asked in turn."""
        ...

    async def complete(
        self, request: ModelRequest, *, on_token: Callable[[str], None] | None = None, on_wait: Callable[[bool], None] | None = None
    ) -> ModelAnswer:
        """One call."""
        ...


class Notifier(Protocol):
    """Delivers messages to people."""

    async def deliver(self, key: str, *, run_id: str, path: str, channel: str, subject: str, message: str) -> bool:
        """Delivers once per key."""
        ...


@dataclass(slots=True)
class Services:
    """What steps may reach, each behind its own door."""

    models: Models
    embed: Callable[[Sequence[str]], Awaitable[Any]]
    notifier: Notifier


@dataclass(slots=True)
class StepContext:
    """Implements `engine.nodes.contract.NodeContext` for one attempt at one step."""

    run_id: str
    prepared: Prepared
    services: Services
    on_token: Callable[[str], None] | None
    spent: Spent = field(default_factory=Spent)
    calls: list[dict[str, Any]] = field(default_factory=list)
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
        last: SignalboxError | None = None
        for name in self.services.models.chain(request.model, fallbacks):
            if last is not None and self.spent.llm_calls >= self.prepared.reserved.llm_calls:
                break  # Settings have put more behind the alias since this step set its money aside.
            try:
                return await self._call(replace(request, model=name, timeout_s=timeout_s))
            except (ProviderUnavailable, ProviderRejected, StepTimedOut) as error:
                last = error
        raise last or ProviderUnavailable()

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

    def note(self) -> dict[str, Any]:
        """What the timeline shows beside the outputs."""
        return ({"calls": self.calls} if self.calls else {}) | ({"asked": self.asked} if self.asked else {})

    def _needs(self, capability: Capability) -> None:
        kind: NodeKind[Any] = self.prepared.node.kind  # pyright: ignore[reportAssignmentType]
        if capability not in kind.uses:
            raise Bug(f"The kind {kind.kind} uses {capability} without declaring it.")


def replace_calls(spent: Spent) -> Spent:
    """One more call that cost nothing."""
    return Spent(spent.cost_micro, spent.tokens, spent.llm_calls + 1, spent.tool_calls)
