"""`doctor journal`: holds every run's journal against its own rules, what the table of runs tells, and its snapshots."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec

from engine.errors import SignalboxError
from engine.facade.core import Plans
from engine.insight.installation import Finding
from engine.nodes.registry import Registry
from engine.run import codec, snapshots
from engine.run.decide import run_status
from engine.run.snapshots import Unreadable
from engine.run.state import RunState, fold, new_state
from engine.settings import Settings
from engine.storage.journal import Row
from engine.storage.journal_reader import JournalReader
from engine.storage.sqlite import DATABASE_NAME

AMOUNTS = ("cost_micro", "tokens", "steps", "llm_calls", "tool_calls")
SHOWN = 20
_RUNS = "SELECT run_id FROM runs ORDER BY started_at, run_id"
_RUN = "SELECT doc_hash, status, head_seq, epoch, cost_micro, tokens, steps, llm_calls, tool_calls FROM runs WHERE run_id = ?"
_ROWS = """
SELECT seq, at, kind, path, attempt, payload, epoch FROM journal WHERE run_id = ? AND seq > ? AND seq <= ? ORDER BY seq"""
_SNAPSHOTS = "SELECT seq, codec, state FROM snapshots WHERE run_id = ?"


def examine_journals(settings: Settings) -> Iterator[Finding]:
    """One finding for each journal that is not as it should be, and one for all that are."""
    path = settings.home.resolve() / DATABASE_NAME
    if not path.exists():
        yield Finding(True, "journals", "there is no database yet")
        return
    reader = JournalReader(path)
    try:
        yield from _all(path, reader)
    finally:
        reader.close()


def _all(path: Path, reader: JournalReader) -> Iterator[Finding]:
    plans = Plans(reader, Registry.builtin())
    well = ill = rows = kept = 0
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)) as connection:
        for (run_id,) in connection.execute(_RUNS).fetchall():
            faults, count, checked = faults_of(connection, run_id, plans, reader)
            rows, kept = rows + count, kept + checked
            if not faults:
                well += 1
                continue
            ill += 1
            if ill <= SHOWN:
                yield Finding(False, run_id, "; ".join(faults), "Report it, and keep a copy of the database.")
    if ill > SHOWN:
        yield Finding(False, "journals", f"{ill - SHOWN} more are not as they should be")
    yield Finding(True, "journals", f"{well} of {well + ill} runs agree with their journals ({rows} rows, {kept} snapshots)")


def faults_of(connection: sqlite3.Connection, run_id: str, plans: Plans, reader: JournalReader) -> tuple[list[str], int, int]:
    """What is wrong with one run's journal, how many rows tell it, and how many snapshots were held against them."""
    # One transaction: a run that moves on meanwhile must not look torn.
    connection.execute("BEGIN")
    try:
        known = connection.execute(_RUN, (run_id,)).fetchone()
        segments = reader.lineage(run_id)
        found = [row for part in segments for row in connection.execute(_ROWS, (part.run_id, part.before, part.last)).fetchall()]
        kept = {seq: (codec_name, body) for seq, codec_name, body in connection.execute(_SNAPSHOTS, (run_id,))}
    finally:
        # Nothing was written.
        connection.execute("ROLLBACK")
    if known is None:
        # It was kept long enough, and deleted just now.
        return [], 0, 0
    doc_hash, status, head_seq, epoch, *amounts = known
    faults: list[str] = []
    if [row[0] for row in found] != list(range(1, head_seq + 1)):
        faults.append(f"its rows do not count from 1 to {head_seq}")
    # A fork begins with an epoch of its own.
    epochs = [row[6] for row in found if row[0] > segments[-1].before]
    if epochs != sorted(epochs) or (epochs and epochs[-1] > epoch):
        faults.append("an older owner has written after a newer one")
    if faults:
        return faults, len(found), 0
    checked = 0
    try:
        state = new_state(plans.of(doc_hash), run_id)
        for row in found:
            stored = Row(*row[:6])
            fold(state, codec.from_row(stored, reader.blob), at=stored.at, path=stored.path, attempt=stored.attempt)
            if stored.seq in kept and kept[stored.seq][0] == snapshots.CODEC:
                checked += 1
                faults += _snapshot_faults(state, run_id, kept[stored.seq][1])
    except (SignalboxError, msgspec.ValidationError, KeyError, ValueError) as error:
        return [f"it cannot be read: {type(error).__name__} {error}"], len(found), checked
    if ahead := [seq for seq in kept if seq > head_seq]:
        faults.append(f"a snapshot tells of row {ahead[0]}, which there is not")
    if run_status(state) != status:
        faults.append(f"the table says {status}, the journal {run_status(state)}")
    for name, told in zip(AMOUNTS, amounts, strict=True):
        if (counted := getattr(state.ledger, name)) != told:
            faults.append(f"the table says {told} {name}, the journal {counted}")
    return faults, len(found), checked


def _snapshot_faults(state: RunState, run_id: str, body: bytes) -> list[str]:
    try:
        kept = snapshots.decode(body, state.plan, run_id=run_id, of=run_id, seq=state.seq)
    except Unreadable as error:
        return [f"its snapshot at row {state.seq} cannot be used: {error}; the run is read from its rows"]
    if snapshots.plain(kept, run_id) == snapshots.plain(state, run_id):
        return []
    return [f"its snapshot at row {state.seq} tells something else than its rows: delete it from the table snapshots, it is only a cache"]
