"""Is what a killed engine left behind right? Asked of the database by plain SQL, of the effects' ledger and of what was acknowledged."""

import json
import sqlite3
from collections import Counter, defaultdict
from contextlib import closing
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from engine.graph.plan import Plan
from engine.graph.validate import check
from engine.insight.timeline import node_of
from engine.nodes.registry import Registry
from engine.run import codec, events
from engine.run.budget import RESERVED
from engine.run.decide import run_status
from engine.run.state import ENDED, RunState, fold, new_state
from engine.security.audit import AuditLog
from engine.security.secrets import open_key
from engine.storage.journal import Row
from engine.storage.sqlite import DATABASE_NAME, open_engine, reading

_JOURNAL = "SELECT seq, at, kind, path, attempt, payload, epoch FROM journal WHERE run_id = ? ORDER BY seq"


@dataclass
class Findings:
    """What was counted, and every breach in words."""

    counted: Counter[str] = field(default_factory=Counter)
    breaches: list[str] = field(default_factory=list)

    def expect(self, is_so: bool, breach: str) -> None:
        if not is_so:
            self.breaches.append(breach)


@dataclass
class Told:
    """One run's journal, decoded."""

    row: dict[str, Any]
    rows: list[tuple[Row, int]]
    """With the epoch that wrote each."""
    events: list[events.Event]
    state: RunState

    @property
    def name(self) -> str:
        return f"{self.row['workflow_name']} {self.row['run_id']}"

    def of(self, kind: type[events.Event]) -> list[tuple[Row, Any]]:
        return [(row, event) for (row, _), event in zip(self.rows, self.events, strict=True) if type(event) is kind]

    def kind_at(self, path: str) -> str:
        """The kind of the node whose step has this path, `draft#2/ok`."""
        return self.state.plan.nodes[node_of(path)].kind.kind

    def starts(self) -> set[tuple[str, int]]:
        """(path, attempt) of every durable intent."""
        return {(start.path, start.attempt) for event in self.events for start in event.starts}


