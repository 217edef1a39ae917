"""Keeps secrets encrypted: the key of this installation, and what it seals.

AES-256-GCM with a random 96-bit nonce (NIST SP 800-38D). Each ciphertext is bound to its row by the associated data
`workspace|secret id|version` and what it may be used for, so that nobody can swap two rows of the database, bring an old
one back, or send a secret to a host that it was not stored for by changing its row.
"""

from __future__ import annotations

import hmac
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from engine.errors import Bug, ConfigInvalid

KEY_NAME = "secret.key"
_NONCE_BYTES = 12


@dataclass(frozen=True)
class MasterKey:
    """The key of this installation; never used itself, only what is derived from it."""

    key: bytes = field(repr=False)

    @property
    def id(self) -> str:
        """Names the key without telling anything about it."""
        return self.derive("key id")[:8].hex()

    def derive(self, purpose: str) -> bytes:
        """A 32-byte key for one purpose: HMAC-SHA256 as the expand step of HKDF (RFC 5869)."""
        return hmac.digest(self.key, b"signalbox/" + purpose.encode() + b"\x01", "sha256")


def open_key(home: Path, *, key_file: Path | None = None) -> MasterKey:
    """The key in `key_file`, or else the one in `home`, which is made at the first start. ConfigInvalid if it cannot be used."""
    if key_file is not None:
        return _read_key(key_file, "SIGNALBOX_KEY_FILE")
    path = home / KEY_NAME
    if not path.exists():
        _make_key(path)
    return _read_key(path, "the key file")


def _read_key(path: Path, name: str) -> MasterKey:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        text = path.read_bytes()[:200].decode("ascii", "replace").strip()
    except OSError as error:
        raise ConfigInvalid(
            f"{name} ({path}) cannot be read: {error.strerror}.",
            hint="Name a file that this user can read, or make one with `openssl rand -hex 32`.",
        ) from None
    if mode & 0o007 or mode & 0o020:
        raise ConfigInvalid(f"{name} ({path}) is open to other users of this machine.", hint=f"Run `chmod 400 {path}` and start again.")
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise ConfigInvalid(
            f"{name} ({path}) does not hold a key.",
            hint="It must hold 64 characters, as `openssl rand -hex 32` prints them. Restore it from a backup if it had one.",
        )
    return MasterKey(key)


def _make_key(path: Path) -> None:
    # Written beside and then linked: after a crash there is a whole key or none, and of two processes one wins.
    beside = path.with_name(f"{path.name}.{os.getpid()}.new")
    beside.unlink(missing_ok=True)
    file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o400)
    try:
        os.write(file, os.urandom(32).hex().encode() + b"\n")
        os.fsync(file)
    finally:
        os.close(file)
    try:
        os.link(beside, path)
    except FileExistsError:
        pass
    finally:
        beside.unlink()
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@dataclass(frozen=True)
class Sealed:
    """An encrypted secret as its row keeps it."""

    key_id: str
    nonce: bytes
    ciphertext: bytes


class SecretBox:
    """Seals and opens secrets with one key."""

    def __init__(self, key: MasterKey) -> None:
        self._key_id = key.id
        self._cipher = AESGCM(key.derive("secrets"))

    def seal(self, value: str, *, workspace_id: str, secret_id: str, version: int, terms: str = "") -> Sealed:
        """The value, encrypted for exactly this row, version and use."""
        nonce = os.urandom(_NONCE_BYTES)
        bound_to = _associated_data(workspace_id, secret_id, version, terms)
        return Sealed(key_id=self._key_id, nonce=nonce, ciphertext=self._cipher.encrypt(nonce, value.encode(), bound_to))

    def open(self, sealed: Sealed, *, workspace_id: str, secret_id: str, version: int, terms: str = "") -> str:
        """The value. ConfigInvalid if another key sealed it, or if the row is not the one that it was sealed for."""
        if sealed.key_id != self._key_id:
            raise ConfigInvalid(
                f"The secret {secret_id} was encrypted with another key ({sealed.key_id}; this one is {self._key_id}).",
                hint="Restore the key file that belongs to this database, or enter the secret again.",
            )
        try:
            bound_to = _associated_data(workspace_id, secret_id, version, terms)
            return self._cipher.decrypt(sealed.nonce, sealed.ciphertext, bound_to).decode()
        except (InvalidTag, ValueError):
            raise ConfigInvalid(
                f"The secret {secret_id} was changed behind Signalbox's back and cannot be used.",
                hint="Enter the secret again, and look at the audit log.",
            ) from None


def _associated_data(workspace_id: str, secret_id: str, version: int, terms: str) -> bytes:
    if "|" in workspace_id or "|" in secret_id:
        raise Bug("An id that holds a | would make two rows look the same to the cipher.")
    # Without terms as ever: what was sealed before there were any stays readable.
    return f"{workspace_id}|{secret_id}|{version}{'|' if terms else ''}{terms}".encode()
