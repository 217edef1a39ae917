"""What trying a tool and asking who uses it answer: the shapes that API and pages share."""

from __future__ import annotations

from pydantic import BaseModel


class TriedRequest(BaseModel):
    """A call as it goes out; where a secret goes along, only its name is told."""

    method: str
    url: str
    headers: dict[str, str]
    body: str
    secret: str


class TriedAnswer(BaseModel):
    """What came back."""

    text: str
    """As it is written; JSON is set out in lines."""
    is_json: bool
    is_cut: bool
    """Whether more came back than is told here."""


class ToolTried(BaseModel):
    """What a tool would send with these arguments; once it was sent, the answer or what went wrong."""

    request: TriedRequest
    is_writing: bool
    """Whether sending it changes something."""
    is_sent: bool = False
    answer: TriedAnswer | None = None
    problem: str = ""
    hint: str = ""


class ToolUse(BaseModel):
    """A workflow that names a tool."""

    id: str
    name: str
    in_draft: bool
    in_live: bool
    """Whether the version that is live names it: its runs would fail without the tool."""
