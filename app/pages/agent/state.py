"""The State of the page of one colleague: what is shown, which part is being edited, and what is wrong with it."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import reflex as rx

from app.api.reading import Asking
from app.pages.agent import edits
from app.pages.agent.rows import Change, KnownTool, Shown, changes, known_tools, shown
from app.ui.actions import SIGNED_IN, action
from engine import Conflict, Invalid, NotFound, Permission

POLICIES = ("auto", "ask", "never")


class Agent(rx.State):
    """One colleague as its page shows it; every change puts the whole definition at the revision that was read."""

    shown: rx.Field[Shown] = rx.field(default_factory=Shown)
    changes: rx.Field[list[Change]] = rx.field(default_factory=list)
    is_loaded: rx.Field[bool] = rx.field(default=False)
    is_missing: rx.Field[bool] = rx.field(default=False)
    editing: rx.Field[str] = rx.field(default="")
    """`who`, `duties`, `instructions`, `limits`, `tool`, `rule:<tool>`, or nothing."""
    saved: rx.Field[str] = rx.field(default="")
    """The part that was saved last."""
    wrong: rx.Field[dict[str, str]] = rx.field(default_factory=dict)
    """Field -> what is wrong with it; `any` tells all of it."""
    dialog: rx.Field[str] = rx.field(default="")
    """`remove`, or nothing."""
    others: rx.Field[list[list[str]]] = rx.field(default_factory=list)
    """`[name, title]` of the tools that it does not have."""
    models: rx.Field[list[list[str]]] = rx.field(default_factory=list)
    """`[name, words]`."""
    chosen: rx.Field[str] = rx.field(default="ask")
    """How freely it may call the tool that is about to be added."""
    _written: rx.Field[dict[str, Any]] = rx.field(default_factory=dict)
    _revision: int = 0
    _tools: rx.Field[dict[str, KnownTool]] = rx.field(default_factory=dict)

    @action(Permission.AGENT_READ)
    async def open(self, asking: Asking) -> None:
        """A page that was just opened shows nobody yet and edits nothing."""
        self.shown, self.changes, self.is_loaded, self.is_missing = Shown(), [], False, False
        self.editing, self.saved, self.dialog, self.wrong = "", "", "", {}

    @action(Permission.AGENT_READ)
    async def load(self, asking: Asking) -> None:
        """Who it is, which tools and models there are, and who changed it."""
        self._tools = known_tools((await asking.ask(asking.engine.tools.catalog(asking.actor))).items)
        found = await asking.ask(asking.engine.models(asking.actor))
        self.models = [[model["name"], model["label"]] for model in found]
        try:
            self._show(await asking.ask(asking.engine.agents.get(asking.actor, self._named())))
            await self._tell(asking)
        except NotFound:
            self.is_missing = True

    @action(Permission.AGENT_MANAGE)
    async def edit(self, asking: Asking, what: str) -> None:
        """Opens a part of the page for changes, or closes it."""
        self.editing, self.wrong, self.saved, self.chosen = what, {}, "", "ask"

    @action(Permission.AGENT_MANAGE)
    async def save(self, asking: Asking, form: dict[str, Any]) -> None:
        """Saves the part that is being edited; what is wrong is told there and nothing that was typed is lost."""
        await self._put(asking, edits.typed(self._now(), self.editing, form), self.editing)

    @action(SIGNED_IN)
    async def consider(self, asking: Asking, tool: str) -> None:
        """Which tool is about to be added: one that writes begins with asking."""
        known = self._tools.get(tool)
        self.chosen = "ask" if known is None or known.is_writing else "auto"

    @action(SIGNED_IN)
    async def choose(self, asking: Asking, policy: str) -> None:
        """How freely it may call the tool that is about to be added."""
        self.chosen = policy if policy in POLICIES else self.chosen

    @action(Permission.AGENT_MANAGE)
    async def allow(self, asking: Asking, tool: str, policy: str) -> None:
        """How freely it may call a tool."""
        if policy in POLICIES:
            await self._put(asking, edits.with_policy(self._now(), tool, policy), f"tool:{tool}")

    @action(Permission.AGENT_MANAGE)
    async def drop(self, asking: Asking, tool: str, number: int) -> None:
        """Takes a condition of a tool away; below 0 the tool itself."""
        less = edits.without_tool(self._now(), tool) if number < 0 else edits.without_rule(self._now(), tool, number)
        await self._put(asking, less, "tool")

    @action(Permission.AGENT_MANAGE)
    async def use(self, asking: Asking, model: str) -> None:
        """The model that it thinks with where a step leaves that open."""
        await self._put(asking, self._now() | {"model": model}, "model")

    @action(SIGNED_IN)
    async def show(self, asking: Asking, dialog: str) -> None:
        """Opens a dialog, or closes it."""
        self.dialog = dialog

    @action(Permission.AGENT_MANAGE)
    async def remove(self, asking: Asking) -> Any:
        """It is there no more."""
        self.dialog = ""
        await asking.ask(asking.engine.agents.remove(asking.actor, self.shown.slug))
        return rx.redirect("/agents")

    async def _put(self, asking: Asking, written: edits.Definition, part: str) -> None:
        agents, slug = asking.engine.agents, self.shown.slug
        try:
            found = await asking.ask(agents.change(asking.actor, slug, written, revision=self._revision))
        except Invalid as error:
            told = [(problem["field"], problem["message"]) for problem in error.details["problems"]]
            self.wrong, self.saved = {**dict(told), "any": " ".join(message for _, message in told)}, ""
            return
        except Conflict:
            # Somebody else was faster: what is there now is shown, and the frame says so.
            self._show(await asking.ask(agents.get(asking.actor, slug)))
            raise
        self._show(found)
        self.editing, self.wrong, self.saved = "", {}, part
        await self._tell(asking)

    async def _tell(self, asking: Asking) -> None:
        found = await asking.ask(asking.engine.agents.changes(asking.actor, self.shown.slug))
        self.changes = changes(found, now=asking.engine.now())

    def _show(self, agent: Any) -> None:
        self.shown, self.is_loaded = shown(agent, self._tools), True
        self._written, self._revision = edits.definition_of(agent), agent.revision
        has = {tool.tool for tool in agent.tools}
        self.others = [[name, tool.title] for name, tool in self._tools.items() if name not in has]

    def _now(self) -> edits.Definition:
        # What a State holds is handed out in wrappers that watch for changes; the engine takes plain values only.
        return deepcopy(self._written)

    def _named(self) -> str:
        return str(getattr(self, "colleague", "") or "")
