"""Pins: outputs of a draft's steps that stand in for running them in test runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel
from sqlmodel import Session, select

from engine.clock import iso
from engine.errors import Invalid, NotFound
from engine.facade.core import Core
from engine.facade.finding import find
from engine.facade.views import Page, PinView
from engine.graph.configs import KnownNode, know
from engine.graph.document import parse
from engine.graph.plan import Plan
from engine.graph.reading import ProblemList
from engine.jsonvalue import NotJsonValue, check_json, dumps, loads
from engine.nodes.pinning import PinProblem, pinned_port
from engine.people.permissions import Actor, Permission, require
from engine.people.records import Records
from engine.storage.tables import Pin

MOST_BYTES = 1_000_000


class Pins:
    """Every call takes the actor first and checks its permission."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def list(self, actor: Actor, workflow: str) -> Page[PinView]:
        """The pins of a workflow's draft, all of them, by node."""
        require(actor, Permission.WORKFLOW_READ)
        return await self._core.in_thread(lambda: self._list(actor, workflow))

    def _list(self, actor: Actor, workflow: str) -> Page[PinView]:
        with self._core.records.reading() as session:
            found = find(session, actor, workflow)
            pins = pins_of(session, found.id)
        nodes = self._nodes(loads(found.document)) if pins else {}
        return Page(items=[_view(pin, nodes.get(pin.node)) for pin in pins])

    async def set(self, actor: Actor, workflow: str, node: str, *, outputs: Any, port: str | None = None) -> PinView:
        """Pins a step's outputs. NotFound for a step that the draft does not have, Invalid for outputs that the step cannot have."""
        require(actor, Permission.WORKFLOW_EDIT)
        return await self._core.in_thread(lambda: self._set(actor, workflow, node, outputs, port))

    def _set(self, actor: Actor, workflow: str, node: str, outputs: Any, port: str | None) -> PinView:
        body = _checked(outputs)
        records = self._core.records
        with records.writing() as session:
            found = find(session, actor, workflow)
            known = self._nodes(loads(found.document)).get(node)
            if known is None:
                raise _no_step(node)
            _fits(known, outputs, port)
            pin = session.get(Pin, (found.id, node)) or Pin(
                workflow_id=found.id, node=node, workspace_id=found.workspace_id, outputs="", set_by="", set_at=0
            )
            pin.outputs, pin.port = body, port
            pin.set_by, pin.set_at = actor.user_id or actor.label, self._core.clock.now_us()
            session.add(pin)
            records.tell(session, actor, action="pin.set", subject=found.id, details={"node": node})
            return _view(pin, known)

    async def remove(self, actor: Actor, workflow: str, node: str) -> None:
        """The step runs again in test runs. NotFound where nothing is pinned."""
        require(actor, Permission.WORKFLOW_EDIT)
        await self._core.in_thread(lambda: self._remove(actor, workflow, node))

    def _remove(self, actor: Actor, workflow: str, node: str) -> None:
        records = self._core.records
        with records.writing() as session:
            found = find(session, actor, workflow)
            pin = session.get(Pin, (found.id, node))
            if pin is None:
                raise NotFound(f"Nothing is pinned at {node[:80]}.", hint="Look at the list of pins.")
            session.delete(pin)
            records.tell(session, actor, action="pin.remove", subject=found.id, details={"node": node})

    def _nodes(self, document: Any) -> dict[str, KnownNode]:
        return {draft.id: know(draft, self._core.registry, ProblemList()) for draft in parse(document).nodes}


