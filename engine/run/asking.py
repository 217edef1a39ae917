"""Inbox items of a run: the card that a person sees, the digest that binds it, and the rows that keep it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.graph.plan import PlannedNode
from engine.jsonvalue import digest, dumps
from engine.nodes.contract import Answer, Ask

Statement = tuple[str, tuple[Any, ...]]

_OPEN = """
INSERT INTO approvals (id, workspace_id, run_id, path, attempt, workflow_id, workflow_name, type, status, title, card, digest,
  approvers, votes, opened_at, expires_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'pending', ?, ?, ?, ?, '[]', ?, ?)"""
_DECIDED = "UPDATE approvals SET status = ?, decision = ?, decided_by = ?, decided_at = ?, votes = ?, result = ? WHERE id = ?"
_VOTED = "UPDATE approvals SET votes = ? WHERE id = ?"
_GIVEN_UP = "UPDATE approvals SET status = 'cancelled' WHERE run_id = ? AND path = ? AND status = 'pending'"
_VOID = "UPDATE approvals SET status = 'void' WHERE run_id = ? AND path = ? AND attempt = ?"
_ACTION = "UPDATE approvals SET status = ?, result = ? WHERE run_id = ? AND path = ? AND attempt = ?"
_SET_TIMER = "INSERT OR REPLACE INTO timers (run_id, path, attempt, kind, workspace_id, due_at) VALUES (?, ?, ?, ?, ?, ?)"
_CLEAR_TIMER = "DELETE FROM timers WHERE run_id = ? AND path = ?"
_WAIT_FOR = "INSERT OR REPLACE INTO waits (run_id, path, attempt, workspace_id, event, key) VALUES (?, ?, ?, ?, ?, ?)"
_CLEAR_WAITS = "DELETE FROM waits WHERE run_id = ? AND path = ?"
_ADD_CHILD = "INSERT OR REPLACE INTO children (run_id, path, attempt, workspace_id, child) VALUES (?, ?, ?, ?, ?)"
_REMOVE_CHILD = "DELETE FROM children WHERE child = ?"
_CLEAR_TIMERS = "DELETE FROM timers WHERE run_id = ?"


@dataclass(frozen=True, slots=True)
class Owner:
    """The run that an item belongs to."""

    run_id: str
    workspace_id: str
    workflow_id: str
    workflow_name: str


def unanswered(ask: Ask) -> Answer:
    """The answer that a card supposes when it shows its action: approved, by nobody yet, with nothing edited."""
    return Answer("approved", None, "", dict(ask.editable))


def resolved(node: PlannedNode, given: dict[str, Any]) -> dict[str, Any]:
    """A node's whole config with its expressions worked out: what would run, nothing else."""
    return node.config.model_dump(mode="json") | given


def action_shown(node: PlannedNode, given: dict[str, Any]) -> dict[str, Any]:
    """The action of an approval as the card shows it."""
    return {"node": node.id, "kind": node.kind.kind, "title": node.title or node.id, "config": resolved(node, given)}


def action_digest(action: dict[str, Any], editable: dict[str, Any]) -> str:
    """SHA-256 of canonical `{node, kind, config, editable}` (workflow.md, Running 10)."""
    return digest({"node": action["node"], "kind": action["kind"], "config": action["config"], "editable": editable})


def card_of(ask: Ask, action: dict[str, Any] | None) -> tuple[dict[str, Any], str]:
    """The card as JSON, and its digest."""
    card = {
        "type": ask.type,
        "title": ask.title,
        "message": ask.message,
        "choices": list(ask.choices),
        "show": ask.show,
        "editable": ask.editable,
        "approvers": ask.approvers,
        "action": action,
    }
    if action is not None:
        return card, action_digest(action, ask.editable)
    bound = {"title": ask.title, "message": ask.message, "show": ask.show, "editable": ask.editable}
    if ask.fields is not None:
        card["fields"] = bound["fields"] = ask.fields
    return card, digest(bound)


def open_item(
    owner: Owner, card: dict[str, Any], *, item: str, path: str, attempt: int, digest: str, at: int, expires_at: int | None
) -> Statement:
    """The row of a new inbox item."""
    texts = (card["type"], card["title"], dumps(card).decode(), digest, dumps(card["approvers"]).decode(), at, expires_at)
    return _OPEN, (item, owner.workspace_id, owner.run_id, path, attempt, owner.workflow_id, owner.workflow_name, *texts)


def decided(item: str, *, decision: str, by: str | None, at: int, votes: list[str], outputs: dict[str, Any]) -> Statement:
    """The item is decided and has that status. Its digest stays the card's; that of what was allowed is in the journal."""
    status = decision if decision in ("approved", "rejected", "expired") else "done"
    return _DECIDED, (status, decision, by, at, dumps(votes).decode(), dumps(outputs).decode(), item)


def voted(item: str, votes: list[str]) -> Statement:
    """One more of several approvers agrees."""
    return _VOTED, (dumps(votes).decode(), item)


def given_up(run_id: str, path: str) -> Statement:
    """Nobody needs to answer any more."""
    return _GIVEN_UP, (run_id, path)


def voided(run_id: str, path: str, attempt: int) -> Statement:
    """What was allowed is not what would run."""
    return _VOID, (run_id, path, attempt)


def action_status(run_id: str, path: str, attempt: int, *, status: str, result: Any) -> Statement:
    """What became of the action: acting, done, failed."""
    return _ACTION, (status, dumps(result).decode(), run_id, path, attempt)


def set_timer(owner: Owner, path: str, attempt: int, *, kind: str, due_at: int) -> Statement:
    """Wakes the step at `due_at`, also after a restart."""
    return _SET_TIMER, (owner.run_id, path, attempt, kind, owner.workspace_id, due_at)


def clear_timer(run_id: str, path: str) -> Statement:
    """The step needs no timer any more."""
    return _CLEAR_TIMER, (run_id, path)


def wait_for(owner: Owner, path: str, attempt: int, *, event: str, key: str) -> Statement:
    """The step is found by whoever sends that event."""
    return _WAIT_FOR, (owner.run_id, path, attempt, owner.workspace_id, event, key)


def clear_waits(run_id: str, path: str) -> Statement:
    """The step waits for no event any more."""
    return _CLEAR_WAITS, (run_id, path)


def add_child(owner: Owner, path: str, attempt: int, *, child: str) -> Statement:
    """The step waits for that run, also after a restart."""
    return _ADD_CHILD, (owner.run_id, path, attempt, owner.workspace_id, child)


def remove_child(child: str) -> Statement:
    """Nobody waits for that run any more."""
    return _REMOVE_CHILD, (child,)


def clear_timers(run_id: str) -> Statement:
    """The run needs no timer any more."""
    return _CLEAR_TIMERS, (run_id,)
