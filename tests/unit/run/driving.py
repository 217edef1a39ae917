"""A run advanced by hand, without a clock, a disk or a loop: what it starts waits here until the test ends it.

After every turn the journal rows are folded into a second state; it must be the live one at every prefix, and both must
keep the books of the engine in order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from typing import Any

from pydantic import Field

from engine.clock import ManualClock
from engine.errors import Permanent, SignalboxError, Transient
from engine.facade.starting import lowered
from engine.graph.plan import Plan
from engine.graph.validate import check
from engine.ids import CountingIds
from engine.llm.messages import Bound, ModelRequest
from engine.nodes.contract import CallKind, Capability, Effect, Estimate, InlineKind, NodeConfig, Outcome, Template
from engine.nodes.registry import Registry
from engine.run import codec, events
from engine.run.asking import Owner
from engine.run.beginning import NewRunSpec, TryOut, first_turn, work
from engine.run.decide import run_status
from engine.run.events import NOTHING, Spent
from engine.run.happenings import Answered, Cancel, Finished, Happening, Recover, Resume, SecondsUp, TimerDue
from engine.run.prepare import Prepared
from engine.run.reactions import take
from engine.run.reasons import waiting_reason
from engine.run.state import ENDED, RunState, fold, new_state
from engine.run.turn import Turn, World
from engine.storage.journal import Head, NewRun, Row
from tests.unit.graph.workflows import document, edge, node

OWNER = Owner("run_1", "main", "wf_1", "Test")
_NEW = NewRun("wf_1", "Test", 1, "hash", "live", "ann", 0, "here")


class CallConfig(NodeConfig):
    """What one call reserves, and the ports it may leave by."""

    ways: list[str] = Field(default_factory=lambda: ["out"])
    tokens: int = 0
    per_token: int = 0
    """Tokens that one of max_tokens reserves beside `tokens`."""
    max_tokens: int | None = None
    cost_micro: int = 0
    llm_calls: int = 0
    tool_calls: int = 0
    say: Template = ""


class Call(CallKind[CallConfig]):
    """A call whose end the test decides."""

    kind = "call"
    title = "Call"
    effect = Effect.IDEMPOTENT
    uses = frozenset({Capability.MODEL})
    Config = CallConfig
    fixed_ports = ()

    def ports(self, config: CallConfig) -> tuple[str, ...]:
        return tuple(config.ways)

    def estimate(self, config, given, pricing) -> Estimate:
        most = given.get("max_tokens", config.max_tokens) or 0
        return Estimate(config.cost_micro, config.tokens + most * config.per_token, config.llm_calls, config.tool_calls)

    async def execute(self, config, given, ctx) -> Outcome:
        raise AssertionError("the test ends it")


class UnsafeCall(Call):
    """The same, with an effect that must not happen twice."""

    kind = "unsafe_call"
    effect = Effect.UNSAFE


class Fallible(InlineKind[CallConfig]):
    """Computes at once, or fails where `say` says so."""

    kind = "fallible"
    title = "Fallible"
    Config = CallConfig

    def work(self, config, given) -> Outcome:
        match given["say"]:
            case "permanent":
                raise Permanent("It cannot be.")
            case "transient":
                raise Transient("Not now.")
            case "defect":
                raise ZeroDivisionError("oops")
            case said:
                return Outcome({"said": said})


REGISTRY = Registry([*Registry.builtin().all(), Call(), UnsafeCall(), Fallible()])


class NoPrices:
    """No kind of these tests asks a model."""

    def bound(self, request: ModelRequest, fallbacks: Sequence[str] = ()) -> Bound:
        return Bound(100, 10)

    def chain(self, model: str, fallbacks: Sequence[str] = ()) -> list[str]:
        return [model, *fallbacks]


def call(id_: str, *ways: str, **more: Any) -> dict[str, Any]:
    """A node whose end the test decides; settings of `CallConfig` and of nodes."""
    own = CallConfig.model_fields.keys()
    config = {name: more.pop(name) for name in list(more) if name in own}
    return {"id": id_, "kind": more.pop("kind", "call"), "config": config | ({"ways": list(ways)} if ways else {}), **more}


def plan_of(nodes: list[Any], edges: list[Any], **more: Any) -> Plan:
    """The plan of a document without errors."""
    result = check(document(nodes, edges, **more), REGISTRY)
    assert result.plan is not None, result.problems
    return result.plan


@dataclass
class Item:
    """What the inbox shows."""

    id: str
    path: str
    attempt: int
    card: dict[str, Any]
    digest: str
    expires_at: int | None


class Watched(Turn):
    """Takes a picture of the state after every event and its starts."""

    __slots__ = ("pictures",)

    def record(self, event: events.Event, path: str = "", attempt: int = 0) -> None:
        if self.recorded:
            self.pictures.append(picture(self.state))
        super().record(event, path, attempt)


@dataclass
class Trial:
    """One run."""

    plan: Plan
    clock: ManualClock = field(default_factory=ManualClock)
    rows: list[Row] = field(default_factory=list)
    blobs: dict[str, bytes] = field(default_factory=dict)
    calls: dict[str, Prepared] = field(default_factory=dict)
    cancelled_calls: list[str] = field(default_factory=list)
    timers: dict[tuple[str, int, str], int] = field(default_factory=dict)
    statements: list[Any] = field(default_factory=list)
    inline: list[Prepared] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    """Starts and ends of steps, in order."""
    decoded: list[events.Event] = field(default_factory=list)
    head: Head | None = None
    """What the runs table was told last."""
    is_unfinished: bool = False
    by_hand: bool = False
    """The test takes the turns that follow by themselves, one by one."""

    def __post_init__(self) -> None:
        self.state = new_state(self.plan, "run_1")
        self.shadow = new_state(self.plan, "run_1")
        self.world = World(self.clock, CountingIds(), NoPrices())

    @classmethod
    def of(cls, nodes: list[Any], edges: list[Any], *, inputs: Any = None, limits: Any = None, at_start: Any = None, **more: Any) -> Trial:
        """Starts a run of that document; `limits` are the document's."""
        full = more | ({"limits": limits} if limits else {})
        return cls(plan_of(nodes, edges, **full)).start(inputs=inputs, limits=at_start)

    def start(self, *, inputs: Any = None, limits: Any = None) -> Trial:
        turn = self._new_turn()
        allowed = asdict(lowered(self.plan.limits, limits))
        turn.record(events.RunStarted(workflow="wf_1", hash=self.plan.hash, inputs=inputs or {}, limits=allowed, by="ann"))
        self._finish(turn, new=_NEW)
        self._work_inline()
        return self

    @classmethod
    def tried(cls, plan: Plan, tried: TryOut | None = None, *, effects: Any = "real", pins: Any = None, inputs: Any = None) -> Trial:
        """Starts a test run: a try-out, or one with pins or simulated effects."""
        run = cls(plan)
        spec = NewRunSpec(OWNER, plan, None, inputs or {}, asdict(plan.limits), "test", "ann", effects=effects, pins=pins, tried=tried)
        turn = first_turn(spec, run.world, at=run.clock.now_us())
        commit = turn.commit(epoch=1, expected_epoch=1, expected_head=0, new=_NEW)
        run.blobs |= dict(commit.blobs)
        run.rows += commit.rows
        run.state, run.shadow = turn.state, run.read()
        assert picture(run.shadow) == picture(run.state), "replay of the first turn differs"
        for row in commit.rows:
            run.log += _told(row, codec.from_row(row, run.blobs.get))
        run._set_going(turn)
        run._work_inline()
        return run

    # What happens to it

    def done(self, path: str, port: str = "out", *, spent: Spent = NOTHING, labels: tuple[str, ...] = (), **outputs: Any) -> Trial:
        """A call ends well."""
        prepared = self.calls.pop(path)
        return self.tell(Finished(path, prepared.attempt, prepared.given, Outcome(outputs, port), spent=spent, labels=labels))

    def fails(self, path: str, error: SignalboxError | None = None, *, spent: Spent = NOTHING) -> Trial:
        """A call ends badly; Permanent unless told."""
        prepared = self.calls.pop(path)
        return self.tell(Finished(path, prepared.attempt, prepared.given, error=error or Permanent("It cannot be."), spent=spent))

    def answer(self, path: str, decision: str = "approved", *, by: str = "bea", digest: str | None = None, reason: str = "", **values: Any):
        """A person answers the item of that step."""
        item = self.item(path)
        answered = Answered(path, item.id, digest or item.digest, decision, by, by.title(), values, reason)
        return self.tell(answered)

    def wait(self, seconds: float) -> Trial:
        """Time passes; timers that are due fire."""
        self.clock.advance(seconds)
        for (path, attempt, kind), due_at in sorted(self.timers.items(), key=lambda t: t[1]):
            # A timer that fires may end the run, and with it the others.
            if due_at <= self.clock.now_us() and self.timers.pop((path, attempt, kind), None) is not None:
                self.tell(TimerDue(path, attempt, kind))
        return self

    def seconds_up(self) -> Trial:
        return self.tell(SecondsUp())

    def resume(self, **limits: int) -> Trial:
        """Fields of `Limits`."""
        return self.tell(Resume(limits, "bob"))

    def cancel(self, reason: str = "Not needed.") -> Trial:
        return self.tell(Cancel("bob", reason))

    def crash(self) -> Trial:
        """The process dies and another one reads the journal."""
        self.calls.clear()
        self.inline.clear()
        self.state = self.read()
        self.shadow = self.read()
        return self.tell(Recover()) if run_status(self.state) == "running" else self

    def reload(self) -> Trial:
        """The run leaves memory and is read again."""
        self.state = self.read()
        return self

    def read(self) -> RunState:
        state = new_state(self.plan, "run_1")
        for row in self.rows:
            fold(state, codec.from_row(row, self.blobs.get), at=row.at, path=row.path, attempt=row.attempt)
        return state

    def tell(self, *happenings: Happening) -> Trial:
        """One turn, and the steps that only compute. Raises what the run answers."""
        turn = self._new_turn()
        for happening in happenings:
            take(turn, happening)
        self._finish(turn)
        self._work_inline()
        return self

    def _work_inline(self) -> None:
        while (self.inline or self.is_unfinished) and not self.by_hand:
            self.next_turn()

    def next_turn(self) -> None:
        """The steps that only compute, and what the turn before has left to decide."""
        turn = self._new_turn()
        for prepared in [*self.inline]:
            self.inline.remove(prepared)
            take(turn, _worked(prepared))
        self._finish(turn)

    def _new_turn(self) -> Watched:
        turn = Watched(self.state, OWNER, self.world, self.clock.now_us())
        turn.pictures = []
        return turn

    def _finish(self, turn: Watched, new: NewRun | None = None) -> None:
        turn.settle()
        self.is_unfinished = turn.is_unfinished
        if turn.recorded:
            self._keep(turn, new)
        self._set_going(turn)

    def _set_going(self, turn: Turn) -> None:
        for due_at, path, attempt, kind in turn.timers:
            self.timers[path, attempt, kind] = due_at
        for path in turn.cancelled:
            if self.calls.pop(path, None) is not None:
                self.cancelled_calls.append(path)
        if self.state.status in ENDED:
            self.calls.clear()
            self.timers.clear()
        for prepared in turn.performs:
            if prepared.path not in self.state.steps:
                continue
            if prepared.instead is not None or isinstance(prepared.node.kind, InlineKind):
                self.inline.append(prepared)
            else:
                self.calls[prepared.path] = prepared
        check_books(self)

    def _keep(self, turn: Watched, new: NewRun | None) -> None:
        turn.pictures.append(picture(self.state))
        commit = turn.commit(epoch=1, expected_epoch=1, expected_head=len(self.rows), new=new)
        self.head = commit.head
        self.blobs |= dict(commit.blobs)
        self.statements += commit.statements
        for row, live in zip(commit.rows, turn.pictures, strict=True):
            event = codec.from_row(row, self.blobs.get)
            fold(self.shadow, event, at=row.at, path=row.path, attempt=row.attempt)
            assert picture(self.shadow) == live, f"replay differs after row {row.seq} {row.kind} {row.path}"
            self.log += _told(row, event)
        self.rows += commit.rows

    # What can be seen of it

    @property
    def status(self) -> str:
        return run_status(self.state)

    @property
    def reason(self) -> str:
        return self.state.reason or waiting_reason(self.state)

    @property
    def events(self) -> list[events.Event]:
        del self.decoded[len(self.rows) :]
        self.decoded += [codec.from_row(row, self.blobs.get) for row in self.rows[len(self.decoded) :]]
        return self.decoded

    @property
    def output(self) -> Any:
        """Of the run's last end."""
        return next(e.output for e in reversed(self.events) if isinstance(e, events.RunEnded))

    @property
    def paths(self) -> list[str]:
        """Of all steps that were started, in order, `start` apart."""
        return [line.removeprefix("+") for line in self.log if line.startswith("+") and line != "+start"]

    @property
    def live(self) -> list[str]:
        """Calls in flight."""
        return sorted(self.calls)

    @property
    def waiting(self) -> list[str]:
        """Steps that wait for a person."""
        return sorted(s.path for s in self.state.steps.values() if s.status in ("waiting", "in_doubt") and s.item)

    def items(self) -> list[Item]:
        """All inbox items, in the order they were opened."""
        return [
            Item(e.item, row.path, row.attempt, e.card, e.digest, e.expires_at if isinstance(e, events.StepWaiting) else None)
            for row, e in zip(self.rows, self.events, strict=True)
            if isinstance(e, events.StepWaiting | events.StepGuarded | events.StepInDoubt | events.LimitAsked)
        ]

    def item(self, path: str) -> Item:
        """The latest item of that step."""
        return next(item for item in reversed(self.items()) if item.path == path)

    def of_type(self, kind: type[Any]) -> list[Any]:
        return [e for e in self.events if isinstance(e, kind)]