def pins_for(records: Records, workflow_id: str, plan: Plan) -> dict[str, Any]:
    """Node -> `{port, outputs}` of the pins that a test run of this plan applies. Invalid where one does not fit any more."""
    with records.reading() as session:
        pins = pins_of(session, workflow_id)
    found: dict[str, Any] = {}
    problems: list[dict[str, str]] = []
    for pin in pins:
        node, outputs = plan.nodes.get(pin.node), loads(pin.outputs)
        if node is None or node.is_disabled:
            continue
        try:
            port = pinned_port(node.kind, node.config, node.ports, outputs=outputs, port=pin.port)
        except PinProblem as problem:
            problems.append({"field": f"pins.{pin.node}", "node": pin.node, "message": f"What is pinned does not fit any more: {problem}"})
            continue
        found[pin.node] = {"port": port, "outputs": outputs}
    if problems:
        hint = "Pin its output anew, or remove the pin."
        raise Invalid(f"{problems[0]['node']}: {problems[0]['message']}", hint=hint, details={"problems": problems})
    return found


def carry_pins(session: Session, workflow_id: str, before: Any, after: Any, *, renamed: dict[str, str | None]) -> None:
    """Keeps the pins with their steps in a changed draft: renamed ones go along, those of steps that are gone go."""
    kinds_before, kinds_after = _kinds(before), _kinds(after)
    moved: list[Pin] = []
    for pin in pins_of(session, workflow_id):
        name = renamed.get(pin.node, pin.node)
        if name == pin.node and name in kinds_after and kinds_after[name] == kinds_before.get(name):
            continue
        if name is not None and name in kinds_after and kinds_after[name] == kinds_before.get(pin.node):
            moved.append(Pin.model_validate({**pin.model_dump(), "node": name}))
        session.delete(pin)
    # First all go, then they come back: two steps may have changed names with each other.
    session.flush()
    session.add_all(moved)


def _kinds(document: Any) -> dict[Any, Any]:
    nodes = [node for node in document["nodes"] if isinstance(node, dict)]
    return {node["id"]: node.get("kind") for node in nodes if isinstance(node.get("id"), str)}


def pins_of(session: Session, workflow_id: str) -> Sequence[Pin]:
    """The pins of a workflow, by node."""
    return session.exec(select(Pin).where(Pin.workflow_id == workflow_id).order_by(Pin.node)).all()


def _no_step(node: str) -> NotFound:
    return NotFound(f"The draft has no step {node[:80]}.", hint="Use the id of one of its steps.")


def _checked(outputs: Any) -> str:
    if not isinstance(outputs, dict):
        raise _problem("outputs", "The outputs are a JSON object.")
    try:
        check_json(outputs)
    except NotJsonValue as error:
        raise _problem("outputs", f"{error}.") from None
    body = dumps(outputs).decode()
    if len(body) > MOST_BYTES:
        raise _problem("outputs", f"At most {MOST_BYTES:,} bytes can be pinned.")
    return body


def _fits(known: KnownNode, outputs: dict[str, Any], port: str | None) -> None:
    if known.kind is None:
        raise _problem("outputs", f"There is no kind of step called `{known.draft.kind[:80]}`, so nothing can be pinned.")
    if known.config is None or known.ports is None:
        raise _problem("outputs", "The settings of this step have errors; mend them first.")
    try:
        pinned_port(known.kind, known.config, known.ports, outputs=outputs, port=port)
    except PinProblem as problem:
        raise _problem(problem.field, str(problem)) from None


def _problem(field: str, message: str) -> Invalid:
    return Invalid(f"{field}: {message}", details={"problems": [{"field": field, "message": message}]})


def _view(pin: Pin, known: KnownNode | None) -> PinView:
    outputs = loads(pin.outputs)
    return PinView(node=pin.node, outputs=outputs, port=_port(known, outputs, pin.port), set_by=pin.set_by, set_at=iso(pin.set_at))


def _port(known: KnownNode | None, outputs: dict[str, Any], port: str | None) -> str | None:
    config: BaseModel | None = known.config if known else None
    if known is None or known.kind is None or config is None or known.ports is None:
        return port
    try:
        return pinned_port(known.kind, config, known.ports, outputs=outputs, port=port)
    except PinProblem:
        # The settings have changed since; the next test run tells it.
        return port
