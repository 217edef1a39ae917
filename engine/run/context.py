"""The world as one step sees it: models, meaning and notifications, each counted and each declared."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol

from engine.errors import Bug, ConsentRefused, ProviderRejected, ProviderUnavailable, SignalboxError, StepTimedOut
from engine.jsonvalue import JsonValue
from engine.llm.faults import owes_nothing
from engine.llm.masking import Mask, MaskRule, Shown, masked, unmasked
from engine.llm.messages import Bound, ModelAnswer, ModelInfo, ModelRequest, Usage
from engine.llm.remembering import key_of
from engine.nodes.colleague import Colleague
from engine.nodes.contract import Capability, NodeKind, Outcome
from engine.run.events import Spent
from engine.run.labels import EXTERNAL, joined
from engine.run.prepare import Prepared
from engine.run.programs import Programs, Told
from engine.security.redact import Redacted, Redactor
from engine.security.webcalls import WebAnswer, WebRequest
from engine.tools.messages import Tool

MODEL_TIMEOUT_S = 120.0
WEB_TIMEOUT_S = 60.0
A_LITTLE_LESS = 0.98
"""Of the step's time: a call that ends by itself can still say whether anything was sent."""
MOST_KEPT = 4_000
"""Characters of a refused answer, and of each problem with it, that the journal keeps."""
MOST_PROBLEMS = 20


class Models(Protocol):
    """The model gateway, as steps use it."""

    def bound(self, request: ModelRequest, fallbacks: Sequence[str] = ()) -> Bound:
        """The most that a call can use."""
        ...

    def resolve(self, name: str) -> ModelInfo:
        """The model behind a name."""
        ...

    def chain(self, model: str, fallbacks: Sequence[str] = ()) -> list[str]:
        """Every name that may be asked in turn."""
        ...

    async def complete(
        self, request: ModelRequest, *, on_token: Callable[[str], None] | None = None, on_wait: Callable[[bool], None] | None = None
    ) -> ModelAnswer:
        """One call."""
        ...


class Answers(Protocol):
    """Answers that may be given again."""

    async def find(self, workspace_id: str, key: str, *, at_most_s: float) -> ModelAnswer | None:
        """The one that was kept no longer than that ago."""
        ...

    async def keep(self, workspace_id: str, answers: dict[str, ModelAnswer]) -> None:
        """Keeps each under its key."""
        ...


class Masking(Protocol):
    """What the workspace keeps from models."""

    def rule(self, model: Callable[[], ModelInfo], *, is_asked: bool) -> MaskRule | None:
        """What is kept from this model, where the step demands it or not; None: nothing. It is looked up only where that matters."""
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


class Colleagues(Protocol):
    """The colleagues of a workspace, as steps take them on."""

    async def find(self, workspace_id: str, name: str) -> Colleague | None:
        """By id or short name; None where no such one has ever been. AgentMissing for one that is gone."""
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
    answers: Answers | None = None
    """None where nothing is kept."""
    redactor: Redactor = field(default_factory=Redactor)
    """Whatever a step comes to goes past it on its way into the journal."""
    colleagues: Colleagues | None = None
    """None where there are none."""
    masking: Masking | None = None
    """None where the workspace keeps nothing from models; steps may still."""


