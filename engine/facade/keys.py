"""Secrets: stored encrypted, used inside the engine, never told to anybody again."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, select

from engine.clock import iso
from engine.errors import NotFound
from engine.facade.naming import names_of
from engine.facade.settings_views import SecretView
from engine.jsonvalue import canonical
from engine.llm.catalog import key_from_environment, key_names, keyed_providers, provider_keys, provider_of_key
from engine.people.permissions import MAIN_WORKSPACE, Actor, Permission, require
from engine.people.records import Problem, Records, refuse
from engine.security.destinations import MOST_HOSTS, pattern, patterns
from engine.security.egress import Grant
from engine.security.redact import Redactor
from engine.security.secrets import MasterKey, Sealed, SecretBox
from engine.security.webheaders import HEADER_NAME, OURS
from engine.storage.tables import Secret

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,79}")
MOST_CHARACTERS = 8_192


@dataclass(frozen=True, slots=True)
class _Kept:
    id: str
    version: int
    sealed: Sealed
    hosts: tuple[str, ...]
    header: str


class KeyRing:
    """The secrets of the workspace as the engine uses them: kept encrypted in memory too, opened at each use."""

    def __init__(self, records: Records, key: MasterKey) -> None:
        self._records, self._box = records, SecretBox(key)
        self._kept: dict[str, _Kept] = {}
        self.redactor = Redactor()
        """Knows every value that was opened since the start."""

    def load(self) -> None:
        """Reads what is stored; to be called after every change. Blocks."""
        with self._records.reading() as session:
            rows = session.exec(select(Secret).where(Secret.workspace_id == MAIN_WORKSPACE)).all()
        # One assignment: calls on other threads see the old ones or the new ones.
        self._kept = {row.name: _kept(row) for row in rows}

    def value(self, name: str) -> str | None:
        """The value of a secret, None if there is none. ConfigInvalid if it cannot be opened."""
        kept = self._kept.get(name)
        if kept is None:
            return None
        terms = _terms(kept.hosts, kept.header)
        value = self._box.open(kept.sealed, workspace_id=MAIN_WORKSPACE, secret_id=kept.id, version=kept.version, terms=terms)
        self.redactor.know([value])
        return value

    def grant(self, name: str) -> Grant | None:
        """A secret with the hosts that it may go to, None if there is none. Never one from the environment."""
        kept, value = self._kept.get(name), self.value(name)
        return None if kept is None or value is None else Grant(value, patterns(kept.hosts), kept.header)

    def key_for(self, provider: str) -> str | None:
        """The key of a model provider: what was stored here goes before what the environment says."""
        stored = next((value for name in key_names(provider) if (value := self.value(name))), None)
        key = stored or key_from_environment(provider)
        self.redactor.know([key] if key else [])
        return key

    def seal(self, value: str, *, secret_id: str, version: int, hosts: Sequence[str], header: str) -> Sealed:
        """The value as a row keeps it."""
        terms = _terms(hosts, header)
        return self._box.seal(value, workspace_id=MAIN_WORKSPACE, secret_id=secret_id, version=version, terms=terms)


class Secrets:
    """Every call takes the actor first and checks its permission; none ever answers with a value. All methods block."""

    def __init__(self, records: Records, ring: KeyRing) -> None:
        self._records, self._ring = records, ring

    def list(self, actor: Actor) -> list[SecretView]:
        """The names of all secrets, and of the providers' keys that the environment holds."""
        require(actor, Permission.SECRET_LIST)
        outside = {name for name, is_set in provider_keys() if is_set}
        with self._records.reading() as session:
            rows = session.exec(select(Secret).where(Secret.workspace_id == actor.workspace_id).order_by(col(Secret.name))).all()
            names = names_of(session, {row.created_by for row in rows})
        stored = [_view(row, outside, names) for row in rows]
        known = {view.name for view in stored}
        return stored + [_from_environment(name) for name in sorted(outside - known)]

    def providers(self, actor: Actor) -> list[tuple[str, str]]:
        """The model providers that Signalbox knows, each with the name of its key."""
        require(actor, Permission.SECRET_LIST)
        return keyed_providers()

    def put(
        self, actor: Actor, name: str, *, value: str, hosts: Sequence[str] | None = None, header: str | None = None
    ) -> SecretView:  # fmt: skip
        """Stores a secret, or another value in its place. Invalid for what cannot be kept.

        `hosts` and `header` say where steps may send it; None keeps what is stored. They change only together with the value: else
        whoever manages secrets could have one sent to a host of theirs, and it would not be write-only.
        """
        require(actor, Permission.SECRET_MANAGE)
        name, value = name.strip(), value.strip()
        refuse([*_name_problems(name), *_value_problems(value), *_host_problems(hosts or ()), *_header_problems(header or "")])
        now = self._records.clock.now_us()
        with self._records.writing() as session:
            row = _find(session, actor, name)
            action = "secret.replace" if row else "secret.add"
            secret_id, version = (row.id, row.version + 1) if row else (self._records.ids.new("secret"), 1)
            row = row or _new(actor, secret_id, name, now)
            row.allowed_hosts = row.allowed_hosts if hosts is None else [str(pattern(host)) for host in hosts]
            row.header = row.header if header is None else header.strip()
            sealed = self._ring.seal(value, secret_id=secret_id, version=version, hosts=row.allowed_hosts, header=row.header)
            row.key_id, row.nonce, row.ciphertext, row.version = sealed.key_id, sealed.nonce, sealed.ciphertext, version
            # Of the value that stands here now: who had entered the one before is in the audit log.
            row.created_by, row.updated_at = actor.user_id or actor.label, now
            session.add(row)
            self._records.tell(session, actor, action=action, subject=secret_id, details=_audited(row))
            view = _view(row, {name for name, is_set in provider_keys() if is_set}, names_of(session, {row.created_by}))
        self._ring.load()
        return view

    def remove(self, actor: Actor, name: str) -> None:
        """Forgets a secret at once. NotFound if it is not stored here."""
        require(actor, Permission.SECRET_MANAGE)
        with self._records.writing() as session:
            row = _find(session, actor, name)
            if row is None:
                raise NotFound(
                    "There is no such secret here.", hint="A key from the environment is removed there, and Signalbox restarted."
                )
            session.delete(row)
            self._records.tell(session, actor, action="secret.remove", subject=row.id, details={"name": row.name})
        self._ring.load()


