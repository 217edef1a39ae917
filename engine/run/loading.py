"""Reads a run: the newest snapshot that can be used, and only the rows behind it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache

from engine.errors import NotFound
from engine.graph.plan import Plan
from engine.run import codec, snapshots
from engine.run.snapshots import Unreadable
from engine.run.state import RunState, fold, new_state
from engine.storage.journal import ROW_BYTES, Row
from engine.storage.journal_reader import NO_LAST, JournalReader, StoredRun
from engine.storage.snapshots import StoredSnapshot

log = logging.getLogger("signalbox.run")


@dataclass(frozen=True, slots=True)
class Base:
    """The snapshot that a run was read from."""

    run_id: str
    seq: int
    bytes: int
    rows_bytes: int
    written_bytes: int


@dataclass(frozen=True, slots=True)
class Loaded:
    """A run's state, and what reading it took."""

    state: RunState
    base: Base | None
    """None: it was read from its first row on."""
    tail_bytes: int
    """Of the rows behind the snapshot, large values included."""
    rows_bytes: int
    """Of all rows that tell the run, shared ones included, large values not: several rows may need the same one."""


@contextmanager
def whole_or_gone(reader: JournalReader, run_id: str) -> Iterator[None]:
    """Around whatever reads a run in more than one statement: of one that is deleted meanwhile nobody sees a part. NotFound; blocks."""
    try:
        yield
    except Exception:  # half of a run can fail to be read in any way; of one that is there it is raised as it was
        if reader.journal_head(run_id) is None:
            raise NotFound(f"There is no run {run_id[:80]}.") from None
        raise
    if reader.journal_head(run_id) is None:
        raise NotFound(f"There is no run {run_id[:80]}.")


def read_run(reader: JournalReader, plan_of: Callable[[str], Plan], run_id: str) -> tuple[StoredRun, RunState]:
    """A run as its journal tells it. NotFound; blocks."""
    stored, loaded = load_run(reader, plan_of, run_id)
    return stored, loaded.state


def load_run(reader: JournalReader, plan_of: Callable[[str], Plan], run_id: str) -> tuple[StoredRun, Loaded]:
    """The same, with what it took. NotFound; blocks."""
    stored = reader.run(run_id)
    if stored is None:
        raise NotFound(f"There is no run {run_id}.")
    with whole_or_gone(reader, run_id):
        return stored, load_state(reader, plan_of(stored.doc_hash), run_id)


def load_state(reader: JournalReader, plan: Plan, run_id: str, *, upto: int = NO_LAST, as_run: str = "") -> Loaded:
    """The state after the row `upto`, under the run's own id or as that of another one, which is about to share these rows. Blocks."""
    for stored in reader.snapshots(run_id, upto):
        if stored.codec != snapshots.CODEC:
            _tell_of_codec(stored.codec)
            continue
        try:
            state = snapshots.decode(stored.state, plan, run_id=as_run or run_id, of=stored.run_id, seq=stored.seq)
            return _folded(reader, state, run_id, upto, stored)
        except Unreadable as error:
            _tell(stored.run_id, stored.seq, str(error))
        except (KeyError, IndexError, ValueError, TypeError, AttributeError, StopIteration) as error:
            # The rows that follow do not fit it. Where it is the rows that are wrong, reading them from the first on says so.
            _tell(stored.run_id, stored.seq, f"the rows behind it do not fit: {type(error).__name__} {error}")
    return _folded(reader, new_state(plan, as_run or run_id), run_id, upto, None)


def row_bytes(row: Row) -> int:
    """What a row takes, near enough."""
    return len(row.payload) + ROW_BYTES


def _folded(reader: JournalReader, state: RunState, run_id: str, upto: int, base: StoredSnapshot | None) -> Loaded:
    tail, values = 0, dict[str, int]()

    def blob(digest: str) -> bytes | None:
        body = reader.blob(digest)
        values[digest] = len(body or b"")
        return body

    for row in reader.every_row(run_id, after=state.seq, upto=upto):
        fold(state, codec.from_row(row, blob), at=row.at, path=row.path, attempt=row.attempt)
        tail += row_bytes(row)
    kept = None if base is None else Base(base.run_id, base.seq, len(base.state), base.rows_bytes, base.written_bytes)
    return Loaded(state, kept, tail + sum(values.values()), tail + (base.rows_bytes if base else 0))


@lru_cache(maxsize=1000)
def _tell(run_id: str, seq: int, why: str) -> None:
    """Once in the log: the run is read from its rows all the same, every time until the snapshot is replaced."""
    log.warning("the snapshot of run %s at row %s is not used: %s", run_id, seq, why)


@lru_cache(maxsize=1000)
def _tell_of_codec(codec_name: str) -> None:
    log.warning("snapshots written as %s are not used: this version writes %s", codec_name, snapshots.CODEC)
