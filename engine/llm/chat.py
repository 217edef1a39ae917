"""Conversations and tools as OpenAI's language spells them, which litellm speaks to every provider, and the calls in an answer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from engine.llm.messages import Message, ModelRequest, ToolCall

MOST_CALLS = 64
"""Tools that one answer may ask for; what is beyond is left out, and the model is told by the missing results."""
MOST_CHARS = 200_000
"""Of one call's arguments."""


def wire_messages(request: ModelRequest, system: str) -> list[dict[str, Any]]:
    """The conversation as it is sent; one question where there is none."""
    told: list[dict[str, Any]] = [{"role": "system", "content": system}] if system.strip() else []
    if not request.messages:
        return [*told, {"role": "user", "content": request.prompt}]
    return [*told, *map(_wire, request.messages)]


def _wire(message: Message) -> dict[str, Any]:
    if message.role == "tool":
        return {"role": "tool", "tool_call_id": message.call, "content": message.text}
    if not message.calls:
        return {"role": message.role, "content": message.text}
    calls = [{"id": c.id, "type": "function", "function": {"name": c.name, "arguments": c.arguments}} for c in message.calls]
    return {"role": message.role, "content": message.text or None, "tool_calls": calls}


def wire_tools(request: ModelRequest) -> dict[str, Any]:
    """The keyword `tools` where there are any."""
    told = [
        {"type": "function", "function": {"name": offer.name, "description": offer.description, "parameters": offer.parameters}}
        for offer in request.tools
    ]
    # Without the second one litellm would look through the tools for servers that it calls by itself: nobody calls tools but the engine.
    return {"tools": told, "_skip_mcp_handler": True} if told else {}


@dataclass(slots=True)
class CallParts:
    """Puts the calls of a streamed answer together; a whole answer is one part."""

    _found: dict[int, tuple[str, str, list[str]]] = field(default_factory=dict)

    def add(self, parts: Iterable[Any] | None) -> None:
        """What one part of the answer tells of calls; whatever is no call is left out."""
        for place, part in enumerate(parts or ()):
            index = getattr(part, "index", None)
            index = place if not isinstance(index, int) else index
            if index not in self._found and len(self._found) >= MOST_CALLS:
                continue
            id_, name, texts = self._found.get(index, ("", "", []))
            function = getattr(part, "function", None)
            texts.append(str(getattr(function, "arguments", None) or ""))
            self._found[index] = (id_ or str(getattr(part, "id", None) or ""), name or str(getattr(function, "name", None) or ""), texts)

    def calls(self) -> tuple[ToolCall, ...]:
        """Those with a name, in the model's order; one without an id is given one."""
        found: list[ToolCall] = []
        for index in sorted(self._found):
            id_, name, texts = self._found[index]
            if name:
                found.append(ToolCall(id_ or f"call_{index}", name, "".join(texts)[:MOST_CHARS]))
        return tuple(found)
