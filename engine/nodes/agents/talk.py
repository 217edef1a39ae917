"""A conversation as an agent's turns made it: what was said and called so far, read from what its item remembers. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.jsonvalue import JsonValue, NotJsonValue, check_json, dumps
from engine.llm.messages import Message, ToolCall
from engine.schemas import problems_of

TURN, CALLS, SAY = "turn", "calls", "say"
"""Names of the parts that are remembered."""
HAND_OVER = "hand_over"
"""The tool by which an agent gives up; no other tool can have this name."""
MOST_PROBLEMS = 5


def messages_of(task: str, history: Sequence[Mapping[str, Any]]) -> tuple[Message, ...]:
    """The task, then every turn with the results of its calls."""
    return (Message("user", task), *(message for entry in history for message in _said(entry)))


def _said(entry: Mapping[str, Any]) -> Iterator[Message]:
    if entry["node"] == TURN:
        calls = tuple(ToolCall(call["id"], call["tool"], call["written"]) for call in entry["calls"])
        yield Message("assistant", entry["text"], calls)
        if entry["problem"]:
            yield Message("user", entry["problem"])
    elif entry["node"] == SAY:
        if entry["text"].strip():
            yield Message("user", entry["text"])
    elif entry["node"] == CALLS:
        for result in entry["results"]:
            yield Message("tool", result["content"], call=result["id"])


def results_of(history: Sequence[Mapping[str, Any]]) -> list[dict[str, JsonValue]]:
    """What earlier calls came to, as preconditions see it: `{tool, arguments, verdict, ok, result}`, the oldest first."""
    return [
        {name: result[name] for name in ("tool", "arguments", "verdict", "ok", "result")}
        for entry in history
        if entry["node"] == CALLS
        for result in entry["results"]
    ]


def said_in(task: str, history: Sequence[Mapping[str, Any]]) -> list[dict[str, JsonValue]]:
    """What was said so far, as preconditions see it: `{who, text}` with `who` user or agent, the oldest first."""
    lines: list[dict[str, JsonValue]] = [{"who": "user", "text": task}]
    lines += [
        {"who": "agent" if entry["node"] == TURN else "user", "text": entry["text"]}
        for entry in history
        if entry["node"] in (TURN, SAY) and entry["text"].strip()
    ]
    return lines


def arguments_of(call: ToolCall, parameters: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The arguments that a model wrote, and in words for it what is wrong with them."""
    try:
        value = json.loads(call.arguments or "{}", parse_constant=_refuse)
        check_json(value)
    except (ValueError, RecursionError, NotJsonValue):
        return {}, ["The arguments are not JSON."]
    if not isinstance(value, dict):
        return {}, ["The arguments must be a JSON object."]
    return value, [f"{p.path or 'arguments'}: {p.message}" for p in problems_of(value, dict(parameters))[:MOST_PROBLEMS]]


def content_of(value: JsonValue, most: int) -> str:
    """A result as the model reads it: at most so many characters, and told where it was cut."""
    text = value if isinstance(value, str) else dumps(value).decode()
    if len(text) <= most:
        return text
    return f"{text[:most]}\n[cut here: {len(text) - most:,} of {len(text):,} characters are left out]"


def _refuse(word: str) -> Any:
    raise ValueError(word)
