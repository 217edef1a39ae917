"""One turn of a run: what happened becomes events, the events change the state, what follows is decided.

A turn does no I/O. It ends as a `Commit`; only when that is durable are its calls made and its answers given.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from engine.clock import Clock, iso
from engine.errors import InDoubt, SignalboxError, StaleApproval, Transient
from engine.ids import Ids
from engine.llm.faults import is_refusal
from engine.nodes.contract import Answer, AskKind, Estimate, Outcome, Pricing, WaitKind
from engine.run import asked_limits, asking, boxes, codec, events, guards, waiting
from engine.run.asking import Owner
from engine.run.budget import Exceeds, Fits, MustWait, Shared
from engine.run.budgets import Budgets, Charge, spend
from engine.run.children import Starting
from engine.run.consent import action_after
from engine.run.decide import AskHow, Begin, CloseBox, End, EndItem, MeetLimit, Stop, counted_limit, decide, is_held, run_status
from engine.run.events import NOTHING, Event, Start
from engine.run.frontier import Step
from engine.run.happenings import Finished
from engine.run.labels import labelled
from engine.run.prepare import LONGEST_PAUSE_S, Prepared, estimate_of, fitted, wrapped
from engine.run.programs import forget_program
from engine.run.reasons import waiting_reason
from engine.run.routing import caught_by, leaving_port
from engine.run.scoping import scope_of
from engine.run.state import RunState, apply, begin
from engine.run.trial import Kept, Reuse
from engine.storage.journal import Commit, Head, NewRun

MOST_ITEMS = 100
"""Items that one turn ends: a box whose body does nothing must not keep the other runs waiting."""
_CHANGES_ONE_STEP = (events.StepsStarted, events.StepWaiting, events.StepPaused, events.StepGuarded)
_CLOSED = (asking.given_up, asking.clear_waits, asking.clear_timer, forget_program)
"""What a step leaves behind that is given up."""


@dataclass(slots=True)
class Recorded:
    """An event on its way into the journal; its `starts` grow until the turn is over."""

    event: Event
    path: str
    attempt: int
    starts: list[Start]
    skipped: tuple[str, ...]
    cancelled: tuple[str, ...]


@dataclass(slots=True)
class World:
    """What every turn needs beside the state."""

    clock: Clock
    ids: Ids
    pricing: Pricing
    budgets: Budgets | None = None
    """None where nobody limits more than single runs."""


@dataclass(slots=True)
class Turn:
    """Collects what one turn writes and what it starts."""

    state: RunState
    owner: Owner
    world: World
    at: int
    recorded: list[Recorded] = field(default_factory=list)
    statements: list[asking.Statement] = field(default_factory=list)
    audits: list[Any] = field(default_factory=list)
    performs: list[Prepared] = field(default_factory=list)
    reuse: Reuse | None = None
    """In the first turn of a try-out: what it takes over."""
    cancelled: list[str] = field(default_factory=list)
    timers: list[tuple[int, str, int, str]] = field(default_factory=list)
    """(due_at, path, attempt, kind) to be set once durable."""
    children: list[Starting] = field(default_factory=list)
    """Runs that start once this turn is durable."""
    orphans: list[str] = field(default_factory=list)
    """Runs that nobody waits for any more: they are cancelled."""
    charges: list[Charge] = field(default_factory=list)
    """What it has charged to budgets over many runs, to be written with its rows."""
    gives_back: bool = False
    """What was set aside for a call is free again: other runs may wait for it."""
    waits_for_others: bool = False
    """A step waits for what is set aside for other runs."""
    items_ended: int = 0
    is_unfinished: bool = False
    """There is more to decide, for the next turn."""

    def record(self, event: Event, path: str = "", attempt: int = 0) -> None:
        """Applies an event and keeps it for the journal."""
        state, event = self.state, labelled(self.state, event, path)
        apply(state, event, at=self.at, path=path, attempt=attempt)
        if state.charged_now and self.world.budgets is not None:
            self.gives_back = True
            for agent, cost in state.charged_now:
                self.charges += self.world.budgets.charge(self.owner, agent, cost, self.at)
        gone = tuple(state.cancelled_now)
        self.orphans += state.orphans
        self.recorded.append(Recorded(event, path, attempt, [], tuple(state.skipped_now), gone))
        if gone:
            self.cancelled += gone
            self.statements += [statement(self.owner.run_id, p) for p in gone for statement in _CLOSED]

    def settle(self) -> None:
        """Decides and records until nothing more follows."""
        while self._follow():
            pass

    def _follow(self) -> bool:
        for command in decide(self.state, at=self.at):
            match command:
                case Begin(path):
                    before = len(self.recorded)
                    self._begin(self.state.steps[path])
                    if len(self.recorded) > before and not all(isinstance(r.event, _CHANGES_ONE_STEP) for r in self.recorded[before:]):
                        # Whatever else was recorded may have changed what follows: decide afresh.
                        return True
                case EndItem(key):
                    if self.items_ended == MOST_ITEMS:
                        self.is_unfinished = True
                        return False
                    boxes.end_item(self, key)
                    return True
                case CloseBox(path):
                    boxes.close_box(self, path)
                    return True
                case MeetLimit():
                    self.meet(command)
                    return True
                case AskHow():
                    asked_limits.ask(self)
                    return True
                case Stop(reason):
                    self.record(events.RunStopped(reason=reason))
                    return True
                case End(status, output, reason):
                    asked_limits.give_up(self)
                    self.record(events.RunEnded(status=status, output=output, reason=reason))
                    self.statements.append(asking.clear_timers(self.owner.run_id))
                    return True
        # Steps that have begun, and nothing else: all that follows was in the list.
        return False

    def meet(self, limit: MeetLimit, interrupted: tuple[str, ...] = ()) -> None:
        met = events.LimitMet(limit=limit.limit, used=limit.used, needed=limit.needed, allowed=limit.allowed, interrupted=interrupted)
        self.record(met, limit.path)

    # Beginning a step

    def _begin(self, step: Step) -> None:
        state, node = self.state, step.node
        if (limit := counted_limit(state, self.at)) is not None:
            self.meet(replace(limit, path=step.path))
            return
        if is_held(state):
            return
        kind: Any = node.kind
        attempt, stand_in = step.attempt + 1, state.stand_in(node)
        if stand_in == "pinned":
            self._pinned(step, attempt)
            return
        if self.reuse is not None and (kept := self.reuse.kept(step)) is not None:
            self._take_over(step, kept)
            return
        try:
            given = self.given(step)
            instead = kind.simulated(node.config, given) if stand_in else None
            is_free = instead is not None or kind.is_inline
            estimate = None if is_free else estimate_of(node, given, self.world.pricing)
        except Exception as error:  # an expression, a price or a kind's own code: the step fails, never the engine
            self.begin_step(step, Start(step.path, attempt))
            self.fail(Finished(step.path, attempt, {}, error=wrapped(error)))
            return
        if node.consent is not None and not self._has_consent(step, given):
            return
        if guards.holds(self, step, given):
            return
        amount = NOTHING
        if estimate is not None:
            answer, given = fitted(node, given, estimate, self.world.pricing, state.ledger, self._shared(step, estimate))
            match answer:
                case Exceeds(limit, needed, used, allowed):
                    self.meet(MeetLimit(limit, used, needed, allowed, step.path))
                    return
                case MustWait(needed):
                    self._queue_up(step, needed)
                    return
                case Fits(amount):
                    pass
        self.begin_step(step, Start(step.path, attempt, amount))
        prepared = Prepared(step.path, attempt, node, given, amount, instead, is_watched=guards.is_watched(state, step))
        self._enter(step, prepared)

    def _enter(self, step: Step, prepared: Prepared) -> None:
        if step.node.kind.is_inline:
            self.performs.append(prepared)
        elif prepared.instead is None and isinstance(step.node.kind, AskKind):
            self._ask(step, prepared)
        elif isinstance(step.node.kind, WaitKind):
            waiting.lie_down(self, step, prepared)
        elif step.node.body is not None:
            boxes.open_box(self, step, prepared)
        else:
            self.performs.append(prepared)

    def _shared(self, step: Step, estimate: Estimate) -> list[Shared]:
        if self.world.budgets is None or not estimate.cost_micro:
            return []
        return self.world.budgets.shared(self.owner, step.node.agent, self.at)

    def _queue_up(self, step: Step, needed: int) -> None:
        if needed and self.world.budgets is not None:
            self.waits_for_others = True
            self.world.budgets.queue_up(self.owner, step.node.agent, needed)

    def _pinned(self, step: Step, attempt: int) -> None:
        pin = self.state.pins[step.node.id]
        self.begin_step(step, Start(step.path, attempt))
        self.performs.append(Prepared(step.path, attempt, step.node, {}, NOTHING, Outcome(pin["outputs"], pin["port"])))

    def _take_over(self, step: Step, kept: Kept) -> None:
        port = leaving_port(self.state, step.frame, step.node, kept.port)
        done = events.StepDone(port=port, outputs=kept.outputs, inputs=kept.inputs, reused=kept.run_id, labels=kept.labels)
        self.record(done, step.path)

    def given(self, step: Step) -> dict[str, Any]:
        """The step's config with its expressions worked out. Raises ExpressionError."""
        node = step.node
        scope = self.scope(step.frame, self.at)
        kind: Any = node.kind
        given = kind.resolve(node.config, node.fields, scope)
        return given | {"model": self.state.model} if self.state.model and "model" in given else given

    def scope(self, frame: str, at: int) -> dict[str, Any]:
        """The names that expressions see there."""
        return scope_of(self.state, self.state.frames[frame], iso(at) or "", iso(self.state.started_at) or "")

    def begin_step(self, step: Step, start: Start) -> None:
        if not self.recorded:
            self.record(events.StepsStarted())
        self.recorded[-1].starts.append(start)
        if step.due_at is not None:
            self.statements.append(asking.clear_timer(self.owner.run_id, step.path))
        begin(self.state, start, at=self.at)
        if (consent := self.state.consents_in(step.within).get(step.node.id)) is not None:
            self.action_status(consent.approval, consent.attempt, "acting", None)
        guards.tell(self, step, "acting", None)

    def action_status(self, approval: str, attempt: int, status: str, result: Any) -> None:
        self.statements.append(asking.action_status(self.owner.run_id, approval, attempt, status=status, result=result))

    def _has_consent(self, step: Step, given: dict[str, Any]) -> bool:
        state = self.state
        consent = state.consents_in(step.within).get(step.node.id)
        if consent is not None and consent.is_waived:
            return True
        if consent is None and state.trial is not None and state.trial.what == "only" and state.effects == "simulated":
            # Alone it has no approval before it, and what it would do is not done.
            return True
        if consent is None:
            error = StaleApproval(f"{step.node.id} runs only after {step.node.consent} has approved it, and that did not happen.")
            self.begin_step(step, Start(step.path, step.attempt + 1))
            self.fail(Finished(step.path, step.attempt, given, error=wrapped(error)))
            return False
        now = asking.action_digest(asking.action_shown(step.node, given), consent.editable)
        if now == consent.digest:
            return True
        if consent.digest:
            self.statements.append(asking.voided(self.owner.run_id, consent.approval, consent.attempt))
        self.record(events.ConsentVoid(approval=consent.approval, digest=now), step.path)
        return False

    def _ask(self, step: Step, prepared: Prepared) -> None:
        kind: Any = step.node.kind
        try:
            ask = kind.ask(step.node.config, prepared.given)
            supposed = asking.unanswered(ask)
            action = self.action(step, ask.action, supposed, prepared.given, at=self.at) if ask.action else None
        except Exception as error:  # the card cannot be made: the step fails, never the engine
            self.fail(Finished(step.path, step.attempt, prepared.given, error=wrapped(error)))
            return
        card, digest = asking.card_of(ask, action)
        item = self.world.ids.new("apr")
        expires_at = None if ask.expires_after_s is None else self.at + int(ask.expires_after_s * 1e6)
        waiting = events.StepWaiting(item=item, card=card, digest=digest, inputs=prepared.given, expires_at=expires_at)
        self.record(waiting, step.path, step.attempt)
        self.statements.append(
            asking.open_item(
                self.owner, card, item=item, path=step.path, attempt=step.attempt, digest=digest, at=self.at, expires_at=expires_at
            )
        )
        if expires_at is not None:
            self.timer_at(step.path, step.attempt, "expire", expires_at)

    def timer_at(self, path: str, attempt: int, kind: str, due_at: int) -> None:
        self.statements.append(asking.set_timer(self.owner, path, attempt, kind=kind, due_at=due_at))
        self.timers.append((due_at, path, attempt, kind))

    def action(self, step: Step, action: str, answer: Answer, given: dict[str, Any], *, at: int) -> dict[str, Any]:
        """The action as it would run after this answer, were it started at `at`."""
        return action_after(self.state, step, action, answer, given, at=at)

    def fail(self, done: Finished) -> None:
        step = self.state.steps[done.path]
        node, error = step.node, done.error or SignalboxError()
        tries = done.attempt - step.base
        retry_at = None
        # A provider that is busy or down has not begun: trying again costs nothing, and the run waits without a worker.
        most = node.retry.refused if is_refusal(error) else node.retry.attempts
        if isinstance(error, Transient) and tries < most and not step.is_given_up:
            asked = error.details.get("retry_after_s")
            pause = max(node.retry.backoff_s * node.retry.factor ** (tries - 1), asked if isinstance(asked, int | float) else 0)
            retry_at = self.at + int(min(pause, LONGEST_PAUSE_S) * 1e6)
        goes_on = node.on_error if retry_at is None and node.on_error != "stop" else None
        caught = caught_by(self.state, step.within) if retry_at is None and goes_on is None and not step.is_given_up else None
        consent = self.state.consents_in(step.within).get(node.id)
        event = events.StepFailed(
            started_at=step.started_at,
            error=error.as_json(),
            inputs=done.given or None,
            spent=done.spent,
            retry_at=retry_at,
            goes_on="around" if caught else goes_on,
            ends=caught or "",
            note=done.note,
            labels=done.labels,
        )
        self.record(event, done.path, done.attempt)
        if retry_at is None and not step.is_guarded:
            guards.tell(self, step, "in_doubt" if isinstance(error, InDoubt) else "failed", {"error": error.as_json()})
        if retry_at is not None and step.status == "retrying":
            self.timer_at(done.path, done.attempt, "retry", retry_at)
        elif consent is not None and consent.digest:
            status = "in_doubt" if isinstance(error, InDoubt) else "failed"
            self.action_status(consent.approval, consent.attempt, status, {"error": error.as_json()})

    # The end of a turn

    def commit(self, *, epoch: int, expected_epoch: int, expected_head: int, new: NewRun | None = None) -> Commit:
        """Everything that must become true together."""
        blobs: codec.Blobs = []
        seq, rows = expected_head, []
        for entry in self.recorded:
            event = entry.event
            if entry.starts or entry.skipped or entry.cancelled:
                event = msgspec.structs.replace(event, starts=tuple(entry.starts), skipped=entry.skipped, cancelled=entry.cancelled)
            seq += 1
            rows.append(codec.to_row(event, seq=seq, at=self.at, path=entry.path, attempt=entry.attempt, blobs=blobs))
        return Commit(
            run_id=self.owner.run_id,
            workspace_id=self.owner.workspace_id,
            epoch=epoch,
            expected_epoch=expected_epoch,
            expected_head=expected_head,
            rows=rows,
            head=self._head(),
            new=new,
            statements=self.statements + [spend(charge) for charge in self.charges],
            audits=self.audits,
            blobs=blobs,
        )

    def _head(self) -> Head:
        state, ledger = self.state, self.state.ledger
        status = run_status(state)
        reason = state.reason or (waiting_reason(state) if status == "waiting" else "")
        ended_at = state.ended_at or None
        amounts = (ledger.cost_micro, ledger.tokens, state.busy_us(self.at), ledger.steps, ledger.llm_calls, ledger.tool_calls)
        return Head(status, reason, *amounts, self.at, ended_at)
