"""What earlier runs of a workflow have made of its steps: read within bounds, however many runs there are."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from threading import Lock
from typing import Any

from engine.graph.plan import PlannedNode
from engine.run import codec, events
from engine.run.paths import node_of
from engine.run.routing import port_without_decision
from engine.run.trial import Kept
from engine.storage.journal_reader import JournalReader, Mark, StoredRun

RUNS_PER_MODE = 25
MARKS_PER_RUN = 2_000
MARKS_IN_ALL = 20_000
RUNS_KEPT = 100


class EarlierRuns:
    """Blocks: called in a thread."""

    def __init__(self, reader: JournalReader) -> None:
        self._reader = reader
        self._marks: OrderedDict[tuple[str, int], list[Mark]] = OrderedDict()
        """(run, its last row) -> ends of its steps: the builder asks after every change, and a run that has ended stays as it is."""
        self._lock = Lock()

    def latest(self, workflow_id: str) -> list[StoredRun]:
        """The latest runs, newest first: up to 25 test runs and as many live ones."""
        return self._reader.latest_runs(workflow_id, most_per_mode=RUNS_PER_MODE)

    def ended_steps(self, runs: Iterable[StoredRun]) -> list[Mark]:
        """The latest ends of steps in these runs; of a run that looped long only the last ones."""
        found: list[Mark] = []
        for run in runs:
            found += self._marks_of(run)
            if len(found) >= MARKS_IN_ALL:
                break
        return found

    def _marks_of(self, run: StoredRun) -> list[Mark]:
        key = (run.run_id, run.head_seq)
        with self._lock:
            if (kept := self._marks.get(key)) is not None:
                self._marks.move_to_end(key)
                return kept
        marks = self._reader.marks(run.run_id, most=MARKS_PER_RUN)
        with self._lock:
            self._marks[key] = marks
            while len(self._marks) > RUNS_KEPT:
                self._marks.popitem(last=False)
        return marks

    def last_by_path(self, run_id: str, is_wanted: Callable[[str], bool]) -> dict[str, Mark]:
        """Path -> the end of its last attempt in one run, in the order in which they ended."""
        found: dict[str, Mark] = {}
        for mark in self._reader.marks(run_id, most=MARKS_IN_ALL):
            if is_wanted(mark.path):
                found.setdefault(mark.path, mark)
        return dict(reversed(found.items()))

    def read(self, run_id: str, marks: Iterable[Mark]) -> dict[int, Any]:
        """Seq -> event."""
        rows = self._reader.rows_at(run_id, [mark.seq for mark in marks])
        return {row.seq: codec.from_row(row, self._reader.blob) for row in rows}

    def inputs(self, run_id: str) -> dict[str, Any]:
        """What the run was started with."""
        for row in self._reader.rows_at(run_id, [1]):
            event = codec.from_row(row, self._reader.blob)
            if isinstance(event, events.RunStarted):
                return event.inputs
        return {}


def kept_of(event: Any, run_id: str, node: PlannedNode) -> Kept | None:
    """What a step's end leaves to a try-out; None for an end that the run did not go on from."""
    match event:
        case events.StepDone():
            return Kept(event.reused or run_id, event.port, event.outputs, event.inputs, event.labels)
        case events.StepFailed(goes_on="port"):
            return Kept(run_id, "error", {"error": event.error}, event.inputs, event.labels)
        case events.StepFailed(goes_on="default"):
            return Kept(run_id, port_without_decision(node), {**node.default_output, "error": event.error}, event.inputs, event.labels)
        case _:
            return None


def kept_by_path(ends: Mapping[str, Any], run_id: str, nodes: Mapping[str, PlannedNode]) -> dict[str, Kept]:
    """Path -> what is left of it; ends that nothing can go on from are left out."""
    found = {path: kept_of(event, run_id, nodes[node_of(path)]) for path, event in ends.items()}
    return {path: kept for path, kept in found.items() if kept is not None}
