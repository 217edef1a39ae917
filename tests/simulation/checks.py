"""Is what a simulated history left behind right? The invariants of a durable engine, asked of the database and of what was acknowledged."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from engine.run import events
from engine.run.budget import RESERVED
from engine.run.state import fold, new_state
from tests.chaos.history import History, Told

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation


def looked_at(simulation: Simulation, counted: Counter[str]) -> list[str]:
    """Every breach in words; what was counted is added to `counted`."""
    history = History(simulation.home, simulation.kinds)
    _acknowledged(simulation, history)
    history.effects_of(simulation.world.effects)
    _never_above_its_limits(history)
    for told in history.runs.values():
        is_told = told.row["status"] in ("succeeded", "failed", "cancelled", "stopped", "paused")
        history.found.expect(is_told, f"{told.name}: still {told.row['status']} ({told.row['reason']})")
    counted.update(history.found.counted)
    return history.found.breaches


def _acknowledged(simulation: Simulation, history: History) -> None:
    expect, count = history.found.expect, history.found.counted
    for process in simulation.processes:
        for run, row in process.acknowledged:
            count["acknowledged rows"] += 1
            told = history.runs.get(run)
            kept = told.rows[row.seq - 1][0] if told is not None and row.seq <= len(told.rows) else None
            count["lost rows"] += kept != row
            expect(kept == row, f"{run}: row {row.seq} was acknowledged as {row}, and it is {kept}")
    for run in simulation.people.started:
        count["acknowledged starts"] += 1
        count["lost runs"] += run not in history.runs
        expect(run in history.runs, f"{run} was acknowledged and is not there")
    decided = {row["id"]: row["decision"] for row in history.select("SELECT id, decision FROM approvals")}
    for item, decision in simulation.people.decided:
        count["acknowledged decisions"] += 1
        expect(item in decided, f"the item {item} was decided and is not there")
        voted = decided.get(item) in (decision, None)
        expect(voted and decided.get(item) is not None, f"the item {item} was acknowledged as {decision}, and it is {decided.get(item)}")
    twice = [item for item, n in Counter(item for item, _ in simulation.people.decided).items() if n > 1]
    expect(not twice, f"these items were decided twice: {twice}")


def _never_above_its_limits(history: History) -> None:
    """At every prefix of every journal: what is settled and what is set aside fit the limits of that moment."""
    for told in history.runs.values():
        breach = _charged(told)
        history.found.expect(not breach, breach)
        state = new_state(told.state.plan, told.row["run_id"])
        for (row, _), event in zip(told.rows, told.events, strict=True):
            fold(state, event, at=row.at, path=row.path, attempt=row.attempt)
            history.found.counted["prefixes"] += 1
            for name in (*RESERVED, "steps"):
                breach = _above(told, state, row, name)
                history.found.expect(not breach, breach)


def _charged(told: Told) -> str:
    """What the steps and the runs that it has started say that they have used, the run says too."""
    kinds = (events.StepDone, events.StepFailed, events.StepInDoubt, events.ChildReturned)
    settled = [event.spent for kind in kinds for _, event in told.of(kind)]
    for name in RESERVED:
        used, charged = sum(getattr(spent, name) for spent in settled), told.row[name]
        if used > charged:
            return f"{told.name}: its steps have used {used} {name}, and {charged} are charged"
    return ""


def _above(told: Told, state: Any, row: Any, name: str) -> str:
    ledger = state.ledger
    used, reserved = getattr(ledger, name), getattr(ledger, f"reserved_{name}", 0)
    allowed = getattr(ledger.limits, name)
    return f"{told.name}: at row {row.seq} {used} + {reserved} {name} of {allowed}" if used + reserved > allowed else ""
