"""What another server offers as a tool: how it is named, bounded and pinned here."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from engine.jsonvalue import NotJsonValue, canonical, check_json, digest
from engine.schemas import check_schema
from engine.tools.messages import EffectName, Origin, Tool

MOST_TOOLS = 500
MOST_SCHEMA_BYTES = 64 * 1024
MOST_DESCRIPTION = 4_000
MOST_NAME = 64
# Signs that a person would not see and a model would read, line ends and tabs aside.
_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]")
_OTHER = re.compile(r"[^a-zA-Z0-9_-]")


@dataclass(frozen=True, slots=True)
class Offer:
    """A tool as its server describes it."""

    tool: str
    """The server's own name."""
    description: str
    parameters: dict[str, Any]
    output: dict[str, Any] | None = None
    """JSON Schema of what it says it answers."""
    is_read_only: bool = False
    """What the server says of itself: shown, never trusted."""
    is_destructive: bool = False

    @property
    def digest(self) -> str:
        """SHA-256 of everything that a model or a check is told of it."""
        return digest({"tool": self.tool, "description": self.description, "parameters": self.parameters, "output": self.output})

    def as_json(self) -> dict[str, Any]:
        """As it is stored."""
        told: dict[str, Any] = {"tool": self.tool, "description": self.description, "parameters": self.parameters, "output": self.output}
        return told | {"is_read_only": self.is_read_only, "is_destructive": self.is_destructive}


@dataclass(frozen=True, slots=True)
class Pinned:
    """A tool that a person looked at and allowed, as it was then."""

    offer: Offer
    effect: EffectName = "unsafe"
    origins: tuple[Origin, ...] = ("external",)
    carries: bool | None = None

    def told(self, name: str) -> Tool:
        """What a model is told of it, under its name in the catalog."""
        return Tool(name, self.offer.description, self.offer.parameters, self.effect, 0, self.origins, self.carries)

    def as_json(self) -> dict[str, Any]:
        """As it is stored."""
        return {"offer": self.offer.as_json(), "effect": self.effect, "origins": list(self.origins), "carries": self.carries}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Pinned:
        """What `as_json` stored."""
        return cls(Offer(**stored["offer"]), stored["effect"], tuple(stored["origins"]), stored["carries"])


@dataclass(frozen=True, slots=True)
class Offered:
    """All that a server offers, and what of it cannot be used."""

    tools: list[Offer] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    """A sentence for each tool that is left out."""


def offered(raw: list[dict[str, Any]]) -> Offered:
    """Tools as a server sent them (`name description inputSchema outputSchema annotations`), each looked over."""
    found: dict[str, Offer] = {}
    refused: list[str] = []
    for one in raw:
        name = str(one.get("name", ""))
        problem = "it is listed twice" if name in found else _problem(one)
        if problem:
            refused.append(f"{seen(name)[:80] or 'A tool without a name'} is left out: {problem}.")
            continue
        hints = one.get("annotations") or {}
        found[name] = Offer(
            tool=name,
            description=seen(str(one.get("description") or one.get("title") or name))[:MOST_DESCRIPTION],
            parameters=one["inputSchema"],
            output=one.get("outputSchema"),
            is_read_only=hints.get("readOnlyHint") is True,
            is_destructive=hints.get("destructiveHint") is True,
        )
    return Offered(list(found.values()), refused)


def _problem(one: dict[str, Any]) -> str:
    name, parameters, output = str(one.get("name", "")), one.get("inputSchema"), one.get("outputSchema")
    if not name or len(name) > 200 or seen(name) != name:
        return "its name is empty, longer than 200 characters or has hidden signs"
    for what, schema in (("arguments", parameters), ("answer", output)):
        if schema is None and what == "answer":
            continue
        if not isinstance(schema, dict) or (what == "arguments" and schema.get("type") != "object"):
            return f"the schema of its {what} is none of an object"
        try:
            check_json(schema)
            size = len(canonical(schema))
        except (NotJsonValue, RecursionError):
            return f"the schema of its {what} is not JSON"
        if size > MOST_SCHEMA_BYTES:
            return f"the schema of its {what} is larger than {MOST_SCHEMA_BYTES // 1024} kB"
        if problems := check_schema(schema):
            return f"the schema of its {what} cannot be used: {problems[0].path or 'it'} {problems[0].message}"
    return ""


def seen(text: str) -> str:
    """A text without the signs that nobody sees: what a person allows is what a model reads."""
    return _HIDDEN.sub("", text)


def name_of(server: str, tool: str) -> str:
    """Its name in the catalog, another one for every tool: `server__tool` where nothing else can be meant by it, else with a hash."""
    plain = f"{server}__{_OTHER.sub('_', tool)}"
    if plain == f"{server}__{tool}" and len(plain) <= MOST_NAME and "__" not in f"{server}_":
        return plain
    mark = sha256(f"{server}\0{tool}".encode()).hexdigest()[:8]
    return f"{plain[: MOST_NAME - 9]}_{mark}"
