"""Who may do what: the one table from roles to permissions, and the actors that hold roles.

Every facade call takes an `Actor` and starts with `require(actor, Permission.…)`; docs/permissions.md is made from this table.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from engine.errors import NotAllowed
from engine.roles import Role

MAIN_WORKSPACE = "main"


class Permission(StrEnum):
    """One thing that can be allowed."""

    WORKFLOW_READ = "workflow.read"
    WORKFLOW_EDIT = "workflow.edit"
    WORKFLOW_PUBLISH = "workflow.publish"
    RUN_READ = "run.read"
    RUN_START = "run.start"
    RUN_TEST = "run.test"
    RUN_CONTROL = "run.control"
    RUN_RAISE_LIMITS = "run.raise_limits"
    EVENT_SEND = "event.send"
    CONVERSATION_USE = "conversation.use"
    APPROVAL_READ = "approval.read"
    APPROVAL_DECIDE = "approval.decide"
    AGENT_READ = "agent.read"
    AGENT_MANAGE = "agent.manage"
    MEMORY_READ = "memory.read"
    MEMORY_WRITE = "memory.write"
    MEMORY_FORGET = "memory.forget"
    KNOWLEDGE_READ = "knowledge.read"
    KNOWLEDGE_WRITE = "knowledge.write"
    COST_READ = "cost.read"
    BUDGET_MANAGE = "budget.manage"
    MODEL_READ = "model.read"
    NOTIFICATION_READ = "notification.read"
    TOKEN_OWN = "token.own"
    TOKEN_MANAGE = "token.manage"
    USER_READ = "user.read"
    USER_MANAGE = "user.manage"
    TOOL_READ = "tool.read"
    TOOL_MANAGE = "tool.manage"
    TABLE_READ = "table.read"
    TABLE_WRITE = "table.write"
    TABLE_MANAGE = "table.manage"
    SECRET_LIST = "secret.list"
    SECRET_MANAGE = "secret.manage"
    AUDIT_READ = "audit.read"
    SETTINGS_READ = "settings.read"
    SETTINGS_MANAGE = "settings.manage"


ROLE_MEANING: dict[Role, str] = {
    Role.VIEWER: "looks at workflows, runs, costs and the inbox",
    Role.EDITOR: "builds workflows and tries them out in test mode",
    Role.PUBLISHER: "puts versions live and takes them back",
    Role.APPROVER: "decides what waits in the inbox",
    Role.OPERATOR: "starts, stops and mends runs, and raises their limits",
    Role.AUDITOR: "reads everything that happened, the audit log included",
    Role.ADMIN: "may do everything, and manages people, secrets and settings",
}

PERMISSION_MEANING: dict[Permission, str] = {
    Permission.WORKFLOW_READ: "see workflows, their drafts and versions; check a document",
    Permission.WORKFLOW_EDIT: "create, change, import and delete drafts",
    Permission.WORKFLOW_PUBLISH: "publish a version, promote an earlier one",
    Permission.RUN_READ: "see runs, their steps, events, explanations and evidence files",
    Permission.RUN_START: "start a live run, or a test run with real effects",
    Permission.RUN_TEST: "start a run in test mode, of a draft too",
    Permission.RUN_CONTROL: "cancel, resume, retry and fork a run",
    Permission.RUN_RAISE_LIMITS: "resume a run with higher limits",
    Permission.EVENT_SEND: "send an event that waiting steps wake on",
    Permission.CONVERSATION_USE: "start a conversation and write messages in it",
    Permission.APPROVAL_READ: "see the inbox",
    Permission.APPROVAL_DECIDE: "decide inbox items, where the item names the person or role",
    Permission.AGENT_READ: "see the agents, their duties and limits",
    Permission.AGENT_MANAGE: "make, change and remove agents",
    Permission.MEMORY_READ: "search and read the memory",
    Permission.MEMORY_WRITE: "add and correct facts and rules",
    Permission.MEMORY_FORGET: "make the memory forget",
    Permission.KNOWLEDGE_READ: "search and read collections",
    Permission.KNOWLEDGE_WRITE: "add and remove documents of collections",
    Permission.COST_READ: "see costs, budgets and alerts",
    Permission.BUDGET_MANAGE: "set budgets and alerts",
    Permission.MODEL_READ: "see which models can be used and their prices",
    Permission.NOTIFICATION_READ: "read notifications",
    Permission.TOKEN_OWN: "make and revoke own API tokens",
    Permission.TOKEN_MANAGE: "see and revoke everybody's API tokens",
    Permission.USER_READ: "see who works here and their roles",
    Permission.USER_MANAGE: "add and disable people, change their roles, end their sessions",
    Permission.TOOL_READ: "see which tools there are",
    Permission.TOOL_MANAGE: "make, change and remove tools",
    Permission.TABLE_READ: "see tables and their rows",
    Permission.TABLE_WRITE: "add, change and remove rows of tables",
    Permission.TABLE_MANAGE: "make and remove tables, and change their columns",
    Permission.SECRET_LIST: "see the names of secrets, never their values",
    Permission.SECRET_MANAGE: "add, replace and remove secrets",
    Permission.AUDIT_READ: "read and verify the audit log",
    Permission.SETTINGS_READ: "see the settings",
    Permission.SETTINGS_MANAGE: "change the settings",
}

_P = Permission
_LOOK = frozenset(
    {
        _P.WORKFLOW_READ,
        _P.RUN_READ,
        _P.APPROVAL_READ,
        _P.AGENT_READ,
        _P.MEMORY_READ,
        _P.KNOWLEDGE_READ,
        _P.COST_READ,
        _P.MODEL_READ,
        _P.TOOL_READ,
        _P.TABLE_READ,
        _P.NOTIFICATION_READ,
        _P.TOKEN_OWN,
    }
)

PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.VIEWER: _LOOK,
    Role.EDITOR: _LOOK
    | {
        _P.WORKFLOW_EDIT,
        _P.RUN_TEST,
        _P.CONVERSATION_USE,
        _P.MEMORY_WRITE,
        _P.KNOWLEDGE_WRITE,
        _P.TABLE_WRITE,
        _P.TABLE_MANAGE,
        _P.SECRET_LIST,
        _P.USER_READ,
    },
    Role.PUBLISHER: _LOOK | {_P.WORKFLOW_PUBLISH, _P.SECRET_LIST, _P.USER_READ},
    Role.APPROVER: _LOOK | {_P.APPROVAL_DECIDE},
    Role.OPERATOR: _LOOK
    | {
        _P.RUN_START,
        _P.RUN_TEST,
        _P.RUN_CONTROL,
        _P.RUN_RAISE_LIMITS,
        _P.EVENT_SEND,
        _P.CONVERSATION_USE,
        _P.AGENT_MANAGE,
        _P.TABLE_WRITE,
        _P.SECRET_LIST,
        _P.SETTINGS_READ,
    },
    Role.AUDITOR: _LOOK | {_P.AUDIT_READ, _P.USER_READ, _P.SECRET_LIST, _P.SETTINGS_READ},
    Role.ADMIN: frozenset(Permission),
}


@dataclass(frozen=True)
class Actor:
    """Who asks: a signed-in user, an API token, an agent or Signalbox itself."""

    kind: Literal["user", "token", "agent", "system"]
    id: str
    """Of the user, the token or the agent."""
    name: str
    email: str
    """Of the user, or of the user to whom the token belongs; empty for agents and the system."""
    roles: frozenset[Role]
    workspace_id: str
    user_id: str = ""
    """The person behind it: of a user and of a token; this is what four-eyes compares."""

    @property
    def label(self) -> str:
        """`kind:id`, as journals and the audit log name an actor."""
        return f"{self.kind}:{self.id}"

    def may(self, permission: Permission) -> bool:
        """Whether one of the roles allows it."""
        return any(permission in PERMISSIONS[role] for role in self.roles)


SYSTEM = Actor(kind="system", id="system", name="Signalbox", email="", roles=frozenset({Role.ADMIN}), workspace_id=MAIN_WORKSPACE)


def require(actor: Actor, permission: Permission) -> None:
    """Returns if the actor may. NotAllowed otherwise, naming the permission and the roles that would do."""
    if actor.may(permission):
        return
    would_do = [str(role) for role in roles_with(permission)]
    raise NotAllowed(
        f"You may not {PERMISSION_MEANING[permission]} ({permission}).",
        hint=f"Ask an administrator for one of these roles: {', '.join(would_do)}.",
        details={"permission": str(permission), "roles": list(would_do)},
    )


def require_one(actor: Actor, *permissions: Permission) -> None:
    """Returns if the actor may one of these. NotAllowed otherwise, naming the first."""
    if not any(actor.may(permission) for permission in permissions):
        require(actor, permissions[0])


def roles_with(permission: Permission) -> tuple[Role, ...]:
    """Every role that has the permission, the least powerful first."""
    return tuple(sorted((r for r in Role if permission in PERMISSIONS[r]), key=lambda r: len(PERMISSIONS[r])))


def permissions_of(roles: Iterable[Role]) -> frozenset[Permission]:
    """Everything that these roles allow together."""
    return frozenset[Permission]().union(*(PERMISSIONS[role] for role in roles))


def markdown() -> str:
    """The text of docs/permissions.md."""
    lines = [
        "# Roles and permissions",
        "",
        "Made by `python -m engine.people.permissions > docs/permissions.md`; do not edit here.",
        "A person may hold several roles. Everything that no role allows is refused. A role is a necessary condition, not always a",
        "sufficient one: an approval also names who may decide it.",
        "",
        *(f"- **{role}** {ROLE_MEANING[role]}" for role in Role),
        "",
        "| permission | allows to | " + " | ".join(Role) + " |",
        "|---|---|" + "---|" * len(Role),
    ]
    for permission in Permission:
        marks = " | ".join("✓" if permission in PERMISSIONS[role] else "" for role in Role)
        lines.append(f"| `{permission}` | {PERMISSION_MEANING[permission]} | {marks} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(markdown(), end="")
