"""Who may read which memory: one rule, as Python and as SQL, checked before and after every look-up."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from hashlib import blake2b
from typing import Any

from sqlalchemy import ColumnElement, and_, or_
from sqlmodel import col

from engine.errors import Invalid
from engine.jsonvalue import canonical

CUSTOMER = "customer:"
"""Owners outside of the house, whom workflows serve: `customer:anna@example.com`."""
USER = "user:"
"""Owners with an account here: `user:<id>`."""


class Visibility(StrEnum):
    """How far a memory is seen."""

    PRIVATE = "private"
    """Only where its owner, one person, is who the run is for."""
    WORKFLOW = "workflow"
    """Only in runs of its owner, one workflow."""
    WORKSPACE = "workspace"
    ORGANISATION = "organisation"


class Sensitivity(IntEnum):
    """How much harm it does in the wrong hands."""

    PUBLIC = 0
    INTERNAL = 1
    CONFIDENTIAL = 2
    SECRET = 3


class Trust(IntEnum):
    """How far what a memory says is believed: by where it came from, the lowest of its sources."""

    OUTSIDE = 0
    """Documents, web pages, tools, messages of people outside."""
    AGENT = 1
    """Said by a model in a step of ours."""
    RECORD = 2
    """Recorded by the engine."""
    PERSON = 3
    """Said or confirmed by somebody with an account."""


class OriginKind(StrEnum):
    """What kind of author wrote a memory."""

    PERSON = "person"
    AGENT = "agent"
    ENGINE = "engine"
    TOOL = "tool"
    DOCUMENT = "document"
    CUSTOMER = "customer"
    IMPORT = "import"


TRUST_OF: dict[OriginKind, Trust] = {
    OriginKind.PERSON: Trust.PERSON,
    OriginKind.AGENT: Trust.AGENT,
    OriginKind.ENGINE: Trust.RECORD,
    OriginKind.TOOL: Trust.OUTSIDE,
    OriginKind.DOCUMENT: Trust.OUTSIDE,
    OriginKind.CUSTOMER: Trust.OUTSIDE,
    OriginKind.IMPORT: Trust.OUTSIDE,
}


@dataclass(frozen=True, slots=True)
class Origin:
    """Who wrote a memory: `id` is a user, agent, run, tool, document or customer."""

    kind: OriginKind
    id: str

    @property
    def trust(self) -> Trust:
        """How far it is believed."""
        return TRUST_OF[self.kind]

    @property
    def label(self) -> str:
        """As rows keep it: `kind:id`."""
        return f"{self.kind.value}:{self.id}"


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose a memory is."""

    workspace_id: str
    visibility: Visibility = Visibility.WORKSPACE
    owner: str = ""
    """Of a private one the person, `customer:…` or `user:…`; of a workflow's its id; else empty."""

    def __post_init__(self) -> None:
        needs_owner = self.visibility in (Visibility.PRIVATE, Visibility.WORKFLOW)
        if needs_owner and not self.owner:
            what = "person" if self.visibility is Visibility.PRIVATE else "workflow"
            raise Invalid(
                f"A memory that is seen by one {what} only needs to say which.",
                hint=f"Name the {what}, or choose another visibility.",
                details={"problems": [{"field": what, "message": f"Name the {what}."}]},
            )
        if not needs_owner and self.owner:
            object.__setattr__(self, "owner", "")

    @property
    def key(self) -> str:
        """What rows of this scope have in common; 32 hex digits."""
        workspace = "" if self.visibility is Visibility.ORGANISATION else self.workspace_id
        return blake2b(canonical([workspace, self.visibility.value, self.owner]), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Reader:
    """Who asks. A step reads for the person its run is for; somebody who looks after the memory reads as `keeper`."""

    workspace_id: str
    workflow_id: str = ""
    person: str = ""
    """`customer:…` or `user:…`; empty where the run is for nobody."""
    clearance: Sensitivity = Sensitivity.INTERNAL
    keeper: bool = False
    """Sees what belongs to every workflow and every customer of the workspace, never what is private to another user."""

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """What it reads, by scope."""
        own = [Scope(self.workspace_id, Visibility.ORGANISATION), Scope(self.workspace_id)]
        if self.workflow_id:
            own.append(Scope(self.workspace_id, Visibility.WORKFLOW, self.workflow_id))
        if self.person:
            own.append(Scope(self.workspace_id, Visibility.PRIVATE, self.person))
        return tuple(own)

    @property
    def keys(self) -> frozenset[str]:
        """The keys of `scopes`."""
        return frozenset(scope.key for scope in self.scopes)

    def may_read(self, scope: Scope, sensitivity: int) -> bool:
        """The same rule as `readable`, of a row in hand."""
        if sensitivity > self.clearance:
            return False
        if scope.key in self.keys:
            return True
        if not self.keeper or scope.workspace_id != self.workspace_id:
            return False
        return scope.visibility is Visibility.WORKFLOW or (scope.visibility is Visibility.PRIVATE and scope.owner.startswith(CUSTOMER))


def readable(reader: Reader, table: Any) -> ColumnElement[bool]:
    """The rule as a condition on a table with the columns workspace_id, visibility, owner, scope_key and sensitivity."""
    seen: ColumnElement[bool] = col(table.scope_key).in_(sorted(reader.keys))
    if reader.keeper:
        looked_after = or_(
            col(table.visibility) == Visibility.WORKFLOW.value,
            and_(col(table.visibility) == Visibility.PRIVATE.value, col(table.owner).startswith(CUSTOMER, autoescape=True)),
        )
        seen = or_(seen, and_(col(table.workspace_id) == reader.workspace_id, looked_after))
    return and_(seen, col(table.sensitivity) <= int(reader.clearance))
