"""The people who work here: the first account, adding and disabling people, and their roles.

All methods block; callers on an event loop use threads. Every change writes its audit row in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Engine, delete
from sqlmodel import Session, col, select

from engine.clock import Clock
from engine.errors import Conflict, NotAllowed, NotFound, NotSignedIn
from engine.ids import Ids
from engine.people import fields
from engine.people.api_tokens import ApiTokens
from engine.people.permissions import MAIN_WORKSPACE, SYSTEM, Actor, Permission, Role, permissions_of, require
from engine.people.records import Problem, Records, refuse
from engine.people.sign_in import Sessions
from engine.security.audit import AuditLog
from engine.security.passwords import Passwords, weakness
from engine.security.tokens import SETUP_LINK_US, hashed, is_random_text, new_random_text
from engine.settings import Settings
from engine.storage.tables import SetupLink, User, UserSession, Workspace

ENV_EMAIL = "admin@signalbox.local"
"""The address of the first account when only a token is given for it."""


@dataclass(frozen=True)
class UserView:
    """One person, as lists show them."""

    id: str
    email: str
    name: str
    roles: frozenset[Role]
    created_at: int
    disabled_at: int | None
    has_password: bool


class Accounts:
    """People, their roles, and how they sign in: `sessions` for browsers, `tokens` for programs."""

    def __init__(self, db: Engine, *, clock: Clock, ids: Ids, audit: AuditLog, passwords: Passwords | None = None) -> None:
        self._records = Records(db=db, clock=clock, ids=ids, audit=audit)
        self._passwords = passwords or Passwords()
        self.sessions = Sessions(self._records, passwords=self._passwords)
        self.tokens = ApiTokens(self._records)

    # The first account.
    def prepare(self, settings: Settings) -> None:
        """Makes the workspace and the account that the environment asks for; changes nothing when repeated. Run at every start.

        AuditChainBroken if the key of this installation is not the one that the audit log was written with.
        """
        with self._records.reading() as session:
            self._records.audit.check_head(session)
            has_workspace = session.get(Workspace, MAIN_WORKSPACE) is not None
        if not has_workspace:
            self._add_workspace()
        if settings.admin_email or settings.admin_token:
            user_id = self._prepare_admin(settings)
            if settings.admin_token:
                self.tokens.set_environment_token(user_id, settings.admin_token.get_secret_value())

    def _add_workspace(self) -> None:
        with self._records.writing() as session:
            if session.get(Workspace, MAIN_WORKSPACE) is None:
                now = self._records.clock.now_us()
                session.add(Workspace(id=MAIN_WORKSPACE, workspace_id=MAIN_WORKSPACE, name="Main", created_at=now))
                self._records.tell(session, SYSTEM, action="workspace.add", subject=MAIN_WORKSPACE)

    def _prepare_admin(self, settings: Settings) -> str:
        email = fields.tidy_email(settings.admin_email or ENV_EMAIL)
        password = settings.admin_password.get_secret_value() if settings.admin_password else None
        with self._records.reading() as session:
            user = _by_email(session, email)
        if user is not None and (user.password_hash or not password):
            return user.id
        # Hashing takes 0.2 s: never inside the transaction, where every other writer would wait for it.
        password_hash = self._passwords.hash(password) if password else None
        with self._records.writing() as session:
            user = _by_email(session, email)
            if user is None:
                return self._insert(session, SYSTEM, email=email, name="Administrator", roles=Role, password_hash=password_hash).id
            user.password_hash = user.password_hash or password_hash
            self._records.tell(session, SYSTEM, action="user.set_password", subject=user.id)
            return user.id

    def needs_setup(self) -> bool:
        """Whether nobody has an account yet."""
        with self._records.reading() as session:
            return session.exec(select(User.id).limit(1)).first() is None

    def new_setup_link(self) -> str:
        """The token of a fresh one-time link, valid for 24 hours; earlier links end. Conflict if somebody has an account."""
        token = new_random_text()
        with self._records.writing() as session:
            _nobody_yet(session)
            session.exec(delete(SetupLink).where(col(SetupLink.used_at).is_(None)))
            expires_at = self._records.clock.now_us() + SETUP_LINK_US
            session.add(SetupLink(token_hash=hashed(token), workspace_id=MAIN_WORKSPACE, expires_at=expires_at))
            self._records.tell(session, SYSTEM, action="setup.link", subject=MAIN_WORKSPACE, details={"expires_at": expires_at})
        return token

    def complete_setup(self, token: str | None, *, email: str, name: str, password: str) -> UserView:
        """Makes the first account, which holds every role. NotSignedIn unless the link is good; Invalid for bad fields."""
        with self._records.reading() as session:
            self._good_link(session, token)
        email, name = _checked(email, name, password)
        password_hash = self._passwords.hash(password)
        with self._records.writing() as session:
            link = self._good_link(session, token)
            _nobody_yet(session)
            link.used_at = self._records.clock.now_us()
            return _view(self._insert(session, SYSTEM, email=email, name=name, roles=Role, password_hash=password_hash))

    def _good_link(self, session: Session, token: str | None) -> SetupLink:
        link = session.get(SetupLink, hashed(token)) if token and is_random_text(token) else None
        if link is None or link.used_at is not None or link.expires_at <= self._records.clock.now_us():
            raise NotSignedIn(
                "This set-up link is not valid, or not any more.",
                hint="Restart Signalbox (`./signalbox up`): it prints a new link as long as nobody has an account.",
            )
        return link

    # People.
    def list(self, by: Actor) -> list[UserView]:
        """Everybody, in the order in which they were added."""
        require(by, Permission.USER_READ)
        with self._records.reading() as session:
            found = session.exec(select(User).where(User.workspace_id == by.workspace_id).order_by(col(User.created_at), col(User.id)))
            return [_view(user) for user in found]

    def add(self, by: Actor, *, email: str, name: str, roles: Iterable[str], password: str | None = None) -> UserView:
        """A new account; without a password it can only have API tokens. Invalid for bad fields or an address that is taken."""
        require(by, Permission.USER_MANAGE)
        wanted, problems = _roles_from(by, roles)
        email, name = _checked(email, name, password, problems)
        password_hash = self._passwords.hash(password) if password else None
        with self._records.writing() as session:
            if _by_email(session, email):
                refuse([Problem("email", "There is an account with this e-mail address.")])
            return _view(self._insert(session, by, email=email, name=name, roles=wanted, password_hash=password_hash))

    def set_roles(self, by: Actor, user_id: str, *, roles: Iterable[str]) -> UserView:
        """Other roles, in force with the next request. Conflict if nobody would be admin any more."""
        require(by, Permission.USER_MANAGE)
        wanted, problems = _roles_from(by, roles)
        refuse(problems)
        with self._records.writing() as session:
            user = _get(session, by, user_id)
            before = user.roles
            user.roles = fields.stored(wanted)
            _keep_an_admin(session, by)
            if user.roles != before:
                details = {"before": [*before], "after": [*user.roles]}
                self._records.tell(session, by, action="user.set_roles", subject=user.id, details=details)
            return _view(user)

    def disable(self, by: Actor, user_id: str) -> UserView:
        """Signs the person out everywhere and keeps them out; their tokens stop working. Conflict for the last admin."""
        require(by, Permission.USER_MANAGE)
        with self._records.writing() as session:
            user = _get(session, by, user_id)
            if user.disabled_at is None:
                user.disabled_at = self._records.clock.now_us()
                _keep_an_admin(session, by)
                _end_sessions(session, user.id)
                self._records.tell(session, by, action="user.disable", subject=user.id)
            return _view(user)

    def enable(self, by: Actor, user_id: str) -> UserView:
        """Lets a disabled person in again, with the roles they had."""
        require(by, Permission.USER_MANAGE)
        with self._records.writing() as session:
            user = _get(session, by, user_id)
            if user.disabled_at is not None:
                user.disabled_at = None
                self._records.tell(session, by, action="user.enable", subject=user.id)
            return _view(user)

    def set_password(self, by: Actor, user_id: str, *, password: str) -> None:
        """A new password for somebody, by an administrator; ends all their sessions."""
        require(by, Permission.USER_MANAGE)
        with self._records.reading() as session:
            email = _get(session, by, user_id).email
        self._replace_password(by, user_id, email=email, password=password)

    def change_password(self, by: Actor, *, old: str, new: str) -> None:
        """One's own new password; ends all sessions, so sign in again. Invalid if the old one is not right."""
        # An API token must not be enough to take an account over.
        if by.kind != "user":
            raise NotAllowed("Only a person who is signed in can change their password.", hint="Sign in and change it under Settings.")
        with self._records.reading() as session:
            user = _get(session, by, by.user_id)
        self.sessions.confirm_password(user, old)
        self._replace_password(by, user.id, email=user.email, password=new)

    def _replace_password(self, by: Actor, user_id: str, *, email: str, password: str) -> None:
        if wrong := weakness(password, email=email):
            refuse([Problem("password", wrong)])
        password_hash = self._passwords.hash(password)
        with self._records.writing() as session:
            _get(session, by, user_id).password_hash = password_hash
            _end_sessions(session, user_id)
            self._records.tell(session, by, action="user.set_password", subject=user_id)

    def _insert(self, session: Session, by: Actor, *, email: str, name: str, roles: Iterable[Role], password_hash: str | None) -> User:
        user = User(
            id=self._records.ids.new("user"),
            workspace_id=by.workspace_id,
            email=email,
            name=name,
            password_hash=password_hash,
            roles=fields.stored(roles),
            created_at=self._records.clock.now_us(),
        )
        session.add(user)
        details = {"email": email, "name": name, "roles": [*user.roles], "has_password": password_hash is not None}
        self._records.tell(session, by, action="user.add", subject=user.id, details=details)
        return user


