"""Which texts mean something near: an exact index of the vectors of one workspace, and the one door for faiss.

Derived: SQL holds the vectors. A shard carries the number of the last change that it knows and catches up before each search; its file only
spares the first one the reading, and one that is missing, torn or changed by a bit is made anew.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FORMAT = 1
QUANTIZED_ABOVE = 200_000
"""Vectors of a shard: above it eight bits stand for each number, a quarter of the memory for 1.6 % of the neighbours."""
REBUILT_AT = 0.1
"""Share of dead places at which the shard is packed."""
_META = np.dtype([("id", "<i8"), ("scope", "<i4"), ("store", "<i2"), ("level", "<i2"), ("shut", "<i2"), ("at", "<i8")])

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Entry:
    """A text with its vector, and what it may be filtered by."""

    id: int
    scope_key: str
    store: str
    sensitivity: int
    is_quarantined: bool
    at_us: int
    vector: NDArray[np.float16]


@dataclass(slots=True)
class Shard:
    """The vectors of a workspace. Not safe to be used by two threads at a time."""

    dimension: int
    model: str
    applied_seq: int = 0
    _scopes: dict[str, int] = field(default_factory=dict)
    _stores: dict[str, int] = field(default_factory=dict)
    _meta: NDArray[Any] = field(default_factory=lambda: np.zeros(0, _META))
    _half: NDArray[np.float16] = field(default_factory=lambda: np.zeros((0, 1), np.float16))
    _place: dict[int, int] = field(default_factory=dict)
    _size: int = 0
    _dead: int = 0
    _index: Any = None

    def __len__(self) -> int:
        return len(self._place)

    def apply(self, put: Iterable[Entry], drop: Iterable[int], *, seq: int) -> None:
        """Takes texts in, in place of what it knows under their ids, and others out; then it knows all changes up to `seq`."""
        entries = list(put)
        for gone in (*drop, *(entry.id for entry in entries)):
            if (place := self._place.pop(gone, None)) is not None:
                self._meta["id"][place], self._dead = -1, self._dead + 1
        if entries:
            self._append(entries)
        self.applied_seq = seq
        if self._dead > max(64, REBUILT_AT * self._size):
            self._pack()

    def search(
        self, query: Vectors, k: int, *, scopes: Iterable[str], stores: Iterable[str], clearance: int, since_us: int, until_us: int
    ) -> list[tuple[int, float]]:
        """(id, likeness) of the nearest that the filter lets through, the nearest first. Exact."""
        open_ = self._mask(scopes, stores, clearance, since_us, until_us)
        number = int(open_.sum())
        if not number:
            return []
        faiss = _faiss()
        # Where everything is open no place has to be asked for.
        bits = None if number == self._size else np.packbits(open_, bitorder="little")
        wanted = None if bits is None else faiss.SearchParameters(sel=faiss.IDSelectorBitmap(bits))
        scores, places = self._built().search(query.reshape(1, -1).astype(np.float32), min(k, number), params=wanted)
        return [(int(self._meta["id"][place]), float(score)) for place, score in zip(places[0], scores[0], strict=True) if place >= 0]

    def likeness(self, query: Vectors, ids: Sequence[int]) -> dict[int, float]:
        """Of those of these texts that have a vector."""
        known = [(each, self._place[each]) for each in ids if each in self._place]
        if not known:
            return {}
        rows = self._half[[place for _, place in known]].astype(np.float32)
        return dict(zip((each for each, _ in known), (rows @ query.astype(np.float32)).tolist(), strict=True))

    def ids(self) -> set[int]:
        """Every text that it knows."""
        return set(self._place)

    def vector(self, text_id: int) -> NDArray[np.float16]:
        """What it knows of a text. KeyError."""
        return self._half[self._place[text_id]]

    def save(self, path: Path) -> None:
        """Writes it beside and then in the place of what was: whoever reads sees one or the other."""
        self._pack()
        body = self._meta[: self._size].tobytes() + self._half[: self._size].tobytes()
        head = {"format": FORMAT, "model": self.model, "dimension": self.dimension, "applied_seq": self.applied_seq, "rows": self._size}
        head |= {"scopes": list(self._scopes), "stores": list(self._stores), "sha256": hashlib.sha256(body).hexdigest()}
        line = json.dumps(head).encode()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(hashlib.sha256(line).hexdigest().encode() + b"\n" + line + b"\n" + body)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)

    @classmethod
    def load(cls, path: Path, *, model: str, dimension: int) -> Shard | None:
        """What the file holds; None where there is none, it is damaged, or it is of another model."""
        try:
            raw = path.read_bytes()
            digest, line, body = raw.split(b"\n", 2)
            if hashlib.sha256(line).hexdigest().encode() != digest:
                return None
            head = json.loads(line)
            rows, width = head["rows"], head["rows"] * _META.itemsize
            fits = (head["format"], head["model"], head["dimension"]) == (FORMAT, model, dimension)
            if not fits or hashlib.sha256(body).hexdigest() != head["sha256"]:
                return None
            meta = np.frombuffer(body[:width], _META).copy()
            half = np.frombuffer(body[width:], np.float16).reshape(rows, dimension).copy()
        except (OSError, ValueError, KeyError):
            return None
        shard = cls(dimension, model, head["applied_seq"])
        shard._scopes = {name: number for number, name in enumerate(head["scopes"])}
        shard._stores = {name: number for number, name in enumerate(head["stores"])}
        shard._meta, shard._half, shard._size = meta, half, rows
        shard._place = {int(text_id): place for place, text_id in enumerate(meta["id"])}
        return shard

    def _append(self, entries: Sequence[Entry]) -> None:
        number = len(entries)
        self._grow(self._size + number)
        here = slice(self._size, self._size + number)
        for name, values in (
            ("id", [entry.id for entry in entries]),
            ("scope", [self._scopes.setdefault(entry.scope_key, len(self._scopes)) for entry in entries]),
            ("store", [self._stores.setdefault(entry.store, len(self._stores)) for entry in entries]),
            ("level", [entry.sensitivity for entry in entries]),
            ("shut", [int(entry.is_quarantined) for entry in entries]),
            ("at", [entry.at_us for entry in entries]),
        ):
            self._meta[name][here] = values
        self._half[here] = np.stack([entry.vector for entry in entries])
        self._place |= {entry.id: self._size + place for place, entry in enumerate(entries)}
        self._size += number
        if self._index is not None:
            self._index.add(self._half[here].astype(np.float32))

    def _grow(self, size: int) -> None:
        if self._half.shape[1] != self.dimension:
            self._half = np.zeros((0, self.dimension), np.float16)
        if size > len(self._meta):
            room = max(1_024, size, len(self._meta) * 2)
            meta, half = np.zeros(room, _META), np.zeros((room, self.dimension), np.float16)
            meta[: self._size], half[: self._size] = self._meta[: self._size], self._half[: self._size]
            self._meta, self._half = meta, half

    def _pack(self) -> None:
        alive = np.flatnonzero(self._meta["id"][: self._size] >= 0)
        if len(alive) == self._size:
            return
        self._meta, self._half, self._size, self._dead, self._index = self._meta[alive], self._half[alive], len(alive), 0, None
        self._place = {int(text_id): place for place, text_id in enumerate(self._meta["id"])}

    def _mask(self, scopes: Iterable[str], stores: Iterable[str], clearance: int, since_us: int, until_us: int) -> NDArray[np.bool_]:
        meta = self._meta[: self._size]
        seen = [self._scopes[key] for key in scopes if key in self._scopes]
        kinds = [self._stores[name] for name in stores if name in self._stores]
        open_ = (meta["id"] >= 0) & (meta["level"] <= clearance) & (meta["shut"] == 0)
        open_ &= np.isin(meta["scope"], seen) & np.isin(meta["store"], kinds)
        return open_ & (meta["at"] >= since_us) & (meta["at"] < until_us)

    def _built(self) -> Any:
        if self._index is None:
            faiss = _faiss()
            rows = self._half[: self._size].astype(np.float32)
            if self._size > QUANTIZED_ABOVE:
                self._index = faiss.IndexScalarQuantizer(self.dimension, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT)
                self._index.train(rows)
            else:
                self._index = faiss.IndexFlatIP(self.dimension)
            self._index.add(rows)
        return self._index


def _faiss() -> Any:
    # Only where something is looked for by its meaning: the import takes 0.2 s.
    faiss: Any = import_module("faiss")
    faiss.omp_set_num_threads(1)
    return faiss
