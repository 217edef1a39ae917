"""Keeps what texts mean: vectors in SQL made beside, and for each workspace a shard of them that catches up before it is asked."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlmodel import Session, col, func, select

from engine.memory.embed import Vector
from engine.memory.texts import Sessions, meaning_of
from engine.memory.vector_index import Entry, Shard
from engine.storage.tables import MemoryChange, MemoryText, MemoryVector

SAVED_AFTER = 5_000
"""Changes after which a shard is written again: what is behind its file is read from SQL at the next start."""
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Unknown:
    """A text without a vector of its words."""

    id: int
    workspace_id: str
    words: str
    meaning_sha: str


class Meanings:
    """Every workspace's vectors and shards, for one model. Safe from any thread; blocks."""

    def __init__(self, db: Sessions, folder: Path, *, model: str, dimension: int) -> None:
        self._db, self._folder = db, folder
        self.model, self._dimension = model, dimension
        self._shards: dict[str, Shard] = {}
        self._saved: dict[str, int] = {}
        self._lock = threading.RLock()

    def unknown(self, after: int, limit: int) -> tuple[list[Unknown], int]:
        """Texts among the changes behind `after` that have no vector of their words, and up to which change that says it all."""
        with self._db.reading() as session:
            top = session.exec(select(func.max(MemoryChange.seq))).one() or 0
            if top <= after:
                return [], after
            fits = (col(MemoryVector.text_id) == MemoryText.id) & (MemoryVector.model == self.model)
            fits &= col(MemoryVector.meaning_sha) == MemoryText.meaning_sha
            wanted = select(MemoryText).join(MemoryVector, fits, isouter=True).where(col(MemoryVector.text_id).is_(None))
            if after:
                recent = select(MemoryChange.text_id).where(col(MemoryChange.seq) > after, MemoryChange.op == "put")
                wanted = wanted.where(col(MemoryText.id).in_(recent))
            rows = session.exec(wanted.order_by(col(MemoryText.id)).limit(limit + 1)).all()
        found = [Unknown(row.id or 0, row.workspace_id, meaning_of(row.stamp, row.lead, row.text), row.meaning_sha) for row in rows[:limit]]
        return found, top if len(rows) <= limit else after

    def keep(self, texts: Sequence[Unknown], vectors: Sequence[Vector], *, now_us: int) -> int:
        """Keeps the vectors of those texts that are still there with the same words; how many."""
        with self._db.writing() as session:
            there = _there(session, [each.id for each in texts])
            # What has changed or gone while it was worked out is left alone.
            kept = [pair for pair in zip(texts, vectors, strict=True) if there.get(pair[0].id) == pair[0].meaning_sha]
            if kept:
                told = [
                    {"id": each.id, "model": self.model, "workspace": each.workspace_id, "sha": each.meaning_sha, "at": now_us,
                     "vector": np.asarray(vector, np.float16).tobytes()}
                    for each, vector in kept
                ]  # fmt: skip
                session.execute(text(_KEEP), told)
                session.execute(text(_TELL), told)
        return len(kept)

    def nearest(
        self, workspaces: Iterable[str], query: Vector, k: int, *, scopes: Iterable[str], stores: Iterable[str], clearance: int,
        since_us: int, until_us: int,
    ) -> list[tuple[int, float]]:  # fmt: skip
        """(text id, likeness) of the nearest in these workspaces, the nearest first."""
        keys, names = list(scopes), list(stores)
        with self._lock:
            found = [
                pair
                for workspace in workspaces
                for pair in self.shard(workspace).search(
                    query, k, scopes=keys, stores=names, clearance=clearance, since_us=since_us, until_us=until_us
                )
            ]
        return sorted(found, key=lambda pair: (-pair[1], pair[0]))[:k]

    def likeness(self, workspaces: Iterable[str], query: Vector, ids: Sequence[int]) -> dict[int, float]:
        """Of those texts that have a vector."""
        found: dict[int, float] = {}
        with self._lock:
            for workspace in workspaces:
                found |= self.shard(workspace).likeness(query, ids)
        return found

    def shard(self, workspace_id: str) -> Shard:
        """The shard of a workspace, knowing every change that is committed."""
        with self._lock:
            shard = self._shards.get(workspace_id)
            if shard is None:
                loaded = Shard.load(self.file(workspace_id), model=self.model, dimension=self._dimension)
                shard = self._shards[workspace_id] = loaded or Shard(self._dimension, self.model)
                self._saved[workspace_id] = shard.applied_seq
            self._catch_up(workspace_id, shard)
            return shard

    def forget_files(self, workspace_id: str) -> None:
        """The shard and its file are made anew from SQL at the next question."""
        with self._lock:
            self._shards.pop(workspace_id, None)
            self.file(workspace_id).unlink(missing_ok=True)

    def save(self) -> None:
        """Writes every shard that knows more than its file."""
        with self._lock:
            for workspace_id, shard in self._shards.items():
                self._save(workspace_id, shard)

    def file(self, workspace_id: str) -> Path:
        """Where its shard is kept; the name tells nothing and holds no sign that a file's name cannot."""
        return self._folder / f"{blake2b(workspace_id.encode(), digest_size=8).hexdigest()}.vectors"

    def check(self, workspace_id: str) -> list[str]:
        """What of the file and the shard does not agree with SQL, in words; empty: all is well."""
        path, problems = self.file(workspace_id), list[str]()
        if path.exists() and Shard.load(path, model=self.model, dimension=self._dimension) is None:
            problems.append(f"the file {path.name} is damaged or of another model")
        with self._lock, self._db.reading() as session:
            shard = self.shard(workspace_id)
            known = {entry.id: entry.vector for entry in _entries(session, workspace_id, self.model, None)}
            if missing := known.keys() - shard.ids():
                problems.append(f"{len(missing)} texts are missing in the index")
            if foreign := shard.ids() - known.keys():
                problems.append(f"{len(foreign)} texts stand in the index that are gone")
            if wrong := sum(not np.array_equal(shard.vector(each), known[each]) for each in known.keys() & shard.ids()):
                problems.append(f"{wrong} texts have another vector in the index")
        return problems

    def _catch_up(self, workspace_id: str, shard: Shard) -> None:
        with self._db.reading() as session:
            top = session.exec(select(func.max(MemoryChange.seq))).one() or 0
            if top == shard.applied_seq:
                return
            if top < shard.applied_seq or not shard.applied_seq:
                # Nothing of it is known, or it knows what never was: another database stands here now.
                shard.apply(_entries(session, workspace_id, self.model, None), list(shard.ids()), seq=top)
            else:
                wanted = select(MemoryChange.text_id).where(
                    col(MemoryChange.seq) > shard.applied_seq, MemoryChange.workspace_id == workspace_id
                )
                changed = sorted(set(session.exec(wanted).all()))
                shard.apply(_entries(session, workspace_id, self.model, changed), changed, seq=top)
        if shard.applied_seq - self._saved.get(workspace_id, 0) >= SAVED_AFTER:
            self._save(workspace_id, shard)

    def _save(self, workspace_id: str, shard: Shard) -> None:
        if shard.applied_seq != self._saved.get(workspace_id):
            shard.save(self.file(workspace_id))
            self._saved[workspace_id] = shard.applied_seq


