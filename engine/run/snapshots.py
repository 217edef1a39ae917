"""A run's state as bytes and back: explicit, versioned, and refused rather than guessed.

Nodes and edges are written by their names, and found again in the plan of the same version. Whoever changes what a field
of the state *means* raises VERSION; that a field was added, renamed or given another type shows in the schema's hash.
"""

from __future__ import annotations

import hashlib
import zlib
from typing import Any

import msgspec

from engine.graph.plan import Plan
from engine.run.budget import Ledger
from engine.run.events import NOTHING, Child, Spent, Trial
from engine.run.frontier import Box, Consent, Frame, Item, Slot, StandIn, Step, StepStatus
from engine.run.state import RunState

VERSION = 1
LEVEL = 1
"""Of the compression: most of it for little time."""


class Unreadable(Exception):
    """A snapshot that cannot be used; says why."""


class KeptStep(msgspec.Struct, frozen=True, omit_defaults=True):
    """A `Step`; its node by the id."""

    path: str
    node: str
    frame: str
    within: str = ""
    status: StepStatus = "ready"
    attempt: int = 0
    base: int = 0
    reserved: Spent = NOTHING
    started_at: int = 0
    due_at: int | None = None
    event: str = ""
    key: str = ""
    digest: str = ""
    item: str = ""
    child: Child | None = None
    inputs: dict[str, Any] | None = None
    votes: tuple[str, ...] = ()
    void_for: str | None = None
    stand_in: StandIn = ""
    box: Box | None = None
    is_guarded: bool = False
    allowed: str = ""
    asked: int = 0
    is_given_up: bool = False


class KeptFrame(msgspec.Struct, frozen=True, omit_defaults=True):
    """A `Frame`; its edges by their index."""

    key: str
    region: int
    parent: str
    owner: str
    within: str = ""
    visit: int = 1
    innermost_visit: int = 1
    allowed: int = 1
    live: int = 0
    slots: dict[str, Slot] = {}
    exits: list[int] = []
    back: int | None = None


class KeptState(msgspec.Struct, frozen=True):
    """A `RunState` without its plan and the run's id, which a fork does not share."""

    ledger: Ledger
    status: str
    reason: str
    seq: int
    inputs: dict[str, Any]
    started_at: int
    ended_at: int
    started_by: str
    mode: str
    effects: str
    trial: Trial | None
    pins: dict[str, Any]
    may_open: list[str] | None
    is_tried: bool
    frames: dict[str, KeptFrame]
    steps: dict[str, KeptStep]
    outputs: dict[str, dict[str, Any]]
    consents: dict[str, Consent]
    items: dict[str, Item]
    ended: dict[str, None]
    full: dict[str, None]
    running: int
    busy_since: int
    at: int
    results: dict[int, dict[str, Any]]
    ended_badly: str
    left_by: str
    failure: dict[str, Any] | None
    halted: str
    paused_by: str
    met: tuple[int, int, int]
    is_stopped: bool
    asked: str
    asked_digest: str
    asks: int
    model: str
    cancelled_now: list[str]
    skipped_now: list[str]
    charged_now: list[tuple[str | None, int]]
    leaving: dict[str, KeptStep]
    steps_aside: int
    orphans: list[str]
    parent: str
    parent_path: str
    parent_attempt: int
    depth: int
    used_up: str
    labels: tuple[str, ...]
    marks: dict[str, tuple[str, ...]]


class Kept(msgspec.Struct, frozen=True):
    """What a snapshot holds: the state, and of what it is one."""

    run: str
    plan: str
    """Hash of the version."""
    state: KeptState


_SCHEMA = hashlib.sha256(msgspec.json.encode(msgspec.json.schema(Kept), order="deterministic")).hexdigest()[:16]
CODEC = f"{VERSION}/{_SCHEMA}"
"""How this version writes; it reads nothing that is written otherwise."""

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Kept)
_STEP = tuple(name for name in KeptStep.__struct_fields__ if name != "node")
_FRAME = tuple(name for name in KeptFrame.__struct_fields__ if name not in ("exits", "back"))
_STATE = tuple(name for name in KeptState.__struct_fields__ if name not in ("may_open", "frames", "steps", "leaving"))


def encode(state: RunState, run_id: str) -> bytes:
    """The state of that run, compressed. The state must not change meanwhile."""
    return zlib.compress(plain(state, run_id), LEVEL)


def plain(state: RunState, run_id: str) -> bytes:
    """The same before it is compressed: two states are the same exactly when these bytes are."""
    kept = KeptState(
        **{name: getattr(state, name) for name in _STATE},
        may_open=None if state.may_open is None else sorted(state.may_open),
        frames={key: _kept_frame(frame) for key, frame in state.frames.items()},
        steps={key: _kept_step(step) for key, step in state.steps.items()},
        leaving={key: _kept_step(step) for key, step in state.leaving.items()},
    )
    return _encoder.encode(Kept(run_id, state.plan.hash, kept))


def decode(body: bytes, plan: Plan, *, run_id: str, of: str, seq: int) -> RunState:
    """The state of the run `of` after its row `seq`, for the run `run_id`. Unreadable."""
    try:
        kept = _decoder.decode(zlib.decompress(body))
    except (zlib.error, msgspec.DecodeError) as error:
        raise Unreadable(f"it is damaged: {error}") from error
    if (kept.run, kept.plan, kept.state.seq) != (of, plan.hash, seq):
        raise Unreadable(f"it is one of {kept.run} at {kept.state.seq}, not of {of} at {seq}")
    told = kept.state
    try:
        return RunState(
            plan=plan,
            run_id=run_id,
            **{name: getattr(told, name) for name in _STATE},
            may_open=None if told.may_open is None else frozenset(told.may_open),
            frames={key: _frame(frame, plan) for key, frame in told.frames.items()},
            steps={key: _step(step, plan) for key, step in told.steps.items()},
            leaving={key: _step(step, plan) for key, step in told.leaving.items()},
        )
    except (KeyError, IndexError) as error:
        raise Unreadable(f"it names {error}, which its workflow does not have") from error


def _kept_step(step: Step) -> KeptStep:
    return KeptStep(node=step.node.id, **{name: getattr(step, name) for name in _STEP})


def _step(kept: KeptStep, plan: Plan) -> Step:
    return Step(node=plan.nodes[kept.node], **{name: getattr(kept, name) for name in _STEP})


def _kept_frame(frame: Frame) -> KeptFrame:
    back = None if frame.back is None else frame.back.index
    return KeptFrame(**{name: getattr(frame, name) for name in _FRAME}, exits=sorted(frame.exits), back=back)


def _frame(kept: KeptFrame, plan: Plan) -> Frame:
    back = None if kept.back is None else plan.edges[kept.back]
    return Frame(**{name: getattr(kept, name) for name in _FRAME}, exits=set(kept.exits), back=back)
