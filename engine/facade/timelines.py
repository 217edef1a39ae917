"""The steps of the runs that are looked at now: of a run that is asked for again only the rows are read that are new."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock

from engine.insight.timeline import StepRecord, fold_row
from engine.run import codec
from engine.run.loading import row_bytes, whole_or_gone
from engine.storage.journal_reader import JournalReader

RUNS_KEPT = 8
BYTES_KEPT = 32 * 1024 * 1024
"""Of rows, for all of them together: a run that is longer alone is read anew every time."""


@dataclass
class _Timeline:
    seq: int = 0
    bytes: int = 0
    steps: dict[str, StepRecord] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)


class Timelines:
    """Blocks: called in a thread."""

    def __init__(self, reader: JournalReader) -> None:
        self._reader = reader
        self._kept: OrderedDict[str, _Timeline] = OrderedDict()
        self._lock = Lock()

    def steps(self, run_id: str, first: int, behind: int) -> tuple[Sequence[StepRecord], int]:
        """The steps with these places in the order in which they started, and how many there are."""
        timeline = self._timeline(run_id)
        with timeline.lock:
            self._read_on(run_id, timeline)
            found = list(timeline.steps.values())
            return [_copy(step) for step in found[first:behind]], len(found)

    def step(self, run_id: str, path: str) -> StepRecord | None:
        """One of them."""
        timeline = self._timeline(run_id)
        with timeline.lock:
            self._read_on(run_id, timeline)
            found = timeline.steps.get(path)
            return None if found is None else _copy(found)

    def _timeline(self, run_id: str) -> _Timeline:
        with self._lock:
            timeline = self._kept.setdefault(run_id, _Timeline())
            self._kept.move_to_end(run_id)
            while len(self._kept) > RUNS_KEPT:
                self._kept.popitem(last=False)
        return timeline

    def _read_on(self, run_id: str, timeline: _Timeline) -> None:
        try:
            with whole_or_gone(self._reader, run_id):
                for row in self._reader.every_row(run_id, after=timeline.seq):
                    fold_row(timeline.steps, row, codec.from_row(row, self._reader.blob))
                    timeline.seq, timeline.bytes = row.seq, timeline.bytes + row_bytes(row)
        except BaseException:
            # Half a row may have been told.
            self._drop(run_id, timeline)
            raise
        self._make_room()

    def _make_room(self) -> None:
        with self._lock:
            while sum(one.bytes for one in self._kept.values()) > BYTES_KEPT:
                self._kept.popitem(last=False)

    def _drop(self, run_id: str, timeline: _Timeline) -> None:
        with self._lock:
            if self._kept.get(run_id) is timeline:
                del self._kept[run_id]


def _copy(step: StepRecord) -> StepRecord:
    # The next row may change it while the answer is written; its bodies are never changed in place, but notes of boxes are.
    kept = StepRecord(**{name: getattr(step, name) for name in StepRecord.__dataclass_fields__})
    kept.note = dict(kept.note) if isinstance(kept.note, dict) else kept.note
    return kept
