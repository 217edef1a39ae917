"""API tokens of people: made, listed, revoked, and turned into the actor of a request."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import update
from sqlmodel import Session, col, func, select

from engine.clock import DAY_US
from engine.errors import Conflict, NotFound, NotSignedIn, StorageUnavailable
from engine.people import fields
from engine.people.permissions import SYSTEM, Actor, Permission, Role, require
from engine.people.records import Problem, Records, refuse
from engine.security.tokens import hashed, is_token, new_token
from engine.storage.tables import Token, User

ENV_TOKEN_ID = "token_environment"
MAX_DAYS = 3650
MAX_TOKENS = 100
"""Of one person, revoked ones not counted."""
_MINUTE_US = 60_000_000


@dataclass(frozen=True)
class TokenView:
    """One token, as lists show it; its text is not kept."""

    id: str
    user_id: str
    name: str
    roles: frozenset[Role]
    created_at: int
    expires_at: int | None
    last_used_at: int | None
    revoked_at: int | None


@dataclass(frozen=True)
class CreatedToken:
    """A token that was just made; `text` is shown once."""

    token: TokenView
    text: str = field(repr=False)


class ApiTokens:
    """The tokens by which programs act for people."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def create(self, by: Actor, *, name: str, roles: Iterable[str], days: int | None = None, user_id: str = "") -> CreatedToken:
        """A new token of oneself, or with token.manage of somebody else; it may do nothing that its maker or owner may not."""
        owner_id = user_id or by.user_id
        require(by, Permission.TOKEN_OWN if owner_id == by.user_id else Permission.TOKEN_MANAGE)
        name = fields.tidy_name(name)
        wanted, problems = fields.parse_roles(roles)
        problems += fields.name_problems(name)
        if days is not None and not 1 <= days <= MAX_DAYS:
            problems.append(Problem("days", f"A token is valid for 1 to {MAX_DAYS} days, or until it is revoked."))
        if fields.within(wanted, by.roles) != wanted:
            problems.append(Problem("roles", "A token can only have roles that allow no more than your own."))
        refuse(problems)
        made = new_token(self._records.ids)
        now = self._records.clock.now_us()
        with self._records.writing() as session:
            owner = _owner(session, by, owner_id)
            expires_at = _not_after_its_maker(session, by, now + days * DAY_US if days else None)
            if fields.within(wanted, fields.kept_roles(owner.roles)) != wanted:
                refuse([Problem("roles", "The owner of the token has no such roles.")])
            row = Token(
                id=made.id,
                workspace_id=owner.workspace_id,
                user_id=owner.id,
                name=name,
                secret_hash=made.hash,
                roles=fields.stored(wanted),
                created_at=now,
                expires_at=expires_at,
            )
            session.add(row)
            details = {"name": name, "user": owner.id, "roles": [*row.roles], "expires_at": expires_at}
            self._records.tell(session, by, action="token.create", subject=made.id, details=details)
            return CreatedToken(token=_view(row), text=made.text)

    def set_environment_token(self, user_id: str, text: str) -> None:
        """Makes the operator's own text a token of the first account; another text replaces the former one."""
        now = self._records.clock.now_us()
        with self._records.writing() as session:
            same = session.exec(select(Token).where(Token.secret_hash == hashed(text))).first()
            # A token that was revoked stays so: the same text in the environment does not bring it back.
            if same is not None and (same.user_id == user_id or same.id != ENV_TOKEN_ID):
                return
            row = session.get(Token, ENV_TOKEN_ID)
            action = "token.replace" if row else "token.create"
            if row is None:
                row = Token(
                    id=ENV_TOKEN_ID,
                    workspace_id=self._records.workspace_id,
                    user_id=user_id,
                    name="SIGNALBOX_ADMIN_TOKEN",
                    secret_hash="",
                    created_at=now,
                )
                session.add(row)
            row.user_id, row.secret_hash, row.roles = user_id, hashed(text), fields.stored(Role)
            row.revoked_at = row.last_used_at = None
            details = {"name": row.name, "user": user_id, "roles": [*row.roles]}
            self._records.tell(session, SYSTEM, action=action, subject=ENV_TOKEN_ID, details=details)

    def list(self, by: Actor) -> list[TokenView]:
        """One's own tokens, revoked ones included, newest first."""
        require(by, Permission.TOKEN_OWN)
        return self._list(by, by.user_id)

    def list_all(self, by: Actor) -> list[TokenView]:
        """Everybody's tokens, newest first."""
        require(by, Permission.TOKEN_MANAGE)
        return self._list(by, None)

    def _list(self, by: Actor, user_id: str | None) -> list[TokenView]:
        statement = select(Token).where(Token.workspace_id == by.workspace_id)
        if user_id is not None:
            statement = statement.where(Token.user_id == user_id)
        with self._records.reading() as session:
            found = session.exec(statement.order_by(col(Token.created_at).desc(), col(Token.id).desc())).all()
        return [_view(row) for row in found]

    def revoke(self, by: Actor, token_id: str) -> TokenView:
        """Ends a token at once. NotFound if there is none that this actor may end."""
        require(by, Permission.TOKEN_OWN)
        with self._records.writing() as session:
            row = session.get(Token, token_id)
            mine = row is not None and row.user_id == by.user_id
            if row is None or row.workspace_id != by.workspace_id or not (mine or by.may(Permission.TOKEN_MANAGE)):
                raise NotFound("There is no such token.")
            if row.revoked_at is None:
                row.revoked_at = self._records.clock.now_us()
                self._records.tell(session, by, action="token.revoke", subject=row.id, details={"name": row.name})
            return _view(row)

    def actor_for_token(self, text: str | None) -> Actor:
        """Whom a program acts for, with the roles of this very moment. NotSignedIn if the token is unknown or over."""
        if not text or not is_token(text):
            raise NotSignedIn
        now = self._records.clock.now_us()
        with self._records.reading() as session:
            row = session.exec(select(Token).where(Token.secret_hash == hashed(text))).first()
            user = session.get(User, row.user_id) if row else None
        if row is None or user is None or user.disabled_at is not None or row.revoked_at is not None:
            raise NotSignedIn
        if row.expires_at is not None and row.expires_at <= now:
            raise NotSignedIn("This token has expired.", hint="Make a new token under Settings.")
        if row.last_used_at is None or now - row.last_used_at >= _MINUTE_US:
            self._used(row.id, now)
        return _actor(row, user)

    def _used(self, token_id: str, now: int) -> None:
        try:
            with self._records.writing() as session:
                session.exec(update(Token).where(col(Token.id) == token_id).values(last_used_at=now))
        except StorageUnavailable:
            # On a full disk programs must still be able to read.
            return


