"""The world as a step sees it: what it may ask for, each behind its own door."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from engine.jsonvalue import JsonValue
from engine.llm.messages import Bound, ModelAnswer, ModelRequest
from engine.nodes.colleague import Colleague
from engine.security.webcalls import WebAnswer, WebRequest
from engine.tools.messages import Tool


class Pricing(Protocol):
    """Tells the most that a model call can use."""

    def bound(self, request: ModelRequest, fallbacks: Sequence[str] = ()) -> Bound:
        """The upper bound over the model and its fallbacks. Raises PriceUnknown."""
        ...

    def chain(self, model: str, fallbacks: Sequence[str] = ()) -> list[str]:
        """Every name that may be asked in turn: the model, the fallbacks, and those that Settings put behind an alias."""
        ...


class NodeContext(Protocol):
    """The world as one step sees it. Every member checks the kind's declared capabilities."""

    @property
    def idempotency_key(self) -> str:
        """The same for every attempt at this step of this run; another in every other run and fork."""
        ...

    async def model(self, request: ModelRequest, fallbacks: Sequence[str] = (), *, cache_s: int = 0) -> ModelAnswer:
        """Calls a model within the step's reservation; an answer to the same question that is no older than `cache_s` costs nothing."""
        ...

    def refuse(self, answer: str, problems: Sequence[str]) -> None:
        """Notes in the journal that the answer of the last call could not be used, and why."""
        ...

    async def meaning(self, texts: Sequence[str]) -> list[list[float]]:
        """Unit vectors of the texts: their dot product is their likeness in meaning, -1 to 1."""
        ...

    async def notify(self, channel: str, subject: str, message: str) -> bool:
        """Delivers a message once per idempotency key; True when it was delivered."""
        ...

    async def http(self, request: WebRequest) -> WebAnswer:
        """Calls a web address through the egress door, once. Raises what `Egress.send` raises."""
        ...

    async def code(self, code: str, inputs: Mapping[str, JsonValue]) -> JsonValue:
        """What a program in the sandbox comes to. Raises CodeFailed, CodeLimit, SandboxMissing, SandboxCrashed."""
        ...

    async def tools(self, names: Sequence[str]) -> list[Tool]:
        """The tools of these names, in this order. UnknownTool, ToolChanged for one that waits for a person to look at it."""
        ...

    async def colleague(self, name: str) -> Colleague | None:
        """The colleague with this id or short name, as it is now; None where none has ever been. AgentMissing for one that is gone."""
        ...

    async def call_tool(self, name: str, arguments: Mapping[str, Any], *, digest: str = "") -> JsonValue:
        """The result of one call, counted. ToolChanged when the tool is not the one of that digest any more; whatever the call raises."""
        ...
