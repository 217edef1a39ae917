"""Budgets over many runs: what a workflow or an agent may spend a day, and a workspace a month (workflow.md, Running 8).

What was spent is in the database, written with the rows that tell of it; what calls in flight have set aside is read from
the runs in memory, so that nothing of it can be left behind. One process owns all runs of a home, so no other can spend.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from engine.run.asking import Owner

if TYPE_CHECKING:
    from engine.run.state import RunState

Scope = Literal["workflow", "agent", "workspace"]
PERIOD: dict[str, Literal["day", "month"]] = {"workflow": "day", "agent": "day", "workspace": "month"}
LIMIT_OF: dict[str, str] = {"workflow": "workflow_day", "agent": "agent_day", "workspace": "workspace_month"}
"""The name of the limit that is met when a budget is used up."""
_SPEND = """INSERT INTO spending (workspace_id, scope, subject, period, cost_micro) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (workspace_id, scope, subject, period) DO UPDATE SET cost_micro = cost_micro + excluded.cost_micro"""
Key = tuple[str, str, str]
"""(workspace, scope, subject); the subject of a workspace is empty."""


@dataclass(frozen=True, slots=True)
class Spending:
    """One run that may be setting something aside."""

    owner: Owner
    state: RunState


@dataclass(frozen=True, slots=True)
class UsedUp:
    """A budget that a call does not fit; money in micro-USD."""

    limit: str
    used: int
    allowed: int


def period_of(scope: str, at: int) -> str:
    """The day or month, in UTC, that a moment in microseconds belongs to: `2026-11-25`, `2026-11`."""
    day = datetime.fromtimestamp(at / 1e6, UTC).date().isoformat()
    return day if PERIOD[scope] == "day" else day[:7]


class Budgets:
    """What is allowed and spent; belongs to the executor's loop."""

    def __init__(self, active: Callable[[], Iterable[Spending]]) -> None:
        self._active = active
        self._limits: dict[Key, int] = {}
        self._spent: dict[tuple[str, str, str, str], int] = {}

    def load(self, limits: Iterable[tuple[str, str, str, int]], spent: Iterable[tuple[str, str, str, str, int]]) -> None:
        """Everything, as the database tells it: (workspace, scope, subject, micro-USD), and with the period before the amount."""
        self._limits = {(workspace, scope, subject): limit for workspace, scope, subject, limit in limits}
        self._spent = {(workspace, scope, subject, period): cost for workspace, scope, subject, period, cost in spent}

    def allow(self, key: Key, limit_micro: int | None) -> None:
        """Sets a budget, or takes it away."""
        if limit_micro is None:
            self._limits.pop(key, None)
        else:
            self._limits[key] = limit_micro

    def used_up(self, owner: Owner, agent: str | None, needed: int, at: int) -> UsedUp | None:
        """The first budget that `needed` micro-USD do not fit beside what is spent and set aside; None when they fit all."""
        for key in self._keys(owner, agent):
            if (allowed := self._limits.get(key)) is None:
                continue
            used = self._spent.get((*key, period_of(key[1], at)), 0) + self._set_aside(key)
            if used + needed > allowed:
                return UsedUp(LIMIT_OF[key[1]], used, allowed)
        return None

    def charge(self, owner: Owner, agent: str | None, cost: int, at: int) -> list[tuple[str, tuple[str | int, ...]]]:
        """Counts what was spent; the statements that keep it together with the rows that tell of it."""
        statements: list[tuple[str, tuple[str | int, ...]]] = []
        for key in self._keys(owner, agent):
            whole = (*key, period_of(key[1], at))
            self._spent[whole] = self._spent.get(whole, 0) + cost
            statements.append((_SPEND, (*whole, cost)))
        return statements

    def spent(self, key: Key, at: int) -> int:
        """Micro-USD in the period of that moment."""
        return self._spent.get((*key, period_of(key[1], at)), 0)

    def _keys(self, owner: Owner, agent: str | None) -> list[Key]:
        workspace = owner.workspace_id
        keys: list[Key] = [(workspace, "workflow", owner.workflow_id)]
        keys += [(workspace, "agent", agent)] if agent else []
        return [*keys, (workspace, "workspace", "")]

    def _set_aside(self, key: Key) -> int:
        workspace, scope, subject = key
        total = 0
        for run in self._active():
            if run.owner.workspace_id != workspace or (scope == "workflow" and run.owner.workflow_id != subject):
                continue
            for step in run.state.steps.values():
                # What a step has set aside for a run that it has started is set aside there, call by call.
                if step.status == "running" and (scope != "agent" or step.node.agent == subject):
                    total += step.reserved.cost_micro
        return total
