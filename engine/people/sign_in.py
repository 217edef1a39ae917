"""Signing in with e-mail address and password: the back-off against guessing, and the sessions of browsers."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from engine.errors import NotFound, NotSignedIn, StorageUnavailable, TooManyAttempts
from engine.people import fields
from engine.people.permissions import SYSTEM, Actor, Permission, require
from engine.people.records import Problem, Records, refuse
from engine.security.passwords import REFUSED, Passwords
from engine.security.tokens import SESSION_ABSOLUTE_US, hashed, is_random_text, new_random_text, session_is_over
from engine.storage.tables import LoginAttempt, User, UserSession

FREE_FAILURES = 5
"""So many failures of one account are free; each further one doubles the wait."""
FREE_FAILURES_OF_ADDRESS = 50
"""One address may stand for a whole office."""
FIRST_BLOCK_S = 30
LONGEST_BLOCK_S = 900
_SECOND_US = 1_000_000
_MINUTE_US = 60 * _SECOND_US
_FORGET_US = 24 * 60 * _MINUTE_US


@dataclass(frozen=True)
class SignedIn:
    """A fresh session; `text` goes into the cookie and nowhere else."""

    text: str = field(repr=False)
    actor: Actor
    expires_at: int


@dataclass(frozen=True)
class SessionView:
    """One browser in which somebody is signed in."""

    id: str
    user_id: str
    created_at: int
    last_seen_at: int
    expires_at: int
    user_agent: str


def block_s(failures: int, *, free: int) -> int:
    """Seconds to wait after so many failures: 0, then 30, 60, 120 … up to 15 minutes."""
    if failures < free:
        return 0
    # The exponent is bounded first: 2 ** failures would grow without end.
    return min(FIRST_BLOCK_S * 2 ** min(failures - free, 10), LONGEST_BLOCK_S)


class Sessions:
    """Signs people in and knows who a session belongs to."""

    def __init__(self, records: Records, *, passwords: Passwords) -> None:
        self._records = records
        self._passwords = passwords

    def sign_in(self, email: str, password: str, *, ip: str = "", user_agent: str = "") -> SignedIn:
        """A new session. NotSignedIn with one answer for every reason; TooManyAttempts with `retry_after_s`."""
        email = fields.tidy_email(email)
        # What cannot be an address is nobody's, and is counted as one.
        email = "" if fields.email_problems(email) else email
        keys = {f"email:{email}": FREE_FAILURES, **({f"ip:{ip[:64]}": FREE_FAILURES_OF_ADDRESS} if ip else {})}
        self._count_attempt(keys)
        with self._records.reading() as session:
            user = session.exec(select(User).where(User.email == email)).first()
        usable = user is not None and user.disabled_at is None
        if not self._passwords.verify(user.password_hash if user and usable else None, password) or user is None:
            raise NotSignedIn(REFUSED, hint="Try again, or ask an administrator for a new password.")
        self._update_hash(user, password)
        return self._open(user, keys, user_agent)

    def confirm_password(self, user: User, password: str) -> None:
        """Returns if this is the person's password, with the same back-off as signing in. Invalid if it is not."""
        keys = {f"email:{user.email}": FREE_FAILURES}
        self._count_attempt(keys)
        if not self._passwords.verify(user.password_hash, password):
            refuse([Problem("old", "The old password is not right.")])
        with self._records.writing() as session:
            _take_back(session, keys)

    def _count_attempt(self, keys: dict[str, int]) -> None:
        # Counted as failed before the password is looked at, and taken back if it was right: a hundred guesses at the same
        # moment would else all find the count at zero.
        now = self._records.clock.now_us()
        with self._records.writing() as session:
            session.exec(delete(LoginAttempt).where(col(LoginAttempt.updated_at) < now - _FORGET_US))
            attempts = [_attempt(session, key, self._records.workspace_id, now) for key in keys]
            blocked_until = max(attempt.blocked_until for attempt in attempts)
            if blocked_until > now:
                wait_s = -(-(blocked_until - now) // _SECOND_US)
                raise TooManyAttempts(
                    f"Too many attempts. Try again in {wait_s} seconds.",
                    hint=f"Wait {wait_s} seconds.",
                    details={"retry_after_s": wait_s},
                )
            for attempt in attempts:
                attempt.failures += 1
                attempt.updated_at = now
                wait_s = block_s(attempt.failures, free=keys[attempt.key])
                attempt.blocked_until = now + wait_s * _SECOND_US
                # Told only of accounts that exist: anybody could else fill the audit log from outside.
                if wait_s and (user_id := _account_of(session, attempt.key)):
                    details = {"seconds": wait_s, "failures": attempt.failures}
                    self._records.tell(session, SYSTEM, action="sign_in.block", subject=user_id, details=details)

    def _update_hash(self, user: User, password: str) -> None:
        if user.password_hash and self._passwords.is_outdated(user.password_hash):
            newer = self._passwords.hash(password)
            with self._records.writing() as session:
                # Only if it is still the one that was checked: the password may have been changed meanwhile.
                session.exec(
                    update(User).where(col(User.id) == user.id, col(User.password_hash) == user.password_hash).values(password_hash=newer)
                )

    def _open(self, user: User, keys: dict[str, int], user_agent: str) -> SignedIn:
        text = new_random_text()
        now = self._records.clock.now_us()
        with self._records.writing() as session:
            current = session.get(User, user.id)
            if current is None or current.disabled_at is not None:
                raise NotSignedIn(REFUSED)
            _take_back(session, keys)
            session.exec(delete(UserSession).where(col(UserSession.expires_at) <= now))
            session.add(
                UserSession(
                    id_hash=hashed(text),
                    workspace_id=current.workspace_id,
                    user_id=current.id,
                    created_at=now,
                    last_seen_at=now,
                    expires_at=now + SESSION_ABSOLUTE_US,
                    user_agent=user_agent[:200].encode("utf-8", "replace").decode(),
                )
            )
            actor = actor_of(current)
            self._records.tell(session, actor, action="session.open", subject=current.id)
        return SignedIn(text=text, actor=actor, expires_at=now + SESSION_ABSOLUTE_US)

    def actor_for_session(self, text: str | None) -> Actor:
        """Who the session belongs to, with the roles of this very moment. NotSignedIn if it is unknown, over or disabled."""
        if not text or not is_random_text(text):
            raise NotSignedIn
        now = self._records.clock.now_us()
        with self._records.reading() as session:
            row = session.get(UserSession, hashed(text))
            user = session.get(User, row.user_id) if row else None
        if row is None or user is None or user.disabled_at is not None:
            raise NotSignedIn
        if session_is_over(now=now, last_seen_at=row.last_seen_at, expires_at=row.expires_at):
            raise NotSignedIn("Your session has ended.", hint="Sign in again.")
        if now - row.last_seen_at >= _MINUTE_US:
            self._seen(row.id_hash, now)
        return actor_of(user)

    def _seen(self, id_hash: str, now: int) -> None:
        try:
            with self._records.writing() as session:
                session.exec(update(UserSession).where(col(UserSession.id_hash) == id_hash).values(last_seen_at=now))
        except StorageUnavailable:
            # On a full disk people must still get in to look.
            return

    def sign_out(self, text: str | None) -> None:
        """Ends the session; nothing happens if there is none."""
        if not text or not is_random_text(text):
            return
        with self._records.writing() as session:
            row = session.get(UserSession, hashed(text))
            user = session.get(User, row.user_id) if row else None
            if row and user:
                session.delete(row)
                self._records.tell(session, actor_of(user), action="session.close", subject=user.id)

    def list(self, by: Actor, *, user_id: str = "") -> list[SessionView]:
        """Where somebody is signed in: oneself, or with user.manage anybody."""
        owner = self._owner(by, user_id)
        now = self._records.clock.now_us()
        with self._records.reading() as session:
            found = session.exec(
                select(UserSession)
                .where(UserSession.user_id == owner, UserSession.workspace_id == by.workspace_id)
                .order_by(col(UserSession.last_seen_at).desc())
            ).all()
        alive = (row for row in found if not session_is_over(now=now, last_seen_at=row.last_seen_at, expires_at=row.expires_at))
        return [SessionView(r.id_hash, r.user_id, r.created_at, r.last_seen_at, r.expires_at, r.user_agent) for r in alive]

    def revoke(self, by: Actor, session_id: str) -> None:
        """Ends one session by the id that `list` shows. NotFound if there is none that this actor may end."""
        with self._records.writing() as session:
            row = session.get(UserSession, session_id)
            if row is None or row.workspace_id != by.workspace_id:
                raise NotFound("There is no such session.")
            self._owner(by, row.user_id)
            session.delete(row)
            self._records.tell(session, by, action="session.revoke", subject=row.user_id)

    def revoke_all(self, by: Actor, *, user_id: str = "") -> None:
        """Signs somebody out everywhere."""
        owner = self._owner(by, user_id)
        with self._records.writing() as session:
            session.exec(delete(UserSession).where(col(UserSession.user_id) == owner, col(UserSession.workspace_id) == by.workspace_id))
            self._records.tell(session, by, action="session.revoke_all", subject=owner)

    def _owner(self, by: Actor, user_id: str) -> str:
        owner = user_id or by.user_id
        if owner != by.user_id:
            require(by, Permission.USER_MANAGE)
        return owner


def actor_of(user: User) -> Actor:
    """The actor that a signed-in person is."""
    return Actor(
        kind="user",
        id=user.id,
        name=user.name,
        email=user.email,
        roles=fields.kept_roles(user.roles),
        workspace_id=user.workspace_id,
        user_id=user.id,
    )


def _attempt(session: Session, key: str, workspace_id: str, now: int) -> LoginAttempt:
    attempt = session.get(LoginAttempt, key)
    if attempt is None:
        attempt = LoginAttempt(key=key, workspace_id=workspace_id, failures=0, blocked_until=0, updated_at=now)
        session.add(attempt)
    return attempt


def _account_of(session: Session, key: str) -> str | None:
    return session.exec(select(User.id).where(User.email == key.removeprefix("email:"))).first()


def _take_back(session: Session, keys: dict[str, int]) -> None:
    for key in keys:
        attempt = session.get(LoginAttempt, key)
        if attempt is None:
            continue
        if key.startswith("email:"):
            session.delete(attempt)
            continue
        # An address keeps its other failures: one right password must not pay for guesses at other accounts.
        attempt.failures = max(0, attempt.failures - 1)
        if not block_s(attempt.failures, free=keys[key]):
            attempt.blocked_until = 0