@dataclass(slots=True)
class Patience:
    """The time limit of one attempt; it stands still while the step waits in line for a model."""

    limit: asyncio.Timeout
    now_us: Callable[[], int]
    waits: int = 0
    left_s: float | None = None
    since_us: int = 0

    def hold(self) -> None:
        """The clock stands still; what several calls wait for at once is counted once."""
        self.waits += 1
        if self.waits == 1:
            due, self.since_us = self.limit.when(), self.now_us()
            self.left_s = None if due is None else due - asyncio.get_running_loop().time()
            self.limit.reschedule(None)

    def go_on(self) -> float:
        """It goes on; the seconds since the first of them began to wait."""
        self.waits -= 1
        if self.waits == 0 and self.left_s is not None:
            self.limit.reschedule(asyncio.get_running_loop().time() + self.left_s)
        return (self.now_us() - self.since_us) / 1e6


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
    patience: Patience | None = None
    """How long the step may take, where the wait for a place at a model does not count."""
    fresh: dict[str, ModelAnswer] = field(default_factory=dict)
    """Answers to be kept if the step ends well."""
    labels: tuple[str, ...] = ()
    """What is to be known of what it reached: `private`, `external`."""
    asked: str = ""
    """What the other system said when it was asked whether the call had been made before; empty where it was not asked."""

    @property
    def idempotency_key(self) -> str:
        """SHA-256 of run and path: the same over attempts and restarts, another in every fork."""
        return hashlib.sha256(f"{self.run_id}:{self.prepared.path}".encode()).hexdigest()

    async def model(self, request: ModelRequest, fallbacks: Sequence[str] = (), *, cache_s: int = 0) -> ModelAnswer:
        """Calls the model, then its fallbacks in order when a provider lets us down."""
        self._needs(Capability.MODEL)
        timeout_s = self.prepared.node.timeout_s or MODEL_TIMEOUT_S
        last: SignalboxError | None = None
        for name in self.services.models.chain(request.model, fallbacks):
            if last is not None and self.spent.llm_calls >= self.prepared.reserved.llm_calls:
                break  # Settings have put more behind the alias since this step set its money aside.
            try:
                asked = replace(request, model=name, timeout_s=timeout_s)
                return await (self._known_or_asked(asked, cache_s) if cache_s and self.services.answers else self._call(asked))
            except (ProviderUnavailable, ProviderRejected, StepTimedOut) as error:
                last = error
        raise last or ProviderUnavailable()

    async def _known_or_asked(self, request: ModelRequest, cache_s: int) -> ModelAnswer:
        info, answers = self.services.models.resolve(request.model), self.services.answers
        # Where the practice model only stands in, a real one is about to be chosen; who names it asks for its answers.
        if answers is None or (info.is_practice and not request.model.strip().startswith(info.provider)):
            return await self._call(request)
        key = key_of(request, info)
        known = self.fresh.get(key) or await answers.find(self.workspace_id, key, at_most_s=cache_s)
        if known is not None:
            known = replace(known, usage=Usage(0, 0), is_cached=True)
            self.calls.append({"model": known.model, "practice": known.is_practice, "cached": True, "cost_usd": 0.0})
            return known
        self.fresh[key] = answer = await self._call(request)
        return answer

    async def keep_answers(self, outcome: Outcome | None) -> None:
        """What was answered may be given again: only where it was good enough for the step."""
        if self.services.answers is not None and self.fresh and outcome is not None and outcome.port == "out":
            await self.services.answers.keep(self.workspace_id, self.fresh)

    async def _call(self, request: ModelRequest) -> ModelAnswer:
        bound = self.services.models.bound(request)
        if self.spent.llm_calls >= self.prepared.reserved.llm_calls:
            raise Bug(f"{self.prepared.node.kind.kind} calls a model more often than it has reserved for.")
        # Charged in full until the answer tells what it really was: a call that is cut off may have cost that much.
        before = self.spent
        self.spent = Spent(before.cost_micro + bound.cost_micro, before.tokens + bound.tokens, before.llm_calls + 1, before.tool_calls)
        call: dict[str, Any] = {"model": request.model, "max_tokens": request.max_tokens}
        self.calls.append(call)
        asked, mask = self._masked(request, call)
        told = Redacted(self.services.redactor, self.on_token) if self.on_token is not None else None
        shown = Shown(mask, told) if told is not None and mask is not None else None
        try:
            answer = await self.services.models.complete(asked, on_token=shown or told, on_wait=partial(self._waits, call))
        except SignalboxError as error:
            call["error"] = error.code
            if owes_nothing(error):
                self.spent = replace_calls(before)
            raise
        if shown is not None:
            shown.rest()
        if told is not None:
            told.rest()
        if mask is not None:
            answer = unmasked(answer, mask, is_json=request.schema is not None)
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

    def _masked(self, request: ModelRequest, call: dict[str, Any]) -> tuple[ModelRequest, Mask | None]:
        """The request as it may leave the house: the one place that every question to a model comes past."""
        masking = self.services.masking
        if masking is None:
            rule = MaskRule() if request.mask else None
        else:
            rule = masking.rule(lambda: self.services.models.resolve(request.model), is_asked=request.mask)
        if rule is None:
            return request, None
        asked, mask = masked(request, rule)
        call["masked"] = mask.counts
        return asked, mask

    def _waits(self, call: dict[str, Any], is_waiting: bool) -> None:
        """The call stands in line for its model, which takes nothing of the step's own time, or does so no longer."""
        if self.patience is None:
            return
        if is_waiting:
            self.patience.hold()
        else:
            call["waited_s"] = round(self.patience.go_on(), 3)

    def refuse(self, answer: str, problems: Sequence[str]) -> None:
        """The record of the last call says what it answered, shortened, and why that could not be used."""
        self.calls[-1] |= {"refused": [problem[:MOST_KEPT] for problem in problems[:MOST_PROBLEMS]], "answer": answer[:MOST_KEPT]}

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
        self.labels = joined(self.labels, (EXTERNAL,))
        return await self.services.web.send(replace(request, timeout_s=timeout_s))

    async def tools(self, names: Sequence[str]) -> list[Tool]:
        """The tools of these names."""
        self._needs(Capability.TOOL)
        return await self.services.tools.described(self.workspace_id, names)

    async def colleague(self, name: str) -> Colleague | None:
        """The colleague of this id or short name."""
        self._needs(Capability.COLLEAGUE)
        found = self.services.colleagues
        return None if found is None else await found.find(self.workspace_id, name)

    async def call_tool(self, name: str, arguments: Mapping[str, Any], *, digest: str = "") -> JsonValue:
        """Calls a tool once, counted before it is sent."""
        self._needs(Capability.TOOL)
        if self.spent.tool_calls >= self.prepared.reserved.tool_calls:
            raise Bug(f"{self.prepared.node.kind.kind} calls a tool more often than it has reserved for.")
        (tool,) = await self.services.tools.described(self.workspace_id, [name])
        if tool.is_outward and self.prepared.is_watched:
            raise ConsentRefused(
                f"{name} reaches outside, and nobody has looked at it: this run has read private data and words from outside.",
                hint="Add an approval before the step.",
            )
        self.labels = joined(self.labels, tool.origins)
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
        return self.services.redactor.value({name: value for name, value in told.items() if value})

    def _needs(self, capability: Capability) -> None:
        kind: NodeKind[Any] = self.prepared.node.kind  # pyright: ignore[reportAssignmentType]
        if capability not in kind.uses:
            raise Bug(f"The kind {kind.kind} uses {capability} without declaring it.")


def replace_calls(spent: Spent) -> Spent:
    """One more call that cost nothing."""
    return Spent(spent.cost_micro, spent.tokens, spent.llm_calls + 1, spent.tool_calls)
