"""Budgets over many runs: what a workflow or an agent may spend a day, and a workspace a month (workflow.md, Running 8).

What was spent is in the database, written with the rows that tell of it; what calls in flight have set aside is read from
the runs in memory, so that nothing of it can be left behind. One process owns all runs of a home, so no other can spend.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from engine.run.asking import Owner
from engine.run.budget import Shared

if TYPE_CHECKING:
    from engine.run.state import RunState

Scope = Literal["workflow", "agent", "workspace"]
PERIOD: dict[str, Literal["day", "month"]] = {"workflow": "day", "agent": "day", "workspace": "month"}
LIMIT_OF: dict[str, str] = {"workflow": "workflow_day", "agent": "agent_day", "workspace": "workspace_month"}
"""The name of the limit that is met when a budget is used up."""
_SPEND = """INSERT INTO spending (workspace_id, scope, subject, period, cost_micro) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (workspace_id, scope, subject, period) DO UPDATE SET cost_micro = cost_micro + excluded.cost_micro"""
EVERYTHING = 2**62
"""More than any budget allows."""
Key = tuple[str, str, str]
"""(workspace, scope, subject); the subject of a workspace is empty."""
Charge = tuple[str, str, str, str, int]
"""(workspace, scope, subject, period, micro-USD)."""


@dataclass(frozen=True, slots=True)
class Spending:
    """One run that may be setting something aside."""

    owner: Owner
    state: RunState


@dataclass(frozen=True, slots=True)
class Queued:
    """A run with a call that waits for what other runs have set aside."""

    owner: Owner
    agent: str | None
    needed: int
    """The least that lets it go on, micro-USD."""


@dataclass(frozen=True, slots=True)
class Stranded:
    """A run whose rows the database refused, as it was in memory, with what these rows would have charged."""

    spending: Spending
    charges: list[Charge]


def period_of(scope: str, at: int) -> str:
    """The day or month, in UTC, that a moment in microseconds belongs to: `2026-11-25`, `2026-11`."""
    day = datetime.fromtimestamp(at / 1e6, UTC).date().isoformat()
    return day if PERIOD[scope] == "day" else day[:7]


def spend(charge: Charge) -> tuple[str, Charge]:
    """The statement that keeps a charge, together with the rows that tell of it."""
    return _SPEND, charge


class Budgets:
    """What is allowed, spent and waited for; belongs to the executor's loop."""

    def __init__(self, active: Callable[[], Iterable[Spending]], wake: Callable[[str], None], now_us: Callable[[], int]) -> None:
        self._active = active
        self._wake = wake
        self._now_us = now_us
        self._limits: dict[Key, int] = {}
        self._spent: dict[tuple[str, str, str, str], int] = {}
        self._queue: dict[str, Queued] = {}
        """Run -> what it waits for, in the order in which they came."""
        self._woken: set[str] = set()
        self._is_recovering = False
        self._stranded: dict[str, Stranded] = {}
        self._names: dict[tuple[str, str], str] = {}
        """(workspace, id of a colleague) -> the short name that its budget and what it has spent stand under."""

    def know_as(self, workspace_id: str, agent: str, name: str) -> None:
        """Steps may name a colleague by its id: what they spend counts under its short name."""
        self._names[(workspace_id, agent)] = name

    def load(self, limits: Iterable[tuple[str, str, str, int]], spent: Iterable[Charge]) -> None:
        """Everything, as the database tells it: (workspace, scope, subject, micro-USD), and with the period before the amount.

        Until `recovered` nothing fits a budget: what a dead process had set aside is known when its runs have been read.
        """
        self._is_recovering = True
        self._limits = {(workspace, scope, subject): limit for workspace, scope, subject, limit in limits}
        self._spent = {(workspace, scope, subject, period): cost for workspace, scope, subject, period, cost in spent}

    def recovered(self) -> None:
        """All runs of the dead process have been read, with what they had set aside."""
        self._is_recovering = False
        self.settled()

    def allow(self, key: Key, limit_micro: int | None) -> None:
        """Sets a budget, or takes it away."""
        if limit_micro is None:
            self._limits.pop(key, None)
        else:
            self._limits[key] = limit_micro
        self.settled()

    def shared(self, owner: Owner, agent: str | None, at: int) -> list[Shared]:
        """The budgets that a call of that run and agent has to fit."""
        keys = [key for key in self._keys(owner, agent) if key in self._limits]
        return [Shared(LIMIT_OF[key[1]], self.spent(key, at), self.set_aside(key), self._limits[key]) for key in keys]

    def charge(self, owner: Owner, agent: str | None, cost: int, at: int) -> list[Charge]:
        """Counts what was spent; what of it is to be kept."""
        charges: list[Charge] = [(*key, period_of(key[1], at), cost) for key in self._keys(owner, agent)] if cost else []
        self._add(charges, 1)
        return charges

    def spent(self, key: Key, at: int) -> int:
        """Micro-USD in the period of that moment."""
        return self._spent.get((*key, period_of(key[1], at)), 0)

    def set_aside(self, key: Key) -> int:
        """Micro-USD for the calls in flight."""
        if self._is_recovering:
            return EVERYTHING
        workspace, scope, subject = key
        total = 0
        for run in (*self._active(), *(stranded.spending for stranded in self._stranded.values())):
            if run.owner.workspace_id != workspace or (scope == "workflow" and run.owner.workflow_id != subject):
                continue
            for step in run.state.steps.values():
                # What a step has set aside for a run that it has started is set aside there, call by call.
                if step.status == "running" and (scope != "agent" or self._named(workspace, step.node.agent) == subject):
                    total += step.reserved.cost_micro
        return total

    # Waiting for what other runs have set aside

    def queue_up(self, owner: Owner, agent: str | None, needed: int) -> None:
        """The run waits until `needed` micro-USD fit; it is woken when they may."""
        self._queue[owner.run_id] = Queued(owner, agent, needed)

    def waits(self, run_id: str) -> bool:
        """Whether the run waits for what others have set aside."""
        return run_id in self._queue

    def leave(self, run_id: str) -> bool:
        """The run looks for itself, or waits no more; whether it was woken, so that others may fit if it does not take its turn."""
        self._queue.pop(run_id, None)
        was_woken = run_id in self._woken
        self._woken.discard(run_id)
        return was_woken

    def settled(self) -> None:
        """Something was given back or allowed: whoever may fit now looks, in the order in which they came."""
        aside: dict[Key, int] = {}
        for run_id, queued in list(self._queue.items()):
            keys = [key for key in self._keys(queued.owner, queued.agent) if key in self._limits]
            for key in keys:
                if key not in aside:
                    aside[key] = self.set_aside(key)
            if all(self._may_fit(key, queued.needed, aside[key]) for key in keys):
                del self._queue[run_id]
                self._woken.add(run_id)
                for key in keys:
                    aside[key] += queued.needed
                self._wake(run_id)

    def _may_fit(self, key: Key, needed: int, aside: int) -> bool:
        # Where nothing is set aside there is nothing to wait for: it fits, or meets the limit.
        return not aside or self.spent(key, self._now_us()) + aside + needed <= self._limits[key]

    # Runs whose rows the database refused

    def strand(self, run_id: str, spending: Spending, charges: list[Charge]) -> None:
        """A run stands still in the middle: what it has set aside or charged in vain counts until it is read again."""
        self._queue.pop(run_id, None)
        self._stranded[run_id] = Stranded(spending, charges)

    def float_again(self, run_id: str) -> None:
        """It was read again from disk: what it charged in vain counts no more."""
        if (stranded := self._stranded.pop(run_id, None)) is not None:
            self._add(stranded.charges, -1)

    def _add(self, charges: Iterable[Charge], sign: int) -> None:
        for *whole, cost in charges:
            key: Any = tuple(whole)
            self._spent[key] = self._spent.get(key, 0) + sign * cost

    def _keys(self, owner: Owner, agent: str | None) -> list[Key]:
        workspace = owner.workspace_id
        keys: list[Key] = [(workspace, "workflow", owner.workflow_id)]
        if (name := self._named(workspace, agent)) is not None:
            keys.append((workspace, "agent", name))
        return [*keys, (workspace, "workspace", "")]

    def _named(self, workspace_id: str, agent: str | None) -> str | None:
        return self._names.get((workspace_id, agent), agent) if agent else None
