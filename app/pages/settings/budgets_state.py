"""The State of budgets: what is spent of each, and the dialog in which one is set."""

from __future__ import annotations

import re
from typing import Any

import reflex as rx

from app.api.reading import Asking
from app.pages.settings.budgets_rows import ICONS, Period, periods
from app.ui.actions import SIGNED_IN, action
from engine import Invalid, NotFound, Permission

MOST_WORKFLOWS = 1000


class Budgets(rx.State):
    """Rows, and the dialog that is open."""

    periods: rx.Field[list[Period]] = rx.field(default_factory=list)
    is_loaded: rx.Field[bool] = rx.field(default=False)
    workflows: rx.Field[list[list[str]]] = rx.field(default_factory=list)
    """`[id, name]` of those without a budget."""
    dialog: rx.Field[str] = rx.field(default="")
    """`add`, `change`, `remove`, or nothing."""
    scope: rx.Field[str] = rx.field(default="workspace")
    subject: rx.Field[str] = rx.field(default="")
    title: rx.Field[str] = rx.field(default="")
    amount: rx.Field[str] = rx.field(default="")
    has_whole: rx.Field[bool] = rx.field(default=False)
    """Whether the workspace has a budget already."""
    wrong: rx.Field[dict[str, str]] = rx.field(default_factory=dict)
    """Field -> what is wrong with it."""
    problem: rx.Field[str] = rx.field(default="")
    """What is wrong with no field of the form."""

    @action(Permission.COST_READ)
    async def load(self, asking: Asking) -> None:
        """All budgets with what is spent of them at this moment."""
        found = await asking.ask(asking.engine.budgets.list(asking.actor))
        self.periods, self.is_loaded = periods(found.items, now=asking.engine.now()), True
        self.has_whole = any(budget.scope == "workspace" for budget in found.items)

    @action(Permission.BUDGET_MANAGE)
    async def add(self, asking: Asking) -> None:
        """Opens the form for a new one."""
        found = await asking.ask(asking.engine.workflows.list(asking.actor, limit=MOST_WORKFLOWS))
        taken = {row.subject for period in self.periods for row in period.rows if row.scope == "workflow"}
        self.workflows = [[one.id, one.name] for one in found.items if one.id not in taken]
        self.dialog, self.subject, self.title, self.amount = "add", "", "", ""
        self.wrong, self.problem = {}, ""
        self.scope = "workflow" if self.has_whole else "workspace"

    @action(SIGNED_IN)
    async def choose(self, asking: Asking, scope: str) -> None:
        """Whose budget is about to be set."""
        self.scope, self.wrong = scope if scope in ICONS else self.scope, {}

    @action(SIGNED_IN)
    async def show(self, asking: Asking, dialog: str, scope: str, subject: str, title: str, amount: str) -> None:
        """Opens a dialog about one that there is."""
        self.dialog, self.scope, self.subject, self.title, self.amount = dialog, scope, subject, title, amount
        self.wrong, self.problem = {}, ""

    @action(SIGNED_IN)
    async def close(self, asking: Asking) -> None:
        """Closes it."""
        self.dialog = self.problem = ""

    @action(Permission.BUDGET_MANAGE)
    async def save(self, asking: Asking, form: dict[str, Any]) -> Any:
        """Sets a budget; it counts at once."""
        is_new = self.dialog == "add"
        subject, limit = str(form.get("subject", "")) if is_new else self.subject, typed(str(form.get("amount", "")))
        try:
            await asking.ask(asking.engine.budgets.set(asking.actor, self.scope, subject, limit_usd=limit))
        except (Invalid, NotFound) as error:
            told = error.details.get("problems") or [{"field": "subject", "message": f"{error.message} {error.next_step}".strip()}]
            self.wrong = {problem["field"]: problem["message"] for problem in told}
            self.problem = "" if is_new else self.wrong.get("subject", "")
            return None
        self.dialog = self.problem = ""
        return Budgets.load

    @action(Permission.BUDGET_MANAGE)
    async def remove(self, asking: Asking) -> Any:
        """Takes one away."""
        self.dialog = ""
        await asking.ask(asking.engine.budgets.set(asking.actor, self.scope, self.subject, limit_usd=None))
        return Budgets.load


def typed(text: str) -> float:
    """`5`, `$0.50`; anything else is no amount, and the engine says so: `1,50` could mean two."""
    found = re.fullmatch(r"\$?\s*(\d{1,15}(\.\d*)?|\.\d+)", text.strip(), re.ASCII)
    return float(found[1]) if found else float("nan")