def _worked(prepared: Prepared) -> Finished:
    return work(prepared)


def _told(row: Row, event: events.Event) -> list[str]:
    lines = {"step_done": f"-{row.path}", "step_failed": f"!{row.path}", "limit_reached": f"limit {getattr(event, 'limit', '')}"}
    told = [lines[row.kind]] if row.kind in lines else []
    told += [f"x{path}" for path in event.cancelled] + [f"~{path}" for path in event.skipped]
    return told + [f"+{start.path}" for start in event.starts]


def picture(value: Any) -> Any:
    """A state as plain values; the plan and what it is made of are left out."""
    if isinstance(value, dict):
        return {key: picture(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [picture(inner) for inner in value]
    if isinstance(value, set | frozenset):
        return sorted(value)
    if is_dataclass(value):
        if hasattr(value, "all_edges"):
            return value.id
        return {f.name: picture(getattr(value, f.name)) for f in fields(value) if f.name != "plan"}
    if hasattr(value, "__struct_fields__"):
        return {name: getattr(value, name) for name in value.__struct_fields__}
    return value


def check_books(trial: Trial) -> None:
    """What must hold after every turn, whatever happened."""
    state, ledger = trial.state, trial.state.ledger
    running = [s for s in state.steps.values() if s.status == "running"]
    sent_out = [s for s in (*state.steps.values(), *state.leaving.values()) if s.child is not None]
    assert state.running == len(running) == ledger.open - len(sent_out)
    for name in ("cost_micro", "tokens", "llm_calls", "tool_calls"):
        reserved = sum(getattr(s.reserved, name) for s in (*running, *sent_out))
        assert getattr(ledger, f"reserved_{name}") == reserved
        assert getattr(ledger, name) + reserved <= max(getattr(ledger.limits, name), getattr(ledger, name))
    assert [row.seq for row in trial.rows] == list(range(1, len(trial.rows) + 1)) and state.seq == len(trial.rows)
    assert sum(len(e.starts) for e in trial.events) == ledger.steps
    done = Counter((row.path, row.attempt) for row in trial.rows if row.kind == "step_done")
    assert not done or max(done.values()) == 1
    _check_frames(state)
    _check_parked(trial, running)


def _check_frames(state: RunState) -> None:
    if state.status in ("cancelled", "cancelling"):
        return
    for frame in state.frames.values():
        inside = sum(s.frame == frame.key and not s.is_given_up for s in state.steps.values())
        inner = sum(f.parent == frame.key and f.key != "" for f in state.frames.values())
        assert frame.live == inside + inner, f"{frame.key or 'root'} counts {frame.live}, holds {inside} steps and {inner} loops and items"
        assert frame.parent in state.frames
        stands_still = frame.key == state.used_up or state.failure is not None or frame.back is not None or frame.key in state.ended
        stands_still = stands_still or state.is_tried
        assert frame.live or not frame.key or stands_still, f"nothing is alive in {frame.key}"


def _check_parked(trial: Trial, running: list[Any]) -> None:
    """A run moves, or has ended, or says why it does not."""
    state = trial.state
    if running or trial.is_unfinished:
        assert trial.status == "running" or state.status in ENDED or state.failure or state.halted
        return
    is_timed = bool(state.asked) or any(s.status in ("retrying", "asleep", "postponed") for s in state.steps.values())
    assert state.status in ENDED or state.is_stopped or trial.waiting or is_timed
    assert state.status == "succeeded" or trial.reason
    if state.status in ENDED:
        assert not state.running and not ledger_reserved(state)


def ledger_reserved(state: RunState) -> int:
    ledger = state.ledger
    return ledger.reserved_cost_micro + ledger.reserved_tokens + ledger.reserved_llm_calls + ledger.reserved_tool_calls


__all__ = ["Trial", "call", "document", "edge", "node", "picture", "plan_of"]
