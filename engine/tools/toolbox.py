"""Which tools there are, and how each is called."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.errors import ToolUnusable
from engine.jsonvalue import JsonValue
from engine.schemas import problems_of
from engine.tools.messages import Tool, ToolKind

Act = Callable[[Mapping[str, Any], str], Awaitable[JsonValue]]
"""(arguments, idempotency key) -> the result."""


@dataclass(frozen=True, slots=True)
class Known:
    """A tool, and what calls it."""

    tool: Tool
    act: Act
    kind: ToolKind = "built_in"
    owner: str = ""
    """The id of whoever made it; empty for what comes with Signalbox."""
    title: str = ""
    """What people call it; empty: its name."""
    why_not: str = ""
    """Why it cannot be called now, and what to do about it; empty where it can."""
    waits: bool = False
    """Whether a person has to look at it before it can be called."""


class Toolbox:
    """Tools by name."""

    def __init__(self, known: Sequence[Known] = ()) -> None:
        self._known = {each.tool.name: each for each in known}

    def with_more(self, more: Sequence[Known]) -> Toolbox:
        """These tools and others; one of the same name takes the place of ours."""
        return Toolbox([*self._known.values(), *more])

    @property
    def known(self) -> list[Known]:
        """All of them, by name, those that cannot be called now among them."""
        return [self._known[name] for name in sorted(self._known)]

    @property
    def tools(self) -> list[Tool]:
        """All of them, by name."""
        return [self._known[name].tool for name in sorted(self._known)]

    async def described(self, names: Sequence[str]) -> list[Tool]:
        """The tools of these names, in this order. ToolUnusable for one that is not there."""
        return [self._find(name).tool for name in names]

    async def call(self, name: str, arguments: Mapping[str, Any], *, digest: str, key: str) -> JsonValue:
        """The result of one call. ToolUnusable when it is not the tool of that digest any more, or the arguments do not fit it."""
        known = self._find(name)
        if digest and digest != known.tool.digest:
            raise ToolUnusable(
                f"The tool {name} is not what it was when it was offered.", hint="Look at it in Settings, and allow it again."
            )
        if problems := problems_of(dict(arguments), known.tool.parameters):
            raise ToolUnusable(
                f"{name}: {problems[0].path or 'arguments'}: {problems[0].message}", hint="Look at the arguments of the step."
            )
        return await known.act(arguments, key)

    def _find(self, name: str) -> Known:
        known = self._known.get(name)
        if known is None:
            there = ", ".join(sorted(self._known)) or "none"
            raise ToolUnusable(f"There is no tool {name[:80]}.", hint=f"There are: {there}.")
        if known.why_not:
            raise ToolUnusable(f"The tool {name} cannot be called: {known.why_not}")
        return known
