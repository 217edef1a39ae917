"""What can be written down of a colleague, and what is wrong with it: every field told by name."""

from __future__ import annotations

import re
import unicodedata
from typing import Any, Literal

from pydantic import Field, ValidationError

from engine.expressions.errors import UnknownName
from engine.nodes.agents.settings import AgentTool
from engine.nodes.agents.talk import HAND_OVER
from engine.nodes.colleague import rule_trouble
from engine.nodes.contract import NodeConfig
from engine.people.fields import name_problems, tidy_name
from engine.people.records import Problem, refuse

Colour = Literal["iris", "blue", "green", "amber", "orange", "red", "purple", "slate"]
MOST_MARK = 12
"""Code points: a family of four with skin colours is one emoji of eleven."""
_WORDS = (
    ("Value error, ", ""),
    ("Extra inputs are not permitted", "There is no such field here"),
    ("Field required", "This is needed"),
    ("Input should be", "It should be"),
    ("a valid integer", "a whole number"),
    ("a valid number", "a number"),
    ("a valid string", "a text"),
)
"""What pydantic says, and how people would."""
_TURNS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that turn the direction of what follows them."""
SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
MOST_SLUG = 60


class Face(NodeConfig):
    """An emoji or initials on a colour; without a mark the initials of the name."""

    mark: str = Field(default="", max_length=MOST_MARK)
    colour: Colour = "iris"


class Limits(NodeConfig):
    """Bounds; none where nothing is said."""

    max_turns: int | None = Field(default=None, ge=1, le=200)
    calls_per_turn: int | None = Field(default=None, ge=1, le=64)
    cost_usd_per_day: float | None = Field(default=None, ge=0, le=1e9)


class Written(NodeConfig):
    """A colleague as it is written down."""

    name: str
    face: Face = Face()
    duty: str = Field(default="", max_length=300)
    duties: list[str] = Field(default_factory=list, max_length=30)
    instructions: str = Field(default="", max_length=20_000)
    model: str = Field(default="", max_length=200)
    tools: list[AgentTool] = Field(default_factory=list, max_length=100)
    limits: Limits = Limits()

    def columns(self) -> dict[str, Any]:
        """The row's fields that it settles."""
        return {
            "name": tidy_name(self.name),
            "face": {"mark": self.face.mark.strip() or initials(self.name), "colour": self.face.colour},
            "duty": self.duty.strip(),
            "duties": [line for duty in self.duties if (line := duty.strip())],
            "instructions": self.instructions.strip(),
            "model": self.model.strip(),
            "tools": [tool.model_dump() for tool in self.tools],
            "max_turns": self.limits.max_turns,
            "calls_per_turn": self.limits.calls_per_turn,
        }


def read(definition: dict[str, Any]) -> Written:
    """A colleague out of a definition. Invalid names each field, and in an expression the place."""
    try:
        written = Written.model_validate(definition)
    except ValidationError as error:
        told = error.errors(include_url=False, include_context=False, include_input=False)
        refuse([Problem(".".join(map(str, one["loc"])) or "agent", _in_words(str(one["msg"]))) for one in told[:20]])
        raise
    refuse([*name_problems(tidy_name(written.name)), *_face_problems(written.face), *_duty_problems(written), *_tool_problems(written)])
    return written


def slug_problems(slug: str) -> list[Problem]:
    """What is wrong with a short name that somebody chose."""
    if SLUG.fullmatch(slug) and len(slug) <= MOST_SLUG:
        return []
    return [Problem("slug", f"A short name has small letters, digits and single hyphens, at most {MOST_SLUG}, such as card-desk.")]


def slug_of(name: str) -> str:
    """A short name out of a name."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:MOST_SLUG].strip("-") or "agent"


def initials(name: str) -> str:
    """Up to two letters to know somebody by."""
    words = [word for word in re.split(r"\W+", name) if word]
    return "".join(word[0] for word in (words if len(words) < 3 else [words[0], words[-1]])).upper()[:2] or "?"


def _face_problems(face: Face) -> list[Problem]:
    kinds = [unicodedata.category(c) for c in face.mark]
    letters = sum(kind[0] in "LNP" for kind in kinds)
    is_misleading = any(c in _TURNS for c in face.mark) or any(kind in ("Cc", "Cs", "Zl", "Zp") for kind in kinds)
    return [Problem("face.mark", "A face is an emoji or up to three letters.")] if letters > 3 or is_misleading else []


def _duty_problems(written: Written) -> list[Problem]:
    return [
        Problem(f"duties.{place}", "A duty is one line of at most 300 characters.")
        for place, duty in enumerate(written.duties)
        if len(duty) > 300 or "\n" in duty.strip()
    ]


def _tool_problems(written: Written) -> list[Problem]:
    found: list[Problem] = []
    names = [tool.tool for tool in written.tools]
    for place, tool in enumerate(written.tools):
        field = f"tools.{place}.tool"
        if not tool.tool.strip():
            found.append(Problem(field, "Name the tool."))
        elif tool.tool in names[:place]:
            found.append(Problem(field, f"The tool {tool.tool[:80]} is listed twice."))
        elif tool.tool == HAND_OVER:
            found.append(Problem(field, f"Every agent has {HAND_OVER} already."))
        for number, rule in enumerate(tool.preconditions):
            if (trouble := rule_trouble(rule.that)) is not None:
                where = f"{trouble.message.rstrip('.')} (at character {max(trouble.position, 0) + 1})."
                names = " It can use arguments, results and said." if isinstance(trouble, UnknownName) else ""
                found.append(Problem(f"tools.{place}.preconditions.{number}.that", where + names))
    return found


def _in_words(message: str) -> str:
    for told, meant in _WORDS:
        message = message.replace(told, meant)
    return message.rstrip(".") + "."