class History:
    """A home at rest."""

    def __init__(self, home: Path, kinds: Registry) -> None:
        self.home, self._kinds = home, kinds
        self._plans: dict[str, Plan] = {}
        self.found = Findings()
        with closing(sqlite3.connect(home / DATABASE_NAME)) as self.database:
            self.database.row_factory = sqlite3.Row
            self.runs = {row["run_id"]: self._told(dict(row)) for row in self._rows("SELECT * FROM runs")}
            self._look()

    def _rows(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        return self.database.execute(sql, values).fetchall()

    def _told(self, run: dict[str, Any]) -> Told:
        rows, decoded = [], []
        state = new_state(self._plan(run["doc_hash"]), run["run_id"])
        for found in self._rows(_JOURNAL, run["run_id"]):
            row = Row(*tuple(found)[:6])
            rows.append((row, found["epoch"]))
            event = codec.from_row(row, self._blob)
            decoded.append(event)
            fold(state, event, at=row.at, path=row.path, attempt=row.attempt)
        return Told(run, rows, decoded, state)

    def _plan(self, digest: str) -> Plan:
        if digest not in self._plans:
            plan = check(json.loads(self._rows("SELECT body FROM documents WHERE hash = ?", digest)[0]["body"]), self._kinds).plan
            assert plan is not None
            self._plans[digest] = plan
        return self._plans[digest]

    def _blob(self, digest: str) -> bytes | None:
        return self._rows("SELECT body FROM blobs WHERE hash = ?", digest)[0]["body"]

    def _look(self) -> None:
        self.found.expect(self._rows("PRAGMA integrity_check")[0][0] == "ok", "integrity_check")
        self.found.expect(not self._rows("PRAGMA foreign_key_check"), "foreign_key_check")
        self._audit()
        for told in self.runs.values():
            self._journal(told)
            self._settled(told)
            self._items(told)
            self._rest(told)
        self._inbox()
        self._notifications()

    # The database alone

    def _audit(self) -> None:
        engine = open_engine(self.home / DATABASE_NAME)
        with reading(engine) as session:
            report = AuditLog(open_key(self.home).derive("audit")).verify(session)
        engine.dispose()
        self.found.expect(report.intact, f"audit: {report.reason}")
        self.found.counted["audit rows"] = report.checked
        started = self._rows("SELECT subject, details FROM audit WHERE action = 'run.start'")
        not_kept = {row["id"] for row in self._rows("SELECT id FROM workflows WHERE retention_days IS NOT NULL")}
        kept = [row["subject"] for row in started if json.loads(row["details"]).get("workflow") not in not_kept]
        self.found.expect(sorted(kept) == sorted(self.runs), "run.start is told of other runs than there are")

    def _journal(self, told: Told) -> None:
        expect, count = self.found.expect, self.found.counted
        seqs, epochs = [row.seq for row, _ in told.rows], [epoch for _, epoch in told.rows]
        expect(seqs == list(range(1, len(seqs) + 1)), f"{told.name}: seq has gaps: {seqs}")
        expect(epochs == sorted(epochs), f"{told.name}: epochs fall: {epochs}")
        expect(bool(seqs) and told.row["head_seq"] == seqs[-1], f"{told.name}: head_seq {told.row['head_seq']} of {len(seqs)} rows")
        expect(bool(epochs) and told.row["epoch"] == epochs[-1], f"{told.name}: epoch {told.row['epoch']} but {epochs[-1:]} in the journal")
        for before, after in pairwise(epochs):
            expect(after in (before, before + 1), f"{told.name}: epoch {before} is followed by {after}")
        count["runs"] += 1
        count["rows"] += len(seqs)
        count["taken over"] += len(told.of(events.RunRecovered))
        count[f"runs {told.row['status']}"] += 1

    def _settled(self, told: Told) -> None:
        """Each started attempt settles once; each path is done at most once."""
        expect, count = self.found.expect, self.found.counted
        starts = Counter((start.path, start.attempt) for event in told.events for start in event.starts)
        expect(all(n == 1 for n in starts.values()), f"{told.name}: an attempt was started twice: {starts}")
        done = Counter((row.path, row.attempt) for row, _ in told.of(events.StepDone))
        failed = Counter((row.path, row.attempt) for row, _ in told.of(events.StepFailed))
        # A box that keeps an item's error fails anew each time that somebody resumes its run.
        failed = Counter({key: n for key, n in failed.items() if told.kind_at(key[0]) != "map"})
        expect(all(n == 1 for n in (done + failed).values()), f"{told.name}: an attempt settled twice: {done + failed}")
        expect(max(Counter(path for path, _ in done).values(), default=0) <= 1, f"{told.name}: a path was done twice: {done}")
        expect(set(done + failed) <= set(starts), f"{told.name}: settled without an intent: {set(done + failed) - set(starts)}")
        count["steps"] += len(done)
        count["attempts lost and repeated"] += sum(len(event.lost) for _, event in told.of(events.RunRecovered))
        count["in doubt"] += len(told.of(events.StepInDoubt))

    def _items(self, told: Told) -> None:
        """Each item of a box ends once, and nothing of an item that has ended starts again."""
        ended: set[str] = set()
        for (row, _), event in zip(told.rows, told.events, strict=True):
            if isinstance(event, events.ItemEnded):
                self.found.expect(row.path not in ended, f"{told.name}: the item {row.path} ended twice")
                ended.add(row.path)
                self.found.counted["items failed" if event.error else "items done"] += 1
            for start in event.starts:
                inside = [item for item in ended if start.path.startswith(f"{item}/")]
                self.found.expect(not inside, f"{told.name}: {start.path} started after its item had ended")

    def _rest(self, told: Told) -> None:
        """The runs table says what the journal says; what is over holds nothing back."""
        expect, state, row = self.found.expect, told.state, told.row
        expect(run_status(state) == row["status"], f"{told.name}: {row['status']}, but its journal says {run_status(state)}")
        ledger = state.ledger
        for name in ("cost_micro", "tokens", "steps", "llm_calls", "tool_calls"):
            expect(getattr(ledger, name) == row[name], f"{told.name}: {name} {row[name]}, but its journal says {getattr(ledger, name)}")
        if state.status in ENDED or state.is_stopped:
            reserved = {name: getattr(ledger, f"reserved_{name}") for name in RESERVED}
            is_free = not any(reserved.values()) and not ledger.open and not state.running
            expect(is_free, f"{told.name}: at rest it holds {reserved}, {ledger.open}")
        if state.status in ENDED:
            left = self._rows("SELECT path FROM timers WHERE run_id = ?", row["run_id"])
            expect(not left, f"{told.name}: it has ended and {len(left)} timers are left")
            expect(row["ended_at"] is not None, f"{told.name}: it has ended and no time of it is known")
        is_told = row["status"] in ("succeeded", "queued", "running") or bool(row["reason"])
        expect(is_told, f"{told.name}: {row['status']} and no reason")

    def _inbox(self) -> None:
        for item in self._rows("SELECT * FROM approvals"):
            told = self.runs.get(item["run_id"])
            self.found.counted["inbox items"] += 1
            if told is None:
                self.found.breaches.append(f"the inbox item {item['id']} belongs to no run")
                continue
            asked = [*told.of(events.StepWaiting), *told.of(events.StepInDoubt), *told.of(events.LimitAsked)]
            waiting = [row for row, event in asked if event.item == item["id"]]
            self.found.expect(len(waiting) == 1, f"{told.name}: the inbox item {item['id']} stands {len(waiting)} times in its journal")
            step = told.state.steps.get(item["path"])
            is_open = step is not None and step.status in ("waiting", "in_doubt") and step.item == item["id"]
            is_open = is_open or told.state.asked == item["id"]
            self.found.expect(is_open == (item["status"] == "pending"), f"{told.name}: {item['path']} is {item['status']}, open: {is_open}")
            if item["type"] == "limit":
                # It is answered by going on or by standing still, which the journal tells of the run.
                continue
            decided: list[Any] = [event for _, event in told.of(events.StepDone) if event.note.get("item") == item["id"]]
            decided += [event for _, event in told.of(events.DoubtResolved) if event.item == item["id"]]
            self.found.expect(len(decided) == (item["decision"] is not None), f"{told.name}: {item['path']} {item['decision']}: {decided}")

    def _notifications(self) -> None:
        """One message for each notify step that is done, and none without its durable intent."""
        written = Counter((row["run_id"], row["path"]) for row in self._rows("SELECT run_id, path FROM notifications"))
        self.found.counted["notifications"] = written.total()
        for (run, path), n in written.items():
            self.found.expect(n == 1, f"{run}: {n} messages of {path}")
            intents = {start for start, _ in self.runs[run].starts()} if run in self.runs else set()
            self.found.expect(path in intents, f"{run}: a message of {path}, which never started")
        for told in self.runs.values():
            for row, _ in told.of(events.StepDone):
                if told.kind_at(row.path) == "notify":
                    is_there = written[told.row["run_id"], row.path] == 1
                    self.found.expect(is_there, f"{told.name}: {row.path} is done, but its message is not there")

    # The database and the outside world

    def effects(self, ledger: Path) -> None:
        """Every line of the ledger stands behind a durable intent; an unsafe one is not doubled unless a person wanted it."""
        lines = (line.split(" ") for line in ledger.read_text().splitlines())
        self.effects_of([(kind, run, path, int(attempt), key) for kind, run, path, attempt, key in lines])

    def effects_of(self, told_of: list[tuple[str, str, str, int, str]]) -> None:
        """The same of (kind, run, path, attempt, key)."""
        expect, count = self.found.expect, self.found.counted
        lines: dict[tuple[str, str], list[tuple[str, int, str]]] = defaultdict(list)
        for kind, run, path, attempt, key in told_of:
            lines[run, path].append((kind, attempt, key))
        keys = [key for found in lines.values() for key in {key for _, _, key in found}]
        expect(len(keys) == len(lines), "a step had several keys, or two steps had one")
        for (run, path), found in lines.items():
            told = self.runs.get(run)
            if told is None:
                self.found.breaches.append(f"{run}: {path} had an effect, and there is no such run")
                continue
            attempts = [attempt for _, attempt, _ in found]
            count[f"effects {found[0][0]}"] += len(found)
            expect(len(set(attempts)) == len(attempts), f"{told.name}: one attempt of {path} had its effect twice: {attempts}")
            expect({(path, a) for a in attempts} <= told.starts(), f"{told.name}: an effect of {path} without a durable intent: {attempts}")
            if found[0][0] == "unsafe":
                self._unsafe(told, path, sorted(attempts))
        for told in self.runs.values():
            for row, event in told.of(events.StepDone):
                # What a person says to have happened is that person's word.
                if told.kind_at(row.path) in ("marked", "unsafe") and event.note.get("decision") != "done":
                    done = [attempt for _, attempt, _ in lines[told.row["run_id"], row.path]]
                    expect(row.attempt in done, f"{told.name}: {row.path} is done, but its effect never happened")

    def _unsafe(self, told: Told, path: str, attempts: list[int]) -> None:
        expect = self.found.expect
        settled = {row.attempt: "done" for row, _ in told.of(events.StepDone) if row.path == path}
        settled |= {row.attempt: event.error["code"] for row, event in told.of(events.StepFailed) if row.path == path}
        settled |= {row.attempt: "in_doubt" for row, _ in told.of(events.StepInDoubt) if row.path == path}
        cancelled = any(path in event.cancelled for event in told.events) or told.row["status"] == "cancelled"
        for attempt in attempts:
            expect(attempt in settled or cancelled, f"{told.name}: attempt {attempt} of {path} had its effect, and nothing tells of it")
        # Between two effects stands an in_doubt, and a person who said to do it again or resumed the run.
        for earlier in attempts[:-1]:
            expect(settled.get(earlier) == "in_doubt", f"{told.name}: {path} happened at {attempts}, settled as {settled}")
        again = [event for row, event in told.of(events.DoubtResolved) if row.path == path and event.decision == "retry"]
        resumed = len(told.of(events.RunResumed)) + len(again)
        expect(len(attempts) <= resumed + 1, f"{told.name}: {path} happened {len(attempts)} times, and {resumed} times a person resumed it")
        self.found.counted["unsafe effects doubled without a person"] += max(0, len(attempts) - resumed - 1)

    # The database and what was acknowledged

    def acknowledged(self, file: Path) -> None:
        """Everything that the engine has ever said is still true."""
        expect, count = self.found.expect, self.found.counted
        keys: dict[str, str] = {}
        for line in file.read_text().splitlines():
            told = json.loads(line)
            count[f"acknowledged {told['what']}"] += 1
            run = self.runs.get(told.get("run", ""))
            match told["what"]:
                case "open" | "killed":
                    continue
                case _ if run is None:
                    count["lost runs"] += 1
                    self.found.breaches.append(f"lost: {told}")
                case "start":
                    expect(run.state.inputs == {"n": told["n"]}, f"{run.name}: its inputs are {run.state.inputs}, not {told['n']}")
                    expect(keys.setdefault(told["key"], told["run"]) == told["run"], f"the key {told['key']} names two runs")
                case "row":
                    row = run.rows[told["seq"] - 1][0] if told["seq"] <= len(run.rows) else None
                    seen = told["type"], told["path"] or "", told["attempt"] or 0
                    is_there = row is not None and (row.kind, row.path, row.attempt) == seen
                    count["lost steps"] += not is_there
                    expect(is_there, f"{run.name}: lost row: {told}, but there is {row}")
                case "decided":
                    kept = self._item(told["item"])
                    expect(kept == told["decision"], f"{run.name}: {told['path']} was acknowledged as {told['decision']}, and it is {kept}")
                case "cancelled":
                    expect(run.row["status"] == "cancelled", f"{run.name}: cancelling was acknowledged, and it is {run.row['status']}")
                case "resumed":
                    expect(bool(run.of(events.RunResumed)), f"{run.name}: resuming was acknowledged, and its journal knows nothing of it")

    def select(self, sql: str) -> list[Any]:
        """Rows by name."""
        with closing(sqlite3.connect(self.home / DATABASE_NAME)) as database:
            database.row_factory = sqlite3.Row
            return database.execute(sql).fetchall()

    def database_value(self, sql: str) -> Any:
        """The one value that this asks for."""
        with closing(sqlite3.connect(self.home / DATABASE_NAME)) as database:
            return database.execute(sql).fetchone()[0]

    def _item(self, item: str) -> str | None:
        with closing(sqlite3.connect(self.home / DATABASE_NAME)) as database:
            found = database.execute("SELECT decision FROM approvals WHERE id = ?", (item,)).fetchone()
        return found[0] if found else None

    def all_over(self) -> None:
        """Nothing moves and nothing waits any more."""
        for told in self.runs.values():
            self.found.expect(told.row["status"] in ENDED, f"{told.name}: still {told.row['status']} ({told.row['reason']})")
