"""What the inbox answers: its lists, its cards, and the approvals of one map box as one grid."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from engine.facade.views import ApprovalView, Page


class InboxBox(BaseModel):
    """Where an approval stands that a map box asks once for each of its items."""

    grid: str
    """Name of the grid that shows what is asked of all items, `run_1-ok`."""
    number: str
    """Of the item, counted from 1: `3`; `3.2` where boxes nest, `3, round 2` in a loop."""
    title: str = ""
    """Of the box."""
    asks: str = ""
    """What all of them ask, if they ask the same, else the step that asks; known in a list of rows."""
    waiting: int = 1
    """How many of them wait."""
    oldest_at: str | None = None
    """When the one of them that has waited longest was opened; known in a list of rows."""


class InboxItem(ApprovalView):
    """An item with what a person wants to know before opening it, and whether that person may decide it."""

    version: int | None = None
    mode: str = "live"
    step: str = ""
    """The title of the step that asks."""
    agent: str = ""
    """The colleague whose step it is, if it is one's."""
    spent: dict[str, float | int] = Field(default_factory=dict)
    """What the run has used so far."""
    limits: dict[str, float | int] | None = None
    run_status: str = ""
    run_reason: str = ""
    agreed: list[str] = Field(default_factory=list)
    """Names of those who have agreed so far, where several have to."""
    decided_by_name: str = ""
    may_decide: bool = False
    may_not: str = ""
    """Why not, in words."""
    box: InboxBox | None = None
    """Of an approval inside of a map box: where it stands there."""


class InboxPage(Page[InboxItem]):
    """The first items of a list, and how many there are in all."""

    total: int
    """Of the list that was asked for, shown or not."""
    mine: int | None = None
    """How many of those that wait whoever asks may decide; null in a list of what is decided."""
    others: int | None = None
    oldest_at: str | None = None
    """When the one that has waited longest was opened, whoever may decide it."""


class AskedRule(BaseModel):
    """One rule that stands before a tool, as it was when the agent wanted to call it."""

    that: str
    because: str
    otherwise: str
    """`stop` or `ask`."""
    holds: bool | None
    """None: it cannot be said."""
    unknown: str = ""
    """Why it cannot be said."""


class AskedCall(BaseModel):
    """A call that an agent wants to make and a person decides about."""

    tool: str
    arguments: dict[str, Any]
    reason: str
    """Why a person is asked."""
    said: str
    """The agent's own words in that turn."""
    rules: list[AskedRule]


class InboxCard(InboxItem):
    """One item with all that the decision is about, and what became of it."""

    call: AskedCall | None = None
    """Of an agent's call that needs consent: what speaks for and against it."""

    action_kind: str = ""
    """What kind of step the action is, e.g. `Notify`."""
    cannot_be_undone: bool = False
    after: list[str] = Field(default_factory=list)
    """Titles of the steps that follow when it is approved, as far as one track leads."""
    on_expire: str = "expired"
    reason: str = ""
    """What the one who decided wrote."""
    values: dict[str, Any] | None = None
    """The editable values as they were decided."""
    ran: dict[str, Any] | None = None
    """What the action was given when it ran: its resolved settings."""
    asked_again: str | None = None
    """The item that took its place."""
    outputs: dict[str, Any] | None = None
    """JSON Schema of what a step in doubt would have answered; None where its kind does not say."""


class InboxGrid(BaseModel):
    """The approvals of one map box, in the order of its items, one page of them."""

    name: str
    asks: str
    """What all of them ask, if they ask the same, else the step that asks."""
    about: InboxItem
    """One of them, for what they have in common: the workflow, the run, who may decide."""
    items: list[InboxCard]
    at: int
    """How many stand before this page."""
    total: int
    waiting: int
    oldest_at: str | None
