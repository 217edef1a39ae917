"""What a call of a tool would send, and what comes back when somebody tries it before agents do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from engine.errors import SignalboxError
from engine.facade.core import Core
from engine.facade.tool_views import ToolTried, TriedAnswer, TriedRequest
from engine.jsonvalue import JsonValue
from engine.people.permissions import Actor
from engine.people.records import Problem, refuse
from engine.schemas import problems_of
from engine.security.webcalls import WebRequest
from engine.tools.web import WebTool

MOST_TOLD = 20_000
"""Characters of an answer: enough to see what it is."""
KEY_TOLD = "(another one for each call)"


async def tried(core: Core, actor: Actor, tool: WebTool, arguments: Mapping[str, Any], *, send: bool) -> ToolTried:
    """The request, and with `send` what came of it. Invalid names the argument that does not fit; ConfigInvalid."""
    refuse([Problem(f"arguments{found.path}", f"{found.message}.") for found in problems_of(dict(arguments), tool.parameters)])
    told = ToolTried(request=_told(tool.request(arguments, KEY_TOLD)), is_writing=tool.told().is_writing)
    if not send:
        return told
    key = core.ids.new("try")
    # Told before it is sent: a call that nobody heard of again was made all the same.
    await core.in_thread(lambda: _tell(core, actor, tool, key))
    try:
        answer = await core.shelf.web.send(tool.request(arguments, key))
    except SignalboxError as error:
        body = str(error.details.get("body", ""))
        return told.model_copy(
            update={
                "is_sent": True,
                "problem": error.message,
                "hint": error.next_step,
                "answer": TriedAnswer(text=body, is_json=False, is_cut=False) if body else None,
            }
        )
    return told.model_copy(update={"is_sent": True, "answer": _answer(answer.body)})


def _told(request: WebRequest) -> TriedRequest:
    return TriedRequest(
        method=request.method,
        url=request.url,
        headers=dict(request.headers),
        body=(request.body or b"").decode(),
        secret=request.secret,
    )


def _tell(core: Core, actor: Actor, tool: WebTool, key: str) -> None:
    details: dict[str, object] = {"method": tool.method, "url": tool.url, "effect": tool.effect, "secret": tool.secret, "key": key}
    with core.records.writing() as session:
        core.records.tell(session, actor, action="tool.try", subject=tool.name, details=details)


def _answer(body: JsonValue) -> TriedAnswer:
    is_json = body is not None and not isinstance(body, str)
    text = json.dumps(body, ensure_ascii=False, indent=2) if is_json else body or ""
    return TriedAnswer(text=str(text)[:MOST_TOLD], is_json=is_json, is_cut=len(str(text)) > MOST_TOLD)
