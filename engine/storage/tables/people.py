"""Tables about people: who they are, how they sign in, what they keep secret and what they did."""

# pyright: reportIncompatibleVariableOverride=false
from __future__ import annotations

from typing import ClassVar

from sqlalchemy import BigInteger, Index, Integer, Text, text
from sqlmodel import Field, SQLModel

from engine.storage.tables.columns import count, instant, instant_or_none, json_list, long_text, primary, word


class Workspace(SQLModel, table=True):
    """One tenant; the first one is `main`."""

    __tablename__: ClassVar[str] = "workspaces"

    id: str = primary()
    workspace_id: str
    """Its own id: every table names its workspace, so that one filter fits all."""
    name: str
    created_at: int = instant()


class User(SQLModel, table=True):
    """A person who can sign in."""

    __tablename__: ClassVar[str] = "users"
    __table_args__ = (Index("users_email", text("lower(email)"), unique=True),)

    id: str = primary()
    workspace_id: str
    email: str
    """In lower case."""
    name: str
    password_hash: str | None = None
    """argon2id; None for an account that only has API tokens."""
    roles: list[str] = json_list()
    created_at: int = instant()
    disabled_at: int | None = instant_or_none()


class UserSession(SQLModel, table=True):
    """One browser in which a user is signed in."""

    __tablename__: ClassVar[str] = "sessions"
    __table_args__ = (Index("sessions_user", "user_id"),)

    id_hash: str = primary()
    """SHA-256 in hex of what the cookie holds."""
    workspace_id: str
    user_id: str = Field(foreign_key="users.id")
    created_at: int = instant()
    last_seen_at: int = instant()
    expires_at: int = instant()
    user_agent: str = word()


class Token(SQLModel, table=True):
    """An API token; its text is shown once and only its hash is kept."""

    __tablename__: ClassVar[str] = "tokens"
    __table_args__ = (Index("tokens_secret_hash", "secret_hash", unique=True), Index("tokens_user", "user_id"))

    id: str = primary()
    workspace_id: str
    user_id: str = Field(foreign_key="users.id")
    name: str
    secret_hash: str
    """SHA-256 in hex of the whole token text."""
    roles: list[str] = json_list()
    created_at: int = instant()
    expires_at: int | None = instant_or_none()
    last_used_at: int | None = instant_or_none()
    revoked_at: int | None = instant_or_none()


class Secret(SQLModel, table=True):
    """A credential for another system, encrypted and bound to this very row."""

    __tablename__: ClassVar[str] = "secrets"
    __table_args__ = (Index("secrets_name", "workspace_id", "name", unique=True),)

    id: str = primary()
    workspace_id: str
    name: str
    key_id: str
    nonce: bytes
    ciphertext: bytes
    allowed_hosts: list[str] = json_list()
    """Where steps may send it: `api.example.com`, `*.example.com`, each also with a port. Bound by the cipher."""
    created_by: str
    created_at: int = instant()
    updated_at: int = instant()
    version: int = Field(default=1)
    header: str = word()
    """The header that carries it as it is; empty: `Authorization: Bearer …`. Bound by the cipher."""


class Audit(SQLModel, table=True):
    """One link of the audit chain; rows are only ever appended."""

    __tablename__: ClassVar[str] = "audit"
    __table_args__ = (Index("audit_at", "workspace_id", "at"), {"sqlite_autoincrement": True})

    seq: int | None = Field(default=None, primary_key=True, sa_type=BigInteger().with_variant(Integer(), "sqlite"))
    workspace_id: str
    at: int = instant()
    actor: str
    """`user:user_01J…`, `token:token_01J…`, `agent:…` or `system:system`."""
    action: str
    """What was done, e.g. `user.add`."""
    subject: str
    """The id of what it was done to."""
    details: str = long_text()
    """Canonical JSON; never holds secret values."""
    previous_hash: str
    hash: str


class SetupLink(SQLModel, table=True):
    """The one-time link by which the first administrator is made."""

    __tablename__: ClassVar[str] = "setup_links"

    token_hash: str = primary()
    workspace_id: str
    expires_at: int = instant()
    used_at: int | None = instant_or_none()


class LoginAttempt(SQLModel, table=True):
    """Failed sign-ins of one account or one address."""

    __tablename__: ClassVar[str] = "login_attempts"
    __table_args__ = (Index("login_attempts_updated", "updated_at"),)

    key: str = primary()
    """`email:…` or `ip:…`."""
    workspace_id: str
    failures: int = count()
    blocked_until: int = count()
    updated_at: int = instant()


class Idempotency(SQLModel, table=True):
    """The first answer to a request that carried an Idempotency-Key."""

    __tablename__: ClassVar[str] = "idempotency"
    __table_args__ = (Index("idempotency_created", "created_at"),)

    workspace_id: str = primary()
    actor: str = primary()
    key: str = primary()
    request_hash: str
    status: int | None = None
    """The HTTP status that was answered; None while the first request is still being worked on."""
    response: str | None = Field(default=None, sa_type=Text)
    created_at: int = instant()
