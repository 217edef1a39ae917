"""The borders at which a process may die or a disk may fail: each has a name, and a test lets it happen at every one.

In production nothing is armed and reaching a border costs one comparison. `tests/faults` arms each name in turn and checks
what is left behind; `tests/architecture` fails where a commit has no border (docs/reliability.md tells what came of it).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

POINTS: dict[str, str] = {
    "home.locked": "the home is ours, nothing is read yet",
    "migrate.before_begin": "a migration is missing",
    "migrate.begun": "its transaction is open",
    "migrate.statement": "one of its statements was executed",
    "migrate.before_commit": "all of its statements were executed",
    "migrate.committed": "the schema is the next one",
    "records.before_begin": "something small is about to be written: an account, a version, a budget, a setting",
    "records.begun": "its transaction is open",
    "records.before_commit": "all of it was written",
    "records.committed": "it is durable and nobody knows yet",
    "audit.in_session": "the audit row of such a change was written",
    "audit.raw": "the audit row of a run's change was written",
    "journal.asked": "a turn is over and its rows are about to be queued",
    "journal.before_begin": "a group of commits is about to be written",
    "journal.begun": "its transaction is open",
    "journal.run_written": "the run's own row was written",
    "journal.claimed": "the run's own row was written by whoever takes it over",
    "journal.blob_written": "a large value was written",
    "journal.rows_written": "the journal rows of one run were written",
    "journal.statements_written": "its inbox items, timers, waits and spendings were written",
    "journal.before_commit": "everything of the group was written",
    "journal.committed": "it is durable and nobody knows yet",
    "journal.unsure": "its COMMIT was answered with an error, and whether it is there is about to be looked up",
    "journal.acknowledged": "whoever waits for the commit goes on now",
    "journal.before_checkpoint": "the log is about to be folded into the database",
    "journal.checkpointed": "the log was folded into the database",
    "journal.closing": "the last fold, when everything else is over",
    "snapshot.before_begin": "what the rows of a run come to is about to be kept",
    "snapshot.before_commit": "it was written",
    "snapshot.committed": "it is kept and nobody knows yet",
    "program.before_begin": "a program of a code step stands at a checkpoint and is about to be kept",
    "program.before_commit": "it was written",
    "program.committed": "it is kept and the program goes on now",
    "sweep.before_begin": "runs that were kept long enough, or what is left of them, are about to be deleted",
    "sweep.before_commit": "some of them were deleted",
    "sweep.committed": "they are gone and nobody knows yet",
    "meter.before_begin": "what new rows take is about to be remembered",
    "meter.before_commit": "it was written",
    "meter.committed": "it is remembered and nobody knows yet",
    "recovery.begun": "runs that a dead process left are about to be looked for",
    "recovery.found": "they are known, none is taken over yet",
    "recovery.told": "one of them was loaded and told to go on",
    "recovery.timers_set": "timers are set, children are not found again yet",
    "recovery.done": "the engine is about to be open",
    "run.read": "a run was read from its journal",
    "calls.before": "a turn is durable and its calls are about to be made",
    "call.begins": "a node's own code is about to run",
    "call.answered": "it has answered and nobody knows yet",
    "timer.due": "a timer is about to wake a run",
    "answer.given": "somebody's answer is about to reach a run",
    "answer.durable": "it is durable and whoever gave it does not know yet",
    "child.choosing": "the workflow that a step runs is about to be looked up",
    "child.starting": "the parent's row is durable and the child is about to start",
    "child.started": "the child is durable",
    "child.telling": "a child has ended and its parent is about to be told",
    "child.told": "the parent was told, which is not durable yet",
    "child.dropping": "a child that nobody waits for is about to be cancelled",
}
"""Every name that is reached anywhere, with what is true there."""

_armed: Callable[[str], None] | None = None


def reach(name: str) -> None:
    """Says that a border is reached. Raises whatever a test has armed it with."""
    if _armed is not None:
        _armed(name)


@contextmanager
def armed(at: Callable[[str], None]) -> Iterator[None]:
    """`at` is called with the name of every border that is reached; for tests."""
    global _armed
    before, _armed = _armed, at
    try:
        yield
    finally:
        _armed = before