def _checked(email: str, name: str, password: str | None, problems: Iterable[Problem] = ()) -> tuple[str, str]:
    email, name = fields.tidy_email(email), fields.tidy_name(name)
    found = [*fields.email_problems(email), *fields.name_problems(name), *problems]
    if password is not None and (wrong := weakness(password, email=email)):
        found.append(Problem("password", wrong))
    refuse(found)
    return email, name


def _roles_from(by: Actor, roles: Iterable[str]) -> tuple[frozenset[Role], list[Problem]]:
    wanted, problems = fields.parse_roles(roles)
    if not problems and not permissions_of(wanted) <= permissions_of(by.roles):
        problems = [Problem("roles", "You can only give roles that allow no more than your own.")]
    return wanted, problems


def _by_email(session: Session, email: str) -> User | None:
    return session.exec(select(User).where(User.email == email)).first()


def _get(session: Session, by: Actor, user_id: str) -> User:
    user = session.get(User, user_id)
    if user is None or user.workspace_id != by.workspace_id:
        raise NotFound("There is no such person here.")
    return user


def _nobody_yet(session: Session) -> None:
    if session.exec(select(User.id).limit(1)).first() is not None:
        raise Conflict("Signalbox is set up already.", hint="Sign in, or ask an administrator for an account.")


def _keep_an_admin(session: Session, by: Actor) -> None:
    session.flush()
    active = session.exec(select(User).where(User.workspace_id == by.workspace_id, col(User.disabled_at).is_(None)))
    if not any(Role.ADMIN in fields.kept_roles(user.roles) for user in active):
        raise Conflict("Somebody has to stay administrator.", hint="Make somebody else an administrator first.")


def _end_sessions(session: Session, user_id: str) -> None:
    session.exec(delete(UserSession).where(col(UserSession.user_id) == user_id))


def _view(user: User) -> UserView:
    return UserView(
        id=user.id,
        email=user.email,
        name=user.name,
        roles=fields.kept_roles(user.roles),
        created_at=user.created_at,
        disabled_at=user.disabled_at,
        has_password=user.password_hash is not None,
    )