_KEEP = """
INSERT OR REPLACE INTO memory_vectors (text_id, model, workspace_id, meaning_sha, vector) VALUES (:id, :model, :workspace, :sha, :vector)
"""
_TELL = "INSERT INTO memory_changes (workspace_id, text_id, op, at) VALUES (:workspace, :id, 'vector', :at)"


def _there(session: Session, ids: Sequence[int]) -> dict[int, str]:
    rows = session.exec(select(MemoryText.id, MemoryText.meaning_sha).where(col(MemoryText.id).in_(ids))).all()
    return {text_id or 0: sha for text_id, sha in rows}


_JOINED = """
SELECT t.id, t.scope_key, t.store, t.sensitivity, t.is_quarantined, t.at, v.vector
FROM memory_texts t JOIN memory_vectors v ON v.text_id = t.id AND v.model = :model AND v.meaning_sha = t.meaning_sha
WHERE t.workspace_id = :workspace
"""


def _entries(session: Session, workspace_id: str, model: str, ids: Sequence[int] | None) -> list[Entry]:
    """Texts with a vector of their words: these, or all of the workspace."""
    told = {"model": model, "workspace": workspace_id}
    if ids is None:
        rows = session.execute(text(_JOINED + " ORDER BY t.id"), told).all()
    else:
        rows = []
        for start in range(0, len(ids), _AT_ONCE):
            some = ", ".join(str(int(each)) for each in ids[start : start + _AT_ONCE])
            rows += session.execute(text(f"{_JOINED} AND t.id IN ({some}) ORDER BY t.id"), told).all()
    return [Entry(row[0], row[1], row[2], row[3], bool(row[4]), row[5], _half(row[6])) for row in rows]


def _half(raw: bytes) -> NDArray[np.float16]:
    return np.frombuffer(raw, np.float16)
