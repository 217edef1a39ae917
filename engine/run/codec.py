"""Events to journal rows and back; values above 32 kB are kept beside, under their hash."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import msgspec

from engine.errors import Bug
from engine.jsonvalue import dumps, loads_kept
from engine.run import events
from engine.storage.journal import Row

BLOB_BYTES = 32 * 1024
_SPLIT = ("outputs", "inputs", "output", "card", "pins")
Blobs = list[tuple[str, bytes]]


def to_row(event: events.Event, *, seq: int, at: int, path: str, attempt: int, blobs: Blobs) -> Row:
    """The row of an event; large values are appended to `blobs`."""
    payload = events.encode(event)
    if len(payload) > BLOB_BYTES:
        payload = events.encode(_without_large(event, blobs))
    return Row(seq, at, events.kind_of(event), path, attempt, payload)


def _without_large(event: events.Event, blobs: Blobs) -> events.Event:
    moved: dict[str, str] = {}
    changed: dict[str, Any] = {}
    for name in _SPLIT:
        values = getattr(event, name, None)
        if not values:
            continue
        kept = dict(values)
        for key, value in values.items():
            body = dumps(value)
            if len(body) > BLOB_BYTES:
                digest = hashlib.sha256(body).hexdigest()
                blobs.append((digest, body))
                moved[f"{name}/{key}"] = digest
                kept[key] = None
        changed[name] = kept
    return msgspec.structs.replace(event, blobs=moved, **changed)


def from_row(row: Row, read_blob: Callable[[str], bytes | None]) -> events.Event:
    """The event of a row, large values put back. Raises Bug when it cannot be read or a blob is gone."""
    try:
        event = events.decode(row.payload)
    except msgspec.DecodeError as error:
        raise Bug(f"Journal row {row.seq} cannot be read: {error}", hint="Restore the database from a backup.") from error
    if not event.blobs:
        return event
    changed: dict[str, Any] = {}
    for place, digest in event.blobs.items():
        name, key = place.split("/", 1)
        body = read_blob(digest)
        if body is None:
            raise Bug(f"The value {digest} of journal row {row.seq} is gone.", hint="Restore the database from a backup.")
        changed.setdefault(name, dict(getattr(event, name)))[key] = loads_kept(body)
    return msgspec.structs.replace(event, blobs={}, **changed)