def _kept(row: Secret) -> _Kept:
    return _Kept(row.id, row.version, Sealed(row.key_id, row.nonce, row.ciphertext), tuple(row.allowed_hosts), row.header)


def _terms(hosts: Sequence[str], header: str) -> str:
    """What the cipher binds a value to beside its row; empty where steps may not use it."""
    return canonical({"hosts": list(hosts), "header": header}).decode() if hosts or header else ""


def _audited(row: Secret) -> dict[str, object]:
    told: dict[str, object] = {"name": row.name, "version": row.version}
    return told | {"hosts": row.allowed_hosts} if row.allowed_hosts else told


def _new(actor: Actor, secret_id: str, name: str, now: int) -> Secret:
    return Secret(
        id=secret_id,
        workspace_id=actor.workspace_id,
        name=name,
        key_id="",
        nonce=b"",
        ciphertext=b"",
        created_by="",
        created_at=now,
        updated_at=now,
    )


def _find(session: Session, actor: Actor, name: str) -> Secret | None:
    return session.exec(select(Secret).where(Secret.workspace_id == actor.workspace_id, Secret.name == name)).first()


def _view(row: Secret, outside: set[str], names: dict[str, str]) -> SecretView:
    return SecretView(
        name=row.name,
        provider=provider_of_key(row.name),
        source="stored",
        is_in_environment=row.name in outside or bool(os.environ.get(row.name, "").strip()),
        hosts=row.allowed_hosts,
        header=row.header,
        updated_at=iso(row.updated_at),
        updated_by=names.get(row.created_by, row.created_by),
    )


def _from_environment(name: str) -> SecretView:
    return SecretView(name=name, provider=provider_of_key(name), source="environment", is_in_environment=True)


def _name_problems(name: str) -> list[Problem]:
    if NAME.fullmatch(name):
        return []
    return [Problem("name", "A name starts with a letter and has letters, digits, `_`, `-` and `.` only, at most 80.")]


def _value_problems(value: str) -> list[Problem]:
    if not value:
        return [Problem("value", "Enter the key.")]
    if len(value) > MOST_CHARACTERS:
        return [Problem("value", f"At most {MOST_CHARACTERS:,} characters can be kept.")]
    # A line break or another control character in a key would end up in a header of the provider's request.
    if any(ord(character) < 32 or ord(character) == 127 for character in value):
        return [Problem("value", "A key is one line. Copy it again, without line breaks.")]
    return []


def _host_problems(hosts: Sequence[str]) -> list[Problem]:
    if len(hosts) > MOST_HOSTS:
        return [Problem("hosts", f"At most {MOST_HOSTS} hosts can be named.")]
    found: list[Problem] = []
    for host in hosts:
        try:
            pattern(host)
        except ValueError as error:
            found.append(Problem("hosts", f"{error}."))
    return found


def _header_problems(header: str) -> list[Problem]:
    name = header.strip()
    if not name or (HEADER_NAME.fullmatch(name) and name.lower() not in OURS):
        return []
    return [Problem("header", "This cannot be the name of a header. Leave it empty for “Authorization: Bearer …”.")]