def _actor(row: Token, user: User) -> Actor:
    return Actor(
        kind="token",
        id=row.id,
        name=row.name,
        email=user.email,
        # What the owner has lost since, the token has lost too.
        roles=fields.within(fields.kept_roles(row.roles), fields.kept_roles(user.roles)),
        workspace_id=row.workspace_id,
        user_id=user.id,
    )


def _owner(session: Session, by: Actor, user_id: str) -> User:
    user = session.get(User, user_id)
    if user is None or user.workspace_id != by.workspace_id or user.disabled_at is not None:
        raise NotFound("There is no such person here.")
    alive = select(func.count()).select_from(Token).where(Token.user_id == user_id, col(Token.revoked_at).is_(None))
    if session.exec(alive).one() >= MAX_TOKENS:
        raise Conflict(f"Nobody can have more than {MAX_TOKENS} tokens.", hint="Revoke those that are not used.")
    return user


def _not_after_its_maker(session: Session, by: Actor, expires_at: int | None) -> int | None:
    # Else a token that ends tomorrow could make itself one that never ends.
    maker = session.get(Token, by.id) if by.kind == "token" else None
    if maker is None or maker.expires_at is None:
        return expires_at
    return maker.expires_at if expires_at is None else min(expires_at, maker.expires_at)


def _view(row: Token) -> TokenView:
    return TokenView(
        id=row.id,
        user_id=row.user_id,
        name=row.name,
        roles=fields.kept_roles(row.roles),
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )
