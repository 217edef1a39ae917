"""Which vector stands for the meaning of a text; the one door for onnxruntime and tokenizers."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import OrderedDict, deque
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b, file_digest
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.errors import Bug

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

MODEL_FOLDER = Path(__file__).parent / "minilm"
DIMENSION = 384
MAX_TEXTS_PER_BATCH = 32
# Padded tokens of one run of the model; larger runs were no faster and took 90 MB more.
MAX_TOKENS_PER_RUN = 512
# The model reads 256 tokens, seldom more than 2,000 characters: a pasted book must not be tokenized to its end.
MAX_CHARACTERS = 20_000
MAX_CACHED_VECTORS = 4_096

Vector = NDArray[np.float32]
Key = bytes  # of a text in the cache


@dataclass(frozen=True, slots=True)
class _Fingerprint:
    """What fingerprint.json says about the files beside it."""

    name: str
    max_tokens: int
    sha256: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Order:
    """Texts of one caller, at most a batch, and where their vectors go."""

    texts: dict[Key, str]
    done: Future[dict[Key, Vector]]


class Embedder:
    """Turns texts into vectors in one worker thread of its own; may be used from any thread and any event loop.

    The model is loaded at the first use (0.2 s and 75 MB; up to 150 MB while it works). What is ordered while a batch runs
    forms the next batch; a long list is ordered a batch at a time, so that a single text never waits behind a whole document.
    A text's vector does not depend on the texts beside it.
    """

    def __init__(self, folder: Path = MODEL_FOLDER) -> None:
        self._folder = folder
        self._lock = threading.Lock()  # guards the three below; held for moments only
        self._cache: OrderedDict[Key, Vector] = OrderedDict()
        self._orders: deque[_Order] = deque()
        self._closed = False
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="embedder")
        self._model: _Model | None = None  # touched by the worker thread only

    @cached_property
    def model_id(self) -> str:
        """Changes with the vectors; stored beside each of them, since vectors of two models must never be compared. Raises `Bug`."""
        fingerprint = _read_fingerprint(self._folder)
        return f"{fingerprint.name}@{fingerprint.sha256['model.onnx'][:12]}"

    async def embed(self, texts: Sequence[str]) -> Vector:
        """One vector for each text, in their order: float32, shape (n, 384), each of length 1.

        The dot product of two rows is their cosine similarity. Texts are read up to 256 tokens; the empty text has a
        vector too; lone surrogates count as `?`. Raises `Bug` if the model's files are missing or not the ones of this
        version, after `close()`, and if given one str instead of a list.
        """
        if isinstance(texts, str):
            raise Bug("embed() takes a list of texts, not one text.")
        wanted = [_key_and_text(text) for text in texts]
        found = self._cached(key for key, _ in wanted)
        # Neighbours in length share a batch, so little of it is padding.
        missing = sorted(((key, text) for key, text in dict(wanted).items() if key not in found), key=lambda item: len(item[1]))
        for start in range(0, len(missing), MAX_TEXTS_PER_BATCH):
            batch = dict(missing[start : start + MAX_TEXTS_PER_BATCH])
            found |= await asyncio.wrap_future(self._order(batch))
        rows = [found[key] for key, _ in wanted]
        return np.stack(rows) if rows else np.empty((0, DIMENSION), dtype=np.float32)

    def close(self) -> None:
        """Ends the worker thread after the batch that runs now (blocks that long); who still waits gets a `Bug`. May be repeated."""
        with self._lock:
            self._closed = True
            left, self._orders = self._orders, deque()
        for order in left:
            if order.done.set_running_or_notify_cancel():
                order.done.set_exception(Bug("The embedder is closed."))
        self._worker.shutdown(wait=True)
        self._model = None

    def _order(self, texts: dict[Key, str]) -> Future[dict[Key, Vector]]:
        order = _Order(texts, Future())
        with self._lock:
            if self._closed:
                raise Bug("The embedder is closed.")
            self._orders.append(order)
            # One turn for each order; a turn takes all that waits, so later turns often find nothing to do.
            self._worker.submit(self._turn)
        return order.done

    def _turn(self) -> None:
        if not (orders := self._take_batch()):
            return
        try:
            vectors = self._vectors({key: text for order in orders for key, text in order.texts.items()})
        except Exception as error:
            for order in orders:
                order.done.set_exception(error)
            return
        for order in orders:
            order.done.set_result({key: vectors[key] for key in order.texts})

    def _take_batch(self) -> list[_Order]:
        orders: list[_Order] = []
        texts = 0
        with self._lock:
            while self._orders and texts + len(self._orders[0].texts) <= MAX_TEXTS_PER_BATCH:
                order = self._orders.popleft()
                # A caller that was cancelled while it waited costs nothing.
                if order.done.set_running_or_notify_cancel():
                    orders.append(order)
                    texts += len(order.texts)
        return orders

    def _vectors(self, texts: dict[Key, str]) -> dict[Key, Vector]:
        # Looked up again: two callers may have ordered the same text at the same time.
        found = self._cached(texts)
        missing = {key: text for key, text in texts.items() if key not in found}
        if missing:
            if self._model is None:
                self._model = _Model(self._folder)
            # Copies, so that one cached row does not keep its whole batch.
            fresh = {key: row.copy() for key, row in zip(missing, self._model.vectors(list(missing.values())), strict=True)}
            self._remember(fresh)
            found |= fresh
        return found

    def _cached(self, keys: Iterable[Key]) -> dict[Key, Vector]:
        found: dict[Key, Vector] = {}
        with self._lock:
            for key in keys:
                if (vector := self._cache.get(key)) is not None:
                    self._cache.move_to_end(key)
                    found[key] = vector
        return found

    def _remember(self, vectors: dict[Key, Vector]) -> None:
        with self._lock:
            self._cache |= vectors
            while len(self._cache) > MAX_CACHED_VECTORS:
                self._cache.popitem(last=False)


class _Model:
    """The loaded model. Not thread-safe; the embedder's one thread is its owner."""

    def __init__(self, folder: Path) -> None:
        # Imported at first use: 0.2 s that the command line and a worker without memory do not pay.
        import onnxruntime
        from tokenizers import Tokenizer

        fingerprint = _read_fingerprint(folder)
        graph = _verified(folder / "model.onnx", fingerprint)
        self._tokenizer: Tokenizer = Tokenizer.from_file(str(_verified(folder / "tokenizer.json", fingerprint)))
        self._tokenizer.enable_truncation(max_length=fingerprint.max_tokens)
        self._tokenizer.no_padding()
        options = onnxruntime.SessionOptions()
        # Two threads gave up to 1.7 times the texts per second; asleep between runs, not spinning: the event loop needs the cores.
        options.intra_op_num_threads = 2
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # The arena never gives back what the largest run took: 60 MB for no speed.
        options.enable_cpu_mem_arena = False
        self._session: InferenceSession = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])

    def vectors(self, texts: list[str]) -> Vector:
        """Shape (n, 384) for n >= 1 texts."""
        # One by one: encode_batch starts a thread pool that a later fork (any subprocess) warns about.
        tokens = [self._tokenizer.encode(text).ids for text in texts]
        vectors = np.empty((len(texts), DIMENSION), dtype=np.float32)
        for indexes in _runs_of_similar_length([len(ids) for ids in tokens]):
            vectors[indexes] = self._run([tokens[index] for index in indexes])
        return vectors

    def _run(self, tokens: list[list[int]]) -> Vector:
        shape = (len(tokens), max(len(ids) for ids in tokens))
        input_ids, attention_mask = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
        for row, ids in enumerate(tokens):
            input_ids[row, : len(ids)] = ids
            attention_mask[row, : len(ids)] = 1
        return np.asarray(self._session.run(["vector"], {"input_ids": input_ids, "attention_mask": attention_mask})[0])


def _runs_of_similar_length(lengths: list[int]) -> list[list[int]]:
    """Indexes in runs, shortest first: no text is padded to twice its length, no run is over MAX_TOKENS_PER_RUN."""
    runs: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        length = lengths[index]
        if runs and length <= 2 * lengths[runs[-1][0]] and length * (len(runs[-1]) + 1) <= MAX_TOKENS_PER_RUN:
            runs[-1].append(index)
        else:
            runs.append([index])
    return runs


def _key_and_text(text: str) -> tuple[Key, str]:
    raw = text[:MAX_CHARACTERS].encode("utf-8", "replace")
    # A digest as key: 4,096 keys stay small whatever the texts are.
    return blake2b(raw, digest_size=16).digest(), raw.decode("utf-8")


def _read_fingerprint(folder: Path) -> _Fingerprint:
    path = folder / "fingerprint.json"
    try:
        content = json.loads(path.read_bytes())
        return _Fingerprint(content["name"], content["max_tokens"], content["sha256"])
    except (OSError, ValueError, KeyError) as error:
        raise _broken(path, f"cannot be read ({error!r})") from error


def _verified(path: Path, fingerprint: _Fingerprint) -> Path:
    try:
        with path.open("rb") as file:
            digest = file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise _broken(path, f"cannot be read ({error!r})") from error
    if digest != fingerprint.sha256.get(path.name):
        raise _broken(path, "is not the file that fingerprint.json describes")
    return path


def _broken(path: Path, what: str) -> Bug:
    return Bug(f"The embedding model's file {path} {what}.", hint="Install Signalbox again, or check out the file from its repository.")
